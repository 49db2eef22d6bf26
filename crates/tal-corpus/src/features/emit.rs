//! Pickles, opcode by opcode.

/// A pickle that is being written.
pub(super) struct Emitter(Vec<u8>);

impl Emitter {
    pub(super) fn new(protocol: u8) -> Self {
        Self(vec![0x80, protocol])
    }

    pub(super) fn finish(mut self) -> Vec<u8> {
        self.0.push(b'.');
        self.0
    }

    pub(super) fn none(&mut self) {
        self.0.push(b'N');
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
        self.mark();
        for size in sizes {
            self.int(*size);
        }
        self.tuple();
    }

    pub(super) fn global(&mut self, module: &str, name: &str) {
        self.0.extend(format!("c{module}\n{name}\n").bytes());
    }

    pub(super) fn empty_dict(&mut self) {
        self.0.push(b'}');
    }

    pub(super) fn mark(&mut self) {
        self.0.push(b'(');
    }

    pub(super) fn tuple(&mut self) {
        self.0.push(b't');
    }

    pub(super) fn reduce(&mut self) {
        self.0.push(b'R');
    }

    pub(super) fn build(&mut self) {
        self.0.push(b'b');
    }

    pub(super) fn set_item(&mut self) {
        self.0.push(b's');
    }

    pub(super) fn persistent_id(&mut self) {
        self.0.push(b'Q');
    }
}
