//! Pillow's resizing: bytes in, bytes out, with weights of 22 bits behind the point.

use std::ops::Range;

use crate::ResizeFilter;

use super::filter::{PRECISION, Taps, pillow};
use super::simd::vectorised;
use super::size::Size;
use super::transpose::transpose;

/// Rows that are filtered together.
const BLOCK: usize = 8;

/// A resizing to some rows and columns of the new size, and its memory.
#[derive(Clone, Debug)]
pub(super) struct ByteResize {
    width: usize,
    columns: Taps<i32>,
    rows: Taps<i32>,
    /// Source columns and rows that the output needs.
    reach: (Range<usize>, Range<usize>),
    /// Bytes of a block of source rows, those of one place in a row together.
    block: Vec<[u8; BLOCK]>,
    /// Source rows with their columns filtered: three planes for each block of rows, row by row.
    narrow: Vec<u8>,
    /// An output row of a colour.
    sums: Vec<i32>,
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
        let stride = columns.len().next_multiple_of(BLOCK);
        let blocks = reach.1.len().next_multiple_of(BLOCK);
        Self {
            width: from.width,
            block: vec![[0; BLOCK]; (reach.0.len() * 3).next_multiple_of(BLOCK)],
            narrow: vec![0; blocks * 3 * stride],
            sums: vec![0; stride],
            row: vec![0; stride],
            columns,
            rows,
            reach,
        }
    }

    /// Resizes a frame, and gives every row of every colour (row, colour, bytes) to `output`.
    pub(super) fn run(&mut self, rgb: &[u8], mut output: impl FnMut(usize, usize, &[u8])) {
        vectorised(|| {
            self.filter_columns(rgb);
            let len = self.columns.len();
            for row in 0..self.rows.len() {
                for colour in 0..3 {
                    self.filter_rows(row, colour);
                    output(row, colour, &self.row[..len]);
                }
            }
        });
    }

    #[inline(always)]
    fn filter_columns(&mut self, rgb: &[u8]) {
        let stride = self.sums.len();
        let reach = self.reach.clone();
        let bytes = reach.0.start * 3..reach.0.end * 3;
        let blocks = self.narrow.chunks_exact_mut(BLOCK * 3 * stride);
        for (block, narrow) in blocks.enumerate() {
            // Rows that fill up the last block repeat the last one.
            let rows: [&[u8]; BLOCK] = std::array::from_fn(|row| {
                let row = (reach.1.start + block * BLOCK + row).min(reach.1.end - 1);
                &rgb[row * self.width * 3..][..self.width * 3][bytes.clone()]
            });
            gather(rows, &mut self.block);
            for first in (0..self.columns.len()).step_by(BLOCK) {
                let last = (first + BLOCK).min(self.columns.len());
                let mut words = [[0; BLOCK]; 3];
                for output in first..last {
                    let (positions, weights) = self.columns.of(output);
                    let from = (positions[0] - reach.0.start) * 3;
                    let pixels = self.block[from..].as_chunks::<3>().0;
                    let sums = weighted(pixels, weights);
                    for (words, sums) in words.iter_mut().zip(sums) {
                        words[output - first] = u64::from_le_bytes(sums.map(rounded));
                    }
                }
                for (colour, words) in words.into_iter().enumerate() {
                    for (row, word) in transpose(words).into_iter().enumerate() {
                        let at = (row * 3 + colour) * stride + first;
                        narrow[at..at + BLOCK].copy_from_slice(&word.to_le_bytes());
                    }
                }
            }
        }
    }

    #[inline(always)]
    fn filter_rows(&mut self, row: usize, colour: usize) {
        let stride = self.sums.len();
        let (positions, weights) = self.rows.of(row);
        self.sums.fill(1 << (PRECISION - 1));
        for (&position, &weight) in positions.iter().zip(weights) {
            let at = ((position - self.reach.1.start) * 3 + colour) * stride;
            for (sum, &byte) in self.sums.iter_mut().zip(&self.narrow[at..at + stride]) {
                *sum += weight * i32::from(byte);
            }
        }
        for (byte, &sum) in self.row.iter_mut().zip(&self.sums) {
            *byte = rounded(sum);
        }
    }
}

/// The bytes of eight rows, those of one place together.
#[inline(always)]
fn gather(rows: [&[u8]; BLOCK], block: &mut [[u8; BLOCK]]) {
    let len = rows[0].len();
    for (index, places) in block.as_chunks_mut::<BLOCK>().0.iter_mut().enumerate() {
        let at = index * BLOCK;
        let word = |row: &[u8]| match row.get(at..at + BLOCK) {
            Some(bytes) => u64::from_le_bytes(bytes.try_into().expect("eight bytes")),
            None => {
                let mut bytes = [0; BLOCK];
                bytes[..len - at].copy_from_slice(&row[at..]);
                u64::from_le_bytes(bytes)
            }
        };
        for (place, word) in places.iter_mut().zip(transpose(rows.map(word))) {
            *place = word.to_le_bytes();
        }
    }
}

/// The weighted sums of pixels, for the three colours of eight rows, with half a unit added.
#[inline(always)]
fn weighted(pixels: &[[[u8; BLOCK]; 3]], weights: &[i32]) -> [[i32; BLOCK]; 3] {
    let mut sums = [[1 << (PRECISION - 1); BLOCK]; 3];
    for (pixel, &weight) in pixels.iter().zip(weights) {
        for (sums, bytes) in sums.iter_mut().zip(pixel) {
            for (sum, &byte) in sums.iter_mut().zip(bytes) {
                *sum += weight * i32::from(byte);
            }
        }
    }
    sums
}

#[inline(always)]
fn rounded(sum: i32) -> u8 {
    (sum >> PRECISION).clamp(0, 255) as u8
}
