//! Global filter in the frequency domain.

use tal_core::config::{FftNorm, GmgConfig};
use tal_core::nn::dim;
use tch::{Tensor, nn};

/// Global filter whose frequency response depends on the input's own spectrum.
///
/// X = rfft(x), h = ReLU(X · w₁ + b₁) on real and imaginary part separately, g = S_λ(h · w₂ + b₂), y = irfft(g ⊙ X), where
/// w and b are complex numbers per channel and S_λ, the soft shrinkage, moves real and imaginary part by λ towards 0.
///
/// # Shapes
/// (B, C, T) → (B, C, T), any T; `w1`, `w2` (2, C, 1) and `b1`, `b2` (2, C), real part first.
///
/// # Source
/// Equations 1 to 3 of arXiv 2412.09202, with the paper's convolutions along frequency read as kernel 1.
#[derive(Debug)]
pub struct GlobalFilter {
    /// Factor of the first layer.
    pub w1: Tensor,
    /// Offset of the first layer.
    pub b1: Tensor,
    /// Factor of the second layer.
    pub w2: Tensor,
    /// Offset of the second layer.
    pub b2: Tensor,
    soft_shrink: f64,
    fft_norm: &'static str,
}

impl GlobalFilter {
    /// Standard deviation of all initial values.
    pub const INITIAL_STD: f64 = 0.02;

    /// Variables `w1`, `b1`, `w2` and `b2` below `path`.
    pub fn new(path: &nn::Path<'_>, config: &GmgConfig, num_channels: usize) -> Self {
        let channels = dim(num_channels);
        let init = nn::Init::Randn {
            mean: 0.0,
            stdev: Self::INITIAL_STD,
        };
        GlobalFilter {
            w1: path.var("w1", &[2, channels, 1], init),
            b1: path.var("b1", &[2, channels], init),
            w2: path.var("w2", &[2, channels, 1], init),
            b2: path.var("b2", &[2, channels], init),
            soft_shrink: config.soft_shrink,
            fft_norm: match config.fft_norm {
                FftNorm::Ortho => "ortho",
                FftNorm::Backward => "backward",
            },
        }
    }

    /// Filters.
    ///
    /// # Shapes
    /// (B, C, T) → (B, C, T).
    pub fn forward(&self, x: &Tensor) -> Tensor {
        let len = x.size()[2];
        let spectrum = x.fft_rfft(None, -1, self.fft_norm);
        let hidden = affine(&spectrum, &self.w1, &self.b1).view_as_real().relu();
        let response = affine(&hidden.view_as_complex(), &self.w2, &self.b2);
        let response = if self.soft_shrink > 0.0 {
            let parts = response.view_as_real();
            let shrunk = &parts - parts.clamp(-self.soft_shrink, self.soft_shrink);
            shrunk.view_as_complex()
        } else {
            response
        };
        (response * spectrum).fft_irfft(len, -1, self.fft_norm)
    }
}

/// z · w + b with a complex number w and b per channel.
fn affine(z: &Tensor, weight: &Tensor, bias: &Tensor) -> Tensor {
    let weight = Tensor::complex(&weight.get(0), &weight.get(1));
    let bias = Tensor::complex(&bias.get(0), &bias.get(1)).unsqueeze(-1);
    z * weight + bias
}
