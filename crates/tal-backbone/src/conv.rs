//! Convolutions and pools with their padding.

use tch::Tensor;

use crate::error::BackboneError;
use crate::padding::Padding;
use crate::parameters::Parameters;

/// A window that slides over the axes behind the channels: two for frames, three for clips.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Window {
    pub(crate) kernel: [i64; 3],
    pub(crate) stride: [i64; 3],
    pub(crate) padding: Padding,
}

impl Window {
    /// The padded input, if it has to be, and the zeros that the operation itself adds.
    fn pad(&self, x: &Tensor) -> Result<(Option<Tensor>, Vec<i64>), BackboneError> {
        let size = x.size();
        let pads: Vec<(i64, i64)> = size[2..]
            .iter()
            .enumerate()
            .map(|(axis, size)| {
                let (kernel, stride) = (self.kernel[axis], self.stride[axis]);
                self.padding.of_axis(axis, *size, kernel, stride)
            })
            .collect();
        if pads.iter().all(|(front, back)| front == back) {
            return Ok((None, pads.iter().map(|(front, _)| *front).collect()));
        }
        // The last axis comes first.
        let list: Vec<i64> = pads.iter().rev().flat_map(|(f, b)| [*f, *b]).collect();
        Ok((Some(x.f_constant_pad_nd(list)?), vec![0; pads.len()]))
    }

    /// Maxima of the windows. Pads with zeros as TensorFlow does, so the input must not be negative.
    pub(crate) fn max_pool(&self, x: &Tensor) -> Result<Tensor, BackboneError> {
        let (padded, zeros) = self.pad(x)?;
        let x = padded.as_ref().unwrap_or(x);
        // Released code with static padding rounds up, too.
        let ceil_mode = self.padding == Padding::SameStatic;
        Ok(x.f_max_pool3d(self.kernel, self.stride, zeros, [1, 1, 1], ceil_mode)?)
    }
}

/// A convolution, with the batch norm behind it folded in.
#[derive(Debug)]
pub(crate) struct Conv {
    weight: Tensor,
    bias: Tensor,
    window: Window,
    groups: i64,
}

impl Conv {
    /// A convolution named `conv` with its batch norm `norm`, on clips: `channels` are output and input.
    pub(crate) fn clips(
        parameters: &mut Parameters<'_>,
        [conv, norm]: [&str; 2],
        [out, inputs]: [i64; 2],
        window: Window,
        eps: f64,
    ) -> Result<Self, BackboneError> {
        let [t, h, w] = window.kernel;
        let shape = [out, inputs, t, h, w];
        let (weight, bias) = parameters.take_conv_norm(conv, norm, &shape, eps)?;
        Ok(Self {
            weight,
            bias,
            window,
            groups: 1,
        })
    }

    /// The same on frames, with SAME padding; `groups` is 1, or the number of channels.
    pub(crate) fn frames(
        parameters: &mut Parameters<'_>,
        [conv, norm]: [&str; 2],
        [out, inputs]: [i64; 2],
        [kernel, stride]: [i64; 2],
        groups: i64,
        eps: f64,
    ) -> Result<Self, BackboneError> {
        let shape = [out, inputs / groups, kernel, kernel];
        let (weight, bias) = parameters.take_conv_norm(conv, norm, &shape, eps)?;
        Ok(Self {
            weight,
            bias,
            window: Window {
                kernel: [kernel; 3],
                stride: [stride; 3],
                padding: Padding::Same,
            },
            groups,
        })
    }

    pub(crate) fn forward(&self, x: &Tensor) -> Result<Tensor, BackboneError> {
        let (padded, zeros) = self.window.pad(x)?;
        let x = padded.as_ref().unwrap_or(x);
        let axes = zeros.len();
        Ok(x.f_convolution(
            &self.weight,
            Some(&self.bias),
            &self.window.stride[..axes],
            zeros,
            vec![1; axes],
            false,
            vec![0; axes],
            self.groups,
        )?)
    }

    /// The output with its negative values set to zero.
    pub(crate) fn forward_relu(&self, x: &Tensor) -> Result<Tensor, BackboneError> {
        Ok(self.forward(x)?.f_relu_()?)
    }
}
