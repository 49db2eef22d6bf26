//! Curves with few points.

use serde::Serialize;
use tal_postprocess::PrecisionRecall;

/// Most points of a training curve.
const MAX_STEPS: usize = 1500;
/// Most points of a precision-recall curve.
const MAX_POINTS: usize = 100;

/// Course of one figure over a training run.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Course {
    /// Name, such as `loss`.
    pub name: String,
    /// Steps.
    pub x: Vec<f64>,
    /// Values.
    pub y: Vec<f64>,
}

impl Course {
    /// A course of at most 1500 points: each is the mean of neighbouring ones. Points that are not finite are left out.
    pub fn new(name: &str, points: impl IntoIterator<Item = (f64, f64)>) -> Self {
        let finite = |(x, y): &(f64, f64)| x.is_finite() && y.is_finite();
        let points: Vec<(f64, f64)> = points.into_iter().filter(finite).collect();
        let width = points.len().div_ceil(MAX_STEPS).max(1);
        let mean = |chunk: &[(f64, f64)], of: fn(&(f64, f64)) -> f64| {
            chunk.iter().map(of).sum::<f64>() / chunk.len() as f64
        };
        Self {
            name: name.to_owned(),
            x: points.chunks(width).map(|c| mean(c, |p| p.0)).collect(),
            y: points.chunks(width).map(|c| mean(c, |p| p.1)).collect(),
        }
    }
}

/// A precision-recall curve as the page draws it: the precision envelope where recall rises.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(super) struct Thinned {
    recall: Vec<f64>,
    precision: Vec<f64>,
}

impl Thinned {
    pub(super) fn new(curve: &PrecisionRecall) -> Self {
        let mut points: Vec<(f64, f64)> = Vec::new();
        for (recall, envelope) in curve.recall.iter().zip(&curve.envelope) {
            if *recall > points.last().map_or(0.0, |last| last.0) {
                points.push((*recall, *envelope));
            }
        }
        let last = points.len().saturating_sub(1);
        let width = points.len().div_ceil(MAX_POINTS).max(1);
        let kept = points.iter().enumerate();
        let kept = kept.filter(|(at, _)| at.is_multiple_of(width) || *at == last);
        let (recall, precision) = kept.map(|(_, (r, p))| (rounded(*r), rounded(*p))).unzip();
        Self { recall, precision }
    }
}

/// Four decimals: more than a picture shows.
pub(super) fn rounded(value: f64) -> f64 {
    (value * 1e4).round() / 1e4
}
