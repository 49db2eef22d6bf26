//! Valid positions of a head's input.

use tal_core::nn::PackedLayout;
use tch::{Device, Kind, Tensor};

/// Valid positions of a head's input, and those between packed levels.
#[derive(Debug)]
pub struct Positions {
    /// Boolean (B, 1, S): true inside a level and outside its padding.
    pub valid: Tensor,
    /// (1, 1, S): 1 inside a level, padding included, and 0 between levels; `None` if nothing lies between levels.
    pub inside: Option<Tensor>,
}

impl Positions {
    /// Positions of packed levels; `kind` is that of the features.
    pub fn new(layout: &PackedLayout, kind: Kind, device: Device) -> Self {
        let kept: usize = layout.levels.iter().map(|level| level.len).sum();
        Positions {
            valid: layout.mask(device),
            inside: (kept < layout.len).then(|| layout.inside(kind, device)),
        }
    }
}
