//! A frame with axes, ticks and grid lines.

use std::ops::Range;

use plotters::coord::types::RangedCoordf64;
use plotters::prelude::*;

use super::area::{Area, Drawn};
use super::palette::{DARK, GRID, MUTED};
use super::text::{Align, LABEL_SIZE, SMALL_SIZE, printable, style, text};

/// Room on the left of a frame for the ticks and the name of its axis.
pub(super) const LEFT: i32 = 64;
/// Room below a frame for the ticks and the name of its axis.
pub(super) const BOTTOM: i32 = 50;

/// One axis: its name, its range, and its approximate number of ticks (0: no ticks).
pub(super) struct Axis<'a> {
    pub(super) name: &'a str,
    pub(super) range: Range<f64>,
    pub(super) num_ticks: usize,
}

impl<'a> Axis<'a> {
    /// An axis without name and ticks, from 0 to 1.
    pub(super) const BLANK: Axis<'static> = Axis::new("", 0.0..1.0, 0);

    pub(super) const fn new(name: &'a str, range: Range<f64>, num_ticks: usize) -> Self {
        Axis {
            name,
            range,
            num_ticks,
        }
    }
}

/// A frame on the picture, and the places of values in it.
pub(super) struct Axes<'a> {
    plane: DrawingArea<SVGBackend<'a>, Cartesian2d<RangedCoordf64, RangedCoordf64>>,
    /// Left and right edge, in pixels.
    pub(super) columns: Range<i32>,
    /// Upper and lower edge, in pixels.
    pub(super) rows: Range<i32>,
}

impl<'a> Axes<'a> {
    /// Draws a frame with its upper left corner at `corner` and the given size inside; ticks and names stand outside.
    pub(super) fn draw(
        area: &Area<'a>,
        (left, top): (i32, i32),
        (width, height): (i32, i32),
        x: &Axis<'_>,
        y: &Axis<'_>,
    ) -> Drawn<Self> {
        let outer = area
            .clone()
            .shrink((left - LEFT, top), (width + LEFT, height + BOTTOM));
        let mut chart = ChartBuilder::on(&outer)
            .set_label_area_size(LabelAreaPosition::Left, LEFT)
            .set_label_area_size(LabelAreaPosition::Bottom, BOTTOM)
            .build_cartesian_2d(x.range.clone(), y.range.clone())?;
        let label = style(SMALL_SIZE + 1, &DARK);
        let mut mesh = chart.configure_mesh();
        mesh.x_labels(x.num_ticks)
            .y_labels(y.num_ticks)
            .x_label_formatter(&|value| tick(*value))
            .y_label_formatter(&|value| tick(*value))
            .label_style(label)
            .axis_style(DARK.stroke_width(1))
            .bold_line_style(GRID.stroke_width(1))
            .light_line_style(TRANSPARENT)
            .axis_desc_style(style(LABEL_SIZE, &BLACK))
            .x_desc(printable(x.name))
            .y_desc(printable(y.name));
        if x.num_ticks == 0 {
            mesh.disable_x_mesh()
                .set_tick_mark_size(LabelAreaPosition::Bottom, 0);
        }
        if y.num_ticks == 0 {
            mesh.disable_y_mesh()
                .set_tick_mark_size(LabelAreaPosition::Left, 0);
        }
        mesh.draw()?;
        Ok(Self {
            plane: chart.plotting_area().clone(),
            columns: left..left + width,
            rows: top..top + height,
        })
    }

    /// The pixel of a point.
    pub(super) fn pixel(&self, point: (f64, f64)) -> (i32, i32) {
        self.plane.map_coordinate(&point)
    }

    /// Says in the middle of the frame that there is nothing to show, if so.
    pub(super) fn note_empty(&self, area: &Area<'_>, is_empty: bool) -> Drawn {
        if !is_empty {
            return Ok(());
        }
        let place = (
            (self.columns.start + self.columns.end) / 2,
            (self.rows.start + self.rows.end) / 2,
        );
        text(area, "no values", place, LABEL_SIZE, &MUTED, Align::Center)
    }
}

/// Value of a tick without trailing zeros.
fn tick(value: f64) -> String {
    let text = format!("{value:.2}");
    let text = text.trim_end_matches('0').trim_end_matches('.');
    if text == "-0" {
        "0".to_owned()
    } else {
        text.to_owned()
    }
}

/// The points that can be drawn, as `map` changes them, from left to right.
pub(super) fn drawable(
    points: &[(f64, f64)],
    map: impl Fn((f64, f64)) -> (f64, f64),
) -> Vec<(f64, f64)> {
    let points = points.iter().copied();
    let points = points.filter(|(x, y)| x.is_finite() && y.is_finite());
    let mut points: Vec<_> = points.map(map).collect();
    points.sort_by(|a, b| a.0.total_cmp(&b.0));
    points
}

/// The least round number that is not below the values and not below `least`, for the end of an axis.
pub(super) fn round_up(values: impl IntoIterator<Item = f64>, least: f64) -> f64 {
    let highest = values
        .into_iter()
        .filter(|v| v.is_finite())
        .fold(least, f64::max);
    let unit = 10f64.powf(highest.log10().floor());
    [1.0, 1.2, 1.5, 2.0, 2.5, 3.0, 4.0, 5.0, 6.0, 8.0]
        .into_iter()
        .map(|factor| factor * unit)
        .find(|end| *end >= highest * (1.0 - 1e-12))
        .unwrap_or(10.0 * unit)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ticks_are_short_and_ends_are_round() {
        let ticks: Vec<_> = [0.0, -0.001, 0.55, 0.30000000000000004, 100.0]
            .map(tick)
            .into();
        assert_eq!(ticks, ["0", "0", "0.55", "0.3", "100"]);
        for (value, end) in [
            (0.0, 1.0),
            (1.01, 1.2),
            (67.3, 80.0),
            (80.0, 80.0),
            (99.0, 100.0),
        ] {
            assert!(
                (round_up([value, f64::NAN], 1.0) - end).abs() < 1e-9,
                "{value}"
            );
        }
    }
}
