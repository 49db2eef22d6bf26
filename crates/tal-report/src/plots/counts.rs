//! Counts per name, as bars.

use std::path::Path;

use plotters::style::BLACK;

use super::area::bounded;
use super::axes::{Axes, Axis, BOTTOM, LEFT, round_up};
use super::canvas::{MARGIN, TOP, write_svg};
use super::legend::{Legend, Sample, bar};
use super::palette::fill;
use super::text::{Align, LABEL_SIZE, SMALL_SIZE, shorten, text, width};
use crate::PlotError;

const WIDTH: i32 = 560;
const BAR: i32 = 12;
const GAP: i32 = 10;
const NAME_LIMIT: i32 = 260;
/// Room for a value behind its bar.
const VALUE: i32 = 56;
/// Room for the legend above the bars.
const LEGEND: i32 = 24;

/// Draws one bar per entry of `series` for every row, in the given order.
///
/// `rows` holds names and counts in the order of `series`.
///
/// # Errors
/// If the file cannot be written.
pub fn counts(
    path: &Path,
    title: &str,
    series: &[&str],
    rows: &[(String, Vec<usize>)],
) -> Result<(), PlotError> {
    let names: Vec<_> = rows
        .iter()
        .map(|(name, _)| shorten(name, LABEL_SIZE, NAME_LIMIT))
        .collect();
    let widest = names.iter().map(|name| width(name, LABEL_SIZE)).max();
    let left = MARGIN + widest.unwrap_or(0).max(LEFT) + 10;
    let row = BAR * bounded(series.len()) + GAP;
    let height = row * bounded(rows.len().max(3));
    let top = TOP + LEGEND + 8;
    let size = (
        left + WIDTH + VALUE + MARGIN,
        top + height + BOTTOM + MARGIN,
    );
    let all = rows.iter().flat_map(|(_, counts)| counts);
    let end = round_up(all.map(|count| *count as f64), 1.0);
    write_svg(path, size, title, |area| {
        let x = Axis {
            name: "Number",
            range: 0.0..end,
            num_ticks: 6,
        };
        let y = Axis {
            name: "",
            range: 0.0..1.0,
            num_ticks: 0,
        };
        let axes = Axes::draw(area, (left, top), (WIDTH, height), &x, &y)?;
        for (index, ((_, counts), name)) in rows.iter().zip(&names).enumerate() {
            let upper = top + row * bounded(index) + GAP / 2;
            let middle = (left - 10, upper + (row - GAP) / 2);
            text(area, name, middle, LABEL_SIZE, &BLACK, Align::Right)?;
            for (place, count) in counts.iter().take(series.len()).enumerate() {
                let y = upper + BAR * bounded(place);
                let right = axes.pixel((*count as f64, 0.0)).0;
                bar(area, (left, y), (right, y + BAR - 2), fill(place))?;
                let value = (right + 6, y + BAR / 2 - 1);
                text(
                    area,
                    &count.to_string(),
                    value,
                    SMALL_SIZE,
                    &BLACK,
                    Align::Left,
                )?;
            }
        }
        if rows.is_empty() {
            axes.note_empty(area)?;
        }
        let mut x = left;
        for (place, name) in series.iter().enumerate() {
            let entry = ((*name).to_owned(), Sample::Fill(fill(place)));
            let legend = Legend::new([entry], LEGEND);
            legend.draw(area, (x, TOP))?;
            x += legend.width();
        }
        Ok(())
    })
}
