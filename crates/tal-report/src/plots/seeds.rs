//! Average mAP of several configurations, one mark per seed.

use std::path::Path;

use plotters::prelude::*;

use super::area::bounded;
use super::axes::{Axes, Axis, BOTTOM, LEFT};
use super::canvas::{MARGIN, TOP, write_svg};
use super::legend::{Legend, Sample};
use super::line::marker;
use super::palette::{DARK, LineStyle, Marker, line_style};
use super::text::{Align, LABEL_SIZE, percent, shorten, text, width};
use crate::PlotError;

const WIDTH: i32 = 560;
const ROW: i32 = 24;
const NAME_LIMIT: i32 = 280;
/// Room for the mean behind the frame.
const VALUE: i32 = 60;
/// Room for the legend above the rows.
const LEGEND: i32 = 24;

/// Results of one configuration.
pub struct SeedRow<'a> {
    /// Name of the configuration.
    pub name: &'a str,
    /// Average mAP per seed, a fraction in [0, 1].
    pub values: Vec<f64>,
    /// Mean and standard deviation; `None` if there are no values.
    pub spread: Option<(f64, f64)>,
}

/// Draws a row per configuration: a circle per seed, a diamond for the mean and a line of one standard deviation to either
/// side. The axis covers the range of the values, not 0 to 100.
///
/// # Errors
/// If the file cannot be written.
pub fn seeds(path: &Path, title: &str, rows: &[SeedRow<'_>]) -> Result<(), PlotError> {
    let names: Vec<_> = rows
        .iter()
        .map(|row| shorten(row.name, LABEL_SIZE, NAME_LIMIT))
        .collect();
    let widest = names.iter().map(|name| width(name, LABEL_SIZE)).max();
    let left = MARGIN + widest.unwrap_or(0).max(LEFT) + 10;
    let height = ROW * bounded(rows.len().max(3));
    let top = TOP + LEGEND + 8;
    let size = (
        left + WIDTH + VALUE + MARGIN,
        top + height + BOTTOM + MARGIN,
    );
    let one = LineStyle {
        marker: Marker::Circle,
        ..line_style(6)
    };
    let mean = LineStyle {
        marker: Marker::Diamond,
        ..line_style(1)
    };
    write_svg(path, size, title, |area| {
        let x = Axis {
            name: "Average mAP [%]",
            range: range(rows),
            num_ticks: 11,
        };
        let y = Axis {
            name: "",
            range: 0.0..1.0,
            num_ticks: 0,
        };
        let axes = Axes::draw(area, (left, top), (WIDTH, height), &x, &y)?;
        for (index, (row, name)) in rows.iter().zip(&names).enumerate() {
            let y = top + ROW * bounded(index) + ROW / 2;
            text(area, name, (left - 10, y), LABEL_SIZE, &BLACK, Align::Right)?;
            let column = |map: f64| axes.pixel((100.0 * map, 0.0)).0;
            let value = row.spread.map(|(mean, _)| percent(mean));
            let value = value.unwrap_or_else(|| "none".to_owned());
            let place = (left + WIDTH + VALUE, y);
            text(area, &value, place, LABEL_SIZE, &BLACK, Align::Right)?;
            if let Some((average, std)) = row.spread {
                let ends = vec![(column(average - std), y), (column(average + std), y)];
                area.draw(&PathElement::new(ends, DARK.stroke_width(2)))?;
            }
            for value in &row.values {
                marker(area, (column(*value), y), one)?;
            }
            if let Some((average, _)) = row.spread {
                marker(area, (column(average), y), mean)?;
            }
        }
        if rows.iter().all(|row| row.spread.is_none()) {
            axes.note_empty(area)?;
        }
        let mut x = left;
        for (name, style) in [("one seed", one), ("mean ± standard deviation", mean)] {
            let legend = Legend::new([(name.to_owned(), Sample::Marker(style))], LEGEND);
            legend.draw(area, (x, TOP))?;
            x += legend.width();
        }
        Ok(())
    })
}

/// Range of everything that is drawn, in whole percents and at least five of them.
fn range(rows: &[SeedRow<'_>]) -> std::ops::Range<f64> {
    let ends = rows
        .iter()
        .filter_map(|row| row.spread)
        .flat_map(|(mean, std)| [mean - std, mean + std]);
    let values: Vec<f64> = rows
        .iter()
        .flat_map(|row| row.values.iter().copied())
        .chain(ends)
        .map(|value| 100.0 * value)
        .collect();
    if values.is_empty() {
        return 0.0..100.0;
    }
    let lowest = values.iter().copied().fold(f64::INFINITY, f64::min);
    let highest = values.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let low = (lowest - 0.5).floor().max(0.0);
    low..(highest + 0.5).ceil().max(low + 5.0)
}
