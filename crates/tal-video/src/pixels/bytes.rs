//! Pillow's resizing: bytes in, bytes out, with weights of 22 bits behind the point.

use std::ops::Range;

use crate::ResizeFilter;

use super::filter::{Taps, pillow};
use super::gather;
use super::size::Size;
use super::weighted::{self, GROUP, Instructions, LANES, Pixels, Weights};

/// A resizing to some rows and columns of the new size, and its memory.
#[derive(Clone, Debug)]
pub(super) struct ByteResize {
    instructions: Instructions,
    width: usize,
    columns: Groups,
    rows: Groups,
    /// Source columns and rows that the output needs.
    reach: (Range<usize>, Range<usize>),
    /// Eight source rows, four columns in each element.
    block: Vec<Pixels>,
    /// Source rows with their columns filtered: four rows of eight columns in each element, those of one row of elements
    /// together.
    narrow: Vec<Pixels>,
    /// An output row of each colour.
    row: [Vec<u8>; 3],
}

impl ByteResize {
    pub(super) fn new(
        filter: ResizeFilter,
        from: Size,
        to: Size,
        rows: Range<usize>,
        columns: Range<usize>,
    ) -> Self {
        let best = Instructions::available()[0];
        Self::with(best, filter, from, to, rows, columns)
    }

    fn with(
        instructions: Instructions,
        filter: ResizeFilter,
        from: Size,
        to: Size,
        rows: Range<usize>,
        columns: Range<usize>,
    ) -> Self {
        let columns = pillow(filter, from.width, to.width, columns);
        let rows = pillow(filter, from.height, to.height, rows);
        let reach = (columns.reach(), rows.reach());
        let stride = columns.len().div_ceil(LANES);
        let num_blocks = reach.1.len().div_ceil(LANES);
        Self {
            instructions,
            width: from.width,
            block: vec![Pixels::BLACK; reach.0.len().div_ceil(GROUP)],
            narrow: vec![Pixels::BLACK; num_blocks * LANES / GROUP * stride],
            row: std::array::from_fn(|_| vec![0; stride * LANES]),
            columns: Groups::new(&columns, reach.0.start, instructions),
            rows: Groups::new(&rows, reach.1.start, instructions),
            reach,
        }
    }

    /// Resizes a frame, and gives every row of every colour (row, colour, bytes) to `output`.
    pub(super) fn run(&mut self, rgb: &[u8], mut output: impl FnMut(usize, usize, &[u8])) {
        match self.instructions {
            Instructions::Plain => self.run_with(rgb, &mut output, gather::plain, weighted::plain),
            #[cfg(target_arch = "x86_64")]
            // SAFETY: the processor has these instructions.
            Instructions::Avx2 => unsafe { self.avx2(rgb, &mut output) },
            #[cfg(target_arch = "x86_64")]
            // SAFETY: the processor has these instructions.
            Instructions::AvxVnni => unsafe { self.avx_vnni(rgb, &mut output) },
            #[cfg(target_arch = "x86_64")]
            // SAFETY: the processor has these instructions.
            Instructions::Avx512Vnni => unsafe { self.avx512_vnni(rgb, &mut output) },
        }
    }

    /// Resizes with some way to bring bytes into order and to sum them.
    #[inline(always)]
    fn run_with(
        &mut self,
        rgb: &[u8],
        output: Output<'_>,
        gather: impl Fn([&[u8]; LANES], &mut [Pixels]),
        sums: impl Fn(&[Pixels], usize, &[Weights]) -> [u64; 3],
    ) {
        let (columns, rows) = self.reach.clone();
        let bytes = columns.start * 3..columns.end * 3;
        let stride = self.columns.len().div_ceil(LANES);
        for (block, narrow) in self.narrow.chunks_exact_mut(2 * stride).enumerate() {
            // Rows that fill up the last block repeat the last one.
            let source = std::array::from_fn(|lane| {
                let row = (rows.start + block * LANES + lane).min(rows.end - 1);
                &rgb[row * self.width * 3..][..self.width * 3][bytes.clone()]
            });
            gather(source, &mut self.block);
            let (upper, lower) = narrow.split_at_mut(stride);
            for column in 0..self.columns.len() {
                let (first, weights) = self.columns.of(column);
                let words = sums(&self.block[first..], 1, weights);
                let (at, lane) = (column / LANES, column % LANES);
                for (colour, word) in words.into_iter().enumerate() {
                    upper[at].0[colour][lane] = (word as u32).to_le_bytes();
                    lower[at].0[colour][lane] = ((word >> 32) as u32).to_le_bytes();
                }
            }
        }
        for row in 0..self.rows.len() {
            let (first, weights) = self.rows.of(row);
            let narrow = &self.narrow[first * stride..];
            for at in 0..stride {
                let words = sums(&narrow[at..], stride, weights);
                for (row, word) in self.row.iter_mut().zip(words) {
                    row[at * LANES..][..LANES].copy_from_slice(&word.to_le_bytes());
                }
            }
            for (colour, bytes) in self.row.iter().enumerate() {
                output(row, colour, &bytes[..self.columns.len()]);
            }
        }
    }
}

/// A taker of rows.
type Output<'a> = &'a mut dyn FnMut(usize, usize, &[u8]);

#[cfg(target_arch = "x86_64")]
macro_rules! with_features {
    ($name:ident, $features:literal) => {
        impl ByteResize {
            #[target_feature(enable = $features)]
            fn $name(&mut self, rgb: &[u8], output: Output<'_>) {
                let gather = |rows: [&[u8]; LANES], block: &mut [Pixels]| gather::avx2(rows, block);
                let sums = |pixels: &[Pixels], step: usize, weights: &[Weights]| {
                    weighted::$name(pixels, step, weights)
                };
                self.run_with(rgb, output, gather, sums);
            }
        }
    };
}

#[cfg(target_arch = "x86_64")]
with_features!(avx2, "avx2");
#[cfg(target_arch = "x86_64")]
with_features!(avx_vnni, "avx2,avxvnni");
#[cfg(target_arch = "x86_64")]
with_features!(avx512_vnni, "avx2,avx512vnni,avx512vl");

/// The taps of an axis in groups of four neighbouring places.
#[derive(Clone, Debug)]
struct Groups {
    /// For each output pixel its first group, and the places of its weights.
    outputs: Vec<(usize, Range<usize>)>,
    weights: Vec<Weights>,
}

impl Groups {
    /// Groups that are counted from the source place `start`.
    fn new(taps: &Taps<i32>, start: usize, instructions: Instructions) -> Self {
        let mut all = Self {
            outputs: Vec::new(),
            weights: Vec::new(),
        };
        for output in 0..taps.len() {
            let (positions, weights) = taps.of(output);
            let mut groups: Vec<[i32; GROUP]> = Vec::new();
            let mut first = None;
            for (position, &weight) in positions.iter().zip(weights) {
                // Missing taps weigh nothing.
                if weight != 0 {
                    let place = position - start;
                    let first = *first.get_or_insert(place / GROUP);
                    let group = place / GROUP - first;
                    groups.resize(group + 1, [0; GROUP]);
                    groups[group][place % GROUP] = weight;
                }
            }
            let begin = all.weights.len();
            let arranged = groups.into_iter().map(|four| instructions.arranged(four));
            all.weights.extend(arranged);
            let places = begin..all.weights.len();
            all.outputs.push((first.unwrap_or(0), places));
        }
        all
    }

    /// Number of output pixels.
    fn len(&self) -> usize {
        self.outputs.len()
    }

    /// First group and weights of an output pixel.
    fn of(&self, output: usize) -> (usize, &[Weights]) {
        let (first, places) = &self.outputs[output];
        (*first, &self.weights[places.clone()])
    }
}

#[cfg(test)]
mod tests {
    use super::super::filter::PRECISION;
    use super::*;

    /// The weighted sum of bytes, one tap after the other.
    fn sum(taps: &Taps<i32>, output: usize, byte: impl Fn(usize) -> u8) -> u8 {
        let (positions, weights) = taps.of(output);
        let terms = positions.iter().zip(weights);
        let sum: i64 = terms
            .map(|(&at, &weight)| i64::from(weight) * i64::from(byte(at)))
            .sum();
        ((sum + (1 << (PRECISION - 1))) >> PRECISION).clamp(0, 255) as u8
    }

    #[test]
    fn all_instructions_give_the_sums_of_single_taps() {
        let size = |height, width| Size { height, width };
        for (filter, from, to, rows, columns) in [
            (
                ResizeFilter::PillowBicubic,
                size(72, 128),
                size(26, 34),
                2..24,
                6..28,
            ),
            (
                ResizeFilter::PillowBilinear,
                size(37, 53),
                size(80, 91),
                0..80,
                0..91,
            ),
            (
                ResizeFilter::PillowLanczos,
                size(129, 3),
                size(7, 40),
                1..7,
                3..39,
            ),
            (
                ResizeFilter::PillowHamming,
                size(1, 1),
                size(3, 2),
                0..3,
                0..2,
            ),
            (
                ResizeFilter::PillowBox,
                size(19, 23),
                size(19, 23),
                3..12,
                5..22,
            ),
        ] {
            let rgb: Vec<u8> = (0..from.height * from.width * 3)
                .map(|index| (index * index * 31 + index * 7) as u8)
                .collect();
            let across = pillow(filter, from.width, to.width, columns.clone());
            let down = pillow(filter, from.height, to.height, rows.clone());
            let narrow: Vec<u8> = (0..from.height)
                .flat_map(|row| (0..columns.len()).map(move |column| (row, column)))
                .flat_map(|(row, column)| (0..3).map(move |colour| (row, column, colour)))
                .map(|(row, column, colour)| {
                    sum(&across, column, |at| {
                        rgb[(row * from.width + at) * 3 + colour]
                    })
                })
                .collect();
            for instructions in Instructions::available() {
                let mut resize = ByteResize::with(
                    instructions,
                    filter,
                    from,
                    to,
                    rows.clone(),
                    columns.clone(),
                );
                // The second time, memory holds what the first one left.
                for _ in 0..2 {
                    let mut num_rows = 0;
                    resize.run(&rgb, |row, colour, bytes| {
                        let expected: Vec<u8> = (0..columns.len())
                            .map(|column| {
                                sum(&down, row, |at| {
                                    narrow[(at * columns.len() + column) * 3 + colour]
                                })
                            })
                            .collect();
                        assert_eq!(
                            bytes, expected,
                            "{instructions:?} {filter:?} {row} {colour}"
                        );
                        num_rows += 1;
                    });
                    assert_eq!(num_rows, rows.len() * 3);
                }
            }
        }
    }
}
