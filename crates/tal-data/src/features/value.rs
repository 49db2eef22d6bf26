//! Floating point numbers as files store them.

use half::{bf16, f16};

/// Most values of one array that are read from a compressed file, 2 GiB in single precision: such a file can be small
/// and announce any size.
pub(super) const MAX_VALUES: usize = 1 << 29;
/// Deflate cannot expand more than that.
pub(super) const MAX_DEFLATE_RATIO: u64 = 1032;

/// A type of floating point numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum FloatType {
    F16,
    Bf16,
    F32,
    F64,
}

impl FloatType {
    /// The IEEE type of so many bytes.
    pub(super) fn of_width(width: usize) -> Option<Self> {
        match width {
            2 => Some(Self::F16),
            4 => Some(Self::F32),
            8 => Some(Self::F64),
            _ => None,
        }
    }

    /// Bytes of one value.
    pub(super) fn width(self) -> usize {
        match self {
            Self::F16 | Self::Bf16 => 2,
            Self::F32 => 4,
            Self::F64 => 8,
        }
    }

    /// Values in single precision: half precision widened exactly, double precision rounded to the nearest.
    pub(super) fn decode(self, bytes: &[u8], big_endian: bool) -> Vec<f32> {
        match self {
            Self::F16 => each(bytes, big_endian, |b| f16::from_le_bytes(b).to_f32()),
            Self::Bf16 => each(bytes, big_endian, |b| bf16::from_le_bytes(b).to_f32()),
            Self::F32 => each(bytes, big_endian, f32::from_le_bytes),
            Self::F64 => each(bytes, big_endian, |b| f64::from_le_bytes(b) as f32),
        }
    }
}

fn each<const N: usize>(
    bytes: &[u8],
    big_endian: bool,
    value: impl Fn([u8; N]) -> f32,
) -> Vec<f32> {
    let (chunks, _) = bytes.as_chunks::<N>();
    chunks
        .iter()
        .map(|chunk| {
            let mut chunk = *chunk;
            if big_endian {
                chunk.reverse();
            }
            value(chunk)
        })
        .collect()
}

/// Little-endian bytes of values, as every writer here stores them.
pub(super) fn to_le_bytes(values: &[f32]) -> Vec<u8> {
    values
        .iter()
        .flat_map(|value| value.to_le_bytes())
        .collect()
}
