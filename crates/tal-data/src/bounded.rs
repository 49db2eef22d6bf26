//! Readers that stop early in a file of nonsense, before it fills the memory.

use std::io::{self, BufRead, BufReader, Chain, Cursor, Read};

use crate::encoding::Decoded;

/// The longest string, number, run of white space or row: ten thousand times the usual length.
pub(crate) const MAX_BYTES: usize = 1 << 20;

/// The deepest nesting of JSON, the same as the parser's own.
const MAX_DEPTH: usize = 128;

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
        for (index, byte) in bytes.iter().enumerate() {
            self.offset += 1;
            self.run += 1;
            if self.in_string {
                match byte {
                    _ if self.escaped => self.escaped = false,
                    b'\\' => self.escaped = true,
                    b'"' => (self.in_string, self.run) = (false, 0),
                    _ => {}
                }
            } else {
                match byte {
                    b'"' => (self.in_string, self.run) = (true, 0),
                    b'{' | b'[' => (self.depth, self.run) = (self.depth + 1, 0),
                    b'}' | b']' => (self.depth, self.run) = (self.depth.saturating_sub(1), 0),
                    b',' | b':' => self.run = 0,
                    b'\n' => (self.line, self.line_start) = (self.line + 1, self.offset),
                    b'N' => self.note("NaN"),
                    b'I' => self.note("Infinity"),
                    _ => {}
                }
            }
            let wrong = if self.run > MAX_BYTES {
                "more than 1 MiB without a comma, bracket or quotation mark that ends it"
            } else if self.depth > MAX_DEPTH {
                "brackets nested more than 128 deep"
            } else {
                continue;
            };
            let column = self.offset - self.line_start;
            self.refusal = Some(format!("{wrong} at line {} column {column}", self.line));
            return Some(index);
        }
        None
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
    inner: R,
    passed: u64,
    allowed: u64,
    refused: bool,
}

impl<R: Read> Rows<R> {
    pub(crate) fn new(inner: R) -> Self {
        Self {
            inner,
            passed: 0,
            allowed: MAX_BYTES as u64,
            refused: false,
        }
    }

    /// A row begins at byte `start`.
    pub(crate) fn begin_row(&mut self, start: u64) {
        self.allowed = start + MAX_BYTES as u64;
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
