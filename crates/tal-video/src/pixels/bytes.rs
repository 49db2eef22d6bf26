//! Pillow's resizing: bytes in, bytes out, with weights of 22 bits behind the point.

use std::ops::Range;

use crate::ResizeFilter;

use super::filter::{Taps, pillow};
use super::simd::vectorised;
use super::size::Size;
use super::transpose::transpose;
use super::weighted::{self, BLOCK, HALF, Place, rounded};

/// Columns whose sums stay in registers.
const PART: usize = 32;

/// A resizing to some rows and columns of the new size, and its memory.
#[derive(Clone, Debug)]
pub(super) struct ByteResize {
    width: usize,
    columns: Taps<i32>,
    rows: Taps<i32>,
    /// Source columns and rows that the output needs.
    reach: (Range<usize>, Range<usize>),
    /// Bytes of a block of source rows, those of one place in a row together.
    block: Vec<Place>,
    /// Source rows with their columns filtered: three planes for each block of rows, row by row.
    narrow: Vec<u8>,
    /// An output row of a colour.
    row: Vec<u8>,
}

impl ByteResize {
    pub(super) fn new(
        filter: ResizeFilter,
        from: Size,
        to: Size,
        rows: Range<usize>,
        columns: Range<usize>,
    ) -> Self {
        let columns = pillow(filter, from.width, to.width, columns);
        let rows = pillow(filter, from.height, to.height, rows);
        let reach = (columns.reach(), rows.reach());
        let stride = columns.len().next_multiple_of(PART);
        let blocks = reach.1.len().next_multiple_of(BLOCK);
        Self {
            width: from.width,
            block: vec![[0; BLOCK]; (reach.0.len() * 3).next_multiple_of(BLOCK)],
            narrow: vec![0; blocks * 3 * stride],
            row: vec![0; stride],
            columns,
            rows,
            reach,
        }
    }

    /// Resizes a frame, and gives every row of every colour (row, colour, bytes) to `output`.
    pub(super) fn run(&mut self, rgb: &[u8], mut output: impl FnMut(usize, usize, &[u8])) {
        self.filter_columns(rgb);
        let (len, stride) = (self.columns.len(), self.row.len());
        for row in 0..self.rows.len() {
            let (positions, weights) = self.rows.of(row);
            let first = (positions[0] - self.reach.1.start) * 3 * stride;
            for colour in 0..3 {
                let narrow = &self.narrow[first + colour * stride..];
                filter_rows(narrow, weights, &mut self.row);
                output(row, colour, &self.row[..len]);
            }
        }
    }

    fn filter_columns(&mut self, rgb: &[u8]) {
        let stride = self.row.len();
        let (columns, rows) = self.reach.clone();
        let bytes = columns.start * 3..columns.end * 3;
        let blocks = self.narrow.chunks_exact_mut(BLOCK * 3 * stride);
        for (block, narrow) in blocks.enumerate() {
            // Rows that fill up the last block repeat the last one.
            let source: [&[u8]; BLOCK] = std::array::from_fn(|row| {
                let row = (rows.start + block * BLOCK + row).min(rows.end - 1);
                &rgb[row * self.width * 3..][..self.width * 3][bytes.clone()]
            });
            filter_block(
                source,
                columns.start,
                &self.columns,
                &mut self.block,
                narrow,
            );
        }
    }
}

/// Filters the columns of eight rows into rows of three planes; `first` is the column that the rows begin with.
fn filter_block(
    rows: [&[u8]; BLOCK],
    first: usize,
    columns: &Taps<i32>,
    block: &mut [Place],
    narrow: &mut [u8],
) {
    #[cfg(target_arch = "x86_64")]
    {
        #[target_feature(enable = "avx2")]
        fn avx2(
            rows: [&[u8]; BLOCK],
            first: usize,
            columns: &Taps<i32>,
            block: &mut [Place],
            narrow: &mut [u8],
        ) {
            gather(rows, block);
            let sum = |pixels: &_, weights: &_| weighted::avx2(pixels, weights);
            filter_columns(first, columns, block, narrow, sum);
        }
        if std::arch::is_x86_feature_detected!("avx2") {
            // SAFETY: the processor has AVX2.
            return unsafe { avx2(rows, first, columns, block, narrow) };
        }
    }
    gather(rows, block);
    filter_columns(first, columns, block, narrow, weighted::plain);
}

/// Filters the columns of a block; `weighted` gives the sums of an output pixel.
#[inline(always)]
fn filter_columns(
    first: usize,
    columns: &Taps<i32>,
    block: &[Place],
    narrow: &mut [u8],
    weighted: impl Fn(&[[Place; 3]], &[i32]) -> [u64; 3],
) {
    let len = columns.len();
    let stride = narrow.len() / (3 * BLOCK);
    let pixels = block.as_chunks::<3>().0;
    for begin in (0..len).step_by(BLOCK) {
        let mut words = [[0; BLOCK]; 3];
        for output in begin..(begin + BLOCK).min(len) {
            let (positions, weights) = columns.of(output);
            let sums = weighted(&pixels[positions[0] - first..], weights);
            for (words, word) in words.iter_mut().zip(sums) {
                words[output - begin] = word;
            }
        }
        for (colour, words) in words.into_iter().enumerate() {
            let [a, b, c, d, e, f, g, h] = words;
            let rows = transpose([a, b, c, d], [e, f, g, h]);
            for (row, word) in rows.into_iter().enumerate() {
                let at = (row * 3 + colour) * stride + begin;
                narrow[at..at + BLOCK].copy_from_slice(&word.to_le_bytes());
            }
        }
    }
}

vectorised! {
    /// The weighted sum of rows of one plane, which begin three rows apart.
    fn filter_rows(narrow: &[u8], weights: &[i32], row: &mut [u8]) {
        let step = 3 * row.len();
        for (part, output) in row.as_chunks_mut::<PART>().0.iter_mut().enumerate() {
            let mut sums = [HALF; PART];
            for (&weight, narrow) in weights.iter().zip(narrow.chunks(step)) {
                let bytes = &narrow.as_chunks::<PART>().0[part];
                for (sum, &byte) in sums.iter_mut().zip(bytes) {
                    *sum += weight * i32::from(byte);
                }
            }
            for (byte, sum) in output.iter_mut().zip(sums) {
                *byte = rounded(sum);
            }
        }
    }
}

/// The bytes of eight rows, those of one place together.
#[inline(always)]
fn gather(rows: [&[u8]; BLOCK], block: &mut [Place]) {
    let num_words = rows[0].len() / BLOCK;
    let word = u64::from_le_bytes;
    // Spelled out, so that words go straight to registers.
    let [a, b, c, d, e, f, g, h] = rows.map(|row| &row.as_chunks::<BLOCK>().0[..num_words]);
    let (places, rest) = block.split_at_mut(num_words * BLOCK);
    for (at, places) in places.as_chunks_mut::<BLOCK>().0.iter_mut().enumerate() {
        let first = [word(a[at]), word(b[at]), word(c[at]), word(d[at])];
        let last = [word(e[at]), word(f[at]), word(g[at]), word(h[at])];
        for (place, column) in places.iter_mut().zip(transpose(first, last)) {
            *place = column.to_le_bytes();
        }
    }
    let ends = rows.map(|row| row.as_chunks::<BLOCK>().1);
    for (at, place) in rest.iter_mut().enumerate().take(ends[0].len()) {
        *place = ends.map(|end| end[at]);
    }
}
