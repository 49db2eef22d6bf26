//! I3D: Inception with convolutions over space and time.

use tch::Tensor;

use crate::conv::{Conv, Window};
use crate::error::BackboneError;
use crate::memory_format::channels_last;
use crate::padding::Padding;
use crate::parameters::Parameters;
use crate::stages::Visitor;

/// Channels of the features.
pub(crate) const WIDTH: i64 = 1024;

/// The shortest clip and the smallest frame: the last map must hold a window of 2 by 7 by 7.
pub(crate) fn least(padding: Padding) -> (i64, i64) {
    // Static padding loses the last frame, row and column of an odd size.
    if padding == Padding::Same {
        (9, 193)
    } else {
        (10, 194)
    }
}

/// An Inception module: four branches side by side.
#[derive(Debug)]
struct Mixed {
    b0: Conv,
    b1: [Conv; 2],
    b2: [Conv; 2],
    b3: Conv,
    pool: Window,
}

impl Mixed {
    fn forward(&self, x: &Tensor) -> Result<Tensor, BackboneError> {
        let pair = |[reduce, conv]: &[Conv; 2]| conv.forward_relu(&reduce.forward_relu(x)?);
        let pooled = self.pool.max_pool(x)?;
        let branches = [
            self.b0.forward_relu(x)?,
            pair(&self.b1)?,
            pair(&self.b2)?,
            self.b3.forward_relu(&pooled)?,
        ];
        Ok(Tensor::f_cat(&branches, 1)?)
    }
}

#[derive(Debug)]
enum Stage {
    Conv(Conv),
    Pool(Window),
    Mixed(Box<Mixed>),
}

/// Endpoints of the network, in order.
const STAGES: [(&str, Plan); 16] = [
    ("Conv3d_1a_7x7", Plan::Conv(64, 7, 2)),
    ("MaxPool3d_2a_3x3", Plan::Pool([1, 3, 3], [1, 2, 2])),
    ("Conv3d_2b_1x1", Plan::Conv(64, 1, 1)),
    ("Conv3d_2c_3x3", Plan::Conv(192, 3, 1)),
    ("MaxPool3d_3a_3x3", Plan::Pool([1, 3, 3], [1, 2, 2])),
    ("Mixed_3b", Plan::Mixed([64, 96, 128, 16, 32, 32])),
    ("Mixed_3c", Plan::Mixed([128, 128, 192, 32, 96, 64])),
    ("MaxPool3d_4a_3x3", Plan::Pool([3; 3], [2; 3])),
    ("Mixed_4b", Plan::Mixed([192, 96, 208, 16, 48, 64])),
    ("Mixed_4c", Plan::Mixed([160, 112, 224, 24, 64, 64])),
    ("Mixed_4d", Plan::Mixed([128, 128, 256, 24, 64, 64])),
    ("Mixed_4e", Plan::Mixed([112, 144, 288, 32, 64, 64])),
    ("Mixed_4f", Plan::Mixed([256, 160, 320, 32, 128, 128])),
    ("MaxPool3d_5a_2x2", Plan::Pool([2; 3], [2; 3])),
    ("Mixed_5b", Plan::Mixed([256, 160, 320, 32, 128, 128])),
    ("Mixed_5c", Plan::Mixed([384, 192, 384, 48, 128, 128])),
];

#[derive(Debug, Clone, Copy)]
enum Plan {
    /// Channels, edge of the kernel, stride.
    Conv(i64, i64, i64),
    /// Kernel and stride.
    Pool([i64; 3], [i64; 3]),
    /// Channels of b0, b1a, b1b, b2a, b2b, b3b.
    Mixed([i64; 6]),
}

/// The network without its classifier.
#[derive(Debug)]
pub(crate) struct I3d {
    stages: Vec<(&'static str, Stage)>,
}

impl I3d {
    pub(crate) fn new(
        parameters: &mut Parameters<'_>,
        channels: i64,
        padding: Padding,
        eps: f64,
    ) -> Result<Self, BackboneError> {
        let mut inputs = channels;
        let cube = |edge, stride| Window {
            kernel: [edge; 3],
            stride: [stride; 3],
            padding,
        };
        let mut unit = |name: &str, out, inputs, edge, stride| {
            let names = [format!("{name}.conv3d"), format!("{name}.bn")];
            let names = [names[0].as_str(), names[1].as_str()];
            Conv::clips(parameters, names, [out, inputs], cube(edge, stride), eps)
        };
        let mut stages = Vec::new();
        for (name, plan) in STAGES {
            let stage = match plan {
                Plan::Conv(out, edge, stride) => {
                    let conv = unit(name, out, inputs, edge, stride)?;
                    inputs = out;
                    Stage::Conv(conv)
                }
                Plan::Pool(kernel, stride) => Stage::Pool(Window {
                    kernel,
                    stride,
                    padding,
                }),
                Plan::Mixed([a, b, c, d, e, f]) => {
                    let mut part = |part, out, inputs, edge| {
                        unit(&format!("{name}.{part}"), out, inputs, edge, 1)
                    };
                    let mixed = Mixed {
                        b0: part("b0", a, inputs, 1)?,
                        b1: [part("b1a", b, inputs, 1)?, part("b1b", c, b, 3)?],
                        b2: [part("b2a", d, inputs, 1)?, part("b2b", e, d, 3)?],
                        b3: part("b3b", f, inputs, 1)?,
                        pool: cube(3, 1),
                    };
                    inputs = a + c + e + f;
                    Stage::Mixed(Box::new(mixed))
                }
            };
            stages.push((name, stage));
        }
        Ok(Self { stages })
    }

    /// Means over the steps, each of which is a mean over two frames of the last map.
    pub(crate) fn forward(
        &self,
        clips: &Tensor,
        visit: &mut Visitor<'_>,
    ) -> Result<Tensor, BackboneError> {
        let mut x = channels_last(clips)?;
        for (name, stage) in &self.stages {
            x = match stage {
                Stage::Conv(conv) => conv.forward_relu(&x)?,
                Stage::Pool(window) => window.max_pool(&x)?,
                Stage::Mixed(mixed) => mixed.forward(&x)?,
            };
            visit(name, &x);
        }
        let steps = x.f_avg_pool3d([2, 7, 7], [1, 1, 1], [0, 0, 0], false, true, None)?;
        visit("steps", &steps);
        Ok(steps.f_mean_dim([2, 3, 4].as_slice(), false, None)?)
    }
}
