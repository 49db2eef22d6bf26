//! Python pickles of arrays.

use tal_data::features::npy::Array;

use super::emit::Emitter;
use super::to_le_bytes;

/// NumPy arrays, protocol 4: a dictionary with `keys`, or, without keys, the only array.
pub(super) fn encode(keys: &[String], arrays: &[Array]) -> Vec<u8> {
    Emitter::pickle(4, keys, arrays, |pickle, array, _| {
        numpy_array(pickle, array)
    })
}

/// `_reconstruct(ndarray, (0,), b"b")` and then its state: version, shape, type, Fortran order, values.
fn numpy_array(pickle: &mut Emitter, array: &Array) {
    // Both names exist in every version of NumPy, `numpy._core` only from 2.0 on.
    pickle.global("numpy.core.multiarray", "_reconstruct");
    pickle.ops(b"(");
    pickle.global("numpy", "ndarray");
    pickle.sizes(&[0]);
    pickle.bytes(b"b");
    pickle.ops(b"tR(");
    pickle.int(1);
    pickle.sizes(&array.shape);
    pickle.global("numpy", "dtype");
    pickle.ops(b"(");
    pickle.text("f4");
    pickle.bool(false);
    pickle.bool(true);
    pickle.ops(b"tR(");
    pickle.int(3);
    pickle.text("<");
    pickle.ops(b"NNN");
    pickle.minus_one();
    pickle.minus_one();
    pickle.int(0);
    pickle.ops(b"tb");
    pickle.bool(false);
    pickle.bytes(&to_le_bytes(&array.data));
    pickle.ops(b"tb");
}
