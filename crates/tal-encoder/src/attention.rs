//! Multi-head self-attention along time.

use tal_core::nn::{BiasInit, ChannelLayerNorm, Conv1d, Conv1dConfig, MaskedConv1d, dim};
use tch::{Kind, Tensor, nn};

use crate::windowed::windowed_attention;

/// Shape of a [`SelfAttention`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SelfAttentionConfig {
    /// Channels of input and output.
    pub dim: usize,
    /// Number of heads; they share the channels evenly.
    pub num_heads: usize,
    /// Number of positions that each position attends to (odd, at least 3); `None`: all.
    pub window: Option<usize>,
    /// Adds a learned bias per head and distance within the window.
    pub relative_position: bool,
    /// Kernel of the depth-wise convolutions (odd).
    pub kernel_size: usize,
    /// Step of the depth-wise convolutions.
    pub stride: usize,
}

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
    fn new(path: &nn::Path<'_>, config: &SelfAttentionConfig) -> Self {
        let conv = Conv1dConfig {
            stride: config.stride,
            bias: BiasInit::None,
            ..Conv1dConfig::depthwise(config.dim, config.kernel_size)
        };
        AttentionInput {
            conv: MaskedConv1d::new(&(path / "conv"), conv),
            norm: ChannelLayerNorm::new(&(path / "norm"), config.dim),
            projection: Conv1d::new(&(path / "projection"), pointwise(config.dim)),
        }
    }

    /// Convolves, normalises, projects; `mask` has the length of the output.
    ///
    /// # Shapes
    /// (B, C, T), mask (B, 1, T') → (B, C, T').
    pub fn forward(&self, x: &Tensor, mask: &Tensor) -> Tensor {
        self.projection
            .forward(&self.norm.forward(&self.conv.forward(x, mask)))
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
    /// Variables named as the fields below `path`.
    ///
    /// # Panics
    /// If a size is 0, the heads do not divide the channels, a kernel or window is even, the window is below 3, or there is a bias
    /// per distance without a window.
    pub fn new(path: &nn::Path<'_>, config: &SelfAttentionConfig) -> Self {
        let &SelfAttentionConfig {
            dim: channels,
            num_heads,
            window,
            relative_position,
            kernel_size,
            ..
        } = config;
        assert!(
            num_heads > 0
                && channels.is_multiple_of(num_heads)
                && window.is_none_or(|window| window >= 3 && window % 2 == 1)
                && (window.is_some() || !relative_position)
                && kernel_size % 2 == 1,
            "no attention has these sizes: {config:?}"
        );
        let relative_bias = window.filter(|_| relative_position).map(|window| {
            let init = nn::Init::Randn {
                mean: 0.0,
                stdev: (2.0 / channels as f64).sqrt(),
            };
            path.var("relative_bias", &[1, 1, dim(num_heads), dim(window)], init)
        });
        SelfAttention {
            query: AttentionInput::new(&(path / "query"), config),
            key: AttentionInput::new(&(path / "key"), config),
            value: AttentionInput::new(&(path / "value"), config),
            relative_bias,
            output: Conv1d::new(&(path / "output"), pointwise(channels)),
            num_heads,
            window,
        }
    }

    /// Attends; `mask` has the length of the output.
    ///
    /// # Shapes
    /// (B, C, T), mask (B, 1, T') → (B, C, T').
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
        x.view([batch, dim(self.num_heads), -1, len])
            .transpose(2, 3)
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

fn pointwise(channels: usize) -> Conv1dConfig {
    Conv1dConfig {
        bias: BiasInit::Zero,
        ..Conv1dConfig::new(channels, channels, 1)
    }
}
