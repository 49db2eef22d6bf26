//! Counts per name, as bars.

use std::path::Path;

use plotters::style::BLACK;

use super::area::bounded;
use super::axes::{Axis, round_up};
use super::canvas::write_svg;
use super::legend::{Sample, bar, legend_line};
use super::palette::fill;
use super::rows::Rows;
use super::text::{Align, SMALL_SIZE, text};
use crate::PlotError;

const BAR: i32 = 12;
const GAP: i32 = 10;

/// Draws one bar per entry of `series` for every row, in the given order.
///
/// `rows` holds names and counts in the order of `series`.
pub fn counts(
    path: &Path,
    title: &str,
    series: &[&str],
    rows: &[(String, Vec<usize>)],
) -> Result<(), PlotError> {
    let row = BAR * bounded(series.len()) + GAP;
    let layout = Rows::new(rows.iter().map(|(name, _)| name.as_str()), row);
    let all = rows.iter().flat_map(|(_, counts)| counts);
    let end = round_up(all.map(|count| *count as f64), 1.0);
    write_svg(path, layout.size(), title, |area| {
        let x = Axis::new("Number", 0.0..end, 6);
        let axes = layout.draw(area, &x)?;
        for (index, (_, counts)) in rows.iter().enumerate() {
            let upper = layout.middle(index) - (row - GAP) / 2;
            for (place, count) in counts.iter().take(series.len()).enumerate() {
                let y = upper + BAR * bounded(place);
                let right = axes.pixel((*count as f64, 0.0)).0;
                bar(area, (layout.left, y), (right, y + BAR - 2), fill(place))?;
                let (value, place) = (count.to_string(), (right + 6, y + BAR / 2 - 1));
                text(area, &value, place, SMALL_SIZE, &BLACK, Align::Left)?;
            }
        }
        axes.note_empty(area, rows.is_empty())?;
        let names = series.iter().enumerate();
        let entries = names.map(|(place, name)| ((*name).to_owned(), Sample::Fill(fill(place))));
        legend_line(area, layout.left, entries)
    })
}
