//! Panels of transformed inputs and gradients, and outputs from the sums of their products.

use std::arch::x86_64::*;
use std::mem::MaybeUninit;

use super::transform::{self, GROUP, Lanes, PRODUCTS};

/// Lanes of a register.
const LANES: usize = 8;
/// Outputs of the groups in a register.
const OUTPUTS: usize = LANES * GROUP;

impl Lanes for __m256 {
    #[inline(always)]
    unsafe fn scaled(self, factor: f32, other: Self) -> Self {
        // SAFETY: the caller's promise.
        unsafe { _mm256_fmadd_ps(_mm256_set1_ps(factor), self, other) }
    }

    #[inline(always)]
    unsafe fn plus(self, other: Self) -> Self {
        // SAFETY: the caller's promise.
        unsafe { _mm256_add_ps(self, other) }
    }

    #[inline(always)]
    unsafe fn times(self, factor: f32) -> Self {
        // SAFETY: the caller's promise.
        unsafe { _mm256_mul_ps(_mm256_set1_ps(factor), self) }
    }
}

/// Values side by side, at an address that no register's load divides between two cache lines.
#[derive(Debug, Clone, Copy)]
#[repr(C, align(64))]
pub(super) struct Row<const N: usize>([f32; N]);

impl<const N: usize> Row<N> {
    /// Zeros.
    pub(super) const ZERO: Self = Row([0.0; N]);

    /// The values alone.
    pub(super) fn values(rows: &[Self]) -> &[[f32; N]] {
        const {
            assert!(
                size_of::<Self>() == size_of::<[f32; N]>(),
                "no gap follows the values"
            )
        };
        // SAFETY: a row is its values.
        unsafe { std::slice::from_raw_parts(rows.as_ptr().cast(), rows.len()) }
    }
}

/// Transforms what COLUMNS groups of outputs from position `first` on read, zero beyond the ends of a row: a list for each
/// product.
///
/// # Shapes
/// `x` (C, T) with T = `len` → `panel` (6, C, COLUMNS).
#[target_feature(enable = "avx2,fma")]
pub(super) fn input<const COLUMNS: usize>(
    x: &[f32],
    len: usize,
    first: usize,
    panel: &mut [Row<COLUMNS>],
) {
    /// Values that are loaded for a register of groups: two more than are read.
    const WIDTH: usize = OUTPUTS + 4;
    /// Rows ahead that are fetched already: each is read at a new place of memory.
    const AHEAD: usize = 8;
    let depth = x.len() / len;
    assert_eq!(panel.len(), PRODUCTS * depth);
    for (number, row) in x.chunks_exact(len).enumerate() {
        for vector in 0..COLUMNS / LANES {
            let first = first + vector * OUTPUTS;
            for part in [0, OUTPUTS / 2] {
                let place = x
                    .as_ptr()
                    .wrapping_add((number + AHEAD) * len + first + part);
                // Not unsafe any more in later versions of Rust.
                #[allow(unused_unsafe)]
                // SAFETY: nothing is read, so any address will do.
                unsafe {
                    _mm_prefetch::<_MM_HINT_T0>(place.cast());
                }
            }
            let mut edge = [0.0; WIDTH];
            let values = match first
                .checked_sub(1)
                .and_then(|start| row.get(start..)?.first_chunk())
            {
                Some(values) => values,
                None => {
                    copy_padded(row, first, &mut edge);
                    &edge
                }
            };
            let [a, b, c] = [join(values, 1), join(values, 2), join(values, 3)];
            let phases = transpose([join(values, 0), a, b, c]);
            let next = transpose([a, b, c, join(values, 4)]);
            let d = [phases[0], phases[1], phases[2], phases[3], next[0], next[1]];
            // SAFETY: this function has the instructions.
            let products = unsafe { transform::input(d) };
            for (product, values) in products.into_iter().enumerate() {
                store(
                    values,
                    &mut panel[product * depth + number].0[vector * LANES..],
                );
            }
        }
    }
}

/// A row's values from one before `first` on, zero beyond its ends.
#[cold]
fn copy_padded<const N: usize>(row: &[f32], first: usize, values: &mut [f32; N]) {
    for (index, value) in values.iter_mut().enumerate() {
        let position = (first + index).checked_sub(1);
        let inside = position.and_then(|position| row.get(position));
        *value = inside.copied().unwrap_or(0.0);
    }
}

/// Writes outputs of one row, as many as there are places, from the sums of their products.
#[target_feature(enable = "avx2,fma")]
pub(super) fn output<const WIDTH: usize, const VECTORS: usize>(
    sums: [&[[f32; WIDTH]; VECTORS]; PRODUCTS],
    start: f32,
    places: &mut [MaybeUninit<f32>],
) {
    let start = _mm256_set1_ps(start);
    for (vector, places) in places.chunks_mut(OUTPUTS).enumerate() {
        let mut m = [start; PRODUCTS];
        for (m, sums) in m.iter_mut().zip(sums) {
            *m = load(&sums.as_flattened()[vector * LANES..]);
        }
        // SAFETY: this function has the instructions.
        let y = transpose(unsafe { transform::output(m, start) });
        let mut values: [MaybeUninit<f32>; OUTPUTS] = [MaybeUninit::uninit(); OUTPUTS];
        let is_full = places.len() == OUTPUTS;
        let target = if is_full {
            &mut *places
        } else {
            &mut values[..]
        };
        for (i, y) in y.into_iter().enumerate() {
            let places = [i * GROUP, (i + LANES / 2) * GROUP];
            let halves = [_mm256_castps256_ps128(y), _mm256_extractf128_ps::<1>(y)];
            for (place, half) in places.into_iter().zip(halves) {
                let place = &mut target[place..place + GROUP];
                // SAFETY: these are as many values as are written.
                unsafe { _mm_storeu_ps(place.as_mut_ptr().cast(), half) };
            }
        }
        if !is_full {
            let count = places.len();
            places.copy_from_slice(&values[..count]);
        }
    }
}

/// Transforms a row of gradients by groups: a list of `groups` for each product, zero behind the row's end.
///
/// # Panics
/// If `groups` is not a multiple of the lanes.
#[target_feature(enable = "avx2,fma")]
pub(super) fn gradient(row: &[f32], groups: usize, mut products: [&mut [f32]; PRODUCTS]) {
    for first in (0..groups).step_by(LANES) {
        let rest = row.get(first * GROUP..).unwrap_or_default();
        let mut edge = [0.0; OUTPUTS];
        let values = match rest.first_chunk() {
            Some(values) => values,
            None => {
                edge[..rest.len()].copy_from_slice(rest);
                &edge
            }
        };
        let [a, b] = [join(values, 0), join(values, 1)];
        let g = transpose([a, b, join(values, 2), join(values, 3)]);
        // SAFETY: this function has the instructions.
        let transformed = unsafe { transform::gradient(g) };
        for (values, product) in transformed.into_iter().zip(&mut products) {
            store(values, &mut product[first..]);
        }
    }
}

/// Transforms groups along the rows of a panel, whose first row is one before the first output: a list for each product.
///
/// # Shapes
/// `x` (4 · G + 2, COLUMNS) → `panel` (6, G, COLUMNS).
#[target_feature(enable = "avx2,fma")]
pub(super) fn along_rows<const COLUMNS: usize>(x: &[[f32; COLUMNS]], panel: &mut [Row<COLUMNS>]) {
    let groups = panel.len() / PRODUCTS;
    for group in 0..groups {
        let rows = &x[group * GROUP..][..PRODUCTS];
        for vector in (0..COLUMNS).step_by(LANES) {
            let mut d = [_mm256_setzero_ps(); PRODUCTS];
            for (d, row) in d.iter_mut().zip(rows) {
                *d = load(&row[vector..]);
            }
            // SAFETY: this function has the instructions.
            let products = unsafe { transform::input(d) };
            for (product, values) in products.into_iter().enumerate() {
                store(values, &mut panel[product * groups + group].0[vector..]);
            }
        }
    }
}

/// Transforms the kernels of ROWS output channels: a list for each product.
///
/// # Shapes
/// `rows` ROWS times (in, 3) → `products` 6 times (in, ROWS), ROWS at most 8.
#[target_feature(enable = "avx2,fma")]
pub(super) fn kernels<const ROWS: usize>(
    rows: [&[f32]; ROWS],
    products: &mut [&mut [MaybeUninit<[f32; ROWS]>]],
) {
    /// Input channels at a time.
    const INPUTS: usize = 4;
    const VALUES: usize = 3 * INPUTS;
    const { assert!(ROWS <= LANES, "a register holds all rows") };
    let inputs = rows[0].len() / 3;
    for first in (0..inputs).step_by(INPUTS) {
        let mut edges = [[0.0; VALUES]; ROWS];
        let values: [&[f32; VALUES]; ROWS] = if first + INPUTS <= inputs {
            let mut all = [&[0.0; VALUES]; ROWS];
            for (values, row) in all.iter_mut().zip(rows) {
                *values = row[first * 3..].first_chunk().expect("enough values");
            }
            all
        } else {
            for (edge, row) in edges.iter_mut().zip(rows) {
                let rest = &row[first * 3..];
                edge[..rest.len()].copy_from_slice(rest);
            }
            edges.each_ref()
        };
        // By values first, then rows.
        let mut columns = [_mm256_setzero_ps(); VALUES];
        for (part, columns) in columns.chunks_exact_mut(4).enumerate() {
            let mut joined = [_mm256_setzero_ps(); 4];
            for (i, joined) in joined.iter_mut().enumerate() {
                let low = &values[i.min(ROWS - 1)][part * 4..][..4];
                let high = &values[(i + 4).min(ROWS - 1)][part * 4..][..4];
                // SAFETY: these are as many values as are read.
                *joined = unsafe { _mm256_loadu2_m128(high.as_ptr(), low.as_ptr()) };
            }
            columns.copy_from_slice(&transpose(joined));
        }
        for (input, taps) in (first..inputs).zip(columns.as_chunks::<3>().0) {
            // SAFETY: this function has the instructions.
            let transformed = unsafe { transform::kernel(*taps) };
            for (values, places) in transformed.into_iter().zip(&mut *products) {
                let mut all = [0.0; LANES];
                store(values, &mut all);
                places[input].write(*all.first_chunk().expect("no more rows than lanes"));
            }
        }
    }
}

/// Gradients of the kernels of one output channel from those of their products, for as many input channels as there are places.
///
/// # Shapes
/// `sums` 6 times (in) → `places` (in, 3)
#[target_feature(enable = "avx2,fma")]
pub(super) fn kernel_gradients(sums: [&[f32]; PRODUCTS], places: &mut [[MaybeUninit<f32>; 3]]) {
    for (vector, places) in places.chunks_mut(LANES).enumerate() {
        let mut products = [_mm256_setzero_ps(); PRODUCTS];
        for (products, sums) in products.iter_mut().zip(sums) {
            *products = load(&sums[vector * LANES..]);
        }
        // SAFETY: this function has the instructions.
        let taps = unsafe { transform::kernel_gradient(products) };
        let mut values = [[0.0; LANES]; 3];
        for (taps, values) in taps.into_iter().zip(&mut values) {
            store(taps, values);
        }
        for (lane, place) in places.iter_mut().enumerate() {
            for (place, values) in place.iter_mut().zip(&values) {
                place.write(values[lane]);
            }
        }
    }
}

#[inline]
#[target_feature(enable = "avx2,fma")]
fn load(values: &[f32]) -> __m256 {
    let values = &values[..LANES];
    // SAFETY: these are as many values as are read.
    unsafe { _mm256_loadu_ps(values.as_ptr()) }
}

#[inline]
#[target_feature(enable = "avx2,fma")]
fn store(values: __m256, places: &mut [f32]) {
    let places = &mut places[..LANES];
    // SAFETY: these are as many values as are written.
    unsafe { _mm256_storeu_ps(places.as_mut_ptr(), values) };
}

/// Groups `i` and `i` + 4 of a list.
#[inline]
#[target_feature(enable = "avx2,fma")]
fn join<const N: usize>(values: &[f32; N], i: usize) -> __m256 {
    let low = &values[i * GROUP..][..GROUP];
    let high = &values[(i + LANES / 2) * GROUP..][..GROUP];
    // SAFETY: these are as many values as are read.
    unsafe { _mm256_loadu2_m128(high.as_ptr(), low.as_ptr()) }
}

/// Rows and columns exchanged, in both halves of four registers.
#[inline]
#[target_feature(enable = "avx2,fma")]
fn transpose(rows: [__m256; 4]) -> [__m256; 4] {
    let [low, other_low] = [
        _mm256_unpacklo_ps(rows[0], rows[1]),
        _mm256_unpacklo_ps(rows[2], rows[3]),
    ];
    let [high, other_high] = [
        _mm256_unpackhi_ps(rows[0], rows[1]),
        _mm256_unpackhi_ps(rows[2], rows[3]),
    ];
    [
        _mm256_shuffle_ps::<0x44>(low, other_low),
        _mm256_shuffle_ps::<0xee>(low, other_low),
        _mm256_shuffle_ps::<0x44>(high, other_high),
        _mm256_shuffle_ps::<0xee>(high, other_high),
    ]
}
