//! Types of the values of tensors.

/// Type of a tensor's values.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[allow(missing_docs)]
pub enum DType {
    F64,
    F32,
    F16,
    BF16,
    I64,
    I32,
    I16,
    I8,
    U8,
    Bool,
}

impl DType {
    /// Bytes of one value.
    pub fn num_bytes(self) -> usize {
        match self {
            Self::F64 | Self::I64 => 8,
            Self::F32 | Self::I32 => 4,
            Self::F16 | Self::BF16 | Self::I16 => 2,
            Self::I8 | Self::U8 | Self::Bool => 1,
        }
    }

    /// The type behind a class name in `torch`, such as `FloatStorage`.
    pub(super) fn of_storage(class: &str) -> Option<Self> {
        Some(match class {
            "DoubleStorage" => Self::F64,
            "FloatStorage" => Self::F32,
            "HalfStorage" => Self::F16,
            "BFloat16Storage" => Self::BF16,
            "LongStorage" => Self::I64,
            "IntStorage" => Self::I32,
            "ShortStorage" => Self::I16,
            "CharStorage" => Self::I8,
            "ByteStorage" | "UntypedStorage" => Self::U8,
            "BoolStorage" => Self::Bool,
            _ => return None,
        })
    }

    /// The type behind NumPy's name of one, without the byte order.
    pub(super) fn of_numpy(name: &str) -> Option<Self> {
        Some(match name {
            "f8" | "float64" => Self::F64,
            "f4" | "float32" => Self::F32,
            "f2" | "float16" => Self::F16,
            "i8" | "int64" => Self::I64,
            "i4" | "int32" => Self::I32,
            "i2" | "int16" => Self::I16,
            "i1" | "int8" => Self::I8,
            "u1" | "uint8" => Self::U8,
            "b1" | "bool" => Self::Bool,
            _ => return None,
        })
    }
}
