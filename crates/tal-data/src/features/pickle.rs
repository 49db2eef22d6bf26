//! Python pickles of arrays and tensors.

use std::path::Path;

use tal_core::atomic::write_atomic;

use super::emit::Emitter;
use super::npy::Array;
use super::value::to_le_bytes;
use super::{FeatureError, tensors};
use tal_pth::PthFile;

/// Reads the arrays or tensors `keys` of a dictionary, or, without keys, the one that the file is: protocols 2 to 5. No
/// code of the file is run.
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

/// Writes NumPy arrays, protocol 4: a dictionary with `keys`, or, without keys, the only one. An existing file is
/// replaced at once.
///
/// # Errors
/// Where the file cannot be written.
///
/// # Panics
/// Where there are not as many arrays as keys, or several without keys.
pub fn write(path: &Path, keys: &[String], arrays: &[Array]) -> Result<(), FeatureError> {
    assert_eq!(keys.len().max(1), arrays.len(), "one array per key");
    let mut pickle = Emitter::new(4);
    match keys {
        [] => numpy_array(&mut pickle, &arrays[0]),
        _ => {
            pickle.empty_dict();
            for (key, array) in keys.iter().zip(arrays) {
                pickle.text(key);
                numpy_array(&mut pickle, array);
                pickle.set_item();
            }
        }
    }
    let bytes = pickle.finish();
    write_atomic(path, |out| out.write_all(&bytes)).map_err(|source| FeatureError::Write {
        path: path.to_owned(),
        source,
    })
}

/// `_reconstruct(ndarray, (0,), b"b")` and then its state: version, shape, type, Fortran order, values.
fn numpy_array(pickle: &mut Emitter, array: &Array) {
    // Both names exist in every version of NumPy, `numpy._core` only from 2.0 on.
    pickle.global("numpy.core.multiarray", "_reconstruct");
    pickle.mark();
    pickle.global("numpy", "ndarray");
    pickle.sizes(&[0]);
    pickle.bytes(b"b");
    pickle.tuple();
    pickle.reduce();
    pickle.mark();
    pickle.int(1);
    pickle.sizes(&array.shape);
    pickle.global("numpy", "dtype");
    pickle.mark();
    pickle.text("f4");
    pickle.bool(false);
    pickle.bool(true);
    pickle.tuple();
    pickle.reduce();
    pickle.mark();
    pickle.int(3);
    pickle.text("<");
    for _ in 0..3 {
        pickle.none();
    }
    pickle.minus_one();
    pickle.minus_one();
    pickle.int(0);
    pickle.tuple();
    pickle.build();
    pickle.bool(false);
    pickle.bytes(&to_le_bytes(&array.data));
    pickle.tuple();
    pickle.build();
}
