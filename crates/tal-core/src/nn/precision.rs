//! Precision of the products in convolutions.

use std::cell::Cell;
use std::marker::PhantomData;

use tal_torch::tf32::Tf32;
use tch::{Device, Kind, Tensor};

use crate::config::Precision;

thread_local! {
    /// The kind that convolutions of this thread multiply in, if it is not that of their input.
    static KIND: Cell<Option<Kind>> = const { Cell::new(None) };

    /// Whether convolutions of this thread add up every product.
    static EXACT: Cell<bool> = const { Cell::new(false) };
}

/// Scope in which convolutions multiply with a [`Precision`]; behind it they multiply as before.
///
/// bfloat16 and float32-exact concern forward passes of this thread, and the backward pass of each, whenever that runs. TF32 is a setting of the
/// whole process, for products of matrices, too, and is read at each computation: the backward pass belongs inside the scope, and
/// scopes of several threads on CUDA must have the same precision and not end while another thread computes.
#[derive(Debug)]
#[must_use = "the precision is back to what it was as soon as the scope is dropped"]
pub struct PrecisionScope {
    kind: Option<Kind>,
    exact: bool,
    /// On CUDA.
    tf32: Option<Tf32>,
    /// The kind belongs to a thread.
    thread: PhantomData<*const ()>,
}

impl PrecisionScope {
    /// Sets `precision` for tensors on `device`.
    pub fn new(precision: Precision, device: Device) -> Self {
        let kind = (precision == Precision::Bfloat16).then_some(Kind::BFloat16);
        let tf32 = device.is_cuda().then(Tf32::current);
        if tf32.is_some() {
            Tf32::all(precision == Precision::Tf32).apply();
        }
        PrecisionScope {
            kind: KIND.replace(kind),
            exact: EXACT.replace(precision == Precision::Float32Exact),
            tf32,
            thread: PhantomData,
        }
    }
}

impl Drop for PrecisionScope {
    fn drop(&mut self) {
        KIND.set(self.kind);
        EXACT.set(self.exact);
        if let Some(tf32) = self.tf32 {
            tf32.apply();
        }
    }
}

/// Whether convolutions of this thread multiply in another kind than that of their input.
pub(super) fn is_reduced() -> bool {
    KIND.get().is_some()
}

/// Whether convolutions of this thread add up every product.
pub(super) fn is_exact() -> bool {
    EXACT.get()
}

/// A product of `x` with weights in the scope's kind; the result has that of `x`.
pub(super) fn multiply(
    x: &Tensor,
    weight: &Tensor,
    bias: Option<&Tensor>,
    product: impl Fn(&Tensor, &Tensor, Option<&Tensor>) -> Tensor,
) -> Tensor {
    match KIND.get() {
        None => product(x, weight, bias),
        Some(kind) => {
            let bias = bias.map(|bias| bias.to_kind(kind));
            product(&x.to_kind(kind), &weight.to_kind(kind), bias.as_ref()).to_kind(x.kind())
        }
    }
}

#[cfg(test)]
mod tests {
    use tal_kernels::Convolution;
    use tch::nn::VarStore;

    use super::*;
    use crate::nn::{Conv1d, Conv1dConfig, ConvTranspose1d, convolve};

    /// The largest difference relative to the largest value.
    fn error(ours: &Tensor, expected: &Tensor) -> f64 {
        assert_eq!(ours.kind(), Kind::Float);
        let scale = expected.abs().max().double_value(&[]);
        (ours - expected).abs().max().double_value(&[]) / scale
    }

    #[test]
    fn bfloat16_is_near_and_trains_float32_weights() {
        tch::manual_seed(9);
        let vs = VarStore::new(Device::Cpu);
        let convs = [1, 2].map(|stride| {
            let path = vs.root() / stride;
            let config = Conv1dConfig {
                stride,
                ..Conv1dConfig::new(16, 8, 3)
            };
            Conv1d::new(&path, config)
        });
        let transposed = ConvTranspose1d::new(&vs.root(), 16, 8);
        let x = Tensor::randn([2, 16, 40], (Kind::Float, Device::Cpu));
        let layers: [&dyn Fn(&Tensor) -> Tensor; 3] =
            [&|x| convs[0].forward(x), &|x| convs[1].forward(x), &|x| {
                transposed.forward(x)
            }];
        for layer in layers {
            let run = |precision| {
                let x = x.copy().set_requires_grad(true);
                for mut variable in vs.trainable_variables() {
                    variable.zero_grad();
                }
                let scope = PrecisionScope::new(precision, Device::Cpu);
                let y = layer(&x);
                drop(scope);
                (&y * y.detach().sin()).sum(None).backward();
                let mut found = vec![y.detach(), x.grad()];
                for variable in vs.trainable_variables() {
                    let gradient = variable.grad();
                    // The other layers have none.
                    if gradient.defined() && gradient.abs().max().double_value(&[]) > 0.0 {
                        found.push(gradient.copy());
                    }
                }
                found
            };
            let exact = run(Precision::Float32);
            assert!(exact.len() >= 4);
            for (ours, expected) in run(Precision::Bfloat16).iter().zip(&exact) {
                let error = error(ours, expected);
                assert!(error > 1e-5 && error < 0.03, "{error}");
            }
            for (ours, expected) in run(Precision::Tf32).iter().zip(&exact) {
                assert_eq!(ours, expected);
            }
        }
    }

    #[test]
    fn exact_convolutions_add_up_every_product() {
        tch::manual_seed(9);
        let options = (Kind::Float, Device::Cpu);
        let sizes: [&[i64]; 3] = [&[1, 256, 1024], &[256, 256, 3], &[1, 256, 1024]];
        let [x, weight, gradient] = sizes.map(|size| Tensor::randn(size, options));
        let run = |precision| {
            let [x, weight] = [&x, &weight].map(|tensor| tensor.copy().set_requires_grad(true));
            let scope = PrecisionScope::new(precision, Device::Cpu);
            let y = convolve(&x, &weight, None, 1);
            // The backward pass is as the forward pass was.
            drop(scope);
            (&y * &gradient).sum(None).backward();
            [y.detach(), x.grad(), weight.grad()]
        };
        let (half, exact) = (run(Precision::Float32), run(Precision::Float32Exact));
        let differ = Convolution::new([256, 256, 3], 1024).is_some();
        for (half, exact) in half.iter().zip(&exact) {
            assert!(error(half, exact) < 1e-5);
            assert_eq!(half != exact, differ);
        }
    }

    #[test]
    fn the_scope_ends() {
        // The flags can be set without a GPU. No other test of this program reads or sets them.
        let gpu = Device::Cuda(0);
        let before = Tf32::current();
        {
            let _outer = PrecisionScope::new(Precision::Bfloat16, gpu);
            assert_eq!(Tf32::current(), Tf32::all(false));
            {
                let _inner = PrecisionScope::new(Precision::Tf32, gpu);
                assert_eq!((KIND.get(), Tf32::current()), (None, Tf32::all(true)));
            }
            assert_eq!(KIND.get(), Some(Kind::BFloat16));
            assert_eq!(Tf32::current(), Tf32::all(false));
        }
        assert_eq!((KIND.get(), Tf32::current()), (None, before));
    }
}
