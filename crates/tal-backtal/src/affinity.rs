//! Similarities of neighbouring snippets.

use tch::{Kind, Tensor};

/// Similarities of every snippet with its neighbours; 0 for a neighbour that does not exist.
///
/// # Shapes
/// Both (B, 1, T).
#[derive(Debug)]
pub struct Affinity {
    /// Similarity of snippet t with t − 1.
    pub left: Tensor,
    /// Similarity of snippet t with t + 1.
    pub right: Tensor,
}

impl Affinity {
    /// Cosines of embeddings of length 1: left_t = ⟨e_t, e_{t−1}⟩, right_t = ⟨e_t, e_{t+1}⟩.
    ///
    /// # Shapes
    /// `embedding` (B, E, T) with T ≥ 1.
    ///
    /// # Panics
    /// If `embedding` has another shape.
    pub fn new(embedding: &Tensor) -> Self {
        let len = embedding.size()[2];
        let (before, after) = (
            embedding.narrow(2, 0, len - 1),
            embedding.narrow(2, 1, len - 1),
        );
        let next = (before * after).sum_dim_intlist([1i64].as_slice(), true, None::<Kind>);
        Self {
            left: next.constant_pad_nd([1, 0]),
            right: next.constant_pad_nd([0, 1]),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn neighbours_are_compared_and_the_ends_have_none() {
        // Four embeddings at angles 0, 60, 60 and 240 degrees.
        let angles = [0f64, 60.0, 60.0, 240.0].map(f64::to_radians);
        let values: Vec<f64> = angles
            .iter()
            .map(|a| a.cos())
            .chain(angles.iter().map(|a| a.sin()))
            .collect();
        let affinity = Affinity::new(&Tensor::from_slice(&values).view([1, 2, 4]));
        for (found, expected) in [
            (&affinity.left, [0.0, 0.5, 1.0, -1.0]),
            (&affinity.right, [0.5, 1.0, -1.0, 0.0]),
        ] {
            let difference = (found.view(-1) - Tensor::from_slice(&expected)).abs().max();
            assert!(difference.double_value(&[]) < 1e-12);
        }
    }

    #[test]
    fn a_single_snippet_has_no_neighbour() {
        let affinity = Affinity::new(&Tensor::from_slice(&[1f32]).view([1, 1, 1]));
        assert_eq!(affinity.left.double_value(&[0, 0, 0]), 0.0);
        assert_eq!(affinity.right.double_value(&[0, 0, 0]), 0.0);
    }
}
