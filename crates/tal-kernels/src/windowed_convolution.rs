//! Convolution along time, of which only some windows are wanted.

use std::mem::MaybeUninit;
use std::ops::Range;

use crate::panels::Layer;
use crate::rows::{for_each_row, written, zeroed};
use crate::threads::{Threads, for_each};

/// Windows at a time: their sums stay in the first-level cache while the input's channels pass by.
const BLOCK: usize = 128;

/// Cost of a multiplication in a window of a few values, in multiplications of a whole convolution.
const WINDOW_COST: usize = 64;

/// Cost of a window for each input channel besides its values, in the same unit.
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
    pub fn counted(&self, width: usize) -> Range<usize> {
        let index = |position: usize| {
            let index = position as isize - self.start;
            index.clamp(0, width as isize) as usize
        };
        let (from, to) = (index(self.within.start), index(self.within.end));
        from..to.max(from)
    }
}

/// Sizes of a convolution with stride 1 that keeps the length, and of its windows.
///
/// Its methods panic if a slice has another size, or a window another sample or channel.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WindowedConvolution {
    /// Samples B.
    pub batch: usize,
    /// Input channels.
    pub inputs: usize,
    /// Output channels.
    pub outputs: usize,
    /// Taps, an odd number.
    pub kernel: usize,
    /// Positions T.
    pub len: usize,
    /// Positions of a window, at least 1.
    pub width: usize,
}

impl WindowedConvolution {
    /// Whether `num_windows` windows are less work than as many output channels at all positions.
    pub fn is_less_work(&self, num_windows: usize, num_channels: usize) -> bool {
        let whole = self.batch * self.len * num_channels * self.kernel;
        num_windows * (WINDOW_OVERHEAD + WINDOW_COST * self.width * self.kernel) < whole
    }

    /// The taps of a window: for each, the indices of the values that count and read an input within the sequence, and the
    /// position that the first of them reads.
    fn taps(
        &self,
        window: &ConvWindow,
    ) -> impl Iterator<Item = (usize, Range<usize>, usize)> + use<> {
        let counted = window.counted(self.width);
        let (counted_from, counted_to) = (counted.start as isize, counted.end as isize);
        let (start, len) = (window.start - (self.kernel / 2) as isize, self.len as isize);
        (0..self.kernel).map(move |tap| {
            let first = start + tap as isize;
            let from = (-first).clamp(counted_from, counted_to);
            let to = (len - first).clamp(from, counted_to);
            let position = (first + from).clamp(0, len);
            (tap, from as usize..to as usize, position as usize)
        })
    }

    /// The row of an input channel that a window reads.
    fn row<'x>(&self, x: &'x [f32], window: &ConvWindow, input: usize) -> &'x [f32] {
        &x[(window.sample * self.inputs + input) * self.len..][..self.len]
    }

    /// The kernel of a window for an input channel, and others behind it.
    fn kernel<'w>(&self, weight: &'w [f32], window: &ConvWindow, input: usize) -> &'w [f32] {
        &weight[(window.channel * self.inputs + input) * self.kernel..]
    }

    /// The values of P windows. Writes every value of `out`.
    ///
    /// # Shapes
    /// `x` (B, in, T), `layer` (out, in, kernel) → `out` (P, width).
    pub fn forward<'o>(
        &self,
        threads: &dyn Threads,
        x: &[f32],
        Layer { weight, bias }: Layer<'_>,
        windows: &[ConvWindow],
        out: &'o mut [MaybeUninit<f32>],
    ) -> &'o mut [f32] {
        self.check(out.len(), windows.len() * self.width);
        let width = self.width;
        let block = |(): &mut (), (out, windows): (&mut [MaybeUninit<f32>], &[ConvWindow])| {
            let mut sums = vec![0.0f32; windows.len() * width];
            for (window, sums) in windows.iter().zip(sums.chunks_exact_mut(width)) {
                sums[window.counted(width)].fill(bias.map_or(0.0, |bias| bias[window.channel]));
            }
            for input in 0..self.inputs {
                for (window, sums) in windows.iter().zip(sums.chunks_exact_mut(width)) {
                    let row = self.row(x, window, input);
                    let kernel = self.kernel(weight, window, input);
                    for (tap, range, position) in self.taps(window) {
                        for (sum, x) in sums[range].iter_mut().zip(&row[position..]) {
                            *sum += kernel[tap] * x;
                        }
                    }
                }
            }
            for (out, sum) in out.iter_mut().zip(sums) {
                out.write(sum);
            }
        };
        let blocks = out.chunks_mut(BLOCK * width).zip(windows.chunks(BLOCK));
        for_each(threads, threads.count(), blocks, || (), block);
        // SAFETY: every value belongs to a block, and blocks write all of theirs.
        unsafe { written(out) }
    }

    /// The gradient of the input. Writes every value of `out`.
    ///
    /// # Shapes
    /// `weight` (out, in, kernel), `gradient` (P, width) → `out` (B, in, T).
    pub fn input_gradient<'o>(
        &self,
        threads: &dyn Threads,
        weight: &[f32],
        gradient: &[f32],
        windows: &[ConvWindow],
        out: &'o mut [MaybeUninit<f32>],
    ) -> &'o mut [f32] {
        self.check(out.len(), self.batch * self.inputs * self.len);
        self.check(gradient.len(), windows.len() * self.width);
        if out.is_empty() {
            return &mut [];
        }
        let row = |(): &mut (), number: usize, out: &mut [MaybeUninit<f32>]| {
            let (sample, input) = (number / self.inputs, number % self.inputs);
            let out = zeroed(out);
            for (window, gradient) in windows.iter().zip(gradient.chunks_exact(self.width)) {
                if window.sample != sample {
                    continue;
                }
                let kernel = self.kernel(weight, window, input);
                for (tap, range, position) in self.taps(window) {
                    for (out, gradient) in out[position..].iter_mut().zip(&gradient[range]) {
                        *out += kernel[tap] * gradient;
                    }
                }
            }
        };
        for_each_row(threads, out, self.len, || (), row);
        // SAFETY: every row was written from end to end.
        unsafe { written(out) }
    }

    /// The gradient of the weight, by input channels first. Writes every value of `out`.
    ///
    /// # Shapes
    /// `x` (B, in, T), `gradient` (P, width) → `out` (in, out, kernel).
    pub fn weight_gradient<'o>(
        &self,
        threads: &dyn Threads,
        x: &[f32],
        gradient: &[f32],
        windows: &[ConvWindow],
        out: &'o mut [MaybeUninit<f32>],
    ) -> &'o mut [f32] {
        self.check(out.len(), self.inputs * self.outputs * self.kernel);
        self.check(gradient.len(), windows.len() * self.width);
        if out.is_empty() {
            return &mut [];
        }
        // One input channel after another: a thread has all sums of its channels.
        let row = |(): &mut (), input: usize, out: &mut [MaybeUninit<f32>]| {
            let sums = zeroed(out);
            for (window, gradient) in windows.iter().zip(gradient.chunks_exact(self.width)) {
                let row = self.row(x, window, input);
                let sums = &mut sums[window.channel * self.kernel..][..self.kernel];
                for (tap, range, position) in self.taps(window) {
                    let products = row[position..].iter().zip(&gradient[range]);
                    sums[tap] += products.map(|(x, g)| x * g).sum::<f32>();
                }
            }
        };
        for_each_row(threads, out, self.outputs * self.kernel, || (), row);
        // SAFETY: every row was written from end to end.
        unsafe { written(out) }
    }

    /// The gradient of the bias.
    ///
    /// # Shapes
    /// `gradient` (P, width) → (out).
    pub fn bias_gradient(&self, gradient: &[f32], windows: &[ConvWindow]) -> Vec<f32> {
        let mut sums = vec![0.0f32; self.outputs];
        for (window, gradient) in windows.iter().zip(gradient.chunks_exact(self.width)) {
            sums[window.channel] += gradient[window.counted(self.width)].iter().sum::<f32>();
        }
        sums
    }

    fn check(&self, found: usize, expected: usize) {
        assert_eq!(found, expected, "number of values for {self:?}");
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tests::{build, convolution, error, noise};
    use crate::threads::ScopedThreads;

    const THREADS: ScopedThreads = ScopedThreads(2);

    const SIZES: WindowedConvolution = WindowedConvolution {
        batch: 2,
        inputs: 3,
        outputs: 5,
        kernel: 3,
        len: 20,
        width: 4,
    };

    /// Windows within the output, across its ends, beyond them, and with few values that count.
    fn windows() -> Vec<ConvWindow> {
        let starts = [-6, -2, 0, 7, 17, 19, 25];
        let window = |(number, start): (usize, isize)| ConvWindow {
            sample: number % 2,
            channel: number * 3 % 5,
            start,
            within: if number == 3 { 8..9 } else { 0..SIZES.len },
        };
        starts.into_iter().enumerate().map(window).collect()
    }

    /// The places of the values that count: window, index, and place in (B, out, T).
    fn places(windows: &[ConvWindow]) -> Vec<(usize, usize)> {
        let mut places = Vec::new();
        for (number, window) in windows.iter().enumerate() {
            for index in 0..SIZES.width {
                let position = window.start + index as isize;
                if let Ok(position) = usize::try_from(position)
                    && window.within.contains(&position)
                {
                    let row = window.sample * SIZES.outputs + window.channel;
                    places.push((number * SIZES.width + index, row * SIZES.len + position));
                }
            }
        }
        places
    }

    fn layer<'a>(weight: &'a [f32], bias: Option<&'a [f32]>) -> Layer<'a> {
        Layer { weight, bias }
    }

    #[test]
    fn values_are_those_of_the_convolution() {
        let x = noise(1, SIZES.batch * SIZES.inputs * SIZES.len);
        let weight = noise(2, SIZES.outputs * SIZES.inputs * SIZES.kernel);
        let bias = noise(3, SIZES.outputs);
        let windows = windows();
        let size = [SIZES.outputs, SIZES.inputs, SIZES.kernel];
        for bias in [None, Some(&bias[..])] {
            let ours = build(windows.len() * SIZES.width, |out| {
                SIZES.forward(&THREADS, &x, layer(&weight, bias), &windows, out)
            });
            let whole = convolution(&x, &weight, bias, size, SIZES.len);
            let mut expected = vec![0.0; ours.len()];
            for (index, place) in places(&windows) {
                expected[index] = whole[place];
            }
            assert!(error(&ours, &expected) < 1e-5);
        }
    }

    /// A convolution is linear in its input and in its weight: a gradient times a change is the change of the weighted sum.
    #[test]
    fn gradients_predict_every_change() {
        let x = noise(1, SIZES.batch * SIZES.inputs * SIZES.len);
        let weight = noise(2, SIZES.outputs * SIZES.inputs * SIZES.kernel);
        let windows = windows();
        let gradient = noise(4, windows.len() * SIZES.width);
        let weighted = |x: &[f32], weight: &[f32]| -> f64 {
            let values = build(gradient.len(), |out| {
                SIZES.forward(&THREADS, x, layer(weight, None), &windows, out)
            });
            let products = values.iter().zip(&gradient);
            products.map(|(v, g)| f64::from(*v) * f64::from(*g)).sum()
        };
        let dx = build(x.len(), |out| {
            SIZES.input_gradient(&THREADS, &weight, &gradient, &windows, out)
        });
        let dw = build(weight.len(), |out| {
            SIZES.weight_gradient(&THREADS, &x, &gradient, &windows, out)
        });
        for (number, expected) in dx.iter().enumerate() {
            let mut unit = vec![0.0; x.len()];
            unit[number] = 1.0;
            assert!((weighted(&unit, &weight) - f64::from(*expected)).abs() < 1e-5);
        }
        for (number, expected) in dw.iter().enumerate() {
            let (input, rest) = (
                number / (SIZES.outputs * SIZES.kernel),
                number % (SIZES.outputs * SIZES.kernel),
            );
            let (output, tap) = (rest / SIZES.kernel, rest % SIZES.kernel);
            let mut unit = vec![0.0; weight.len()];
            unit[(output * SIZES.inputs + input) * SIZES.kernel + tap] = 1.0;
            assert!((weighted(&x, &unit) - f64::from(*expected)).abs() < 1e-5);
        }
        let mut db = vec![0.0f64; SIZES.outputs];
        for (index, place) in places(&windows) {
            db[place / SIZES.len % SIZES.outputs] += f64::from(gradient[index]);
        }
        assert!(error(&SIZES.bias_gradient(&gradient, &windows), &db) < 1e-5);
    }

    #[test]
    #[should_panic]
    fn windows_of_other_samples_are_refused() {
        let mut windows = windows();
        windows[0].sample = 2;
        let x = vec![0.0; SIZES.batch * SIZES.inputs * SIZES.len];
        let weight = vec![0.0; SIZES.outputs * SIZES.inputs * SIZES.kernel];
        let _ = build(windows.len() * SIZES.width, |out| {
            SIZES.forward(&THREADS, &x, layer(&weight, None), &windows, out)
        });
    }
}
