//! Global filter in the frequency domain, with LibTorch's operations.

use tal_core::config::{FftNorm, FilterConfig};
use tal_core::nn::dim;
use tch::{Tensor, nn};

use crate::error::EncoderError;

/// Global filter whose frequency response depends on the input's own spectrum.
///
/// X = rfft(x), h = ReLU(X ∗ w₁ + b₁) on real and imaginary part separately, g = S_λ(h ∗ w₂ + b₂), y = irfft(g ⊙ X), where
/// w is a complex kernel per channel along frequency (zeros outside 0 to ⌊T/2⌋), b a complex number per channel and S_λ, the
/// soft shrinkage, moves real and imaginary part by λ towards 0. A kernel of one number is a factor.
///
/// # Shapes
/// (B, C, T) → (B, C, T), any T; `w1`, `w2` (2, C, kernel) and `b1`, `b2` (2, C), real part first.
///
/// # Source
/// Equations 1 to 3 of arXiv 2412.09202; the released code has the kernel 1.
#[derive(Debug)]
pub struct GlobalFilter {
    /// Kernel of the first layer.
    pub w1: Tensor,
    /// Offset of the first layer.
    pub b1: Tensor,
    /// Kernel of the second layer.
    pub w2: Tensor,
    /// Offset of the second layer.
    pub b2: Tensor,
    pub(crate) soft_shrink: f64,
    pub(crate) fft_norm: FftNorm,
}

impl GlobalFilter {
    /// Standard deviation of all initial values.
    pub const INITIAL_STD: f64 = 0.02;

    /// Variables `w1`, `b1`, `w2` and `b2` below `path`.
    ///
    /// # Errors
    /// If the kernel is even or λ below 0.
    pub fn new(
        path: &nn::Path<'_>,
        config: &FilterConfig,
        num_channels: usize,
    ) -> Result<Self, EncoderError> {
        EncoderError::unless_empty(config.errors())?;
        let (channels, taps) = (dim(num_channels), dim(config.kernel_size));
        let init = nn::Init::Randn {
            mean: 0.0,
            stdev: Self::INITIAL_STD,
        };
        Ok(GlobalFilter {
            w1: path.var("w1", &[2, channels, taps], init),
            b1: path.var("b1", &[2, channels], init),
            w2: path.var("w2", &[2, channels, taps], init),
            b2: path.var("b2", &[2, channels], init),
            soft_shrink: config.soft_shrink,
            fft_norm: config.fft_norm,
        })
    }

    /// Filters.
    pub fn forward(&self, x: &Tensor) -> Tensor {
        let len = x.size()[2];
        let norm = match self.fft_norm {
            FftNorm::Ortho => "ortho",
            FftNorm::Backward => "backward",
        };
        let spectrum = x.fft_rfft(None, -1, norm);
        let hidden = convolve(&spectrum, &self.w1, &self.b1);
        let hidden = hidden.view_as_real().relu();
        let response = convolve(&hidden.view_as_complex(), &self.w2, &self.b2);
        let response = if self.soft_shrink > 0.0 {
            let parts = response.view_as_real();
            let shrunk = &parts - parts.clamp(-self.soft_shrink, self.soft_shrink);
            shrunk.view_as_complex()
        } else {
            response
        };
        let product = response * spectrum;
        let product = match product.device().is_cuda() {
            true => hermitian(&product, len),
            false => product,
        };
        product.fft_irfft(len, -1, norm)
    }
}

/// The spectrum without the imaginary parts that a real signal of `len` values cannot have: that of its mean and, if the length
/// is even, of its highest frequency. The CPU's inverse transform ignores these; cuFFT's does not at every length.
fn hermitian(spectrum: &Tensor, len: i64) -> Tensor {
    let parts = spectrum.view_as_real();
    let num_frequencies = spectrum.size()[2];
    let mask = Tensor::ones([num_frequencies, 2], (parts.kind(), parts.device()));
    let _ = mask.get(0).get(1).fill_(0.0);
    if len % 2 == 0 {
        let _ = mask.get(num_frequencies - 1).get(1).fill_(0.0);
    }
    (parts * mask).view_as_complex()
}

/// z ∗ w + b along the last dimension, with a complex kernel w and number b per channel.
fn convolve(z: &Tensor, weight: &Tensor, bias: &Tensor) -> Tensor {
    let weight = Tensor::complex(&weight.get(0), &weight.get(1));
    let bias = Tensor::complex(&bias.get(0), &bias.get(1)).unsqueeze(-1);
    let (taps, len) = (weight.size()[1], z.size()[2]);
    if taps == 1 {
        return z * weight + bias;
    }
    let reach = taps / 2;
    let padded = z.constant_pad_nd([reach, reach]);
    (0..taps).fold(bias, |sum, tap| {
        sum + padded.narrow(2, tap, len) * weight.narrow(1, tap, 1)
    })
}

#[cfg(test)]
mod tests {
    use tch::{Device, Kind};

    use super::*;

    #[test]
    fn a_real_signal_does_not_change_for_what_its_spectrum_cannot_have() {
        for len in [8, 9, 2] {
            let shape = [2, 3, len / 2 + 1];
            let parts = || Tensor::randn(shape, (Kind::Double, Device::Cpu));
            let spectrum = Tensor::complex(&parts(), &parts());
            let clean = hermitian(&spectrum, len);
            let imaginary = |frequency: i64| {
                let part = clean.imag().select(2, frequency);
                part.abs().max().double_value(&[])
            };
            assert_eq!(imaginary(0), 0.0);
            assert_eq!(imaginary(len / 2) == 0.0, len % 2 == 0);
            let signal = |spectrum: &Tensor| spectrum.fft_irfft(len, -1, "ortho");
            let difference = signal(&clean) - signal(&spectrum);
            assert!(difference.abs().max().double_value(&[]) < 1e-12);
        }
    }
}
