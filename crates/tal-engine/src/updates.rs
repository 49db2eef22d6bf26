//! Updates of parameters in one pass over their values, if these are float32 in main memory.
//!
//! LibTorch's operations go over all values once each, some fifteen times a step. The computation is the same, in the same
//! order and precision, up to the rounding of fused multiply-adds.

use tal_core::nn::host;
use tch::Tensor;

/// Values per thread and task. Most parameters have fewer: waking another thread would take longer than the work.
const BLOCK: usize = 1 << 15;

/// The numbers of one step of Adam or AdamW for one parameter.
pub(crate) struct AdamStep {
    /// Factor of the parameter: the decoupled weight decay.
    pub(crate) keep: f64,
    /// Share of the parameter that is added to its gradient: the other weight decay.
    pub(crate) l2: f64,
    /// Decay of both moments.
    pub(crate) betas: [f64; 2],
    /// Added to the denominator.
    pub(crate) eps: f64,
    /// Divisor of the root of the second moment.
    pub(crate) root: f64,
    /// Factor of the quotient of both moments.
    pub(crate) scale: f64,
}

/// One step of a parameter, with its gradient times `factor`; `false` if its tensors are not float32 in main memory, and nothing
/// was done.
pub(crate) fn adam(
    step: &AdamStep,
    factor: f32,
    value: &mut Tensor,
    mean: &mut Tensor,
    square: &mut Tensor,
    grad: &Tensor,
) -> bool {
    // SAFETY: the gradient is only read; value and moments are tensors of their own, which only the optimiser writes to,
    // between a backward pass and the next forward pass: no graph needs their old values.
    let slices = unsafe {
        (
            host::values_mut(value),
            host::values_mut(mean),
            host::values_mut(square),
            host::values(grad),
        )
    };
    let (Some(value), Some(mean), Some(square), Some(grad)) = slices else {
        return false;
    };
    let [beta1, beta2] = step.betas;
    let (towards_grad, rest2) = ((1.0 - beta1) as f32, (1.0 - beta2) as f32);
    let beta2 = beta2 as f32;
    let [keep, l2, eps] = [step.keep, step.l2, step.eps].map(|number| number as f32);
    let [root, scale] = [step.root, step.scale].map(|number| number as f32);
    let block = |value: &mut [f32], mean: &mut [f32], square: &mut [f32], grad: &[f32]| {
        let columns = value.iter_mut().zip(mean).zip(square).zip(grad);
        for (((value, mean), square), grad) in columns {
            let grad = grad * factor + *value * l2;
            *mean += (grad - *mean) * towards_grad;
            *square = *square * beta2 + grad * (grad * rest2);
            let denominator = square.sqrt() / root + eps;
            *value = *value * keep + *mean * scale / denominator;
        }
    };
    let blocks = value
        .chunks_mut(BLOCK)
        .zip(mean.chunks_mut(BLOCK))
        .zip(square.chunks_mut(BLOCK))
        .zip(grad.chunks(BLOCK));
    let run = |(((value, mean), square), grad): (((&mut [_], _), _), _)| {
        block(value, mean, square, grad);
    };
    host::for_each(blocks, run);
    true
}

/// average ← decay · average + (1 − decay) · value; `false` if the tensors are not float32 in main memory, and nothing was done.
pub(crate) fn average(average: &mut Tensor, value: &Tensor, decay: f64) -> bool {
    // SAFETY: the average is a tensor of its own, which nothing else writes to or reads meanwhile; the value is only read.
    let slices = unsafe { (host::values_mut(average), host::values(value)) };
    let (Some(average), Some(value)) = slices else {
        return false;
    };
    let (decay, rest) = (decay as f32, (1.0 - decay) as f32);
    let block = |(average, value): (&mut [f32], &[f32])| {
        for (average, value) in average.iter_mut().zip(value) {
            *average = *average * decay + value * rest;
        }
    };
    let blocks = average.chunks_mut(BLOCK).zip(value.chunks(BLOCK));
    host::for_each(blocks, block);
    true
}

#[cfg(test)]
mod tests {
    use super::*;
    use tch::{Device, Kind};

    const F32: (Kind, Device) = (Kind::Float, Device::Cpu);

    #[test]
    fn steps_agree_with_double_precision() {
        tch::manual_seed(3);
        for (count, keep, l2) in [
            (2 * BLOCK as i64 + 17, 1.0 - 0.01 * 0.05, 0.0),
            (2 * BLOCK as i64 + 17, 1.0, 0.05),
            (33, 1.0, 0.05),
        ] {
            let mut tensors = [(); 3].map(|()| Tensor::randn([count], F32));
            tensors[2] = tensors[2].square();
            let grad = Tensor::randn([count], F32);
            let (correction1, correction2) = (1.0 - 0.9f64.powi(3), 1.0 - 0.999f64.powi(3));
            let step = AdamStep {
                keep,
                l2,
                betas: [0.9, 0.999],
                eps: 1e-8,
                root: correction2.sqrt(),
                scale: -0.01 / correction1,
            };
            let [value, mean, square] = [0, 1, 2].map(|i: usize| tensors[i].to_kind(Kind::Double));
            let g = grad.to_kind(Kind::Double) * 0.25 + &value * l2;
            let mean = mean * 0.9 + &g * 0.1;
            let square = square * 0.999 + g.square() * 0.001;
            let denominator = (&square / correction2).sqrt() + 1e-8;
            let value = value * keep - &mean / correction1 / denominator * 0.01;
            let [a, b, c] = &mut tensors;
            assert!(adam(&step, 0.25, a, b, c, &grad));
            for (found, expected) in tensors.iter().zip([value, mean, square]) {
                let difference = (found - expected).abs().max().double_value(&[]);
                assert!(difference < 1e-5, "{difference}");
            }
        }
    }

    #[test]
    fn averages_and_leaves_other_kinds_alone() {
        let mut running = Tensor::from_slice(&[1f32, 2.0]);
        let value = Tensor::from_slice(&[3f32, -2.0]);
        assert!(average(&mut running, &value, 0.75));
        assert_eq!(Vec::<f32>::try_from(&running).unwrap(), [1.5, 1.0]);
        let mut double = running.to_kind(Kind::Double);
        assert!(!average(&mut double, &value, 0.75));
        assert!(!average(&mut running, &value.to_kind(Kind::Double), 0.75));
        assert_eq!(Vec::<f64>::try_from(double).unwrap(), [1.5, 1.0]);
    }
}
