//! Distribution of values.

use std::path::Path;

use super::area::bounded;
use super::axes::{Axes, Axis, BOTTOM, LEFT, round_up};
use super::canvas::{MARGIN, write_svg};
use super::legend::{BELOW_LEGEND, Sample, bar, legend_line};
use super::palette::fill;
use crate::PlotError;

const WIDTH: i32 = 640;
const HEIGHT: i32 = 340;
const NUM_BINS: usize = 32;

/// Draws the number of values of each series in equal bins from 0; the last bin holds all greater values, too. The series
/// stand side by side in a bin.
pub fn histogram(
    path: &Path,
    title: &str,
    name: &str,
    series: &[(String, &[f64])],
) -> Result<(), PlotError> {
    let all = series.iter().flat_map(|(_, values)| values.iter().copied());
    let mut all: Vec<f64> = all.filter(|value| value.is_finite()).collect();
    all.sort_by(f64::total_cmp);
    // A few very large values would leave no room for the rest.
    let last = all.get((all.len() * 99 / 100).min(all.len().saturating_sub(1)));
    let end = round_up(last.copied(), 1e-3);
    let bins: Vec<Vec<usize>> = series
        .iter()
        .map(|(_, values)| {
            let mut bins = vec![0; NUM_BINS];
            for value in values.iter().filter(|value| value.is_finite()) {
                let bin = (value / end * NUM_BINS as f64) as usize;
                bins[bin.min(NUM_BINS - 1)] += 1;
            }
            bins
        })
        .collect();
    let highest = round_up(bins.iter().flatten().map(|count| *count as f64), 1.0);
    let (left, top) = (MARGIN + LEFT, BELOW_LEGEND);
    let size = (left + WIDTH + 2 * MARGIN, top + HEIGHT + BOTTOM + MARGIN);
    write_svg(path, size, title, |area| {
        let x = Axis::new(name, 0.0..end, 9);
        let y = Axis::new("Number", 0.0..highest, 6);
        let axes = Axes::draw(area, (left, top), (WIDTH, HEIGHT), &x, &y)?;
        let num_series = bounded(series.len().max(1));
        let bin_width = WIDTH / NUM_BINS as i32;
        let bar_width = (bin_width - 2) / num_series;
        for (place, counts) in bins.iter().enumerate() {
            for (bin, count) in counts.iter().enumerate().filter(|(_, count)| **count > 0) {
                let x = left + bin_width * bounded(bin) + 1;
                let x = x + bar_width * bounded(place);
                let upper = axes.pixel((0.0, *count as f64)).1;
                bar(area, (x, upper), (x + bar_width, top + HEIGHT), fill(place))?;
            }
        }
        axes.note_empty(area, all.is_empty())?;
        let entries = series.iter().enumerate().map(|(place, (name, values))| {
            let label = format!("{name} ({})", values.len());
            (label, Sample::Fill(fill(place)))
        });
        legend_line(area, left, entries)
    })
}
