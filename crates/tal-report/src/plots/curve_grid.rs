//! Grid of panels with one curve per class; a class looks the same in all panels.

use std::ops::Range;
use std::path::Path;

use super::area::{Area, Drawn, bounded};
use super::axes::{Axes, Axis, BOTTOM, LEFT, drawable, round_up};
use super::canvas::{MARGIN, TOP, write_svg};
use super::legend::Legend;
use super::line::{line, marker, reference};
use super::palette::line_style;
use crate::PlotError;

const WIDTH: i32 = 420;
const HEIGHT: i32 = 260;
const GAP: i32 = 24;
/// Approximate number of markers on a curve; they tell curves apart without colour.
const NUM_MARKERS: usize = 6;

/// One panel of [`curve_grid`]. Values are drawn as they are, not in percent.
pub struct CurvePanel {
    /// The name of the horizontal axis.
    pub x_name: String,
    /// The name of the vertical axis.
    pub y_name: String,
    /// Range of the vertical axis; `None` for 0 to a round number above all values.
    pub y: Option<Range<f64>>,
    /// Places of vertical reference lines.
    pub references: Vec<f64>,
    /// One curve per class, in the order of the names.
    pub curves: Vec<Vec<(f64, f64)>>,
}

/// Draws rows of panels with one legend.
pub fn curve_grid(
    path: &Path,
    title: &str,
    names: &[String],
    rows: &[Vec<CurvePanel>],
) -> Result<(), PlotError> {
    let num_rows = bounded(rows.len().max(1));
    let num_columns = bounded(rows.iter().map(Vec::len).max().unwrap_or(1).max(1));
    let (column, row) = (LEFT + WIDTH + GAP, HEIGHT + BOTTOM + GAP);
    let height = TOP + num_rows * row;
    let legend = Legend::of_lines(names, height - TOP - BOTTOM);
    let right = MARGIN + num_columns * column;
    let size = (right + legend.width() + MARGIN, height + MARGIN);
    write_svg(path, size, title, |area| {
        for (index, panels) in rows.iter().enumerate() {
            let top = TOP + row * bounded(index);
            for (index, panel) in panels.iter().enumerate() {
                let left = MARGIN + LEFT + column * bounded(index);
                draw(area, panel, (left, top))?;
            }
        }
        legend.draw(area, (right, TOP))
    })
}

fn draw(area: &Area<'_>, panel: &CurvePanel, corner: (i32, i32)) -> Drawn {
    let curves = panel.curves.iter();
    let curves: Vec<_> = curves.map(|curve| drawable(curve, |point| point)).collect();
    let points = || curves.iter().flatten();
    let low = points().map(|point| point.0).fold(f64::INFINITY, f64::min);
    let high = points()
        .map(|point| point.0)
        .fold(f64::NEG_INFINITY, f64::max);
    let x = Axis::new(
        &panel.x_name,
        if low < high { low..high } else { 0.0..1.0 },
        9,
    );
    let range = panel.y.clone();
    let range = range.unwrap_or_else(|| 0.0..round_up(points().map(|point| point.1), 1.0));
    let y = Axis::new(&panel.y_name, range, 9);
    let axes = Axes::draw(area, corner, (WIDTH, HEIGHT), &x, &y)?;
    if points().next().is_none() {
        return axes.note_empty(area, true);
    }
    for &place in panel
        .references
        .iter()
        .filter(|place| x.range.contains(place))
    {
        let column = axes.pixel((place, y.range.start)).0;
        reference(area, (column, axes.rows.start), (column, axes.rows.end))?;
    }
    for (index, curve) in curves.iter().enumerate() {
        let pixels: Vec<_> = curve.iter().map(|point| axes.pixel(*point)).collect();
        let style = line_style(index);
        line(area, &pixels, style)?;
        // Curves that lie on top of one another have their markers at different places.
        let spacing = pixels.len().div_ceil(NUM_MARKERS).max(1);
        for pixel in pixels.iter().skip(index % spacing).step_by(spacing) {
            marker(area, *pixel, style)?;
        }
    }
    Ok(())
}
