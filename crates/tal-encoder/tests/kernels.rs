//! The filter on LibTorch against the loop in `tal_kernels`.

use tal_core::config::{FftNorm, FilterConfig};
use tal_encoder::GlobalFilter;
use tal_kernels::{Filter, FilterWeights, ScopedThreads};
use tch::{Device, Kind, Tensor, nn::VarStore};

const CHANNELS: i64 = 3;

fn values(tensor: &Tensor) -> Vec<f32> {
    Vec::try_from(tensor.detach().reshape(-1)).unwrap()
}

/// Largest difference, relative to the largest value where that is above 1.
fn difference(config: &FilterConfig, std: f64, len: i64) -> f64 {
    let vs = VarStore::new(Device::Cpu);
    let theirs = GlobalFilter::new(&vs.root(), config, CHANNELS as usize).unwrap();
    tch::no_grad(|| {
        for mut tensor in vs.trainable_variables() {
            let _ = tensor.normal_(0.0, std);
        }
    });
    let [w1, b1, w2, b2] = [&theirs.w1, &theirs.b1, &theirs.w2, &theirs.b2].map(values);
    let weights = FilterWeights {
        w1: &w1,
        b1: &b1,
        w2: &w2,
        b2: &b2,
        soft_shrink: config.soft_shrink as f32,
        is_ortho: config.fft_norm == FftNorm::Ortho,
    };
    let x = Tensor::randn([2, CHANNELS, len], (Kind::Float, Device::Cpu));
    let mut rows = values(&x);
    Filter::new(weights, len as usize).apply(&ScopedThreads(1), &mut rows);
    let expected = values(&theirs.forward(&x));
    let largest = expected
        .iter()
        .fold(1.0f64, |m, v| m.max(f64::from(v.abs())));
    assert!(
        expected.iter().any(|v| v.abs() > 1e-6),
        "nothing to compare"
    );
    let differences = rows.iter().zip(&expected).map(|(a, b)| {
        let difference = f64::from((a - b).abs());
        assert!(!difference.is_nan());
        difference
    });
    differences.fold(0.0, f64::max) / largest
}

#[test]
fn agrees_with_libtorch_at_all_lengths() {
    tch::manual_seed(61);
    tch::set_num_threads(1);
    let released = FilterConfig {
        kernel_size: 1,
        soft_shrink: 0.001,
        fft_norm: FftNorm::Ortho,
    };
    let paper = FilterConfig {
        kernel_size: 3,
        soft_shrink: 0.0,
        fft_norm: FftNorm::Backward,
    };
    let wide = FilterConfig {
        kernel_size: 9,
        ..released.clone()
    };
    for (config, std) in [(released, 0.5), (paper, 0.02), (wide, 0.3)] {
        for len in (1..=300).chain([1024, 2304, 4095]) {
            let difference = difference(&config, std, len);
            assert!(difference < 1e-5, "{config:?}, length {len}: {difference}");
        }
    }
}
