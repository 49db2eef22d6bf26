//! Feature files of every format, written.

mod convert;
mod csv;
mod emit;
mod pickle;
mod single;
mod torch;
mod write;

pub use convert::{Target, convert};
pub use write::{write, write_all};

/// Little-endian bytes of values, as every writer here stores them.
fn to_le_bytes(values: &[f32]) -> Vec<u8> {
    values
        .iter()
        .flat_map(|value| value.to_le_bytes())
        .collect()
}
