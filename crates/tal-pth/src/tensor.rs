//! Tensors: where their values lie, and the values themselves.

use half::{bf16, f16};

use super::{DType, TensorDataError};

/// A tensor of a file, without its values; [`super::PthFile::tensor`] reads these.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TensorRef {
    /// Type of its values.
    pub dtype: DType,
    /// Its sizes; empty for a single number.
    pub shape: Vec<usize>,
    /// Steps in the storage, one per dimension, in values.
    pub(super) strides: Vec<usize>,
    /// First value in the storage.
    pub(super) offset: usize,
    /// Index of the storage within the file.
    pub(super) storage: usize,
}

impl TensorRef {
    /// Number of values. The reader has checked that it does not overflow.
    pub fn num_values(&self) -> usize {
        self.shape.iter().product()
    }

    /// Part `index` of the first dimension; `None` if there is none.
    pub fn row(&self, index: usize) -> Option<Self> {
        if index >= *self.shape.first()? {
            return None;
        }
        let offset = index
            .checked_mul(self.strides[0])?
            .checked_add(self.offset)?;
        Some(Self {
            dtype: self.dtype,
            shape: self.shape[1..].to_vec(),
            strides: self.strides[1..].to_vec(),
            offset,
            storage: self.storage,
        })
    }

    /// Whether the values lie one after another, the last dimension fastest.
    fn is_contiguous(&self) -> bool {
        let mut expected = 1;
        self.shape
            .iter()
            .zip(&self.strides)
            .rev()
            .all(|(&size, &stride)| {
                let fits = size == 1 || stride == expected;
                expected *= size;
                fits
            })
    }

    /// The values out of their storage; `None` if they are outside of it.
    pub(super) fn gather(&self, storage: &[u8], big_endian: bool) -> Option<TensorData> {
        let width = self.dtype.num_bytes();
        let num_values = self.num_values();
        let mut data;
        if num_values == 0 {
            data = Vec::new();
        } else if self.is_contiguous() {
            let begin = self.offset.checked_mul(width)?;
            let end = begin.checked_add(num_values.checked_mul(width)?)?;
            data = storage.get(begin..end)?.to_vec();
        } else {
            data = Vec::with_capacity(num_values * width);
            let mut index = vec![0; self.shape.len()];
            let mut position = self.offset;
            loop {
                let begin = position.checked_mul(width)?;
                data.extend_from_slice(storage.get(begin..begin.checked_add(width)?)?);
                let Some(dim) = (0..index.len())
                    .rev()
                    .find(|&d| index[d] + 1 < self.shape[d])
                else {
                    break;
                };
                for (inner, stride) in index.iter_mut().zip(&self.strides).skip(dim + 1) {
                    position -= *inner * stride;
                    *inner = 0;
                }
                index[dim] += 1;
                position += self.strides[dim];
            }
        }
        if big_endian {
            data.chunks_exact_mut(width).for_each(<[u8]>::reverse);
        }
        Some(TensorData {
            dtype: self.dtype,
            shape: self.shape.clone(),
            data,
        })
    }
}

/// The values of a tensor, contiguous and little endian.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TensorData {
    /// Type of the values.
    pub dtype: DType,
    /// Sizes; empty for a single number.
    pub shape: Vec<usize>,
    /// The values' bytes, the last dimension fastest.
    pub data: Vec<u8>,
}

impl TensorData {
    /// The values as `f32`: half precision widened exactly, `f64` rounded to the nearest.
    ///
    /// # Errors
    /// If the values are not floating point numbers.
    pub fn as_f32(&self) -> Result<Vec<f32>, TensorDataError> {
        Ok(match self.dtype {
            DType::F64 => self.map(|bytes| f64::from_le_bytes(bytes) as f32),
            DType::F32 => self.map(f32::from_le_bytes),
            DType::F16 => self.map(|bytes| f16::from_le_bytes(bytes).to_f32()),
            DType::BF16 => self.map(|bytes| bf16::from_le_bytes(bytes).to_f32()),
            found => {
                let wanted = "f32";
                return Err(TensorDataError { found, wanted });
            }
        })
    }

    /// The values as `f64`, widened exactly, except for integers beyond 2^53, which are rounded to the nearest; true is 1.
    pub fn to_f64(&self) -> Vec<f64> {
        match self.dtype {
            DType::F64 => self.map(f64::from_le_bytes),
            DType::F32 => self.map(|bytes| f64::from(f32::from_le_bytes(bytes))),
            DType::F16 => self.map(|bytes| f16::from_le_bytes(bytes).to_f64()),
            DType::BF16 => self.map(|bytes| bf16::from_le_bytes(bytes).to_f64()),
            DType::I64 => self.map(|bytes| i64::from_le_bytes(bytes) as f64),
            DType::I32 => self.map(|bytes| f64::from(i32::from_le_bytes(bytes))),
            DType::I16 => self.map(|bytes| f64::from(i16::from_le_bytes(bytes))),
            DType::I8 => self.map(|[byte]| f64::from(byte as i8)),
            DType::U8 => self.map(|[byte]| f64::from(byte)),
            DType::Bool => self.map(|[byte]| f64::from(u8::from(byte != 0))),
        }
    }

    /// The values as `i64`, widened exactly; true is 1.
    ///
    /// # Errors
    /// If the values are floating point numbers.
    pub fn as_i64(&self) -> Result<Vec<i64>, TensorDataError> {
        Ok(match self.dtype {
            DType::I64 => self.map(i64::from_le_bytes),
            DType::I32 => self.map(|bytes| i64::from(i32::from_le_bytes(bytes))),
            DType::I16 => self.map(|bytes| i64::from(i16::from_le_bytes(bytes))),
            DType::I8 => self.map(|bytes| i64::from(i8::from_le_bytes(bytes))),
            DType::U8 => self.map(|[byte]| i64::from(byte)),
            DType::Bool => self.map(|[byte]| i64::from(byte != 0)),
            found => {
                let wanted = "i64";
                return Err(TensorDataError { found, wanted });
            }
        })
    }

    fn map<const N: usize, T>(&self, read: impl Fn([u8; N]) -> T) -> Vec<T> {
        let (values, _) = self.data.as_chunks::<N>();
        values.iter().map(|bytes| read(*bytes)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn view(shape: &[usize], strides: &[usize], offset: usize) -> TensorRef {
        TensorRef {
            dtype: DType::I16,
            shape: shape.to_vec(),
            strides: strides.to_vec(),
            offset,
            storage: 0,
        }
    }

    fn storage() -> Vec<u8> {
        (0..12i16).flat_map(i16::to_le_bytes).collect()
    }

    fn values(tensor: &TensorRef) -> Vec<i64> {
        tensor.gather(&storage(), false).unwrap().as_i64().unwrap()
    }

    #[test]
    fn strided_views_become_contiguous() {
        assert_eq!(values(&view(&[2, 3], &[3, 1], 6)), [6, 7, 8, 9, 10, 11]);
        assert_eq!(values(&view(&[3, 2], &[1, 3], 0)), [0, 3, 1, 4, 2, 5]);
        assert_eq!(
            values(&view(&[2, 2, 2], &[0, 5, 2], 1)),
            [1, 3, 6, 8, 1, 3, 6, 8]
        );
        assert_eq!(values(&view(&[], &[], 7)), [7]);
        assert_eq!(values(&view(&[3, 0], &[1, 1], 0)), [0; 0]);
        // The stride of a dimension of size one means nothing.
        assert_eq!(values(&view(&[1, 2], &[99, 1], 4)), [4, 5]);
    }

    #[test]
    fn nothing_is_read_beyond_the_storage() {
        assert!(view(&[13], &[1], 0).gather(&storage(), false).is_none());
        assert!(
            view(&[2, 2], &[11, 1], 0)
                .gather(&storage(), false)
                .is_none()
        );
        assert!(
            view(&[2], &[usize::MAX / 4,], 1)
                .gather(&storage(), false)
                .is_none()
        );
    }

    #[test]
    fn big_endian_values_are_turned() {
        let bytes: Vec<u8> = [1.5f64, -2.0]
            .iter()
            .flat_map(|v| v.to_be_bytes())
            .collect();
        let tensor = TensorRef {
            dtype: DType::F64,
            ..view(&[2], &[1], 0)
        };
        let data = tensor.gather(&bytes, true).unwrap();
        assert_eq!(data.as_f32().unwrap(), [1.5, -2.0]);
        assert!(data.as_i64().is_err());
    }

    #[test]
    fn half_precision_is_widened_exactly() {
        let data = |dtype, bits: u16| TensorData {
            dtype,
            shape: vec![],
            data: bits.to_le_bytes().to_vec(),
        };
        assert_eq!(data(DType::F16, 0x3555).as_f32().unwrap(), [0.333_251_95]);
        assert_eq!(data(DType::BF16, 0x3eab).as_f32().unwrap(), [0.333_984_38]);
        assert_eq!(
            data(DType::I16, 1).as_f32().unwrap_err().to_string(),
            "a tensor of I16 values cannot be read as f32"
        );
    }
}
