//! Multi-head self-attention along time.

use tal_core::config::{AttentionConfig, EncoderConfig, MixerConfig};
use tal_core::nn::{BiasInit, ChannelLayerNorm, Conv1d, Conv1dConfig, MaskedConv1d, dim as nn_dim};
use tch::{Kind, Tensor, nn};

use crate::error::{EncoderError, zeros};
use crate::windowed::windowed_attention;

/// Path of the query, the key or the value: a depth-wise masked convolution, a norm and a fully connected layer.
///
/// y = projection(LN(Conv(x) · mask))
///
/// # Shapes
/// (B, C, T), mask (B, 1, T') → (B, C, T'), T' = ⌈T / stride⌉.
#[derive(Debug)]
pub struct AttentionInput {
    /// The convolution, without bias.
    pub conv: MaskedConv1d,
    /// After the convolution.
    pub norm: ChannelLayerNorm,
    /// The fully connected layer.
    pub projection: Conv1d,
}

impl AttentionInput {
    fn new(path: &nn::Path<'_>, dim: usize, kernel_size: usize, stride: usize) -> Self {
        let conv = Conv1dConfig::depthwise(dim, kernel_size).with_bias(BiasInit::None);
        AttentionInput {
            conv: MaskedConv1d::new(&(path / "conv"), Conv1dConfig { stride, ..conv }),
            norm: ChannelLayerNorm::new(&(path / "norm"), dim),
            projection: pointwise(&(path / "projection"), dim, dim),
        }
    }

    /// Convolves, normalises, projects; `mask` has the length of the output.
    pub fn forward(&self, x: &Tensor, mask: &Tensor) -> Tensor {
        let normed = self.norm.forward(&self.conv.forward(x, mask));
        self.projection.forward(&normed)
    }
}

/// Multi-head self-attention along time.
///
/// Per head A = softmax(Q·Kᵀ / √(C/h) + bias), y = output(concat(A·V)) · mask. Without a window, padded keys have the weight 0.
/// With one, a position attends to itself and ⌊window/2⌋ positions on either side: positions outside the sequence have the
/// weight 0, padded keys get −1e4 added, padded queries give zero before the output layer, and memory grows with T · window.
///
/// # Shapes
/// (B, C, T), mask (B, 1, T') → (B, C, T'), T' = ⌈T / stride⌉; `relative_bias` (1, 1, h, window).
///
/// # Source
/// arXiv 2202.07925.
#[derive(Debug)]
pub struct SelfAttention {
    /// Path of the query.
    pub query: AttentionInput,
    /// Path of the key.
    pub key: AttentionInput,
    /// Path of the value.
    pub value: AttentionInput,
    /// Bias per head and distance within the window.
    pub relative_bias: Option<Tensor>,
    /// The fully connected layer behind the heads.
    pub output: Conv1d,
    num_heads: usize,
    window: Option<usize>,
}

impl SelfAttention {
    /// Variables named as the fields below `path`, for C = `dim` channels. The width of the MLP and the drop path of `config`
    /// have no effect.
    ///
    /// # Errors
    /// If no attention can have these sizes.
    pub fn new(
        path: &nn::Path<'_>,
        config: &AttentionConfig,
        dim: usize,
        stride: usize,
    ) -> Result<Self, EncoderError> {
        let mixer = MixerConfig::Attention(config.clone());
        let mut errors = EncoderConfig::block_errors(mixer, dim, 0, None);
        errors.extend(zeros([("stride", stride)]));
        EncoderError::unless_empty(errors)?;
        let (num_heads, window) = (config.num_heads, config.window);
        let relative_bias = window.filter(|_| config.relative_position).map(|window| {
            let (mean, stdev) = (0.0, (2.0 / dim as f64).sqrt());
            let size = [1, 1, nn_dim(num_heads), nn_dim(window)];
            path.var("relative_bias", &size, nn::Init::Randn { mean, stdev })
        });
        let input = |name| AttentionInput::new(&(path / name), dim, config.kernel_size, stride);
        Ok(SelfAttention {
            query: input("query"),
            key: input("key"),
            value: input("value"),
            relative_bias,
            output: pointwise(&(path / "output"), dim, dim),
            num_heads,
            window,
        })
    }

    /// Attends; `mask` has the length of the output.
    ///
    /// Without a window, a recording with no position left becomes NaN.
    pub fn forward(&self, x: &Tensor, mask: &Tensor) -> Tensor {
        let query = self.heads(&self.query.forward(x, mask));
        let key = self.heads(&self.key.forward(x, mask));
        let value = self.heads(&self.value.forward(x, mask));
        let head_dim = query.size()[3];
        let query = query * (head_dim as f64).powf(-0.5);
        let attended = match self.window {
            Some(window) => {
                let bias = self.relative_bias.as_ref();
                windowed_attention(&query, &key, &value, mask, window, bias)
            }
            None => global_attention(&query, &key, &value, mask),
        };
        let (batch, len) = (attended.size()[0], attended.size()[2]);
        let joined = attended.transpose(2, 3).reshape([batch, -1, len]);
        self.output.forward(&joined) * mask
    }

    /// (B, C, T) → (B, h, T, C / h)
    fn heads(&self, x: &Tensor) -> Tensor {
        let (batch, len) = (x.size()[0], x.size()[2]);
        let x = x.view([batch, nn_dim(self.num_heads), -1, len]);
        x.transpose(2, 3)
    }
}

/// Every query attends to all keys with features.
///
/// # Shapes
/// Query (scaled), key and value (B, h, T, C/h), mask (B, 1, T) → (B, h, T, C/h).
fn global_attention(query: &Tensor, key: &Tensor, value: &Tensor, mask: &Tensor) -> Tensor {
    let padded = mask.logical_not().unsqueeze(1);
    let scores = query
        .matmul(&key.transpose(2, 3))
        .masked_fill(&padded, f64::NEG_INFINITY);
    let weights = scores.softmax(-1, None::<Kind>);
    // The weights of padded keys are 0, and 0 · value is 0 as long as values are finite.
    weights.matmul(value)
}

/// A fully connected layer at every position.
pub(crate) fn pointwise(path: &nn::Path<'_>, from: usize, to: usize) -> Conv1d {
    Conv1d::new(
        path,
        Conv1dConfig::new(from, to, 1).with_bias(BiasInit::Zero),
    )
}

#[cfg(test)]
mod tests {
    use tch::Device;
    use tch::nn::VarStore;

    use super::*;

    #[test]
    fn impossible_sizes_are_errors() {
        let vs = VarStore::new(Device::Cpu);
        let possible = AttentionConfig {
            num_heads: 2,
            window: Some(3),
            relative_position: true,
            kernel_size: 3,
            mlp_dim: None,
            drop_path: 0.0,
        };
        let fails = |change: fn(&mut AttentionConfig), dim: usize, stride: usize| {
            let mut config = possible.clone();
            change(&mut config);
            SelfAttention::new(&vs.root(), &config, dim, stride).is_err()
        };
        assert!(!fails(|_| {}, 4, 1));
        assert!(fails(|_| {}, 4, 0), "stride");
        assert!(fails(|_| {}, 0, 1), "no channels");
        assert!(fails(|_| {}, 5, 1), "channels that heads do not divide");
        assert!(fails(|config| config.num_heads = 0, 4, 1), "heads");
        assert!(fails(|config| config.window = Some(2), 4, 1), "window");
        assert!(fails(|config| config.window = None, 4, 1), "bias");
        assert!(fails(|config| config.kernel_size = 2, 4, 1), "kernel");
    }
}
