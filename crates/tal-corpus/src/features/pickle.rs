//! Python pickles of arrays.

use tal_data::features::npy::Array;

use super::emit::Emitter;
use super::to_le_bytes;

/// NumPy arrays, protocol 4: a dictionary with `keys`, or, without keys, the only array.
pub(super) fn encode(keys: &[String], arrays: &[Array]) -> Vec<u8> {
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
    pickle.finish()
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
