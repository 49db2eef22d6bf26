//! What every array that a reader accepts must be.

use tal_data::features::npy::Array;

/// Panics where the values are not those that the shape promises.
pub(crate) fn check(array: &Array) {
    assert_eq!(array.data.len(), array.shape.iter().product::<usize>());
}
