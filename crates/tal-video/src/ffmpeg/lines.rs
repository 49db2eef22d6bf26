//! Lines of bounded length, however long those of the file are.

use std::io::{self, BufRead};

/// Reads a line without its end into `line`, no more than `most` bytes of it; the rest of the line is passed over.
/// Returns whether there was a line.
pub(crate) fn read(input: &mut impl BufRead, line: &mut Vec<u8>, most: usize) -> io::Result<bool> {
    line.clear();
    let mut any = false;
    loop {
        let chunk = match input.fill_buf() {
            Ok(chunk) => chunk,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(error),
        };
        if chunk.is_empty() {
            return Ok(any);
        }
        any = true;
        let end = chunk.iter().position(|&byte| byte == b'\n');
        let text = &chunk[..end.unwrap_or(chunk.len())];
        line.extend(&text[..text.len().min(most - line.len())]);
        let used = end.map_or(chunk.len(), |end| end + 1);
        input.consume(used);
        if end.is_some() {
            return Ok(true);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_lines_are_cut_and_short_ones_kept() {
        let mut input = io::BufReader::with_capacity(3, &b"one\n\ntwo and more\nend"[..]);
        let mut line = Vec::new();
        let mut next = || {
            read(&mut input, &mut line, 5)
                .unwrap()
                .then(|| String::from_utf8(line.clone()).unwrap())
        };
        let all: Vec<String> = std::iter::from_fn(&mut next).collect();
        assert_eq!(all, ["one", "", "two a", "end"]);
    }
}
