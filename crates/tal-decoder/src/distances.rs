//! Distances from points to the two ends of a segment.

use tal_core::nn::host;
use tch::Tensor;

/// Distances from points to the start (`left`) and to the end (`right`) of a segment, one entry per pair of a point and a
/// class.
///
/// The segment of a point at t is `[t − left · stride, t + right · stride]`.
///
/// # Shapes
/// Both (P), for P pairs.
///
/// # Units
/// Strides of the point's level.
#[derive(Debug)]
pub struct Distances {
    /// Distance to the start.
    pub left: Tensor,
    /// Distance to the end.
    pub right: Tensor,
}

impl Distances {
    fn map(&self, side: impl Fn(&Tensor) -> Tensor) -> Distances {
        Distances {
            left: side(&self.left),
            right: side(&self.right),
        }
    }

    /// Entries at `index`, (M) of int64.
    pub(crate) fn select(&self, index: &Tensor) -> Distances {
        self.map(|side| side.index_select(0, index))
    }

    /// The same distances, which share their memory.
    pub fn shallow_clone(&self) -> Distances {
        self.map(Tensor::shallow_clone)
    }

    /// Plain numbers, `[left, right]` per pair.
    pub fn to_host(&self) -> Vec<[f32; 2]> {
        let both = Tensor::stack(&[&self.left, &self.right], 1);
        let values: Vec<f32> = host::copy(&both);
        values.as_chunks::<2>().0.to_vec()
    }
}
