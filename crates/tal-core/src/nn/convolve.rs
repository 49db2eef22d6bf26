//! Convolution along time and its gradients: which loops compute them.

use tal_kernels::{
    Convolution, Taps, WeightGradient, WinogradConvolution, WinogradWeightGradient,
    transpose_kernels,
};
use tal_torch::record;
use tch::{Device, Kind, Tensor};

use super::precision::{is_exact, multiply};
use super::{dim, host};

/// Convolves with stride 1, all channels with all.
///
/// Values and gradients are those of LibTorch's convolution. On the CPU, if the length stays, the gradient of the weights is
/// computed here: by loops in registers in float32 on processors with AVX2 or AVX-512, otherwise by products of matrices. In
/// float32 on these processors, loops in registers compute values and gradients of the input, too, for kernels 1 and 3. If there
/// is enough to do, those for kernel 3 take half the products, but not in a [`super::PrecisionScope`] of
/// [`crate::config::Precision::Float32Exact`].
///
/// # Shapes
/// (B, in, T), `weight` (out, in, kernel), `bias` (out) → (B, out, T + 2·padding − kernel + 1).
pub fn convolve(x: &Tensor, weight: &Tensor, bias: Option<&Tensor>, padding: i64) -> Tensor {
    multiply(x, weight, bias, |x, weight, bias| {
        recorded(x, weight, bias, padding)
    })
}

/// Convolves with any stride, all channels with all. If the length is halved, the CPU takes the gradient of the weights as
/// [`convolve`] does, here from the output's gradient and every other position of the input.
pub(super) fn strided(
    x: &Tensor,
    weight: &Tensor,
    bias: Option<&Tensor>,
    stride: i64,
    padding: i64,
) -> Tensor {
    let forward = || x.conv1d(weight, bias, stride, padding, 1, 1);
    let (kernel, len) = (weight.size()[2], x.size()[2]);
    if (kernel, stride, padding) != (3, 2, 1) || len % 2 != 0 {
        return forward();
    }
    let gradients = Gradients {
        input: |gradient: &Tensor, weight: &Tensor| {
            gradient.conv_transpose1d(weight, None::<Tensor>, 2, 1, 1, 1, 1)
        },
        weight: |gradient: &Tensor, x: &Tensor| every_other_product(gradient, x),
    };
    gradients.record([x, weight], bias, forward)
}

/// Ways of gradients back through a convolution.
pub(super) struct Gradients<I, W> {
    /// From the output's gradient and the weights to the gradient of the input.
    pub(super) input: I,
    /// From the output's gradient and the input to the gradient of the weights.
    pub(super) weight: W,
}

impl<I, W> Gradients<I, W>
where
    I: Fn(&Tensor, &Tensor) -> Tensor + Send + 'static,
    W: Fn(&Tensor, &Tensor) -> Tensor + Send + 'static,
{
    /// The result of `forward`, a convolution of `[x, weight]` and bias, whose gradients go this way on the CPU, in kinds
    /// with enough digits to add products up; LibTorch's own way elsewhere.
    pub(super) fn record(
        self,
        [x, weight]: [&Tensor; 2],
        bias: Option<&Tensor>,
        forward: impl FnOnce() -> Tensor,
    ) -> Tensor {
        let is_ours = x.device() == Device::Cpu && matches!(x.kind(), Kind::Float | Kind::Double);
        let inputs: Vec<&Tensor> = [x, weight].into_iter().chain(bias).collect();
        if !is_ours || !host::records_gradient(inputs.iter().copied()) {
            return forward();
        }
        let (x, weight) = (x.detach(), weight.detach());
        record(tch::no_grad(forward), &inputs, move |gradient, needed| {
            let input = || (self.input)(gradient, &weight);
            let weight = || (self.weight)(gradient, &x);
            let bias = || gradient.sum_dim_intlist([0i64, 2].as_slice(), false, None);
            as_needed([&input, &weight, &bias], needed)
        })
    }
}

/// The gradients of input, weight and bias that are asked for; a convolution without a bias has no third one.
pub(super) fn as_needed(parts: [&dyn Fn() -> Tensor; 3], needed: &[bool]) -> Vec<Option<Tensor>> {
    let parts = parts.into_iter().zip(needed);
    parts.map(|(part, needed)| needed.then(part)).collect()
}

/// Σ_b, t short\[b, c, t\] · long\[b, d, 2t + j − 1\] for every c, d and tap j of three: the gradient of weights between a
/// sequence and one twice as long.
///
/// # Shapes
/// (B, C, T), (B, D, 2T) → (C, D, 3).
pub(super) fn every_other_product(short: &Tensor, long: &Tensor) -> Tensor {
    let taps = Taps {
        count: 3,
        stride: 2,
        padding: 1,
    };
    weight_gradient(long, short, taps, true)
}

/// [`convolve`] in the kind of its inputs.
fn recorded(x: &Tensor, weight: &Tensor, bias: Option<&Tensor>, padding: i64) -> Tensor {
    // Its gradient is computed here only if the length stays.
    if weight.size()[2] != 2 * padding + 1 {
        return x.conv1d(weight, bias, 1, padding, 1, 1);
    }
    let exact = is_exact();
    let gradients = Gradients {
        input: move |gradient: &Tensor, weight: &Tensor| {
            same_length(gradient, &transposed(weight), None, exact)
        },
        weight: move |gradient: &Tensor, x: &Tensor| {
            let padding = padding as usize;
            let taps = Taps {
                count: 2 * padding + 1,
                stride: 1,
                padding,
            };
            weight_gradient(x, gradient, taps, exact)
        },
    };
    gradients.record([x, weight], bias, || same_length(x, weight, bias, exact))
}

/// Convolves with an odd kernel and as much padding as keeps the length.
fn same_length(x: &Tensor, weight: &Tensor, bias: Option<&Tensor>, exact: bool) -> Tensor {
    in_registers(x, weight, bias, exact)
        .unwrap_or_else(|| x.conv1d(weight, bias, 1, weight.size()[2] / 2, 1, 1))
}

/// [`same_length`] by [`WinogradConvolution`] or [`Convolution`]; `None` if the loops are not for these tensors or this processor.
fn in_registers(x: &Tensor, weight: &Tensor, bias: Option<&Tensor>, exact: bool) -> Option<Tensor> {
    if !host::are_plain([x, weight].into_iter().chain(bias)) {
        return None;
    }
    let ((batch, inputs, len), (outputs, read, kernel)) = (x.size3().ok()?, weight.size3().ok()?);
    // LibTorch has the words for what does not fit.
    if read != inputs || bias.is_some_and(|bias| bias.size() != [outputs]) || batch == 0 {
        return None;
    }
    let [batch, inputs, len] = [batch, inputs, len].map(|size| size as usize);
    let [outputs, kernel] = [outputs, kernel].map(|size| size as usize);
    let plan = Convolution::new([outputs, inputs, kernel], len)?;
    let half = (kernel == 3 && !exact)
        .then(|| WinogradConvolution::new([outputs, inputs], [batch, len]))
        .flatten();
    let [x, weight] = [x, weight].map(|tensor| tensor.detach().contiguous());
    let bias = bias.map(|bias| bias.detach().contiguous());
    // SAFETY: nobody writes to the inputs of an operation while it runs.
    let (x, layer) = unsafe { (host::known_values(&x), host::layer(&weight, bias.as_ref())) };
    Some(host::build(&[batch, outputs, len], |y| match half {
        Some(half) => half.run(host::THREADS, x, layer, y),
        None => plan.run(host::THREADS, x, layer, y),
    }))
}

/// Kernels from outputs to inputs with the taps in reverse order: the gradient of a convolution's input is convolved with
/// them.
///
/// # Shapes
/// (out, in, kernel) → (in, out, kernel).
fn transposed(weight: &Tensor) -> Tensor {
    let transpose = match weight.size()[2] {
        1 => transpose_kernels::<1>,
        3 => transpose_kernels::<3>,
        _ => return plainly_transposed(weight),
    };
    if !host::are_plain([weight]) {
        return plainly_transposed(weight);
    }
    let weight = weight.detach().contiguous();
    let [outputs, inputs, kernel] = [0, 1, 2].map(|axis| weight.size()[axis] as usize);
    // SAFETY: nobody writes to the inputs of an operation while it runs.
    let values = unsafe { host::known_values(&weight) };
    host::build(&[inputs, outputs, kernel], |out| {
        transpose(host::THREADS, values, [outputs, inputs], out)
    })
}

/// [`transposed`] by LibTorch.
fn plainly_transposed(weight: &Tensor) -> Tensor {
    weight.flip([2]).transpose(0, 1).contiguous()
}

/// Σ_b, t gradient\[b, o, t\] · x\[b, c, stride·t + j − padding\] for every output o, input c and tap j.
///
/// # Shapes
/// `x` (B, in, stride · T), `gradient` (B, out, T) → (out, in, taps).
fn weight_gradient(x: &Tensor, gradient: &Tensor, taps: Taps, exact: bool) -> Tensor {
    weight_gradient_in_registers(x, gradient, taps, exact)
        .unwrap_or_else(|| products_of_matrices(x, gradient, taps))
}

/// [`weight_gradient`] by [`WinogradWeightGradient`] or [`WeightGradient`]; `None` if the loops are not for these tensors or this
/// processor.
fn weight_gradient_in_registers(
    x: &Tensor,
    gradient: &Tensor,
    taps: Taps,
    exact: bool,
) -> Option<Tensor> {
    if !host::are_plain([x, gradient]) {
        return None;
    }
    let ((batch, inputs, long), (samples, outputs, len)) =
        (x.size3().ok()?, gradient.size3().ok()?);
    if batch != samples || long != len * taps.stride as i64 || batch == 0 {
        return None;
    }
    let [batch, inputs, outputs, len] = [batch, inputs, outputs, len].map(|size| size as usize);
    let plan = WeightGradient::new([outputs, inputs], len, taps)?;
    let half = ((taps.count, taps.stride, taps.padding) == (3, 1, 1) && !exact)
        .then(|| WinogradWeightGradient::new([outputs, inputs], [batch, len]))
        .flatten();
    let [x, gradient] = [x, gradient].map(|tensor| tensor.detach().contiguous());
    // SAFETY: nobody writes to the inputs of an operation while it runs.
    let [x, gradient] = [&x, &gradient].map(|tensor| unsafe { host::known_values(tensor) });
    Some(host::build(
        &[outputs, inputs, taps.count],
        |sums| match half {
            Some(half) => half.run(host::THREADS, x, gradient, sums),
            None => plan.run(host::THREADS, x, gradient, sums),
        },
    ))
}

/// [`weight_gradient`] of any kind on any processor, by LibTorch: a product for each tap and sample.
fn products_of_matrices(x: &Tensor, gradient: &Tensor, taps: Taps) -> Tensor {
    let (batch, inputs, _) = x.size3().expect("a convolution's input");
    let (_, outputs, len) = gradient.size3().expect("a convolution's output");
    let options = (gradient.kind(), gradient.device());
    let sums = Tensor::zeros([dim(taps.count), outputs, inputs], options);
    for sample in 0..batch {
        let gradient = gradient.get(sample);
        let x = x.get(sample).reshape([inputs, len, dim(taps.stride)]);
        let phases: Vec<Tensor> = (0..taps.stride)
            .map(|phase| x.select(2, dim(phase)).contiguous())
            .collect();
        for (tap, (phase, shift)) in taps.places().enumerate() {
            let shift = shift as i64;
            let overlap = len - shift.abs();
            if overlap <= 0 {
                continue;
            }
            let gradient = gradient.narrow(1, (-shift).max(0), overlap);
            let x = phases[phase].narrow(1, shift.max(0), overlap);
            let mut sum = sums.get(dim(tap));
            let _ = sum.addmm_(&gradient, &x.transpose(0, 1));
        }
    }
    sums.permute([1, 2, 0]).contiguous()
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::nn::gradient_error;

    /// The values of a convolution, and the gradients of input, weight and bias.
    pub(in crate::nn) fn gradients(
        values: &[Tensor; 3],
        run: impl Fn(&[Tensor; 3]) -> Tensor,
    ) -> [Tensor; 4] {
        let inputs = values
            .each_ref()
            .map(|value| value.copy().set_requires_grad(true));
        let y = run(&inputs);
        let options = (y.kind(), Device::Cpu);
        let count: i64 = y.size().iter().product();
        (&y * Tensor::arange(count, options).sin().view_as(&y))
            .sum(None)
            .backward();
        let [x, weight, bias] = inputs.map(|input| input.grad());
        [y.detach(), x, weight, bias]
    }

    /// Each result is near the expected one, relative to the largest value.
    pub(in crate::nn) fn assert_near(ours: &[Tensor], expected: &[Tensor], limit: f64) {
        assert_eq!(ours.len(), expected.len());
        for (ours, expected) in ours.iter().zip(expected) {
            assert_eq!(ours.size(), expected.size());
            let error = (ours - expected).abs().max() / (expected.abs().max() + 1e-3);
            assert!(error.double_value(&[]) < limit, "{error:?}");
        }
    }

    #[test]
    fn gradients_are_those_of_libtorch() {
        tch::manual_seed(2);
        let cases = [
            (1, 1, 1, 1, 1),
            (2, 3, 5, 3, 9),
            (3, 4, 2, 5, 1),
            (1, 2, 3, 7, 2),
            (2, 64, 33, 3, 170),
            (1, 130, 70, 3, 1003),
        ];
        for (batch, inputs, outputs, kernel, len) in cases {
            for (kind, limit) in [(Kind::Double, 1e-12), (Kind::Float, 1e-5)] {
                let options = (kind, Device::Cpu);
                let values = [
                    Tensor::randn([batch, inputs, len], options),
                    Tensor::randn([outputs, inputs, kernel], options),
                    Tensor::randn([outputs], options),
                ];
                let padding = kernel / 2;
                let ours = gradients(&values, |[x, weight, bias]| {
                    convolve(x, weight, Some(bias), padding)
                });
                let expected = gradients(&values, |[x, weight, bias]| {
                    x.conv1d(weight, Some(bias), 1, padding, 1, 1)
                });
                assert_near(&ours, &expected, limit);
            }
        }
    }

    #[test]
    fn gradients_of_halving_are_those_of_libtorch() {
        tch::manual_seed(2);
        for (batch, inputs, outputs, len) in
            [(1, 1, 1, 2), (2, 3, 5, 9), (3, 4, 2, 4), (2, 9, 33, 170)]
        {
            for (kind, limit) in [(Kind::Double, 1e-12), (Kind::Float, 1e-5)] {
                let options = (kind, Device::Cpu);
                let values = [
                    Tensor::randn([batch, inputs, len], options),
                    Tensor::randn([outputs, inputs, 3], options),
                    Tensor::randn([outputs], options),
                ];
                let ours = gradients(&values, |[x, weight, bias]| {
                    strided(x, weight, Some(bias), 2, 1)
                });
                let expected = gradients(&values, |[x, weight, bias]| {
                    x.conv1d(weight, Some(bias), 2, 1, 1, 1)
                });
                assert_near(&ours, &expected, limit);
            }
        }
    }

    #[test]
    fn gradients_match_finite_differences() {
        tch::manual_seed(3);
        let options = (Kind::Double, Device::Cpu);
        let sizes: [&[i64]; 3] = [&[2, 3, 5], &[4, 3, 3], &[4]];
        let inputs = sizes.map(|size| Tensor::randn(size, options).set_requires_grad(true));
        let [x, weight, bias] = &inputs;
        let error = gradient_error(&inputs, || convolve(x, weight, Some(bias), 1));
        assert!(error < 1e-6, "{error}");
    }

    #[test]
    fn other_tensors_are_left_to_libtorch() {
        let options = (Kind::Float, Device::Cpu);
        let x = Tensor::randn([1, 4, 32], options);
        let weight = |size: [i64; 3]| Tensor::randn(size, options);
        let double = |tensor: &Tensor| tensor.to_kind(Kind::Double);
        assert!(in_registers(&x, &weight([2, 4, 5]), None, false).is_none());
        assert!(in_registers(&x, &weight([2, 3, 3]), None, false).is_none());
        assert!(in_registers(&double(&x), &double(&weight([2, 4, 3])), None, false).is_none());
        assert!(in_registers(&x.narrow(2, 0, 8), &weight([2, 4, 3]), None, false).is_none());
        let bias = Tensor::zeros([3], options);
        assert!(in_registers(&x, &weight([2, 4, 3]), Some(&bias), false).is_none());
        let [x, gradient] = [8, 4].map(|len| Tensor::randn([1, 2, len], options));
        let taps = |stride| Taps {
            count: 3,
            stride,
            padding: 1,
        };
        let gradient_of = |x: &Tensor, gradient: &Tensor, stride| {
            weight_gradient_in_registers(x, gradient, taps(stride), false)
        };
        assert!(gradient_of(&x, &gradient, 1).is_none());
        assert!(gradient_of(&double(&x), &double(&gradient), 2).is_none());
        assert!(gradient_of(&x.narrow(1, 0, 0), &gradient, 2).is_none());
    }

    #[test]
    fn transposed_kernels_are_those_of_libtorch() {
        for kernel in [1, 3, 5] {
            for (outputs, inputs) in [(1, 1), (5, 3), (20, 40), (33, 16), (0, 4), (4, 0)] {
                for kind in [Kind::Float, Kind::Double] {
                    let weight = Tensor::randn([outputs, inputs, kernel], (kind, Device::Cpu));
                    assert_eq!(transposed(&weight), plainly_transposed(&weight));
                }
            }
        }
    }

    #[test]
    fn threads_do_not_change_results() {
        tch::manual_seed(3);
        let options = (Kind::Float, Device::Cpu);
        let x = Tensor::randn([2, 64, 1000], options);
        let (weight, bias) = (
            Tensor::randn([250, 64, 3], options),
            Tensor::randn([250], options),
        );
        let gradient = Tensor::randn([2, 250, 1000], options);
        let taps = Taps {
            count: 3,
            stride: 1,
            padding: 1,
        };
        let before = tch::get_num_threads();
        let run = |num_threads, exact| {
            tch::set_num_threads(num_threads);
            let results = [
                in_registers(&x, &weight, Some(&bias), exact),
                weight_gradient_in_registers(&x, &gradient, taps, exact),
            ];
            tch::set_num_threads(before);
            results
        };
        for exact in [false, true] {
            assert_eq!(run(1, exact), run(3, exact));
        }
    }
}
