//! Convolution along time where only some of its values are wanted.

use std::mem::MaybeUninit;
use std::ops::Range;

use tal_torch::{parallel, record};
use tch::Tensor;

use super::conv::{as_needed, convolve};
use super::{dim, host};

/// Windows at a time: their sums stay in the first-level cache while the input's channels pass by.
const BLOCK: usize = 128;

/// What a multiplication costs in a window of a few values, in those of a whole convolution.
const WINDOW_COST: usize = 64;

/// What a window costs per input channel besides its values, in the same unit.
const WINDOW_OVERHEAD: usize = 800;

/// Neighbouring values of one output channel.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConvWindow {
    /// Sample of the batch.
    pub sample: usize,
    /// Output channel.
    pub channel: usize,
    /// Position of the first value, which may lie outside of the output.
    pub start: isize,
    /// Positions of the output that count; values at others are zero.
    pub within: Range<usize>,
}

impl ConvWindow {
    /// The indices of the values that count, of `width`.
    fn counted(&self, width: usize) -> Range<usize> {
        let index = |position: usize| {
            let index = position as isize - self.start;
            index.clamp(0, width as isize) as usize
        };
        let (from, to) = (index(self.within.start), index(self.within.end));
        from..to.max(from)
    }

    /// The indices in `counted` whose input under a tap, `shift` positions further, lies in a row of `len`, and the input
    /// position of the first.
    fn under_tap(&self, counted: &Range<usize>, shift: isize, len: usize) -> (Range<usize>, usize) {
        let first = self.start + shift;
        let from = (-first).clamp(counted.start as isize, counted.end as isize);
        let to = (len as isize - first).clamp(from, counted.end as isize);
        let position = (first + from).max(0) as usize;
        (from as usize..to as usize, position)
    }
}

/// The values of a convolution with stride 1 that keeps the length, in windows of `width` positions only.
///
/// The same values, and the same gradients, as those read from [`convolve`]'s result; positions that do not count are zero
/// and without gradient. In main memory and float32, whatever the [`super::PrecisionScope`] says, only what is asked for is
/// multiplied, where that is less work than the output channels that are asked for; otherwise these channels are computed at
/// all positions.
///
/// # Shapes
/// (B, in, T), `weight` (out, in, kernel) with an odd kernel, `bias` (out), P windows → (P, `width`).
///
/// # Panics
/// Where a window has a sample or a channel that there is not, or counts positions behind the output; where `width` is 0, or
/// input, weight and bias do not fit to each other.
pub fn convolve_windows(
    x: &Tensor,
    weight: &Tensor,
    bias: Option<&Tensor>,
    windows: Vec<ConvWindow>,
    width: usize,
) -> Tensor {
    let sizes = Sizes::new(x, weight, width);
    let bias_size = bias.map(Tensor::size);
    assert!(
        bias_size.is_none_or(|size| size == [dim(sizes.outputs)]),
        "the bias does not fit to {sizes:?}"
    );
    for window in &windows {
        assert!(
            window.sample < sizes.batch
                && window.channel < sizes.outputs
                && window.within.end <= sizes.len,
            "{window:?} is not one of {sizes:?}"
        );
    }
    let channels = channels_of(&windows);
    let whole = sizes.batch * sizes.len * channels.len() * sizes.kernel;
    let in_windows = windows.len() * (WINDOW_OVERHEAD + WINDOW_COST * width * sizes.kernel);
    let plain = host::are_plain([x, weight].into_iter().chain(bias));
    // Without windows there is still a gradient, of zeros.
    if plain && (windows.is_empty() || in_windows < whole) {
        in_loops(x, weight, bias, windows, sizes)
    } else {
        from_channels(x, weight, bias, &windows, &channels, sizes)
    }
}

/// The output channels that windows read, each once, in ascending order.
fn channels_of(windows: &[ConvWindow]) -> Vec<usize> {
    let mut channels: Vec<usize> = windows.iter().map(|window| window.channel).collect();
    channels.sort_unstable();
    channels.dedup();
    channels
}

/// Sizes of a convolution and its windows.
#[derive(Debug, Clone, Copy)]
struct Sizes {
    batch: usize,
    inputs: usize,
    outputs: usize,
    kernel: usize,
    len: usize,
    width: usize,
}

impl Sizes {
    fn new(x: &Tensor, weight: &Tensor, width: usize) -> Self {
        let (batch, inputs, len) = x.size3().expect("a convolution's input");
        let (outputs, read, kernel) = weight.size3().expect("a convolution's kernels");
        assert_eq!(
            inputs, read,
            "channels of the input, and of the weight's input"
        );
        assert!(kernel % 2 == 1, "the kernel of {kernel} taps is even");
        assert!(width > 0, "windows of no position");
        let [batch, inputs, outputs, kernel, len] =
            [batch, inputs, outputs, kernel, len].map(|size| size as usize);
        Sizes {
            batch,
            inputs,
            outputs,
            kernel,
            len,
            width,
        }
    }

    /// Taps with the distance of the input that they read.
    fn taps(&self) -> impl Iterator<Item = (usize, isize)> + use<> {
        let padding = (self.kernel / 2) as isize;
        (0..self.kernel).map(move |tap| (tap, tap as isize - padding))
    }
}

/// From the output channels that are asked for, at all positions.
fn from_channels(
    x: &Tensor,
    weight: &Tensor,
    bias: Option<&Tensor>,
    windows: &[ConvWindow],
    channels: &[usize],
    sizes: Sizes,
) -> Tensor {
    let device = x.device();
    let padding = dim(sizes.kernel / 2);
    let map = if windows.is_empty() || channels.len() == sizes.outputs {
        convolve(x, weight, bias, padding)
    } else {
        let rows: Vec<i64> = channels.iter().map(|&channel| dim(channel)).collect();
        let rows = Tensor::from_slice(&rows).to_device(device);
        let bias = bias.map(|bias| bias.index_select(0, &rows));
        convolve(x, &weight.index_select(0, &rows), bias.as_ref(), padding)
    };
    let count = windows.len() * sizes.width;
    let (mut places, mut outside) = (vec![0i64; count], vec![true; count]);
    for (number, window) in windows.iter().enumerate() {
        let row = channels.partition_point(|&channel| channel < window.channel);
        let row = (window.sample * channels.len() + row) * sizes.len;
        for index in window.counted(sizes.width) {
            let place = number * sizes.width + index;
            places[place] = dim(row) + (window.start + index as isize) as i64;
            outside[place] = false;
        }
    }
    let size = [dim(windows.len()), dim(sizes.width)];
    map.reshape([-1])
        .index_select(0, &Tensor::from_slice(&places).to_device(device))
        .view(size)
        .masked_fill(
            &Tensor::from_slice(&outside).view(size).to_device(device),
            0.0,
        )
}

/// Every window by itself.
fn in_loops(
    x: &Tensor,
    weight: &Tensor,
    bias: Option<&Tensor>,
    windows: Vec<ConvWindow>,
    sizes: Sizes,
) -> Tensor {
    let kept: Vec<Tensor> = [x, weight]
        .into_iter()
        .chain(bias)
        .map(|tensor| tensor.detach().contiguous())
        .collect();
    let output = run(&kept, &windows, sizes);
    let inputs: Vec<&Tensor> = [x, weight].into_iter().chain(bias).collect();
    if !host::records_gradient(inputs.iter().copied()) {
        return output;
    }
    record(output, &inputs, move |gradient, needed| {
        let gradient = gradient.contiguous();
        let input = || input_gradient(&kept[1], &gradient, &windows, sizes);
        let weight = || weight_gradient(&kept[0], &gradient, &windows, sizes);
        let bias = || bias_gradient(&gradient, &windows, sizes);
        as_needed([&input, &weight, &bias], needed)
    })
}

/// The values of all windows; `inputs` are input, weight and bias.
fn run(inputs: &[Tensor], windows: &[ConvWindow], sizes: Sizes) -> Tensor {
    // SAFETY: nobody writes to the inputs of an operation while it runs.
    let [x, weight] = [&inputs[0], &inputs[1]].map(|input| unsafe { host::known_values(input) });
    // SAFETY: as above.
    let bias = inputs
        .get(2)
        .map(|bias| unsafe { host::known_values(bias) });
    let width = sizes.width;
    let block = |windows: &[ConvWindow], out: &mut [MaybeUninit<f32>]| {
        let mut sums = vec![0.0f32; windows.len() * width];
        for (window, sums) in windows.iter().zip(sums.chunks_exact_mut(width)) {
            sums[window.counted(width)].fill(bias.map_or(0.0, |bias| bias[window.channel]));
        }
        for input in 0..sizes.inputs {
            for (window, sums) in windows.iter().zip(sums.chunks_exact_mut(width)) {
                let row = &x[(window.sample * sizes.inputs + input) * sizes.len..][..sizes.len];
                let taps = &weight[(window.channel * sizes.inputs + input) * sizes.kernel..];
                let counted = window.counted(width);
                for (tap, shift) in sizes.taps() {
                    let (range, position) = window.under_tap(&counted, shift, sizes.len);
                    let row = row[position.min(sizes.len)..].iter();
                    for (sum, x) in sums[range].iter_mut().zip(row) {
                        *sum += taps[tap] * x;
                    }
                }
            }
        }
        for (out, sum) in out.iter_mut().zip(sums) {
            out.write(sum);
        }
    };
    let fill = |out: &mut [MaybeUninit<f32>]| {
        let blocks = out.chunks_mut(BLOCK * width).zip(windows.chunks(BLOCK));
        let work = |(): &mut (), (out, windows): (&mut [_], &[_])| block(windows, out);
        parallel::for_each(parallel::num_threads(), blocks, || (), work);
    };
    // SAFETY: every value belongs to a block, and blocks write all of theirs.
    unsafe { host::build(&[windows.len(), width], fill) }
}

/// The gradient of the input (B, in, T).
fn input_gradient(
    weight: &Tensor,
    gradient: &Tensor,
    windows: &[ConvWindow],
    sizes: Sizes,
) -> Tensor {
    // SAFETY: weights are written after the backward pass, and nobody writes to a gradient that goes back.
    let [weight, gradient] = [weight, gradient].map(|tensor| unsafe { host::known_values(tensor) });
    let row = |(): &mut (), number: usize, out: &mut [MaybeUninit<f32>]| {
        let (sample, input) = (number / sizes.inputs, number % sizes.inputs);
        let out = host::zeroed(out);
        for (window, gradient) in windows.iter().zip(gradient.chunks_exact(sizes.width)) {
            if window.sample != sample {
                continue;
            }
            let taps = &weight[(window.channel * sizes.inputs + input) * sizes.kernel..];
            let counted = window.counted(sizes.width);
            for (tap, shift) in sizes.taps() {
                let (range, position) = window.under_tap(&counted, shift, sizes.len);
                let out = out[position.min(sizes.len)..].iter_mut();
                for (out, gradient) in out.zip(&gradient[range]) {
                    *out += taps[tap] * gradient;
                }
            }
        }
    };
    let fill = |out: &mut [MaybeUninit<f32>]| host::for_each_row(out, sizes.len, || (), row);
    // SAFETY: every row is written from end to end.
    unsafe { host::build(&[sizes.batch, sizes.inputs, sizes.len], fill) }
}

/// The gradient of the weight (out, in, kernel).
fn weight_gradient(x: &Tensor, gradient: &Tensor, windows: &[ConvWindow], sizes: Sizes) -> Tensor {
    // SAFETY: nobody writes to an input that a backward pass needs, nor to a gradient that goes back.
    let [x, gradient] = [x, gradient].map(|tensor| unsafe { host::known_values(tensor) });
    // One input channel after another: a thread has all sums of its channels.
    let row = |(): &mut (), input: usize, out: &mut [MaybeUninit<f32>]| {
        let mut sums = vec![0.0f32; out.len()];
        for (window, gradient) in windows.iter().zip(gradient.chunks_exact(sizes.width)) {
            let row = &x[(window.sample * sizes.inputs + input) * sizes.len..][..sizes.len];
            let sums = &mut sums[window.channel * sizes.kernel..][..sizes.kernel];
            let counted = window.counted(sizes.width);
            for (tap, shift) in sizes.taps() {
                let (range, position) = window.under_tap(&counted, shift, sizes.len);
                let row = row[position.min(sizes.len)..].iter();
                sums[tap] += row.zip(&gradient[range]).map(|(x, g)| x * g).sum::<f32>();
            }
        }
        for (out, sum) in out.iter_mut().zip(sums) {
            out.write(sum);
        }
    };
    let row_len = sizes.outputs * sizes.kernel;
    let fill = |out: &mut [MaybeUninit<f32>]| host::for_each_row(out, row_len, || (), row);
    // SAFETY: every row is written from end to end.
    let sums = unsafe { host::build(&[sizes.inputs, sizes.outputs, sizes.kernel], fill) };
    sums.transpose(0, 1).contiguous()
}

/// The gradient of the bias (out).
fn bias_gradient(gradient: &Tensor, windows: &[ConvWindow], sizes: Sizes) -> Tensor {
    // SAFETY: nobody writes to a gradient that goes back.
    let gradient = unsafe { host::known_values(gradient) };
    let mut sums = vec![0.0f32; sizes.outputs];
    for (window, gradient) in windows.iter().zip(gradient.chunks_exact(sizes.width)) {
        sums[window.channel] += gradient[window.counted(sizes.width)].iter().sum::<f32>();
    }
    Tensor::from_slice(&sums)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use tch::{Device, Kind};

    use super::*;
    use crate::nn::conv::tests::gradients;

    const FLOAT: (Kind, Device) = (Kind::Float, Device::Cpu);

    proptest! {
        #[test]
        fn loops_and_whole_channels_agree(
            (batch, inputs, outputs, padding) in (1usize..3, 1usize..5, 1usize..5, 0usize..3),
            (len, width) in (1usize..30, 1usize..6),
            places in proptest::collection::vec((0usize..9, 0usize..9, -8isize..40, 0usize..30, 0usize..30), 1..40),
        ) {
            let size = |sizes: &[usize]| sizes.iter().map(|&size| dim(size)).collect::<Vec<_>>();
            let kernel = 2 * padding + 1;
            let inputs_of = [
                Tensor::randn(size(&[batch, inputs, len]), FLOAT),
                Tensor::randn(size(&[outputs, inputs, kernel]), FLOAT),
                Tensor::randn(size(&[outputs]), FLOAT),
            ];
            let windows: Vec<ConvWindow> = places
                .into_iter()
                .map(|(sample, channel, start, from, to)| ConvWindow {
                    sample: sample % batch,
                    channel: channel % outputs,
                    start,
                    within: from.min(len)..to.min(len),
                })
                .collect();
            let channels = channels_of(&windows);
            let loops = gradients(&inputs_of, |[x, weight, bias]| {
                let sizes = Sizes::new(x, weight, width);
                in_loops(x, weight, Some(bias), windows.clone(), sizes)
            });
            let whole = gradients(&inputs_of, |[x, weight, bias]| {
                let sizes = Sizes::new(x, weight, width);
                from_channels(x, weight, Some(bias), &windows, &channels, sizes)
            });
            for (ours, expected) in loops.iter().zip(&whole) {
                prop_assert_eq!(ours.size(), expected.size());
                let error = (ours - expected).abs().max() / (expected.abs().max() + 1.0);
                prop_assert!(error.double_value(&[]) < 1e-5, "{:?}", error);
            }
        }
    }

    #[test]
    fn values_are_those_of_the_convolution() {
        tch::manual_seed(3);
        for kind in [Kind::Float, Kind::Double] {
            let options = (kind, Device::Cpu);
            let x = Tensor::randn([2, 3, 400], options);
            let weight = Tensor::randn([70, 3, 3], options);
            let bias = Tensor::randn([70], options);
            check_values(&x, &weight, Some(&bias));
            check_values(&x, &weight, None);
        }
    }

    fn check_values(x: &Tensor, weight: &Tensor, bias: Option<&Tensor>) {
        let map = convolve(x, weight, bias, 1);
        let window = |sample, channel, start| ConvWindow {
            sample,
            channel,
            start,
            within: 10..390,
        };
        // Few windows are computed by themselves, many are read from whole channels.
        for count in [1usize, 7, 2000] {
            let windows: Vec<ConvWindow> = (0..count)
                .map(|n| window(n % 2, n * 31 % 70, (n * 17 % 410) as isize - 5))
                .collect();
            let values = convolve_windows(x, weight, bias, windows.clone(), 4);
            assert_eq!(values.size(), [dim(count), 4]);
            for (n, window) in windows.iter().enumerate() {
                for i in 0..4 {
                    let position = window.start + i as isize;
                    let place = [dim(window.sample), dim(window.channel), position as i64];
                    let counts = (10..390).contains(&position);
                    let expected = if counts {
                        map.double_value(&place)
                    } else {
                        0.0
                    };
                    let value = values.double_value(&[dim(n), i as i64]);
                    assert!((value - expected).abs() < 1e-5, "{window:?} {i}");
                }
            }
        }
    }

    #[test]
    fn no_windows_have_no_values_and_zero_gradients() {
        for kind in [Kind::Float, Kind::Double] {
            let random =
                |size: [i64; 3]| Tensor::randn(size, (kind, Device::Cpu)).set_requires_grad(true);
            let (x, weight) = (random([1, 2, 5]), random([3, 2, 3]));
            let values = convolve_windows(&x, &weight, None, Vec::new(), 4);
            assert_eq!(values.size(), [0, 4]);
            values.sum(None).backward();
            for input in [&x, &weight] {
                assert_eq!(input.grad().abs().max().double_value(&[]), 0.0);
            }
        }
    }

    #[test]
    #[should_panic(expected = "channels of the input")]
    fn weights_for_other_channels_are_refused() {
        let (x, weight) = (
            Tensor::randn([1, 2, 5], FLOAT),
            Tensor::randn([3, 4, 3], FLOAT),
        );
        let _ = convolve_windows(&x, &weight, None, Vec::new(), 4);
    }

    #[test]
    #[should_panic(expected = "is not one of")]
    fn a_channel_that_there_is_not_is_refused() {
        let (x, weight) = (
            Tensor::randn([1, 2, 5], FLOAT),
            Tensor::randn([3, 2, 3], FLOAT),
        );
        let window = ConvWindow {
            sample: 0,
            channel: 3,
            start: 0,
            within: 0..5,
        };
        let _ = convolve_windows(&x, &weight, None, vec![window], 4);
    }
}
