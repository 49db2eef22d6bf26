//! Pickles, opcode by opcode.

use tal_data::features::npy::Array;

/// A pickle that is being written.
pub(super) struct Emitter(Vec<u8>);

impl Emitter {
    /// A pickle of arrays that `write` adds with their numbers: a dictionary with `keys`, or, without keys, the only array.
    pub(super) fn pickle(
        protocol: u8,
        keys: &[String],
        arrays: &[Array],
        write: impl Fn(&mut Self, &Array, usize),
    ) -> Vec<u8> {
        let mut pickle = Self(vec![0x80, protocol]);
        if keys.is_empty() {
            write(&mut pickle, &arrays[0], 0);
        } else {
            pickle.ops(b"}");
        }
        for (index, (key, array)) in keys.iter().zip(arrays).enumerate() {
            pickle.text(key);
            write(&mut pickle, array, index);
            pickle.ops(b"s");
        }
        pickle.ops(b".");
        pickle.0
    }

    /// Opcodes without operands: `(` mark, `t` tuple since the mark, `R` reduce, `b` build, `}` empty dictionary, `s` set
    /// item, `Q` persistent id, `N` none, `.` stop.
    pub(super) fn ops(&mut self, ops: &[u8]) {
        self.0.extend(ops);
    }

    pub(super) fn bool(&mut self, value: bool) {
        self.0.push(if value { 0x88 } else { 0x89 });
    }

    /// `LONG1` of eight bytes and a zero for the sign.
    pub(super) fn int(&mut self, value: usize) {
        self.0.extend([0x8a, 9]);
        self.0.extend((value as u64).to_le_bytes());
        self.0.push(0);
    }

    pub(super) fn minus_one(&mut self) {
        self.0.extend(b"J\xff\xff\xff\xff");
    }

    /// `BINUNICODE`; keys and names are far below its four gigabytes.
    pub(super) fn text(&mut self, text: &str) {
        self.0.push(b'X');
        self.0.extend((text.len() as u32).to_le_bytes());
        self.0.extend(text.as_bytes());
    }

    /// `BINBYTES8`, protocol 4.
    pub(super) fn bytes(&mut self, bytes: &[u8]) {
        self.0.push(0x8e);
        self.0.extend((bytes.len() as u64).to_le_bytes());
        self.0.extend(bytes);
    }

    pub(super) fn sizes(&mut self, sizes: &[usize]) {
        self.ops(b"(");
        for size in sizes {
            self.int(*size);
        }
        self.ops(b"t");
    }

    pub(super) fn global(&mut self, module: &str, name: &str) {
        self.0.extend(format!("c{module}\n{name}\n").bytes());
    }
}
