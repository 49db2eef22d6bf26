//! Convolution whose output is masked.

use tch::{Tensor, nn};

use super::conv::{Conv1d, Conv1dConfig};

/// Convolution along time whose output is zero at padded positions; its input is not masked.
///
/// y = Conv(x) · mask
///
/// The variables lie directly below the path, without a `conv` in between.
///
/// # Shapes
/// (B, in, T), mask (B, 1, T) → (B, out, T).
#[derive(Debug)]
pub struct MaskedConv1d {
    /// The convolution.
    pub conv: Conv1d,
}

impl MaskedConv1d {
    /// Variables `weight` and `bias` below `path`.
    ///
    /// # Panics
    /// As [`Conv1d::new`].
    pub fn new(path: &nn::Path<'_>, config: Conv1dConfig) -> Self {
        MaskedConv1d {
            conv: Conv1d::new(path, config),
        }
    }

    /// Convolves and masks; `mask` has the length of the output.
    pub fn forward(&self, x: &Tensor, mask: &Tensor) -> Tensor {
        self.conv.forward(x) * mask
    }
}

#[cfg(test)]
mod tests {
    use tch::{Device, Kind, nn::VarStore};

    use super::*;
    use crate::nn::{length_mask, named_variables};

    #[test]
    fn padded_positions_are_zero_and_still_read() {
        let vs = VarStore::new(Device::Cpu);
        let conv = MaskedConv1d::new(&vs.root(), Conv1dConfig::new(1, 1, 3));
        tch::no_grad(|| {
            let _ = conv.conv.weight.shallow_clone().fill_(1.0);
            let _ = conv.conv.bias.as_ref().unwrap().shallow_clone().fill_(1.0);
        });
        let x = Tensor::ones([1, 1, 4], (Kind::Float, Device::Cpu));
        let y = conv.forward(&x, &length_mask(&[2], 4, Device::Cpu));
        assert_eq!(y.kind(), Kind::Float);
        assert_eq!(Vec::<f32>::try_from(y.view(-1)).unwrap(), [3., 4., 0., 0.]);
        let names: Vec<_> = named_variables(&vs).into_keys().collect();
        assert_eq!(names, ["bias", "weight"]);
    }
}
