//! The filter in the frequency domain without LibTorch.
//!
//! ```
//! use tal_core::config::{FftNorm, FilterConfig};
//! use tal_encoder::spectral::{SpectralFilter, SpectralWeights};
//!
//! let config = FilterConfig { kernel_size: 1, soft_shrink: 0.0, fft_norm: FftNorm::Ortho };
//! // One channel; the first layer is the identity, the second answers 2 whatever comes: the filter doubles.
//! let weights = SpectralWeights {
//!     w1: vec![1.0, 0.0],
//!     b1: vec![0.0, 0.0],
//!     w2: vec![0.0, 0.0],
//!     b2: vec![2.0, 0.0],
//! };
//! let filter = SpectralFilter::new(weights, &config)?;
//! let mut rows = vec![1.0, -3.0, 0.5];
//! filter.apply(&mut rows, 3)?;
//! assert!((rows[1] + 6.0).abs() < 1e-6);
//! # Ok::<(), tal_encoder::spectral::SpectralError>(())
//! ```

use rayon::prelude::*;
use realfft::RealFftPlanner;
use realfft::num_complex::Complex64;
use tal_core::config::{FftNorm, FilterConfig};

/// Why a filter cannot be built or applied.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SpectralError {
    /// A kernel that has no middle.
    #[error("the filter's kernel_size is {0}, it must be odd")]
    Kernel(usize),
    /// Weights of another size.
    #[error("the filter's {name} has {found} values, it must have {expected}")]
    Weights {
        /// Which weights.
        name: &'static str,
        /// How many there are.
        found: usize,
        /// How many there should be.
        expected: usize,
    },
    /// Rows that are not whole sequences of all channels.
    #[error(
        "{found} values are not a whole number of {num_channels} channels of {len} positions each"
    )]
    Rows {
        /// How many values there are.
        found: usize,
        /// Channels of the filter.
        num_channels: usize,
        /// Positions of a row.
        len: usize,
    },
}

/// Weights of a [`SpectralFilter`], laid out as in the network's weight files: all real parts first, then all imaginary
/// parts.
///
/// # Shapes
/// `w1`, `w2` (2, C, kernel) and `b1`, `b2` (2, C).
#[derive(Debug, Clone, PartialEq)]
pub struct SpectralWeights {
    /// Kernel of the first layer.
    pub w1: Vec<f32>,
    /// Offset of the first layer.
    pub b1: Vec<f32>,
    /// Kernel of the second layer.
    pub w2: Vec<f32>,
    /// Offset of the second layer.
    pub b2: Vec<f32>,
}

/// A complex convolution along frequency of one channel.
#[derive(Debug, Clone)]
struct Layer {
    kernel: Vec<Complex64>,
    offset: Complex64,
}

/// The global branch's filter in pure Rust, in double precision, several channels at a time.
///
/// X = rfft(x), h = ReLU(X ∗ w₁ + b₁) on real and imaginary part separately, g = S_λ(h ∗ w₂ + b₂), y = irfft(g ⊙ X): the same
/// as `GlobalFilter` on LibTorch.
///
/// # Shapes
/// Rows (B, C, T), one after the other, any T.
///
/// # Source
/// Equations 1 to 3 of arXiv 2412.09202; the released code has the kernel 1.
#[derive(Debug, Clone)]
pub struct SpectralFilter {
    /// Both layers of each channel.
    channels: Vec<[Layer; 2]>,
    soft_shrink: f64,
    fft_norm: FftNorm,
}

impl SpectralFilter {
    /// A filter of as many channels as there are offsets.
    ///
    /// # Errors
    /// Where the kernel is even or a list of weights has another size than the others tell.
    pub fn new(weights: SpectralWeights, config: &FilterConfig) -> Result<Self, SpectralError> {
        let kernel_size = config.kernel_size;
        if kernel_size.is_multiple_of(2) {
            return Err(SpectralError::Kernel(kernel_size));
        }
        let num_channels = weights.b1.len() / 2;
        for (name, values, expected) in [
            ("w1", &weights.w1, 2 * num_channels * kernel_size),
            ("b1", &weights.b1, 2 * num_channels),
            ("w2", &weights.w2, 2 * num_channels * kernel_size),
            ("b2", &weights.b2, 2 * num_channels),
        ] {
            if values.len() != expected {
                return Err(SpectralError::Weights {
                    name,
                    found: values.len(),
                    expected,
                });
            }
        }
        let number = |values: &[f32], index: usize| {
            Complex64::new(
                values[index].into(),
                values[values.len() / 2 + index].into(),
            )
        };
        let layer = |kernel: &[f32], offset: &[f32], channel: usize| Layer {
            kernel: (0..kernel_size)
                .map(|tap| number(kernel, channel * kernel_size + tap))
                .collect(),
            offset: number(offset, channel),
        };
        Ok(SpectralFilter {
            channels: (0..num_channels)
                .map(|channel| {
                    [
                        layer(&weights.w1, &weights.b1, channel),
                        layer(&weights.w2, &weights.b2, channel),
                    ]
                })
                .collect(),
            soft_shrink: config.soft_shrink,
            fft_norm: config.fft_norm,
        })
    }

    /// Number C of channels.
    pub fn num_channels(&self) -> usize {
        self.channels.len()
    }

    /// Filters in place: row number i, of `len` positions, is one of channel i mod C.
    ///
    /// # Errors
    /// Where `rows` are not a whole number of sequences of all channels.
    pub fn apply(&self, rows: &mut [f32], len: usize) -> Result<(), SpectralError> {
        let num_channels = self.num_channels();
        let sequence = num_channels * len;
        if rows.is_empty() && sequence == 0 {
            return Ok(());
        }
        if sequence == 0 || !rows.len().is_multiple_of(sequence) {
            return Err(SpectralError::Rows {
                found: rows.len(),
                num_channels,
                len,
            });
        }
        let mut planner = RealFftPlanner::<f64>::new();
        let forward = planner.plan_fft_forward(len);
        let inverse = planner.plan_fft_inverse(len);
        let (forward_scale, inverse_scale) = match self.fft_norm {
            FftNorm::Ortho => (1.0 / (len as f64).sqrt(), 1.0 / (len as f64).sqrt()),
            FftNorm::Backward => (1.0, 1.0 / len as f64),
        };
        let buffers = || {
            let signal = forward.make_input_vec();
            let spectrum = forward.make_output_vec();
            let (hidden, response) = (spectrum.clone(), spectrum.clone());
            (signal, spectrum, hidden, response)
        };
        let filter_row = |buffers: &mut _, (index, row): (usize, &mut [f32])| {
            let (signal, spectrum, hidden, response): &mut (Vec<f64>, Vec<_>, Vec<_>, Vec<_>) =
                buffers;
            for (value, x) in signal.iter_mut().zip(&*row) {
                *value = f64::from(*x);
            }
            forward
                .process(signal, spectrum)
                .expect("buffers made for this length");
            for value in spectrum.iter_mut() {
                *value *= forward_scale;
            }
            let [first, second] = &self.channels[index % num_channels];
            first.forward(spectrum, hidden, |v| v.max(0.0));
            second.forward(hidden, response, |v| shrink(v, self.soft_shrink));
            for (value, x) in response.iter_mut().zip(&*spectrum) {
                *value *= x;
            }
            // A real signal has no imaginary part in its mean and, where the length is even, its highest frequency.
            response[0].im = 0.0;
            if len.is_multiple_of(2) {
                response[len / 2].im = 0.0;
            }
            inverse
                .process(response, signal)
                .expect("buffers made for this length");
            for (x, value) in row.iter_mut().zip(&*signal) {
                *x = (value * inverse_scale) as f32;
            }
        };
        rows.par_chunks_mut(len)
            .enumerate()
            .for_each_init(buffers, filter_row);
        Ok(())
    }
}

impl Layer {
    /// y = a(x ∗ w + b) on real and imaginary part separately, zeros outside.
    fn forward(&self, x: &[Complex64], y: &mut [Complex64], activation: impl Fn(f64) -> f64) {
        let reach = self.kernel.len() / 2;
        for (frequency, y) in y.iter_mut().enumerate() {
            let taps = self.kernel.iter().enumerate();
            let sum = taps.fold(self.offset, |sum, (tap, weight)| {
                match (frequency + tap).checked_sub(reach) {
                    Some(at) if at < x.len() => sum + x[at] * weight,
                    _ => sum,
                }
            });
            *y = Complex64::new(activation(sum.re), activation(sum.im));
        }
    }
}

/// A number moved by `by` towards 0.
fn shrink(value: f64, by: f64) -> f64 {
    value - value.clamp(-by, by)
}

#[cfg(test)]
mod tests {
    use super::*;

    const CONFIG: FilterConfig = FilterConfig {
        kernel_size: 1,
        soft_shrink: 0.0,
        fft_norm: FftNorm::Backward,
    };

    fn weights(num_channels: usize, kernel_size: usize) -> SpectralWeights {
        SpectralWeights {
            w1: vec![0.5; 2 * num_channels * kernel_size],
            b1: vec![0.5; 2 * num_channels],
            w2: vec![0.5; 2 * num_channels * kernel_size],
            b2: vec![0.5; 2 * num_channels],
        }
    }

    #[test]
    fn weights_of_wrong_sizes_are_errors() {
        let mut short = weights(3, 1);
        short.w2.pop();
        let error = SpectralFilter::new(short, &CONFIG).unwrap_err();
        assert_eq!(
            error.to_string(),
            "the filter's w2 has 5 values, it must have 6"
        );
        let even = FilterConfig {
            kernel_size: 2,
            ..CONFIG
        };
        let error = SpectralFilter::new(weights(3, 2), &even).unwrap_err();
        assert_eq!(error, SpectralError::Kernel(2));
    }

    #[test]
    fn rows_must_be_whole_sequences() {
        let filter = SpectralFilter::new(weights(3, 1), &CONFIG).unwrap();
        assert_eq!(filter.num_channels(), 3);
        assert_eq!(
            filter.apply(&mut [0.0; 10], 2).unwrap_err().to_string(),
            "10 values are not a whole number of 3 channels of 2 positions each"
        );
        assert!(filter.apply(&mut [0.0; 12], 2).is_ok());
        assert!(filter.apply(&mut [0.0; 12], 0).is_err());
    }

    #[test]
    fn a_single_position_by_hand() {
        // X = 3 without imaginary part; h = ReLU(3(0.5 + 0.5j) + 0.5 + 0.5j) = 2 + 2j;
        // g = (2 + 2j)(0.5 + 0.5j) + 0.5 + 0.5j = 0.5 + 2.5j, shrunk by 0.1 to 0.4 + 2.4j; y = Re(g · 3) = 1.2.
        let config = FilterConfig {
            soft_shrink: 0.1,
            ..CONFIG
        };
        let filter = SpectralFilter::new(weights(1, 1), &config).unwrap();
        let mut rows = [3.0];
        filter.apply(&mut rows, 1).unwrap();
        assert!((rows[0] - 1.2).abs() < 1e-6, "{rows:?}");
    }
}
