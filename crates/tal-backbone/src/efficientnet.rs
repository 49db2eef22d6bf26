//! EfficientNet-Lite0, a network for single frames.

use tch::Tensor;

use crate::conv::Conv;
use crate::error::BackboneError;
use crate::memory_format::channels_last;
use crate::parameters::Parameters;
use crate::stages::Visitor;

/// Channels of the features.
pub(crate) const WIDTH: i64 = 1280;

/// Kernel, stride, expansion, channels and number of the blocks of a stage.
const STAGES: [[i64; 5]; 7] = [
    [3, 1, 1, 16, 1],
    [3, 2, 6, 24, 2],
    [5, 2, 6, 40, 2],
    [3, 2, 6, 80, 3],
    [5, 1, 6, 112, 3],
    [5, 2, 6, 192, 4],
    [3, 1, 6, 320, 1],
];

/// An inverted bottleneck.
#[derive(Debug)]
struct Block {
    expand: Option<Conv>,
    depthwise: Conv,
    project: Conv,
    has_shortcut: bool,
}

impl Block {
    fn forward(&self, x: &Tensor) -> Result<Tensor, BackboneError> {
        let expanded = self.expand.as_ref().map(|conv| forward_relu6(conv, x));
        let expanded = expanded.transpose()?;
        let y = forward_relu6(&self.depthwise, expanded.as_ref().unwrap_or(x))?;
        let mut y = self.project.forward(&y)?;
        if self.has_shortcut {
            let _ = y.f_add_(x)?;
        }
        Ok(y)
    }
}

fn forward_relu6(conv: &Conv, x: &Tensor) -> Result<Tensor, BackboneError> {
    Ok(conv.forward(x)?.f_clamp_(0.0, 6.0)?)
}

/// The network without its classifier.
#[derive(Debug)]
pub(crate) struct EfficientNet {
    stem: Conv,
    blocks: Vec<Block>,
    head: Conv,
}

impl EfficientNet {
    pub(crate) fn new(parameters: &mut Parameters<'_>, eps: f64) -> Result<Self, BackboneError> {
        let p = parameters;
        let stem = Conv::frames(p, ["_conv_stem", "_bn0"], [32, 3], [3, 2], 1, eps)?;
        let mut inputs = 32;
        let mut blocks = Vec::new();
        for [kernel, stride, expansion, out, number] in STAGES {
            for place in 0..number {
                let stride = if place == 0 { stride } else { 1 };
                let middle = inputs * expansion;
                let name = |part: &str| format!("_blocks.{}.{part}", blocks.len());
                let mut conv = |conv: &str, norm: &str, channels, window, groups| {
                    Conv::frames(p, [&name(conv), &name(norm)], channels, window, groups, eps)
                };
                let expand = (expansion != 1)
                    .then(|| conv("_expand_conv", "_bn0", [middle, inputs], [1, 1], 1));
                let block = Block {
                    expand: expand.transpose()?,
                    depthwise: conv(
                        "_depthwise_conv",
                        "_bn1",
                        [middle, middle],
                        [kernel, stride],
                        middle,
                    )?,
                    project: conv("_project_conv", "_bn2", [out, middle], [1, 1], 1)?,
                    has_shortcut: stride == 1 && inputs == out,
                };
                blocks.push(block);
                inputs = out;
            }
        }
        let head = Conv::frames(p, ["_conv_head", "_bn1"], [WIDTH, inputs], [1, 1], 1, eps)?;
        Ok(Self { stem, blocks, head })
    }

    /// Means over space.
    pub(crate) fn forward(
        &self,
        frames: &Tensor,
        visit: &mut Visitor<'_>,
    ) -> Result<Tensor, BackboneError> {
        let mut x = self.stem.forward(&channels_last(frames)?)?;
        visit("_bn0", &x);
        x = x.f_clamp_(0.0, 6.0)?;
        for (place, block) in self.blocks.iter().enumerate() {
            x = block.forward(&x)?;
            visit(&format!("_blocks.{place}"), &x);
        }
        let mut x = self.head.forward(&x)?;
        visit("_bn1", &x);
        Ok(x.f_clamp_(0.0, 6.0)?
            .f_mean_dim([2, 3].as_slice(), false, None)?)
    }
}
