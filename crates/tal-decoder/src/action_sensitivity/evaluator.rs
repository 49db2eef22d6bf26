//! Evaluator of every step of a recording.

use tal_core::nn::{BiasInit, Conv1d, Conv1dConfig, FeaturePyramid, MaskedConv1d};
use tch::{Tensor, nn};

/// Evaluator of every step, shared by all levels: q = σ(FC(ReLU(Conv(x)))).
///
/// # Shapes
/// A pyramid of (B, D, T_l) to (B, ΣT_l).
#[derive(Debug)]
pub struct StepEvaluator {
    /// Convolution along time, D to D channels.
    pub conv: MaskedConv1d,
    /// Map from D channels to one, at every step separately.
    pub output: Conv1d,
}

impl StepEvaluator {
    /// Evaluator of D = `dim` channels, with variables `conv` and `output` below `path`.
    pub(super) fn new(path: &nn::Path<'_>, dim: usize, kernel_size: usize) -> Self {
        let output = Conv1dConfig::new(dim, 1, 1).with_bias(BiasInit::Zero);
        Self {
            conv: MaskedConv1d::new(&(path / "conv"), Conv1dConfig::new(dim, dim, kernel_size)),
            output: Conv1d::new(&(path / "output"), output),
        }
    }

    /// q of every step of all levels, level 0 first; values at padded steps are meaningless. `detach` stops the gradient to
    /// the pyramid.
    pub fn forward(&self, pyramid: &FeaturePyramid, detach: bool) -> Tensor {
        let levels = pyramid.levels.iter().map(|level| {
            let features = match detach {
                true => level.features.detach(),
                false => level.features.shallow_clone(),
            };
            let hidden = self.conv.forward(&features, &level.mask).relu();
            self.output.forward(&hidden).sigmoid().squeeze_dim(1)
        });
        Tensor::cat(&levels.collect::<Vec<_>>(), -1)
    }
}

#[cfg(test)]
mod tests {
    use tal_core::nn::{PyramidLevel, gradient_error, named_variables};
    use tch::nn::VarStore;
    use tch::{Device, Kind};

    use super::*;

    fn pyramid(lens: [usize; 2]) -> FeaturePyramid {
        let level = |len: i64, valid: usize| {
            let features = Tensor::randn([1, 4, len], (Kind::Double, Device::Cpu));
            PyramidLevel::new(features.set_requires_grad(true), vec![valid])
        };
        FeaturePyramid {
            levels: vec![level(6, lens[0]), level(3, lens[1])],
        }
    }

    #[test]
    fn values_are_probabilities_and_their_gradients_exact() {
        tch::manual_seed(4);
        let mut vs = VarStore::new(Device::Cpu);
        let evaluator = StepEvaluator::new(&vs.root(), 4, 3);
        vs.double();
        let pyramid = pyramid([6, 3]);
        let values = evaluator.forward(&pyramid, false);
        assert_eq!(values.size(), [1, 9]);
        assert!(values.min().double_value(&[]) > 0.0 && values.max().double_value(&[]) < 1.0);
        let mut inputs: Vec<Tensor> = named_variables(&vs).into_values().collect();
        let features = || pyramid.levels.iter().map(|l| l.features.shallow_clone());
        inputs.extend(features());
        let error = gradient_error(&inputs, || evaluator.forward(&pyramid, false));
        assert!(error < 1e-7, "{error}");
        features().for_each(|mut features| features.zero_grad());
        evaluator.forward(&pyramid, true).sum(None).backward();
        assert!(features().all(|f| f.grad().abs().max().double_value(&[]) == 0.0));
    }
}
