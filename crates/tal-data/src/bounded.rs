//! Readers that stop early in a file of nonsense, before it fills the memory.

use std::io::{self, BufRead, BufReader, Chain, Cursor, Read};

use crate::encoding::Decoded;
use crate::line_ends::LineEnds;

/// The longest string, number, run of white space or row: ten thousand times the usual length.
pub(crate) const MAX_BYTES: usize = 1 << 20;

/// The deepest nesting of JSON, the same as the parser's own.
const MAX_DEPTH: usize = 128;

const TOO_LONG: &str = "more than 1 MiB without a comma, bracket or quotation mark that ends it";

/// Bytes outside of strings that are more than a character of a number, word or white space.
const IS_MARK: [bool; 256] = {
    let mut is_mark = [false; 256];
    let marks = b"\"{}[],:\nNI";
    let mut index = 0;
    while index < marks.len() {
        is_mark[marks[index] as usize] = true;
        index += 1;
    }
    is_mark
};

/// A file with its first line already looked at.
pub(crate) type Opened<R> = Chain<Cursor<Vec<u8>>, BufReader<Decoded<R>>>;

/// Reads the first line, decoded and at most a little more than [`MAX_BYTES`] of it; the returned reader starts with it again.
pub(crate) fn first_line<R: Read>(reader: R) -> io::Result<(Vec<u8>, Opened<R>)> {
    let mut reader = BufReader::new(Decoded::new(reader)?);
    let mut head = Vec::new();
    let limit = (MAX_BYTES + 1) as u64;
    reader.by_ref().take(limit).read_until(b'\n', &mut head)?;
    Ok((head.clone(), Cursor::new(head).chain(reader)))
}

/// Passes on JSON up to a string, number or run of white space above [`MAX_BYTES`], or nesting above [`MAX_DEPTH`].
///
/// The parser would collect the one and remember the other before it could complain.
pub(crate) struct Json<R> {
    inner: R,
    offset: usize,
    line: usize,
    line_start: usize,
    depth: usize,
    run: usize,
    in_string: bool,
    escaped: bool,
    refusal: Option<String>,
    not_finite: Option<(usize, usize, &'static str)>,
}

impl<R: Read> Json<R> {
    pub(crate) fn new(inner: R) -> Self {
        Self {
            inner,
            offset: 0,
            line: 1,
            line_start: 0,
            depth: 0,
            run: 0,
            in_string: false,
            escaped: false,
            refusal: None,
            not_finite: None,
        }
    }

    /// Why reading ended early.
    pub(crate) fn refusal(&self) -> Option<&str> {
        self.refusal.as_deref()
    }

    /// Whether the file had any byte so far.
    pub(crate) fn is_empty(&self) -> bool {
        self.offset == 0
    }

    /// The word for a number that JSON does not know, if the parser stopped near the first one.
    pub(crate) fn not_finite_near(&self, line: usize, column: usize) -> Option<&'static str> {
        self.not_finite
            .filter(|(l, c, _)| *l == line && column.abs_diff(*c) <= 2)
            .map(|(_, _, word)| word)
    }

    /// Follows the text; `Some` with the number of right bytes if it has to end.
    fn follow(&mut self, bytes: &[u8]) -> Option<usize> {
        let mut at = 0;
        while at < bytes.len() {
            let num_plain = self.num_plain(&bytes[at..]);
            if self.run + num_plain > MAX_BYTES {
                let index = at + MAX_BYTES - self.run;
                self.offset += index + 1 - at;
                return Some(self.refuse(index, TOO_LONG));
            }
            self.run += num_plain;
            self.offset += num_plain;
            at += num_plain;
            let Some(byte) = bytes.get(at) else { break };
            self.run += 1;
            self.offset += 1;
            self.mark(*byte);
            if self.run > MAX_BYTES {
                return Some(self.refuse(at, TOO_LONG));
            }
            if self.depth > MAX_DEPTH {
                return Some(self.refuse(at, "brackets nested more than 128 deep"));
            }
            at += 1;
        }
        None
    }

    /// Number of bytes up to the next one that changes more than the position.
    fn num_plain(&self, bytes: &[u8]) -> usize {
        let next = match (self.escaped, self.in_string) {
            (true, _) => Some(0),
            (false, true) => bytes.iter().position(|byte| matches!(byte, b'"' | b'\\')),
            (false, false) => bytes.iter().position(|byte| IS_MARK[*byte as usize]),
        };
        next.unwrap_or(bytes.len())
    }

    /// Takes a byte that ends a run, changes the nesting, or begins or ends something.
    fn mark(&mut self, byte: u8) {
        if self.escaped {
            self.escaped = false;
            return;
        }
        match (self.in_string, byte) {
            (true, b'\\') => self.escaped = true,
            (_, b'"') => (self.in_string, self.run) = (!self.in_string, 0),
            (_, b'{' | b'[') => (self.depth, self.run) = (self.depth + 1, 0),
            (_, b'}' | b']') => (self.depth, self.run) = (self.depth.saturating_sub(1), 0),
            (_, b',' | b':') => self.run = 0,
            (_, b'\n') => (self.line, self.line_start) = (self.line + 1, self.offset),
            (_, b'N') => self.note("NaN"),
            (_, b'I') => self.note("Infinity"),
            _ => {}
        }
    }

    fn refuse(&mut self, index: usize, wrong: &str) -> usize {
        let column = self.offset - self.line_start;
        self.refusal = Some(format!("{wrong} at line {} column {column}", self.line));
        index
    }

    fn note(&mut self, word: &'static str) {
        let place = (self.line, self.offset - self.line_start, word);
        self.not_finite.get_or_insert(place);
    }
}

impl<R: Read> Read for Json<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if let Some(refusal) = &self.refusal {
            return Err(io::Error::new(io::ErrorKind::InvalidData, refusal.clone()));
        }
        let num_read = self.inner.read(buffer)?;
        match self.follow(&buffer[..num_read]) {
            // The right bytes are handed on first: an earlier mistake is the better message.
            Some(fine) if fine > 0 => Ok(fine),
            Some(_) => self.read(buffer),
            None => Ok(num_read),
        }
    }
}

/// Passes on a table up to a byte that the caller moves on from row to row.
pub(crate) struct Rows<R> {
    inner: LineEnds<R>,
    passed: u64,
    allowed: u64,
    refused: bool,
}

impl<R: Read> Rows<R> {
    pub(crate) fn new(inner: R) -> Self {
        Self {
            inner: LineEnds::new(inner),
            passed: 0,
            allowed: MAX_BYTES as u64,
            refused: false,
        }
    }

    /// A row begins at byte `start`.
    pub(crate) fn begin_row(&mut self, start: u64) {
        self.allowed = start + MAX_BYTES as u64;
        self.inner.forget(start);
    }

    /// Line of the row that begins at byte `start`.
    pub(crate) fn line(&self, start: u64) -> u64 {
        self.inner.of_row(start)
    }

    /// Whether reading ended because a row is too long.
    pub(crate) fn is_refused(&self) -> bool {
        self.refused
    }
}

impl<R: Read> Read for Rows<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let left = self.allowed.saturating_sub(self.passed);
        if left == 0 {
            self.refused = true;
            return Err(io::ErrorKind::InvalidData.into());
        }
        let length = buffer.len().min(left as usize);
        let num_read = self.inner.read(&mut buffer[..length])?;
        self.passed += num_read as u64;
        Ok(num_read)
    }
}
