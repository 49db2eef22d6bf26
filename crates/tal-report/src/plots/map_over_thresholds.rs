//! mAP over the tIoU threshold.

use std::path::Path;

use plotters::prelude::*;

use super::axes::{Axes, Axis, BOTTOM, LEFT, round_up};
use super::canvas::{MARGIN, TOP, write_svg};
use super::legend::Legend;
use super::line::{line, marker};
use super::palette::line_style;
use crate::PlotError;

const WIDTH: i32 = 560;
const HEIGHT: i32 = 400;

/// The mAP of one detection file at every threshold.
pub struct TiouSeries {
    /// Name in the legend.
    pub name: String,
    /// mAP per threshold, in any order.
    pub points: Vec<TiouPoint>,
}

/// mAP at one threshold.
#[derive(Clone, Copy)]
pub struct TiouPoint {
    /// The threshold.
    pub tiou: f64,
    /// mAP, a fraction in [0, 1].
    pub map: f64,
    /// Ends of a confidence interval of `map`; `None` if there is none.
    pub interval: Option<(f64, f64)>,
}

/// Draws mAP over the threshold; confidence intervals become bands behind the lines.
pub fn map_over_thresholds(path: &Path, series: &[TiouSeries]) -> Result<(), PlotError> {
    let legend = Legend::of_lines(series.iter().map(|one| &one.name), HEIGHT);
    let curves: Vec<_> = series.iter().map(|one| finite(&one.points)).collect();
    let points = || curves.iter().flatten();
    let left = MARGIN + LEFT;
    let right = left + WIDTH + MARGIN;
    let size = (
        right + legend.width() + MARGIN,
        TOP + HEIGHT + BOTTOM + MARGIN,
    );
    write_svg(path, size, "mAP over the tIoU threshold", |area| {
        let x = Axis::new(
            "tIoU threshold",
            padded(points().map(|point| point.tiou)),
            12,
        );
        let ends = points().map(|point| point.interval.map_or(point.map, |i| i.1.max(point.map)));
        let y = Axis::new(
            "mAP [%]",
            0.0..round_up(ends.map(|end| 100.0 * end), 1.0),
            10,
        );
        let axes = Axes::draw(area, (left, TOP), (WIDTH, HEIGHT), &x, &y)?;
        for (index, curve) in curves.iter().enumerate() {
            let colour = line_style(index).colour;
            // A band ends at a point without an interval.
            for run in curve.split(|point| point.interval.is_none()) {
                let end = |upper: bool| {
                    run.iter().filter_map(move |point| {
                        let (low, high) = point.interval?;
                        Some((point.tiou, 100.0 * if upper { high } else { low }))
                    })
                };
                let outline: Vec<_> = end(true)
                    .chain(end(false).rev())
                    .map(|point| axes.pixel(point))
                    .collect();
                match run {
                    [] => {}
                    [_] => area.draw(&PathElement::new(outline, colour.stroke_width(1)))?,
                    _ => area.draw(&Polygon::new(outline, colour.mix(0.2)))?,
                }
            }
        }
        for (index, curve) in curves.iter().enumerate() {
            let style = line_style(index);
            let pixels: Vec<_> = curve
                .iter()
                .map(|point| axes.pixel((point.tiou, 100.0 * point.map)))
                .collect();
            line(area, &pixels, style)?;
            for pixel in pixels {
                marker(area, pixel, style)?;
            }
        }
        axes.note_empty(area, points().next().is_none())?;
        legend.draw(area, (right, TOP))
    })
}

/// The points that can be drawn, by ascending threshold.
fn finite(points: &[TiouPoint]) -> Vec<TiouPoint> {
    let mut points: Vec<_> = points
        .iter()
        .filter(|point| point.tiou.is_finite() && point.map.is_finite())
        .map(|point| TiouPoint {
            interval: point
                .interval
                .filter(|(low, high)| low.is_finite() && high.is_finite()),
            ..*point
        })
        .collect();
    points.sort_by(|a, b| a.tiou.total_cmp(&b.tiou));
    points
}

/// The range of the values with some room at both ends.
fn padded(values: impl Iterator<Item = f64> + Clone) -> std::ops::Range<f64> {
    let low = values.clone().fold(f64::INFINITY, f64::min);
    let high = values.fold(f64::NEG_INFINITY, f64::max);
    if low > high {
        return 0.0..1.0;
    }
    let room = (0.05 * (high - low)).max(0.02);
    low - room..high + room
}
