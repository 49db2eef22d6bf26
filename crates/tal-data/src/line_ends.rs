//! Ends of lines of a table while it is read.

use std::collections::VecDeque;
use std::io::{self, Read};

/// A reader that remembers where lines end.
///
/// The parser of tables counts the empty lines before a row, and the second character of a line end of two, as part of that row.
pub(crate) struct LineEnds<R> {
    inner: R,
    /// Bytes that were read.
    passed: u64,
    /// Whether the line that is being read is empty so far.
    is_empty: bool,
    /// Line ends that are not forgotten: the place of the line feed, and whether the line is empty.
    ends: VecDeque<(u64, bool)>,
    /// Number of line ends that are forgotten.
    num_before: u64,
}

impl<R: Read> LineEnds<R> {
    pub(crate) fn new(inner: R) -> Self {
        Self {
            inner,
            passed: 0,
            is_empty: true,
            ends: VecDeque::new(),
            num_before: 0,
        }
    }

    /// Forgets the lines that end before byte `start`.
    pub(crate) fn forget(&mut self, start: u64) {
        while self.ends.front().is_some_and(|(end, _)| *end < start) {
            self.ends.pop_front();
            self.num_before += 1;
        }
    }

    /// Line, from 1, of the first row at or behind byte `start`, which is not forgotten.
    pub(crate) fn of_row(&self, start: u64) -> u64 {
        let num_skipped = self
            .ends
            .iter()
            .take_while(|(end, is_empty)| *end <= start || *is_empty)
            .count();
        self.num_before + num_skipped as u64 + 1
    }
}

impl<R: Read> Read for LineEnds<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let num_read = self.inner.read(buffer)?;
        let bytes = &buffer[..num_read];
        let is_empty = |text: &[u8]| text.iter().all(|byte| *byte == b'\r');
        let mut begin = 0;
        for end in memchr::memchr_iter(b'\n', bytes) {
            let is_empty = self.is_empty && is_empty(&bytes[begin..end]);
            self.ends.push_back((self.passed + end as u64, is_empty));
            self.is_empty = true;
            begin = end + 1;
        }
        self.is_empty &= is_empty(&bytes[begin..]);
        self.passed += num_read as u64;
        Ok(num_read)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The lines of the rows, and their first cells.
    fn rows(text: &str, buffer: usize) -> Vec<(u64, String)> {
        let mut reader = csv::ReaderBuilder::new()
            .has_headers(false)
            .flexible(true)
            .buffer_capacity(buffer)
            .from_reader(LineEnds::new(text.as_bytes()));
        let mut row = csv::StringRecord::new();
        let mut all = Vec::new();
        loop {
            let start = reader.position().byte();
            reader.get_mut().forget(start);
            if !reader.read_record(&mut row).unwrap() {
                return all;
            }
            all.push((reader.get_ref().of_row(start), row[0].to_owned()));
        }
    }

    #[test]
    fn empty_lines_and_line_ends_of_two_characters_count() {
        for end in ["\n", "\r\n"] {
            let text = ["", "a", "b,2", "", "", "\"c", "\",3", "", "d", "e"].join(end);
            for buffer in [1, 2, 3, 7, 1000] {
                let found = rows(&text, buffer);
                let lines: Vec<u64> = found.iter().map(|(line, _)| *line).collect();
                assert_eq!(lines, [2, 3, 6, 9, 10], "{end:?} {buffer}");
                assert_eq!(found[3].1, "d");
            }
        }
        assert_eq!(rows("", 9), []);
        assert_eq!(rows("\n\r\n", 9), []);
    }
}
