//! Gradients against finite differences.

use tch::{Kind, Tensor};

/// Largest difference between the gradient of `forward` and central differences, in float64; made for tests.
///
/// max |g − d| / (1 + |d|) over elements of every input (all of a few, evenly spaced ones of many), where g is the
/// gradient of a fixed weighting of the output and d = (L(x + h) − L(x − h)) / 2h with h = 1e-5. The gradients of `inputs`
/// are set anew.
///
/// # Panics
/// If the output is not float64, or an input is not a leaf that requires a gradient, or takes no part in the output.
pub fn gradient_error(inputs: &[Tensor], forward: impl Fn() -> Tensor) -> f64 {
    const STEP: f64 = 1e-5;
    const MAX_ELEMENTS: usize = 40;
    for input in inputs {
        input.shallow_clone().zero_grad();
    }
    let output = forward();
    assert_eq!(
        output.kind(),
        Kind::Double,
        "gradients are checked in float64"
    );
    // Weights that no symmetry of the output cancels.
    let count = i64::try_from(output.numel()).expect("a size");
    let weights = (Tensor::arange(count, (Kind::Double, output.device())) * 0.7 + 0.3).sin();
    let loss = |output: &Tensor| (output.reshape(-1) * &weights).sum(None);
    loss(&output).backward();
    let value = || tch::no_grad(|| loss(&forward()).double_value(&[]));

    let mut largest: f64 = 0.0;
    for input in inputs {
        let gradient = input.grad();
        assert!(gradient.defined(), "an input does not take part");
        let gradient = Vec::<f64>::try_from(gradient.reshape(-1)).expect("float64");
        let elements = input.detach().view(-1);
        let spacing = gradient.len().div_ceil(MAX_ELEMENTS).max(1);
        for (element, &gradient) in (0..).zip(&gradient).step_by(spacing) {
            let shift = |by: f64| {
                let _ = elements.get(element).g_add_scalar_(by);
            };
            shift(STEP);
            let above = value();
            shift(-2.0 * STEP);
            let below = value();
            shift(STEP);
            let expected = (above - below) / (2.0 * STEP);
            let error = (gradient - expected).abs() / (1.0 + expected.abs());
            // NaN must not pass for small.
            largest = if error.is_nan() {
                f64::NAN
            } else {
                largest.max(error)
            };
            if largest.is_nan() {
                return largest;
            }
        }
    }
    largest
}

#[cfg(test)]
mod tests {
    use tch::Device;

    use super::*;

    #[test]
    fn tells_right_from_wrong_gradients() {
        let x = Tensor::from_slice(&[0.3f64, -1.2, 2.0]).set_requires_grad(true);
        let inputs = [x.shallow_clone()];
        assert!(gradient_error(&inputs, || &x * &x * &x) < 1e-8);
        // Half of the dependence is hidden from autograd.
        assert!(gradient_error(&inputs, || &x * x.detach()) > 0.1);
        assert_eq!(x.device(), Device::Cpu);
        assert_eq!(Vec::<f64>::try_from(x.detach()).unwrap()[2], 2.0);
    }
}
