//! Files of `torch.save`.

use std::io::{Cursor, Write};
use std::path::Path;

use tal_core::atomic::write_atomic;
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipWriter};

use super::emit::Emitter;
use super::npy::Array;
use super::value::to_le_bytes;
use super::{FeatureError, tensors};
use tal_pth::PthFile;

/// Reads the tensors `keys` of a dictionary, or, without keys, the tensor that the file is. Every layout of `torch.save`
/// is read but that of PyTorch 0.1; no code of the file is run.
///
/// # Errors
/// As [`PthFile::open`]; a key that is not there (the error lists those present); values that are no floating point
/// numbers.
pub fn read(path: &Path, keys: &[String]) -> Result<Vec<Array>, FeatureError> {
    tensors::arrays(&PthFile::open(path)?, keys)
}

/// [`read`] of a file's content; `path` is only named in errors.
///
/// # Errors
/// As [`read`], except for those of the file system.
pub fn parse(bytes: Vec<u8>, path: &Path, keys: &[String]) -> Result<Vec<Array>, FeatureError> {
    tensors::arrays(&PthFile::from_bytes(path, bytes)?, keys)
}

/// Writes tensors as PyTorch 1.6 and later do: a dictionary with `keys`, or, without keys, the only one. An existing file
/// is replaced at once.
///
/// # Errors
/// Where the file cannot be written.
///
/// # Panics
/// Where there are not as many arrays as keys, or several without keys.
pub fn write(path: &Path, keys: &[String], arrays: &[Array]) -> Result<(), FeatureError> {
    assert_eq!(keys.len().max(1), arrays.len(), "one array per key");
    let mut pickle = Emitter::new(2);
    match keys {
        [] => tensor(&mut pickle, &arrays[0], 0),
        _ => {
            pickle.empty_dict();
            for (index, (key, array)) in keys.iter().zip(arrays).enumerate() {
                pickle.text(key);
                tensor(&mut pickle, array, index);
                pickle.set_item();
            }
        }
    }
    let pickle = pickle.finish();
    let encode = || {
        let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
        let mut entry = |name: &str, bytes: &[u8]| {
            let options = SimpleFileOptions::default()
                .compression_method(CompressionMethod::Stored)
                .large_file(bytes.len() >= u32::MAX as usize);
            zip.start_file(format!("archive/{name}"), options)?;
            zip.write_all(bytes)
        };
        entry("data.pkl", &pickle)?;
        entry("byteorder", b"little")?;
        for (index, array) in arrays.iter().enumerate() {
            entry(&format!("data/{index}"), &to_le_bytes(&array.data))?;
        }
        entry("version", b"3\n")?;
        Ok(zip.finish()?.into_inner())
    };
    encode()
        .and_then(|bytes: Vec<u8>| write_atomic(path, |out| out.write_all(&bytes)))
        .map_err(|source| FeatureError::Write {
            path: path.to_owned(),
            source,
        })
}

/// `_rebuild_tensor_v2(storage, offset, size, stride, requires_grad, hooks)`
fn tensor(pickle: &mut Emitter, array: &Array, index: usize) {
    pickle.global("torch._utils", "_rebuild_tensor_v2");
    pickle.mark();
    pickle.mark();
    pickle.text("storage");
    pickle.global("torch", "FloatStorage");
    pickle.text(&index.to_string());
    pickle.text("cpu");
    pickle.int(array.data.len());
    pickle.tuple();
    pickle.persistent_id();
    pickle.int(0);
    pickle.sizes(&array.shape);
    let mut step = 1;
    let mut strides: Vec<usize> = array
        .shape
        .iter()
        .rev()
        .map(|size| {
            let stride = step;
            step *= size;
            stride
        })
        .collect();
    strides.reverse();
    pickle.sizes(&strides);
    pickle.bool(false);
    pickle.global("collections", "OrderedDict");
    pickle.mark();
    pickle.tuple();
    pickle.reduce();
    pickle.tuple();
    pickle.reduce();
}
