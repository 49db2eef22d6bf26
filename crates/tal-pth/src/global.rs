//! The few names that a pickle may use.

use std::fmt;

use super::DType;

/// A name of a Python module that the machine knows; it always means data.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Global {
    OrderedDict,
    Size,
    RebuildTensor,
    RebuildParameter,
    Storage(DType),
    NumpyScalar,
    NumpyDtype,
    /// `numpy.ndarray`: the class that `NumpyReconstruct` is called with.
    NumpyArray,
    /// An empty array, whose state follows.
    NumpyReconstruct,
    /// An array of a buffer, how protocol 5 writes one.
    NumpyFromBuffer,
    /// A storage in a stream of its own, how `pickle` itself writes tensors.
    LoadFromBytes,
    /// `_codecs.encode`: how protocol 2 writes bytes.
    Encode,
    /// `bytes` and `bytearray`: how protocol 2 writes empty bytes, and bytes that can be changed.
    Bytes,
    /// A class or function that describes a part of a pandas table; it stays a name with arguments.
    Table(&'static str),
}

/// Names of pandas (versions 1 to 3) that describe tables, and `slice`, which they use. Functions come before classes.
const TABLE_NAMES: [&str; 14] = [
    "_unpickle_block",
    "_new_Index",
    "__pyx_unpickle_NDArrayBacked",
    "new_block",
    "DataFrame",
    "BlockManager",
    "Index",
    "RangeIndex",
    "Int64Index",
    "StringArray",
    "ArrowStringArray",
    "StringDtype",
    "Categorical",
    "CategoricalDtype",
];

impl Global {
    pub(super) fn find(module: &str, name: &str) -> Option<Self> {
        Some(match (module, name) {
            ("collections", "OrderedDict") => Self::OrderedDict,
            ("torch", "Size") => Self::Size,
            ("torch._utils", "_rebuild_tensor_v2") => Self::RebuildTensor,
            ("torch._utils", "_rebuild_parameter") => Self::RebuildParameter,
            ("torch.storage", "_load_from_bytes") => Self::LoadFromBytes,
            ("torch" | "torch.storage", class) => Self::Storage(DType::of_storage(class)?),
            ("numpy.core.multiarray" | "numpy._core.multiarray", "scalar") => Self::NumpyScalar,
            ("numpy.core.multiarray" | "numpy._core.multiarray", "_reconstruct") => {
                Self::NumpyReconstruct
            }
            ("numpy.core.numeric" | "numpy._core.numeric", "_frombuffer") => Self::NumpyFromBuffer,
            ("numpy", "dtype") => Self::NumpyDtype,
            ("numpy", "ndarray") => Self::NumpyArray,
            ("_codecs", "encode") => Self::Encode,
            ("__builtin__" | "builtins", "bytes" | "bytearray") => Self::Bytes,
            ("__builtin__" | "builtins", "slice") => Self::Table("slice"),
            // How pandas 3 keeps texts if PyArrow is installed.
            ("pyarrow.lib", "_restore_array") => Self::Table("_restore_array"),
            ("pyarrow.lib", "chunked_array") => Self::Table("chunked_array"),
            ("pyarrow.lib", "type_for_alias") => Self::Table("type_for_alias"),
            ("pyarrow.lib", "py_buffer") => Self::Table("py_buffer"),
            (module, name) if module == "pandas" || module.starts_with("pandas.") => {
                Self::Table(TABLE_NAMES.into_iter().find(|known| *known == name)?)
            }
            _ => return None,
        })
    }
}

impl fmt::Display for Global {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::OrderedDict => "collections.OrderedDict",
            Self::Size => "torch.Size",
            Self::RebuildTensor => "torch._utils._rebuild_tensor_v2",
            Self::RebuildParameter => "torch._utils._rebuild_parameter",
            Self::Storage(dtype) => return write!(f, "torch storage of {dtype:?}"),
            Self::NumpyScalar => "numpy scalar",
            Self::NumpyDtype => "numpy.dtype",
            Self::NumpyArray => "numpy.ndarray",
            Self::NumpyReconstruct => "numpy.core.multiarray._reconstruct",
            Self::NumpyFromBuffer => "numpy.core.numeric._frombuffer",
            Self::LoadFromBytes => "torch.storage._load_from_bytes",
            Self::Encode => "_codecs.encode",
            Self::Bytes => "bytes",
            Self::Table(name) => name,
        })
    }
}
