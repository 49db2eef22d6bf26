//! Numbers as files store them.

use half::{bf16, f16};

/// Most values of one array that are read from a compressed file, 2 GiB in single precision: such a file can be small
/// and announce any size.
pub(crate) const MAX_VALUES: usize = 1 << 29;
/// A type of the values of an array file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ValueType {
    F16,
    BF16,
    F32,
    F64,
    Integer { width: usize, signed: bool },
}

impl ValueType {
    /// The type that NumPy names by a letter (`f`, `i`, `u`, `b` for truth values) and a number of bytes.
    pub(crate) fn of(letter: &str, width: usize) -> Option<Self> {
        match (letter, width) {
            ("f", _) => Self::float(width),
            ("i", 1 | 2 | 4 | 8) => Some(Self::Integer {
                width,
                signed: true,
            }),
            ("u", 1 | 2 | 4 | 8) | ("b", 1) => Some(Self::Integer {
                width,
                signed: false,
            }),
            _ => None,
        }
    }

    /// The IEEE type of `width` bytes.
    pub(crate) fn float(width: usize) -> Option<Self> {
        match width {
            2 => Some(Self::F16),
            4 => Some(Self::F32),
            8 => Some(Self::F64),
            _ => None,
        }
    }

    pub(crate) fn is_float(self) -> bool {
        !matches!(self, Self::Integer { .. })
    }

    /// Bytes of one value.
    pub(crate) fn width(self) -> usize {
        match self {
            Self::F16 | Self::BF16 => 2,
            Self::F32 => 4,
            Self::F64 => 8,
            Self::Integer { width, .. } => width,
        }
    }

    /// Values in single precision: half precision widened exactly, the others rounded to the nearest.
    pub(crate) fn decode(self, bytes: &[u8], big_endian: bool) -> Vec<f32> {
        match self {
            Self::F16 => each(bytes, big_endian, |b| f16::from_le_bytes(b).to_f32()),
            Self::BF16 => each(bytes, big_endian, |b| bf16::from_le_bytes(b).to_f32()),
            Self::F32 => each(bytes, big_endian, f32::from_le_bytes),
            Self::F64 => each(bytes, big_endian, |b| f64::from_le_bytes(b) as f32),
            Self::Integer { width: 1, signed } => integers::<1>(bytes, big_endian, signed),
            Self::Integer { width: 2, signed } => integers::<2>(bytes, big_endian, signed),
            Self::Integer { width: 4, signed } => integers::<4>(bytes, big_endian, signed),
            Self::Integer { signed, .. } => integers::<8>(bytes, big_endian, signed),
        }
    }
}

/// Whole numbers of `N` bytes.
fn integers<const N: usize>(bytes: &[u8], big_endian: bool, signed: bool) -> Vec<f32> {
    each(bytes, big_endian, |chunk: [u8; N]| {
        // The sign is that of the last byte.
        let start = if signed && chunk[N - 1] >= 0x80 {
            -1
        } else {
            0
        };
        let bytes = chunk.into_iter().rev().map(i128::from);
        bytes.fold(start, |value, byte| (value << 8) | byte) as f32
    })
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whole_numbers_of_every_width_and_order() {
        let decode = |letter, width, bytes: &[u8], big_endian| {
            ValueType::of(letter, width)
                .unwrap()
                .decode(bytes, big_endian)
        };
        assert_eq!(
            decode("i", 8, &(-100i64).to_le_bytes(), false),
            [-100.0_f32]
        );
        assert_eq!(decode("i", 4, &20i32.to_be_bytes(), true), [20.0]);
        assert_eq!(decode("i", 2, &(-2i16).to_be_bytes(), true), [-2.0]);
        assert_eq!(decode("u", 1, &[255, 3], false), [255.0, 3.0]);
        assert_eq!(decode("b", 1, &[0, 1], false), [0.0, 1.0]);
        assert_eq!(
            decode("u", 8, &u64::MAX.to_le_bytes(), false),
            [u64::MAX as f32]
        );
        for (letter, width) in [("b", 2), ("i", 3), ("U", 4), ("f", 1)] {
            assert_eq!(ValueType::of(letter, width), None);
        }
    }
}
