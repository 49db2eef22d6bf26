//! Arguments of an opcode in the pickle: numbers, text, bytes and names.

use std::sync::Arc;

use super::{Machine, Node, Step, malformed, refused};

impl Machine<'_, '_> {
    pub(super) fn take(&mut self, len: usize) -> Step<&[u8]> {
        let rest = &self.pickle[self.position..];
        let Some(bytes) = rest.get(..len) else {
            let left = rest.len();
            return malformed(format!("needs {len} bytes, the pickle has {left} left"));
        };
        self.position += len;
        Ok(bytes)
    }

    pub(super) fn array<const N: usize>(&mut self) -> Step<[u8; N]> {
        let mut array = [0; N];
        array.copy_from_slice(self.take(N)?);
        Ok(array)
    }

    pub(super) fn byte(&mut self) -> Step<u8> {
        self.array().map(|[byte]| byte)
    }

    /// A number of `width` bytes.
    pub(super) fn number(&mut self, width: usize) -> Step<u64> {
        let mut bytes = [0; 8];
        bytes[..width].copy_from_slice(self.take(width)?);
        Ok(u64::from_le_bytes(bytes))
    }

    /// Bytes behind their number, which has `width` bytes.
    fn counted(&mut self, width: usize) -> Step<&[u8]> {
        // What does not fit a usize does not fit the pickle either.
        let len = usize::try_from(self.number(width)?).unwrap_or(usize::MAX);
        self.take(len)
    }

    pub(super) fn int(&mut self, width: usize) -> Step<()> {
        let value = self.number(width)?;
        self.push(Node::Int(value as i64))
    }

    pub(super) fn line(&mut self) -> Step<String> {
        let rest = &self.pickle[self.position..];
        let Some(len) = rest.iter().position(|&byte| byte == b'\n') else {
            return malformed("a name without an end");
        };
        let line = String::from_utf8_lossy(&rest[..len]).into_owned();
        self.position += len + 1;
        Ok(line)
    }

    pub(super) fn long(&mut self, width: usize) -> Step<()> {
        let bytes = self.counted(width)?;
        let len = bytes.len();
        let negative = bytes.last().is_some_and(|&last| last & 0x80 != 0);
        let fill = if negative { 0xff } else { 0 };
        let (low, high) = bytes.split_at(len.min(8));
        let mut wide = [fill; 8];
        wide[..low.len()].copy_from_slice(low);
        let value = i64::from_le_bytes(wide);
        if high.iter().any(|&byte| byte != fill) || (value < 0) != negative {
            return refused(format!("an int of {len} bytes, which does not fit 64 bits"));
        }
        self.push(Node::Int(value))
    }

    pub(super) fn text(&mut self, width: usize) -> Step<()> {
        match std::str::from_utf8(self.counted(width)?) {
            Ok(text) => {
                let text = text.to_owned();
                self.push(Node::Str(text))
            }
            Err(error) => malformed(format!("text is not UTF-8: {error}")),
        }
    }

    pub(super) fn bytes(&mut self, width: usize) -> Step<()> {
        let bytes = self.counted(width)?.to_vec();
        self.push(Node::Bytes(Arc::new(bytes)))
    }

    pub(super) fn text_or_bytes(&mut self, width: usize) -> Step<()> {
        let bytes = self.counted(width)?.to_vec();
        let node = match String::from_utf8(bytes) {
            Ok(text) => Node::Str(text),
            Err(error) => Node::Bytes(Arc::new(error.into_bytes())),
        };
        self.push(node)
    }
}
