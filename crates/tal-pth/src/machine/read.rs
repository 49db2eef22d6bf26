//! Arguments of an opcode in the pickle: numbers, text, bytes and names.

use std::sync::Arc;

use super::{FaultKind, Machine, Node, Step};

impl Machine<'_, '_> {
    pub(super) fn take(&mut self, len: usize) -> Step<&[u8]> {
        let rest = &self.pickle[self.position..];
        let bytes = rest.get(..len).ok_or_else(|| {
            let left = rest.len();
            FaultKind::malformed(format!("needs {len} bytes, the pickle has {left} left"))
        })?;
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

    pub(super) fn len4(&mut self) -> Step<usize> {
        Ok(u32::from_le_bytes(self.array()?) as usize)
    }

    pub(super) fn len8(&mut self) -> Step<usize> {
        let len = u64::from_le_bytes(self.array()?);
        // What does not fit a usize does not fit the pickle either.
        Ok(usize::try_from(len).unwrap_or(usize::MAX))
    }

    pub(super) fn line(&mut self) -> Step<String> {
        let rest = &self.pickle[self.position..];
        let len = rest
            .iter()
            .position(|&byte| byte == b'\n')
            .ok_or_else(|| FaultKind::malformed("a name without an end"))?;
        let line = String::from_utf8_lossy(&rest[..len]).into_owned();
        self.position += len + 1;
        Ok(line)
    }

    pub(super) fn long(&mut self, len: usize) -> Step<()> {
        let bytes = self.take(len)?;
        let negative = bytes.last().is_some_and(|&last| last & 0x80 != 0);
        let fill = if negative { 0xff } else { 0 };
        let (low, high) = bytes.split_at(len.min(8));
        let mut wide = [fill; 8];
        wide[..low.len()].copy_from_slice(low);
        let value = i64::from_le_bytes(wide);
        if high.iter().any(|&byte| byte != fill) || (value < 0) != negative {
            return Err(FaultKind::Refused(format!(
                "an int of {len} bytes, which does not fit 64 bits"
            )));
        }
        self.push(Node::Int(value))
    }

    pub(super) fn text(&mut self, len: usize) -> Step<()> {
        let text = std::str::from_utf8(self.take(len)?)
            .map_err(|error| FaultKind::malformed(format!("text is not UTF-8: {error}")))?
            .to_owned();
        self.push(Node::Str(text))
    }

    pub(super) fn bytes(&mut self, len: usize) -> Step<()> {
        let bytes = self.take(len)?.to_vec();
        self.push(Node::Bytes(Arc::new(bytes)))
    }

    pub(super) fn text_or_bytes(&mut self, len: usize) -> Step<()> {
        let bytes = self.take(len)?.to_vec();
        let node = match String::from_utf8(bytes) {
            Ok(text) => Node::Str(text),
            Err(error) => Node::Bytes(Arc::new(error.into_bytes())),
        };
        self.push(node)
    }
}
