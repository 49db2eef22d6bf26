//! PyTorch's resizing of frames in floats: bytes in, floats out.

use std::ops::Range;

use crate::ResizeFilter;

use super::filter::{Taps, torch};
use super::simd::vectorised;
use super::size::Size;

/// A resizing to some rows and columns of the new size, and its memory.
#[derive(Clone, Debug)]
pub(super) struct FloatResize {
    width: usize,
    scale: f32,
    /// Places of the source pixels of a row in bytes: the first taps of all outputs, then the second ones, and so on.
    places: Vec<usize>,
    /// Their weights, likewise.
    weights: Vec<f32>,
    /// Output columns.
    len: usize,
    rows: Taps<f32>,
    /// Source pixels of one tap; a byte for each colour.
    pixels: Vec<u32>,
    /// Source rows with their columns filtered, one after the other in a ring: red, green, blue.
    ring: Vec<Vec<f32>>,
    /// The source row in each place of the ring.
    held: Vec<Option<usize>>,
}

impl FloatResize {
    pub(super) fn new(
        filter: ResizeFilter,
        from: Size,
        to: (Size, Option<f64>),
        rows: Range<usize>,
        columns: Range<usize>,
        scale: f32,
    ) -> Self {
        let (to, factor) = to;
        let columns = torch(filter, from.width, to.width, factor, columns);
        let rows = torch(filter, from.height, to.height, factor, rows);
        let len = columns.len();
        let by_tap = |tap: usize| (0..len).map(move |output| output * columns.count + tap);
        let order: Vec<usize> = (0..columns.count).flat_map(by_tap).collect();
        let span = |output| {
            let (positions, _) = rows.of(output);
            positions[positions.len() - 1] - positions[0] + 1
        };
        let slots = (0..rows.len()).map(span).max().unwrap_or(1);
        Self {
            width: from.width,
            scale,
            places: order
                .iter()
                .map(|&tap| columns.positions[tap] * 3)
                .collect(),
            weights: order.iter().map(|&tap| columns.weights[tap]).collect(),
            len,
            rows,
            pixels: vec![0; len],
            ring: vec![vec![0.0; len * 3]; slots],
            held: vec![None; slots],
        }
    }

    /// Resizes a frame into planes of `planes`, whose rows it gives to `finish` (colour, row) when they are complete.
    pub(super) fn run(
        &mut self,
        rgb: &[u8],
        planes: &mut [f32],
        finish: impl Fn(usize, &mut [f32]),
    ) {
        self.held.fill(None);
        let plane = self.rows.len() * self.len;
        for row in 0..self.rows.len() {
            for tap in 0..self.rows.count {
                self.filter_columns(rgb, self.rows.of(row).0[tap]);
            }
            let (positions, weights) = self.rows.of(row);
            for colour in 0..3 {
                let output = &mut planes[colour * plane + row * self.len..][..self.len];
                sum_rows(output, &self.ring, colour, positions, weights);
                finish(colour, output);
            }
        }
    }

    /// Filters the columns of a source row unless the ring holds it.
    fn filter_columns(&mut self, rgb: &[u8], row: usize) {
        let slot = row % self.ring.len();
        if self.held[slot] == Some(row) {
            return;
        }
        self.held[slot] = Some(row);
        let bytes = &rgb[row * self.width * 3..];
        let taps = self.places.chunks_exact(self.len);
        for (tap, (places, weights)) in taps.zip(self.weights.chunks_exact(self.len)).enumerate() {
            read_pixels(bytes, places, &mut self.pixels);
            add_tap(
                tap == 0,
                &self.pixels,
                weights,
                self.scale,
                &mut self.ring[slot],
            );
        }
    }
}

vectorised! {
    /// Reads three bytes at each place.
    fn read_pixels(bytes: &[u8], places: &[usize], pixels: &mut [u32]) {
        for (pixel, &place) in pixels.iter_mut().zip(places) {
            *pixel = match bytes.get(place..place + 4) {
                Some(four) => u32::from_le_bytes(four.try_into().expect("four bytes")),
                None => u32::from_le_bytes([bytes[place], bytes[place + 1], bytes[place + 2], 0]),
            };
        }
    }
}

vectorised! {
    /// Adds a tap of every output of a row: red, green, blue.
    fn add_tap(first: bool, pixels: &[u32], weights: &[f32], scale: f32, planes: &mut [f32]) {
        for (colour, plane) in planes.chunks_exact_mut(pixels.len()).enumerate() {
            let taps = plane.iter_mut().zip(pixels).zip(weights);
            let shift = 8 * colour as u32;
            let value = |pixel: u32, weight: f32| ((pixel >> shift) & 0xff) as i32 as f32 / scale * weight;
            match first {
                true => taps.for_each(|((sum, &pixel), &weight)| *sum = value(pixel, weight)),
                false => taps.for_each(|((sum, &pixel), &weight)| *sum += value(pixel, weight)),
            }
        }
    }
}

vectorised! {
    /// The weighted sum of rows of one colour in the ring.
    fn sum_rows(output: &mut [f32], ring: &[Vec<f32>], colour: usize, rows: &[usize], weights: &[f32]) {
        let len = output.len();
        for (tap, (row, &weight)) in rows.iter().zip(weights).enumerate() {
            let taps = output.iter_mut().zip(&ring[row % ring.len()][colour * len..]);
            match tap {
                0 => taps.for_each(|(sum, &value)| *sum = value * weight),
                _ => taps.for_each(|(sum, &value)| *sum += value * weight),
            }
        }
    }
}
