//! Average recall over the average number of proposals.

use std::path::Path;

use plotters::prelude::*;

use super::axes::{Axes, Axis, BOTTOM, LEFT, drawable, round_up};
use super::canvas::{MARGIN, TOP, write_svg};
use super::line::line;
use super::palette::line_style;
use super::text::percent;
use crate::PlotError;

const WIDTH: i32 = 640;
const HEIGHT: i32 = 400;

/// Draws average recall over the average number of proposals per recording; the title names the area below the curve.
///
/// `points` holds pairs (number of proposals, average recall) in any order.
pub fn recall_curve(path: &Path, points: &[(f64, f64)], area_below: f64) -> Result<(), PlotError> {
    let points = drawable(points, |(number, recall)| {
        (number.max(0.0), 100.0 * recall.clamp(0.0, 1.0))
    });
    let mut title = "Average recall over the number of proposals".to_owned();
    if area_below.is_finite() {
        title.push_str(&format!(", area {} %", percent(area_below)));
    }
    let left = MARGIN + LEFT;
    let size = (left + WIDTH + 2 * MARGIN, TOP + HEIGHT + BOTTOM + MARGIN);
    write_svg(path, size, &title, |area| {
        let x = Axis::new(
            "Average number of proposals per recording",
            0.0..round_up(points.iter().map(|point| point.0), 1.0),
            11,
        );
        let y = Axis::new("Average recall [%]", 0.0..100.0, 11);
        let axes = Axes::draw(area, (left, TOP), (WIDTH, HEIGHT), &x, &y)?;
        let curve: Vec<_> = points.iter().map(|point| axes.pixel(*point)).collect();
        let (Some(first), Some(last)) = (points.first(), points.last()) else {
            return axes.note_empty(area, true);
        };
        let style = line_style(0);
        let mut below = vec![axes.pixel((first.0, 0.0))];
        below.extend(&curve);
        below.push(axes.pixel((last.0, 0.0)));
        area.draw(&Polygon::new(below, style.colour.mix(0.15)))?;
        line(area, &curve, style)
    })
}
