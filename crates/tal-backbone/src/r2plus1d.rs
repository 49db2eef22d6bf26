//! R(2+1)D: residual networks whose convolutions are split into space and time.

use tch::Tensor;

use crate::conv::{Conv, Window};
use crate::error::BackboneError;
use crate::memory_format::channels_last;
use crate::padding::Padding;
use crate::parameters::Parameters;
use crate::stages::Visitor;

/// Channels of the features.
pub(crate) const WIDTH: i64 = 512;

/// The two depths.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Depth {
    D18,
    D34,
}

impl Depth {
    /// Blocks of each of the four layers.
    fn blocks(self) -> [usize; 4] {
        match self {
            Self::D18 => [2, 2, 2, 2],
            Self::D34 => [3, 4, 6, 3],
        }
    }

    /// Middle channels of the second convolution of a block.
    fn second_middle(self, inputs: i64, planes: i64) -> i64 {
        match self {
            Self::D18 => middle(inputs, planes),
            Self::D34 => middle(planes, planes),
        }
    }
}

/// Channels between space and time, which give as many weights as a convolution over both.
fn middle(inputs: i64, planes: i64) -> i64 {
    inputs * planes * 27 / (inputs * 9 + 3 * planes)
}

fn spatial(kernel: i64, stride: i64) -> Window {
    let pad = kernel / 2;
    Window {
        kernel: [1, kernel, kernel],
        stride: [1, stride, stride],
        padding: Padding::Fixed([0, pad, pad]),
    }
}

fn temporal(stride: i64) -> Window {
    Window {
        kernel: [3, 1, 1],
        stride: [stride, 1, 1],
        padding: Padding::Fixed([1, 0, 0]),
    }
}

/// A convolution in space, then one in time.
#[derive(Debug)]
struct Split {
    space: Conv,
    time: Conv,
}

impl Split {
    /// The convolution `name` of a block, from `inputs` over `middle` to `out` channels.
    fn new(
        parameters: &mut Parameters<'_>,
        name: &str,
        [inputs, middle, out]: [i64; 3],
        stride: i64,
        eps: f64,
    ) -> Result<Self, BackboneError> {
        let [space, between, time, behind] =
            ["0.0", "0.1", "0.3", "1"].map(|part| format!("{name}.{part}"));
        let (first, last) = ([&*space, &*between], [&*time, &*behind]);
        Ok(Self {
            space: Conv::clips(parameters, first, [middle, inputs], spatial(3, stride), eps)?,
            time: Conv::clips(parameters, last, [out, middle], temporal(stride), eps)?,
        })
    }

    fn forward(&self, x: &Tensor) -> Result<Tensor, BackboneError> {
        self.time.forward(&self.space.forward_relu(x)?)
    }
}

#[derive(Debug)]
struct Block {
    first: Split,
    second: Split,
    shortcut: Option<Conv>,
}

impl Block {
    fn new(
        parameters: &mut Parameters<'_>,
        name: &str,
        depth: Depth,
        [inputs, planes]: [i64; 2],
        stride: i64,
        eps: f64,
    ) -> Result<Self, BackboneError> {
        let [conv1, conv2, conv, norm] =
            ["conv1", "conv2", "downsample.0", "downsample.1"].map(|part| format!("{name}.{part}"));
        let p = parameters;
        let channels = [inputs, middle(inputs, planes), planes];
        let first = Split::new(p, &conv1, channels, stride, eps)?;
        let channels = [planes, depth.second_middle(inputs, planes), planes];
        let second = Split::new(p, &conv2, channels, 1, eps)?;
        let window = Window {
            kernel: [1; 3],
            stride: [stride; 3],
            padding: Padding::Fixed([0; 3]),
        };
        let shortcut = (stride != 1 || inputs != planes)
            .then(|| Conv::clips(p, [&conv, &norm], [planes, inputs], window, eps));
        Ok(Self {
            first,
            second,
            shortcut: shortcut.transpose()?,
        })
    }

    fn forward(&self, x: &Tensor) -> Result<Tensor, BackboneError> {
        let y = self.first.forward(x)?.f_relu_()?;
        let mut y = self.second.forward(&y)?;
        let _ = match &self.shortcut {
            Some(shortcut) => y.f_add_(&shortcut.forward(x)?)?,
            None => y.f_add_(x)?,
        };
        Ok(y.f_relu_()?)
    }
}

/// The network without its classifier.
#[derive(Debug)]
pub(crate) struct R2Plus1d {
    stem: Split,
    /// Blocks with their names.
    blocks: Vec<(String, Block)>,
}

impl R2Plus1d {
    pub(crate) fn new(
        parameters: &mut Parameters<'_>,
        depth: Depth,
        eps: f64,
    ) -> Result<Self, BackboneError> {
        let p = parameters;
        let stem = Split {
            space: Conv::clips(p, ["stem.0", "stem.1"], [45, 3], spatial(7, 2), eps)?,
            time: Conv::clips(p, ["stem.3", "stem.4"], [64, 45], temporal(1), eps)?,
        };
        let mut blocks = Vec::new();
        let mut inputs = 64;
        let layers = depth.blocks().into_iter().zip([64, 128, 256, WIDTH]);
        for (layer, (number, planes)) in (1..).zip(layers) {
            for place in 0..number {
                let name = format!("layer{layer}.{place}");
                let stride = if layer > 1 && place == 0 { 2 } else { 1 };
                let block = Block::new(p, &name, depth, [inputs, planes], stride, eps)?;
                blocks.push((name, block));
                inputs = planes;
            }
        }
        Ok(Self { stem, blocks })
    }

    /// Means over time and space.
    pub(crate) fn forward(
        &self,
        clips: &Tensor,
        visit: &mut Visitor<'_>,
    ) -> Result<Tensor, BackboneError> {
        let mut x = self.stem.forward(&channels_last(clips)?)?.f_relu_()?;
        visit("stem", &x);
        for (name, block) in &self.blocks {
            x = block.forward(&x)?;
            visit(name, &x);
        }
        Ok(x.f_mean_dim([2, 3, 4].as_slice(), false, None)?)
    }
}
