//! The global filter against the Fourier transform's definition, summed term by term.

use std::f64::consts::TAU;

use proptest::prelude::*;
use tal_core::config::{FftNorm, FilterConfig};
use tal_core::nn::gradient_error;
use tal_encoder::GlobalFilter;
use tch::{Device, Kind, Tensor, nn::VarStore};

fn filter(config: &FilterConfig, num_channels: usize) -> (VarStore, GlobalFilter) {
    let mut vs = VarStore::new(Device::Cpu);
    let filter = GlobalFilter::new(&vs.root(), config, num_channels).unwrap();
    vs.double();
    tch::no_grad(|| {
        for mut tensor in vs.trainable_variables() {
            let _ = tensor.uniform_(-1.0, 1.0);
        }
    });
    (vs, filter)
}

fn values(tensor: &Tensor) -> Vec<f64> {
    Vec::<f64>::try_from(tensor.detach().reshape(-1)).unwrap()
}

/// A complex number: real and imaginary part.
type Complex = [f64; 2];

fn product([a, b]: Complex, [c, d]: Complex) -> Complex {
    [a * c - b * d, a * d + b * c]
}

/// The discrete Fourier transform without a factor, `sign` in the exponent.
fn transform(x: &[Complex], sign: f64) -> Vec<Complex> {
    let len = x.len();
    let roots: Vec<Complex> = (0..len)
        .map(|k| sign * TAU * k as f64 / len as f64)
        .map(|angle| [angle.cos(), angle.sin()])
        .collect();
    (0..len)
        .map(|k| {
            x.iter().enumerate().fold([0.0; 2], |[re, im], (n, &x)| {
                let [a, b] = product(x, roots[k * n % len]);
                [re + a, im + b]
            })
        })
        .collect()
}

/// The formula for one channel, over the full complex spectrum.
fn expected(x: &[f64], [w1, b1, w2, b2]: [Complex; 4], shrink: f64, norm: FftNorm) -> Vec<f64> {
    let len = x.len();
    let (forward, backward) = match norm {
        FftNorm::Ortho => (1.0 / (len as f64).sqrt(), 1.0 / (len as f64).sqrt()),
        FftNorm::Backward => (1.0, 1.0 / len as f64),
    };
    let real: Vec<Complex> = x.iter().map(|&v| [v, 0.0]).collect();
    let spectrum = transform(&real, -1.0);
    let shrunk = |v: f64| v.signum() * (v.abs() - shrink).max(0.0);
    let mut filtered = vec![[0.0; 2]; len];
    for (k, out) in filtered.iter_mut().enumerate().take(len / 2 + 1) {
        let z = spectrum[k].map(|v| v * forward);
        let h = product(z, w1);
        let h = [(h[0] + b1[0]).max(0.0), (h[1] + b1[1]).max(0.0)];
        let g = product(h, w2);
        let g = [shrunk(g[0] + b2[0]), shrunk(g[1] + b2[1])];
        *out = product(g, z);
    }
    // A real signal: the constant and the highest frequency have no imaginary part, the rest comes in conjugate pairs.
    filtered[0][1] = 0.0;
    if len.is_multiple_of(2) {
        filtered[len / 2][1] = 0.0;
    }
    for k in len / 2 + 1..len {
        let [re, im] = filtered[len - k];
        filtered[k] = [re, -im];
    }
    transform(&filtered, 1.0)
        .iter()
        .map(|[re, im]| {
            assert!(im.abs() < 1e-9 * len as f64);
            re * backward
        })
        .collect()
}

fn assert_equal_to_the_definition(len: usize, soft_shrink: f64, fft_norm: FftNorm) {
    const CHANNELS: usize = 3;
    let config = FilterConfig {
        kernel_size: 1,
        soft_shrink,
        fft_norm,
    };
    let (_vs, filter) = filter(&config, CHANNELS);
    let size = [2, CHANNELS as i64, len as i64];
    let x = Tensor::randn(size, (Kind::Double, Device::Cpu));
    let y = values(&filter.forward(&x));
    let parameters = [&filter.w1, &filter.b1, &filter.w2, &filter.b2].map(values);
    for (row, (x, y)) in values(&x).chunks(len).zip(y.chunks(len)).enumerate() {
        let channel = row % CHANNELS;
        let parameters =
            std::array::from_fn(|i| [parameters[i][channel], parameters[i][CHANNELS + channel]]);
        let expected = expected(x, parameters, soft_shrink, fft_norm);
        for (t, (y, expected)) in y.iter().zip(&expected).enumerate() {
            let error = (y - expected).abs() / (1.0 + expected.abs());
            assert!(
                error < 1e-9,
                "length {len}, row {row}, position {t}: {y} is not {expected}"
            );
        }
    }
}

#[test]
fn equals_the_definition_at_the_lengths_of_pyramids() {
    for len in [1, 2, 3, 4, 5, 15, 16, 72, 97, 144, 960, 1152] {
        assert_equal_to_the_definition(len, 0.001, FftNorm::Ortho);
        assert_equal_to_the_definition(len, 0.0, FftNorm::Backward);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 40, failure_persistence: None, ..ProptestConfig::default() })]
    #[test]
    fn equals_the_definition(len in 1usize..300, shrink in 0.0..0.5, ortho: bool) {
        let norm = if ortho { FftNorm::Ortho } else { FftNorm::Backward };
        assert_equal_to_the_definition(len, shrink, norm);
    }
}

#[test]
fn gradients_match_finite_differences() {
    tch::manual_seed(8);
    for (len, kernel_size, soft_shrink, fft_norm) in [
        (7, 1, 0.05, FftNorm::Ortho),
        (8, 1, 0.0, FftNorm::Backward),
        (9, 3, 0.0, FftNorm::Ortho),
        (4, 7, 0.02, FftNorm::Backward),
    ] {
        let config = FilterConfig {
            kernel_size,
            soft_shrink,
            fft_norm,
        };
        let (vs, filter) = filter(&config, 2);
        let x = Tensor::randn([2, 2, len], (Kind::Double, Device::Cpu)).set_requires_grad(true);
        let mut inputs = vs.trainable_variables();
        inputs.push(x.shallow_clone());
        let error = gradient_error(&inputs, || filter.forward(&x));
        assert!(error < 1e-6, "length {len}: {error}");
    }
}
