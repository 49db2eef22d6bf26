//! Filters: the source pixels of an output pixel along one axis, and their weights.

use std::f64::consts::PI;
use std::ops::Range;

use crate::ResizeFilter;

/// Source positions and weights of the output pixels of one axis, the same number for each; missing ones weigh nothing.
#[derive(Clone, Debug)]
pub(super) struct Taps<W> {
    /// Taps of an output pixel.
    pub(super) count: usize,
    /// Source positions, those of an output pixel together and in ascending order.
    pub(super) positions: Vec<usize>,
    /// Weights, likewise.
    pub(super) weights: Vec<W>,
}

impl<W: Copy + Default> Taps<W> {
    fn collect(taps: Vec<(Vec<usize>, Vec<W>)>) -> Self {
        let count = taps.iter().map(|(at, _)| at.len()).max().unwrap_or(0);
        let mut all = Self {
            count,
            positions: Vec::new(),
            weights: Vec::new(),
        };
        for (mut at, mut weights) in taps {
            let last = *at.last().expect("every output pixel has a source");
            at.resize(count, last);
            weights.resize(count, W::default());
            all.positions.extend(at);
            all.weights.extend(weights);
        }
        all
    }

    /// Number of output pixels.
    pub(super) fn len(&self) -> usize {
        self.positions.len() / self.count
    }

    /// Source positions and weights of an output pixel.
    pub(super) fn of(&self, output: usize) -> (&[usize], &[W]) {
        let taps = output * self.count..(output + 1) * self.count;
        (&self.positions[taps.clone()], &self.weights[taps])
    }

    /// The source positions that the output pixels need.
    pub(super) fn reach(&self) -> Range<usize> {
        let first = self.positions.iter().min().copied().unwrap_or(0);
        first..self.positions.iter().max().map_or(0, |last| last + 1)
    }
}

/// Bits behind the point of Pillow's weights.
pub(super) const PRECISION: u32 = 22;

/// Pillow's taps for some outputs of an axis of `from` pixels that becomes one of `to`.
///
/// # Source
///
/// Pillow, `src/libImaging/Resample.c`, `precompute_coeffs` and `normalize_coeffs_8bpc`.
pub(super) fn pillow(
    filter: ResizeFilter,
    from: usize,
    to: usize,
    outputs: Range<usize>,
) -> Taps<i32> {
    let (support, kernel): (f64, fn(f64) -> f64) = match filter {
        ResizeFilter::PillowBox => (0.5, |x| f64::from(x > -0.5 && x <= 0.5)),
        ResizeFilter::PillowHamming => (1.0, hamming),
        ResizeFilter::PillowBicubic => (2.0, |x| cubic(x, -0.5)),
        ResizeFilter::PillowLanczos => (3.0, lanczos),
        _ => (1.0, |x| (1.0 - x.abs()).max(0.0)),
    };
    let scale = from as f64 / to as f64;
    let stretch = scale.max(1.0);
    let width = support * stretch;
    let taps = outputs.map(|output| {
        let centre = (output as f64 + 0.5) * scale;
        let first = (centre - width + 0.5).max(0.0) as usize;
        let end = ((centre + width + 0.5) as usize).min(from);
        let weights = (first..end).map(|tap| kernel((tap as f64 - centre + 0.5) * (1.0 / stretch)));
        let weights: Vec<f64> = weights.collect();
        let sum: f64 = weights.iter().sum();
        let fixed = |weight: f64| {
            let share = if sum == 0.0 { weight } else { weight / sum };
            // Half away from zero; a share is below 2 by far.
            (share * f64::from(1 << PRECISION) + 0.5_f64.copysign(share)) as i32
        };
        (
            (first..end).collect(),
            weights.into_iter().map(fixed).collect(),
        )
    });
    Taps::collect(taps.collect())
}

/// PyTorch's taps for some outputs of an axis of `from` pixels that becomes one of `to`, or is scaled by `factor`.
///
/// # Source
///
/// PyTorch, `aten/src/ATen/native/UpSample.h` and `cpu/UpSampleKernel.cpp`.
pub(super) fn torch(
    filter: ResizeFilter,
    from: usize,
    to: usize,
    factor: Option<f64>,
    outputs: Range<usize>,
) -> Taps<f32> {
    let scale = factor.map_or(from as f32 / to as f32, |factor| (1.0 / factor) as f32);
    let taps: Vec<_> = match filter {
        ResizeFilter::TorchBicubic => outputs.map(|o| bicubic(o, from, scale)).collect(),
        ResizeFilter::TorchBilinearAntialias => outputs
            .map(|o| antialias(o, from, scale, 1.0, |x| (1.0 - x.abs()).max(0.0)))
            .collect(),
        ResizeFilter::TorchBicubicAntialias => outputs
            .map(|o| antialias(o, from, scale, 2.0, |x| cubic(x.into(), -0.5) as f32))
            .collect(),
        _ => outputs.map(|o| bilinear(o, from, scale)).collect(),
    };
    Taps::collect(taps)
}

/// The place of an output pixel's middle in source pixels. The fused multiplication gives PyTorch's numbers.
fn source(output: usize, scale: f32) -> f32 {
    (output as f32 + 0.5).mul_add(scale, -0.5)
}

fn bilinear(output: usize, from: usize, scale: f32) -> (Vec<usize>, Vec<f32>) {
    let source = source(output, scale).max(0.0);
    let first = (source as usize).min(from - 1);
    let second = (first + 1).min(from - 1);
    let weight = (source - first as f32).min(1.0);
    (vec![first, second], vec![1.0 - weight, weight])
}

fn bicubic(output: usize, from: usize, scale: f32) -> (Vec<usize>, Vec<f32>) {
    const A: f32 = -0.75;
    let source = source(output, scale);
    let first = source.floor().min(from as f32 - 1.0);
    let t = (source - first).clamp(0.0, 1.0);
    let inner = |x: f32| ((A + 2.0) * x - (A + 3.0)) * x * x + 1.0;
    let outer = |x: f32| ((A * x - 5.0 * A) * x + 8.0 * A) * x - 4.0 * A;
    let weights = [outer(t + 1.0), inner(t), inner(1.0 - t), outer(2.0 - t)];
    let position = |tap: isize| (first as isize + tap).clamp(0, from as isize - 1) as usize;
    ((-1..3).map(position).collect(), weights.to_vec())
}

fn antialias(
    output: usize,
    from: usize,
    scale: f32,
    support: f32,
    kernel: fn(f32) -> f32,
) -> (Vec<usize>, Vec<f32>) {
    let stretch = scale.max(1.0);
    let width = support * stretch;
    let centre = scale * (output as f32 + 0.5);
    let first = (centre - width + 0.5).max(0.0) as usize;
    let end = ((centre + width + 0.5) as usize).min(from);
    let weights = (first..end).map(|tap| kernel((tap as f32 - centre + 0.5) * (1.0 / stretch)));
    let weights: Vec<f32> = weights.collect();
    let sum: f32 = weights.iter().sum();
    (
        (first..end).collect(),
        weights.iter().map(|w| w / sum).collect(),
    )
}

/// The cubic kernel of Keys.
fn cubic(x: f64, a: f64) -> f64 {
    let x = x.abs();
    if x < 1.0 {
        ((a + 2.0) * x - (a + 3.0)) * x * x + 1.0
    } else if x < 2.0 {
        (((x - 5.0) * x + 8.0) * x - 4.0) * a
    } else {
        0.0
    }
}

fn sinc(x: f64) -> f64 {
    if x == 0.0 {
        1.0
    } else {
        (x * PI).sin() / (x * PI)
    }
}

fn lanczos(x: f64) -> f64 {
    match (-3.0..3.0).contains(&x) {
        true => sinc(x) * sinc(x / 3.0),
        false => 0.0,
    }
}

fn hamming(x: f64) -> f64 {
    let x = x.abs();
    match x < 1.0 {
        true => sinc(x) * (0.54 + 0.46 * (x * PI).cos()),
        false => 0.0,
    }
}
