//! Encodings of text files: UTF-8 with or without a byte order mark, and UTF-16.

use std::borrow::Cow;
use std::io::{self, Read};

/// Bytes of UTF-16 that are turned at a time.
const CHUNK: usize = 1 << 13;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Encoding {
    Utf8,
    Utf16 { big_endian: bool },
}

impl Encoding {
    /// The encoding of a text that begins like this, and the length of its mark. UTF-16 without a mark shows in the zeros
    /// of its first characters, which UTF-8 never has.
    fn of(head: &[u8]) -> (Self, usize) {
        let utf16 = |big_endian| Self::Utf16 { big_endian };
        match head {
            [0xef, 0xbb, 0xbf, ..] => (Self::Utf8, 3),
            [0xff, 0xfe, ..] => (utf16(false), 2),
            [0xfe, 0xff, ..] => (utf16(true), 2),
            [1..=0x7f, 0, 1..=0x7f, 0, ..] | [1..=0x7f, 0] => (utf16(false), 0),
            [0, 1..=0x7f, 0, 1..=0x7f, ..] | [0, 1..=0x7f] => (utf16(true), 0),
            _ => (Self::Utf8, 0),
        }
    }
}

/// A text file as UTF-8 without a byte order mark, decoded while it is read.
pub(crate) struct Decoded<R> {
    inner: R,
    encoding: Encoding,
    /// Bytes of the file that are not decoded yet.
    raw: Vec<u8>,
    /// Decoded bytes, and how many of them were handed on.
    ready: Vec<u8>,
    at: usize,
}

impl<R: Read> Decoded<R> {
    /// Looks at the first bytes, which say the encoding.
    pub(crate) fn new(mut inner: R) -> io::Result<Self> {
        let mut head = Vec::new();
        inner.by_ref().take(4).read_to_end(&mut head)?;
        let (encoding, mark) = Encoding::of(&head);
        head.drain(..mark);
        let (raw, ready) = match encoding {
            Encoding::Utf8 => (Vec::new(), head),
            Encoding::Utf16 { .. } => (head, Vec::new()),
        };
        Ok(Self {
            inner,
            encoding,
            raw,
            ready,
            at: 0,
        })
    }

    /// Decodes the next characters; none are left if there are no more.
    fn decode(&mut self, big_endian: bool) -> io::Result<()> {
        self.ready.clear();
        self.at = 0;
        while self.ready.is_empty() {
            let limit = CHUNK as u64;
            let num_read = self.inner.by_ref().take(limit).read_to_end(&mut self.raw)?;
            let is_end = num_read < CHUNK;
            let (pairs, rest) = self.raw.as_chunks::<2>();
            let mut units: Vec<u16> = pairs
                .iter()
                .map(|pair| match big_endian {
                    true => u16::from_be_bytes(*pair),
                    false => u16::from_le_bytes(*pair),
                })
                .collect();
            let mut num_left = rest.len();
            // The second half of a character may be in the next chunk.
            if !is_end
                && units
                    .last()
                    .is_some_and(|unit| (0xd800..0xdc00).contains(unit))
            {
                units.pop();
                num_left += 2;
            }
            let mut text = String::with_capacity(units.len());
            let chars = char::decode_utf16(units);
            text.extend(chars.map(|char| char.unwrap_or(char::REPLACEMENT_CHARACTER)));
            if is_end && num_left > 0 {
                text.push(char::REPLACEMENT_CHARACTER);
                num_left = 0;
            }
            self.ready = text.into_bytes();
            self.raw.drain(..self.raw.len() - num_left);
            if is_end {
                break;
            }
        }
        Ok(())
    }
}

impl<R: Read> Read for Decoded<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.at == self.ready.len() {
            match self.encoding {
                Encoding::Utf8 => return self.inner.read(buffer),
                Encoding::Utf16 { big_endian } => self.decode(big_endian)?,
            }
        }
        let num = buffer.len().min(self.ready.len() - self.at);
        buffer[..num].copy_from_slice(&self.ready[self.at..self.at + num]);
        self.at += num;
        Ok(num)
    }
}

/// The content of a text file as UTF-8 without a byte order mark.
pub(crate) fn decode(bytes: &[u8]) -> Cow<'_, [u8]> {
    match Encoding::of(bytes) {
        (Encoding::Utf8, mark) => Cow::Borrowed(&bytes[mark..]),
        _ => {
            let mut text = Vec::with_capacity(bytes.len() / 2 + 1);
            // Memory does not fail.
            let _ = Decoded::new(bytes).and_then(|mut decoded| decoded.read_to_end(&mut text));
            Cow::Owned(text)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn utf16(text: &str, mark: bool, big_endian: bool) -> Vec<u8> {
        let mark = mark.then_some(0xfeff);
        let units = mark.into_iter().chain(text.encode_utf16());
        let pair = |unit: u16| match big_endian {
            true => unit.to_be_bytes(),
            false => unit.to_le_bytes(),
        };
        units.flat_map(pair).collect()
    }

    #[test]
    fn every_encoding_gives_the_same_text() {
        // Characters of one to four bytes, over more than one chunk, at odd and even places.
        for text in [
            "{\"a\": 1}".to_owned(),
            format!("x{}", "aé—😀".repeat(3000)),
        ] {
            assert_eq!(decode(text.as_bytes()), text.as_bytes());
            assert_eq!(
                decode(format!("\u{feff}{text}").as_bytes()),
                text.as_bytes()
            );
            for big_endian in [false, true] {
                assert_eq!(decode(&utf16(&text, true, big_endian)), text.as_bytes());
            }
        }
        assert_eq!(decode(&utf16("{}", false, false)), b"{}".as_slice());
        assert_eq!(decode(&utf16("[1]", false, true)), b"[1]".as_slice());
        assert_eq!(decode(b"\xff\xfea\0b"), "a\u{fffd}".as_bytes());
        assert_eq!(decode(b"\xff\xfe\x00\xd8"), "\u{fffd}".as_bytes());
        assert_eq!(decode(b""), b"".as_slice());
        assert_eq!(decode(b"\0\0"), b"\0\0".as_slice());
    }
}
