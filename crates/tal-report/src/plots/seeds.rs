//! Average mAP of several configurations, one mark per seed.

use std::path::Path;

use plotters::prelude::*;

use super::axes::Axis;
use super::canvas::write_svg;
use super::legend::{Sample, legend_line};
use super::line::marker;
use super::palette::{DARK, LineStyle, Marker, line_style};
use super::rows::Rows;
use super::text::percent;
use crate::PlotError;

const ROW: i32 = 24;

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
pub fn seeds(path: &Path, title: &str, rows: &[SeedRow<'_>]) -> Result<(), PlotError> {
    let layout = Rows::new(rows.iter().map(|row| row.name), ROW);
    let one = LineStyle {
        marker: Marker::Circle,
        ..line_style(6)
    };
    let mean = LineStyle {
        marker: Marker::Diamond,
        ..line_style(1)
    };
    write_svg(path, layout.size(), title, |area| {
        let x = Axis::new("Average mAP [%]", range(rows), 11);
        let axes = layout.draw(area, &x)?;
        for (index, row) in rows.iter().enumerate() {
            let y = layout.middle(index);
            let column = |map: f64| axes.pixel((100.0 * map, 0.0)).0;
            let value = row.spread.map(|(mean, _)| percent(mean));
            let value = value.unwrap_or_else(|| "none".to_owned());
            layout.value(area, index, &value)?;
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
        axes.note_empty(area, rows.iter().all(|row| row.spread.is_none()))?;
        let samples = [("one seed", one), ("mean ± standard deviation", mean)];
        let entries = samples.map(|(name, style)| (name.to_owned(), Sample::Marker(style)));
        legend_line(area, layout.left, entries)
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
