//! The branches against their formula, and their gradients against finite differences.

use std::f64::consts::TAU;

use super::*;
use crate::filter::FilterWeights;
use crate::tests::{build, cases, error, noise};
use crate::threads::ScopedThreads;

const THREADS: ScopedThreads = ScopedThreads(2);
const BATCH: usize = 2;
const CHANNELS: usize = 2;
const TAPS: usize = 3;
const EPS: f64 = 1e-2;
const SHRINK: f64 = 0.1;

/// Switches of the branches.
#[derive(Debug, Clone, Copy)]
struct Case {
    len: usize,
    filter: bool,
    local: bool,
    instant: bool,
    scale: bool,
    gate: Option<Gate>,
}

/// The inputs in the order of the gradients: x, γ, β, w₁, b₁, w₂, b₂, local kernels and offsets, instant factors and
/// offsets, and scales.
fn inputs(len: usize) -> Vec<Vec<f32>> {
    let two = 2 * CHANNELS;
    let local = [CHANNELS * TAPS, CHANNELS];
    let counts = [
        BATCH * CHANNELS * len,
        CHANNELS,
        CHANNELS,
        two,
        two,
        two,
        two,
    ]
    .into_iter()
    .chain(local)
    .chain([CHANNELS; 3]);
    let list = |(seed, count)| noise(seed as u64 + 1, count);
    counts.enumerate().map(list).collect()
}

/// Mask and factors of the samples.
fn constants(len: usize) -> (Vec<f32>, [f32; BATCH]) {
    let mut mask = vec![1.0; BATCH * len];
    mask[BATCH * len - 1] = 0.0;
    (mask, [1.0, 0.5])
}

/// The filter of one row by its formula, with sums in place of fast transforms.
fn filtered(y: &[f64], weights: &[Vec<f64>], channel: usize) -> Vec<f64> {
    let len = y.len();
    let scale = 1.0 / (len as f64).sqrt();
    let number = |list: usize| [weights[list][channel], weights[list][CHANNELS + channel]];
    let [w1, b1, w2, b2] = [0, 1, 2, 3].map(number);
    let times = |a: [f64; 2], b: [f64; 2]| [a[0] * b[0] - a[1] * b[1], a[0] * b[1] + a[1] * b[0]];
    let shrunk = |v: f64| v.signum() * (v.abs() - SHRINK).max(0.0);
    let mut z = vec![0.0; len];
    for k in 0..len / 2 + 1 {
        let angle = |t: usize| TAU * (k * t) as f64 / len as f64;
        let mut x = [0.0; 2];
        for (t, y) in y.iter().enumerate() {
            x[0] += scale * y * angle(t).cos();
            x[1] -= scale * y * angle(t).sin();
        }
        let h = times(x, w1);
        let g = times([0, 1].map(|i| (h[i] + b1[i]).max(0.0)), w2);
        let product = times([0, 1].map(|i| shrunk(g[i] + b2[i])), x);
        // The mean and the highest frequency stand for themselves, all others for their mirror image, too.
        let weight = if 2 * k % len == 0 { 1.0 } else { 2.0 };
        for (t, z) in z.iter_mut().enumerate() {
            *z += weight * scale * (product[0] * angle(t).cos() - product[1] * angle(t).sin());
        }
    }
    z
}

/// The formula in float64.
fn expected(inputs: &[Vec<f64>], case: Case) -> Vec<f64> {
    let len = case.len;
    let (mask, factors) = constants(len);
    let x = &inputs[0];
    let mut out = vec![0.0; x.len()];
    let open = |v: f64| match case.gate {
        None => 1.0,
        Some(Gate::Identity) => v,
        Some(Gate::Relu) => v.max(0.0),
    };
    for (row, out) in out.chunks_mut(len).enumerate() {
        let (sample, channel) = (row / CHANNELS, row % CHANNELS);
        let at = |c: usize, t: usize| x[(sample * CHANNELS + c) * len + t];
        let y: Vec<f64> = (0..len)
            .map(|t| {
                let column: Vec<f64> = (0..CHANNELS).map(|c| at(c, t)).collect();
                let mean = column.iter().sum::<f64>() / CHANNELS as f64;
                let squares = column.iter().map(|v| (v - mean).powi(2));
                let variance = squares.sum::<f64>() / CHANNELS as f64;
                let normed = (at(channel, t) - mean) / (variance + EPS).sqrt();
                normed * inputs[1][channel] + inputs[2][channel]
            })
            .collect();
        let global = case.filter.then(|| filtered(&y, &inputs[3..7], channel));
        for (t, out) in out.iter_mut().enumerate() {
            let (mut sum, mut gate) = (y[t], None);
            if let Some(global) = &global {
                (sum, gate) = (sum + global[t], Some(global[t]));
            }
            if case.local {
                let taps = (0..TAPS).map(|tap| {
                    let place = (t + tap).checked_sub(TAPS / 2);
                    let y = place.and_then(|place| y.get(place)).copied();
                    inputs[7][channel * TAPS + tap] * y.unwrap_or(0.0)
                });
                let branch = taps.sum::<f64>() + inputs[8][channel];
                let branch = branch * gate.map_or(1.0, open);
                (sum, gate) = (sum + branch, Some(branch));
            }
            if case.instant {
                let branch = inputs[9][channel] * y[t] + inputs[10][channel];
                sum += branch * gate.map_or(1.0, open);
            }
            let scale = if case.scale { inputs[11][channel] } else { 1.0 };
            let k = scale * f64::from(factors[sample]);
            *out = at(channel, t) * f64::from(mask[sample * len + t]) + k * sum;
        }
    }
    out
}

/// Calls `run` with the branches of a case.
fn with_branches<R>(inputs: &[Vec<f32>], case: Case, run: impl FnOnce(&GmgBranches<'_>) -> R) -> R {
    let (mask, factors) = constants(case.len);
    let moments = ChannelMoments::new(&THREADS, &inputs[0], CHANNELS, case.len, EPS);
    let weights = FilterWeights {
        w1: &inputs[3],
        b1: &inputs[4],
        w2: &inputs[5],
        b2: &inputs[6],
        soft_shrink: SHRINK as f32,
        is_ortho: true,
    };
    run(&GmgBranches {
        x: &inputs[0],
        mask: &mask,
        moments: &moments,
        factors: &factors,
        len: case.len,
        weights: GmgWeights {
            norm: [&inputs[1], &inputs[2]],
            filter: case.filter.then(|| Filter::new(weights, case.len)),
            local: case.local.then_some([&inputs[7], &inputs[8]]),
            instant: case.instant.then_some([&inputs[9], &inputs[10]]),
            scale: case.scale.then_some(&inputs[11]),
            gate: case.gate,
        },
    })
}

fn all_cases() -> Vec<Case> {
    let case = |len, [filter, local, instant, scale]: [bool; 4], gate| Case {
        len,
        filter,
        local,
        instant,
        scale,
        gate,
    };
    vec![
        case(6, [true; 4], Some(Gate::Identity)),
        case(7, [true; 4], Some(Gate::Relu)),
        case(5, [false, true, true, false], Some(Gate::Identity)),
        case(70, [true; 4], Some(Gate::Identity)),
        case(6, [true, false, true, false], Some(Gate::Relu)),
        case(6, [true, false, false, true], None),
        case(1, [true; 4], None),
    ]
}

#[test]
fn values_follow_the_formula() {
    for &case in cases(&all_cases()) {
        let inputs = inputs(case.len);
        let exact: Vec<Vec<f64>> = inputs
            .iter()
            .map(|list| list.iter().map(|&v| v.into()).collect())
            .collect();
        let ours = with_branches(&inputs, case, |branches| {
            build(inputs[0].len(), |out| branches.forward(&THREADS, out))
        });
        let expected = expected(&exact, case);
        let largest = expected.iter().fold(1.0f64, |max, v| max.max(v.abs()));
        let error = error(&ours, &expected) / largest;
        assert!(error < 1e-5, "{case:?}: {error}");
    }
}

#[test]
fn gradients_match_finite_differences() {
    const STEP: f64 = 1e-5;
    for &case in cases(&all_cases()) {
        let inputs = inputs(case.len);
        let gradient = noise(20, inputs[0].len());
        let mut found = None;
        let x = with_branches(&inputs, case, |branches| {
            build(inputs[0].len(), |out| {
                let (x, gradients) = branches.backward(&THREADS, &gradient, out);
                found = Some(gradients);
                x
            })
        });
        let found = found.unwrap();
        let ours: Vec<Vec<f32>> = [x, found.norm.weight, found.norm.bias]
            .into_iter()
            .chain(found.branches)
            .collect();
        let has = [case.filter, case.local, case.instant, case.scale];
        let lists = [3..7, 7..9, 9..11, 11..12].into_iter().zip(has);
        let lists = lists.filter(|(_, has)| *has).flat_map(|(lists, _)| lists);
        let lists: Vec<usize> = (0..3).chain(lists).collect();
        assert_eq!(ours.len(), lists.len());
        let mut exact: Vec<Vec<f64>> = inputs
            .iter()
            .map(|list| list.iter().map(|&v| v.into()).collect())
            .collect();
        let weighted = |inputs: &[Vec<f64>]| -> f64 {
            let values = expected(inputs, case).into_iter().zip(&gradient);
            values.map(|(v, g)| v * f64::from(*g)).sum()
        };
        for (ours, list) in ours.iter().zip(lists) {
            assert_eq!(ours.len(), exact[list].len());
            for (index, ours) in ours.iter().enumerate() {
                let value = exact[list][index];
                exact[list][index] = value + STEP;
                let above = weighted(&exact);
                exact[list][index] = value - STEP;
                let below = weighted(&exact);
                exact[list][index] = value;
                let expected = (above - below) / (2.0 * STEP);
                let error = (f64::from(*ours) - expected).abs() / (1.0 + expected.abs());
                assert!(error < 1e-3, "{case:?}, list {list}, {index}: {error}");
            }
        }
    }
}

#[test]
#[should_panic(expected = "are not 2 times 2 channels of 6 positions")]
fn inputs_of_other_sizes_are_refused() {
    let mut inputs = inputs(6);
    inputs[0].truncate(12);
    with_branches(&inputs, all_cases()[0], |branches| {
        build(12, |out| branches.forward(&THREADS, out))
    });
}
