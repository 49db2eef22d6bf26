//! Panels of inputs, kernels and outputs that sums in registers work on.
//!
//! The input is packed, so that what some positions read lies together; all taps read the same panel, shifted. Kernels are read as
//! they are.

use std::mem::MaybeUninit;
use std::ops::Range;

/// Positions of a sequence below which these loops do not pay.
pub(crate) const MIN_LEN: usize = 16;

/// Checks that input and output are batches of sequences of `len` positions with as many samples.
pub(crate) fn check_batch(counts: [usize; 2], channels: [usize; 2], len: usize) {
    let samples = counts[0] / (channels[0] * len);
    assert_eq!(
        counts,
        channels.map(|channels| samples * channels * len),
        "numbers of values of a batch from {} to {} channels with {len} positions",
        channels[0],
        channels[1]
    );
}

/// Weights and bias of a layer that connects all channels.
///
/// # Shapes
/// `weight` (out, in, kernel), `bias` (out).
#[derive(Debug, Clone, Copy)]
pub struct Layer<'a> {
    /// Kernels.
    pub weight: &'a [f32],
    /// Bias, if any.
    pub bias: Option<&'a [f32]>,
}

/// A [`Layer`] with K taps.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Kernels<'a, const K: usize> {
    layer: Layer<'a>,
    pub(crate) inputs: usize,
    pub(crate) outputs: usize,
}

impl<'a, const K: usize> Kernels<'a, K> {
    /// The kernels of a layer.
    ///
    /// # Panics
    /// If the layer has other sizes.
    pub(crate) fn new(layer: Layer<'a>, [outputs, inputs]: [usize; 2]) -> Self {
        let has_bias = layer.bias.is_none_or(|bias| bias.len() == outputs);
        assert!(
            layer.weight.len() == outputs * inputs * K && has_bias,
            "a layer of {} weights and {:?} biases is not one from {inputs} to {outputs} channels with {K} taps",
            layer.weight.len(),
            layer.bias.map(<[f32]>::len)
        );
        Kernels {
            layer,
            inputs,
            outputs,
        }
    }

    /// Start of the sums of some output channels.
    pub(crate) fn start<const ROWS: usize>(&self, first_output: usize) -> [f32; ROWS] {
        std::array::from_fn(|row| {
            let bias = self.layer.bias;
            let bias = bias.and_then(|bias| bias.get(first_output + row));
            bias.copied().unwrap_or(0.0)
        })
    }

    /// The kernels of some output channels for a range of input channels. Rows beyond the last repeat it; their sums are to be
    /// dropped.
    pub(crate) fn rows<const ROWS: usize>(
        &self,
        first_output: usize,
        inputs: Range<usize>,
    ) -> [&'a [[f32; K]]; ROWS] {
        std::array::from_fn(|row| {
            let output = (first_output + row).min(self.outputs - 1);
            let kernels = &self.layer.weight[(output * self.inputs + inputs.start) * K..];
            &kernels.as_chunks::<K>().0[..inputs.len()]
        })
    }
}

/// Cuts `output`, rows of `len` positions, into tasks of `rows` rows and `columns` positions: the pieces of each, by rows first,
/// then positions. Groups of `sample` rows are cut by themselves.
pub(crate) fn cut<T>(
    output: &mut [T],
    len: usize,
    [sample, rows, columns]: [usize; 3],
) -> Vec<Vec<&mut [T]>> {
    let (parts, ranges) = (sample.div_ceil(rows), len.div_ceil(columns));
    let num_samples = output.len() / (sample * len);
    let mut tasks = Vec::new();
    tasks.resize_with(num_samples * parts * ranges, || Vec::with_capacity(rows));
    for (row, output) in output.chunks_exact_mut(len).enumerate() {
        let first = (row / sample * parts + row % sample / rows) * ranges;
        for (task, piece) in tasks[first..].iter_mut().zip(output.chunks_mut(columns)) {
            task.push(piece);
        }
    }
    tasks
}

/// Packs what K taps read at `width` positions from `first` on: panels of some positions, one after the other, with a row
/// for each row of `x`, zero beyond its ends.
///
/// # Shapes
/// `x` (C, T) with T = `len` → ⌈`width` / COLUMNS⌉ panels of (C, PANEL), PANEL = COLUMNS + K − 1.
pub(crate) fn pack<const K: usize, const PANEL: usize>(
    x: &[f32],
    len: usize,
    first: usize,
    width: usize,
    packed: &mut Vec<[f32; PANEL]>,
) {
    /// Panels that a row is read for at a time: neighbouring values come together, and what is written fits into the
    /// first-level cache's ways.
    const GROUP: usize = 6;
    let (padding, columns) = (K / 2, PANEL + 1 - K);
    let (depth, panels) = (x.len() / len, width.div_ceil(columns));
    packed.clear();
    packed.reserve(panels * depth);
    let places = packed.spare_capacity_mut();
    for group in (0..panels).step_by(GROUP) {
        let group = group..(group + GROUP).min(panels);
        for (number, row) in x.chunks_exact(len).enumerate() {
            for panel in group.clone() {
                let place = &mut places[panel * depth + number];
                let first = first + panel * columns;
                let start = first.wrapping_sub(padding);
                if first >= padding && start + PANEL <= len {
                    let row = &row[start..start + PANEL];
                    let mut values = [0.0; PANEL];
                    // Both widths are known when compiled, and become a few instructions.
                    values[..columns].copy_from_slice(&row[..columns]);
                    values[columns..].copy_from_slice(&row[columns..]);
                    place.write(values);
                } else {
                    place.write(std::array::from_fn(|column| {
                        let position = (first + column).checked_sub(padding);
                        let inside = position.and_then(|position| row.get(position));
                        inside.copied().unwrap_or(0.0)
                    }));
                }
            }
        }
    }
    // SAFETY: there is room for them, and every panel of every row was written.
    unsafe { packed.set_len(panels * depth) };
}

/// Writes a tile's row to as many places as there are.
#[inline]
pub(crate) fn write<const LANES: usize>(values: &[[f32; LANES]], places: &mut [MaybeUninit<f32>]) {
    for (values, places) in values.iter().zip(places.chunks_mut(LANES)) {
        // A width that is known when compiled becomes an instruction.
        if let Ok(places) = <&mut [MaybeUninit<f32>; LANES]>::try_from(&mut *places) {
            *places = values.map(MaybeUninit::new);
        } else {
            for (place, &value) in places.iter_mut().zip(values) {
                place.write(value);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[should_panic(expected = "is not one from 4 to 2 channels with 3 taps")]
    fn weights_of_another_layer_are_refused() {
        let layer = Layer {
            weight: &[0.0; 18],
            bias: None,
        };
        Kernels::<3>::new(layer, [2, 4]);
    }
}
