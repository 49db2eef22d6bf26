//! Convolution along time, of which only some windows are wanted.

use std::collections::BTreeSet;

use tal_kernels::{ConvWindow, WindowedConvolution};
use tal_torch::record;
use tch::Tensor;

use super::convolve::{as_needed, convolve};
use super::{dim, host};

/// The values of a convolution with stride 1 that keeps the length, in windows of `width` positions only.
///
/// Values and gradients are those read from [`convolve`]'s result; positions that do not count are zero and have no gradient.
/// In main memory and float32, whatever the [`super::PrecisionScope`] says, the windows alone are computed if that is less work
/// than their output channels; otherwise these channels are computed at all positions.
///
/// # Shapes
/// (B, in, T), `weight` (out, in, kernel) with an odd kernel, `bias` (out), P windows → (P, `width`).
///
/// # Panics
/// If a window has an unknown sample or channel, or counts positions behind the output; if `width` is 0, or input, weight and
/// bias do not fit together.
pub fn convolve_windows(
    x: &Tensor,
    weight: &Tensor,
    bias: Option<&Tensor>,
    windows: Vec<ConvWindow>,
    width: usize,
) -> Tensor {
    let sizes = sizes_of(x, weight, width);
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
    let channels: BTreeSet<usize> = windows.iter().map(|window| window.channel).collect();
    let channels = Vec::from_iter(channels);
    let is_less_work = sizes.is_less_work(windows.len(), channels.len());
    let plain = host::are_plain([x, weight].into_iter().chain(bias));
    // Without windows there is still a gradient, of zeros.
    if plain && (windows.is_empty() || is_less_work) {
        in_loops(x, weight, bias, windows, sizes)
    } else {
        from_channels(x, weight, bias, &windows, &channels, sizes)
    }
}

/// The sizes of a convolution and its windows.
fn sizes_of(x: &Tensor, weight: &Tensor, width: usize) -> WindowedConvolution {
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
    WindowedConvolution {
        batch,
        inputs,
        outputs,
        kernel,
        len,
        width,
    }
}

/// From the output channels that are asked for, at all positions.
fn from_channels(
    x: &Tensor,
    weight: &Tensor,
    bias: Option<&Tensor>,
    windows: &[ConvWindow],
    channels: &[usize],
    sizes: WindowedConvolution,
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
    sizes: WindowedConvolution,
) -> Tensor {
    let kept: Vec<Tensor> = [x, weight]
        .into_iter()
        .chain(bias)
        .map(|tensor| tensor.detach().contiguous())
        .collect();
    let output = {
        // SAFETY: nobody writes to the inputs of an operation while it runs.
        let (x, layer) = unsafe {
            (
                host::known_values(&kept[0]),
                host::layer(&kept[1], kept.get(2)),
            )
        };
        host::build(&[windows.len(), sizes.width], |out| {
            sizes.forward(host::THREADS, x, layer, &windows, out)
        })
    };
    let inputs: Vec<&Tensor> = [x, weight].into_iter().chain(bias).collect();
    if !host::records_gradient(inputs.iter().copied()) {
        return output;
    }
    record(output, &inputs, move |gradient, needed| {
        let gradient = gradient.contiguous();
        // SAFETY: nobody writes to inputs that a backward pass needs, nor to a gradient that goes back.
        let [x, weight, gradient] =
            [&kept[0], &kept[1], &gradient].map(|tensor| unsafe { host::known_values(tensor) });
        let input = || {
            host::build(&[sizes.batch, sizes.inputs, sizes.len], |out| {
                sizes.input_gradient(host::THREADS, weight, gradient, &windows, out)
            })
        };
        let weight = || {
            let sums = host::build(&[sizes.inputs, sizes.outputs, sizes.kernel], |out| {
                sizes.weight_gradient(host::THREADS, x, gradient, &windows, out)
            });
            sums.transpose(0, 1).contiguous()
        };
        let bias = || Tensor::from_slice(&sizes.bias_gradient(gradient, &windows));
        as_needed([&input, &weight, &bias], needed)
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use tch::{Device, Kind};

    use super::*;
    use crate::nn::convolve::tests::gradients;

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
            let channels: BTreeSet<usize> = windows.iter().map(|window| window.channel).collect();
            let channels = Vec::from_iter(channels);
            let loops = gradients(&inputs_of, |[x, weight, bias]| {
                let sizes = sizes_of(x, weight, width);
                in_loops(x, weight, Some(bias), windows.clone(), sizes)
            });
            let whole = gradients(&inputs_of, |[x, weight, bias]| {
                let sizes = sizes_of(x, weight, width);
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
