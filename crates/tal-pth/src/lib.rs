#![doc = include_str!("../README.md")]

mod archive;
mod bounded;
mod dtype;
mod error;
mod file;
mod global;
mod legacy;
mod machine;
mod opcode;
mod storage;
mod tensor;
mod value;

pub use bounded::{MAX_DEFLATE_RATIO, unpacked_size};
pub use dtype::DType;
pub use error::{PthError, TensorDataError};
pub use file::PthFile;
pub use tensor::{TensorData, TensorRef};
pub use value::{Object, Value};
