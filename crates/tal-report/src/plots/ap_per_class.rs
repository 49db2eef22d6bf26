//! AP of every class as bars.

use std::path::Path;

use plotters::style::BLACK;

use super::area::bounded;
use super::axes::{Axes, Axis, BOTTOM, LEFT};
use super::canvas::{MARGIN, TOP, write_svg};
use super::legend::{Legend, Sample, bar};
use super::line::{marker, reference};
use super::palette::{LineStyle, Marker, colour, line_style};
use super::text::{Align, LABEL_SIZE, percent, shorten, text, width};
use crate::PlotError;

const WIDTH: i32 = 560;
const ROW: i32 = 20;
/// The colour of the bars: dark marks stand out on it.
const BAR: usize = 6;
const NAME_LIMIT: i32 = 260;
/// Room for a value behind its bar.
const VALUE: i32 = 56;
/// Room for the legend above the bars.
const LEGEND: i32 = 24;

/// Draws the mean AP of every class over the thresholds, best class first, and marks the AP at the lowest and the highest
/// threshold.
///
/// `classes` holds names and APs in the order of `thresholds`. A class without finite AP comes last and has no bar.
///
/// # Errors
/// If the file cannot be written.
pub fn ap_per_class(
    path: &Path,
    thresholds: &[f64],
    classes: &[(String, Vec<f64>)],
) -> Result<(), PlotError> {
    let mut rows: Vec<_> = classes
        .iter()
        .map(|(name, ap)| (mean(ap.iter().copied()), name, ap))
        .collect();
    rows.sort_by(|a, b| {
        let key = |mean: Option<f64>| mean.unwrap_or(f64::NEG_INFINITY);
        key(b.0).total_cmp(&key(a.0)).then_with(|| a.1.cmp(b.1))
    });
    let names: Vec<_> = rows
        .iter()
        .map(|(_, name, _)| shorten(name, LABEL_SIZE, NAME_LIMIT))
        .collect();
    let widest = names.iter().map(|name| width(name, LABEL_SIZE)).max();
    let left = MARGIN + widest.unwrap_or(0).max(LEFT) + 10;
    let height = ROW * bounded(rows.len().max(3));
    let top = TOP + LEGEND + 8;
    let size = (
        left + WIDTH + VALUE + MARGIN,
        top + height + BOTTOM + MARGIN,
    );
    write_svg(path, size, &title(thresholds), |area| {
        let x = Axis {
            name: "AP [%]",
            range: 0.0..100.0,
            num_ticks: 11,
        };
        let y = Axis {
            name: "",
            range: 0.0..1.0,
            num_ticks: 0,
        };
        let axes = Axes::draw(area, (left, top), (WIDTH, height), &x, &y)?;
        for (index, ((average, _, ap), name)) in rows.iter().zip(&names).enumerate() {
            let y = top + ROW * bounded(index) + ROW / 2;
            text(area, name, (left - 10, y), LABEL_SIZE, &BLACK, Align::Right)?;
            let value = average.map_or_else(|| "none".to_owned(), percent);
            let place = (left + WIDTH + VALUE, y);
            text(area, &value, place, LABEL_SIZE, &BLACK, Align::Right)?;
            let column = |ap: f64| axes.pixel((100.0 * ap.clamp(0.0, 1.0), 0.0)).0;
            if let Some(average) = *average {
                let end = (column(average), y + ROW / 2 - 3);
                bar(area, (left, y - ROW / 2 + 3), end, colour(BAR))?;
            }
            for (_, style, place) in extremes(thresholds) {
                if let Some(ap) = ap.get(place).filter(|ap| ap.is_finite()) {
                    marker(area, (column(*ap), y), style)?;
                }
            }
        }
        let bars = if thresholds.len() > 1 { "mean" } else { "AP" };
        let mut entries = vec![(bars.to_owned(), Sample::Fill(colour(BAR)))];
        let marks = extremes(thresholds).into_iter();
        entries.extend(marks.map(|(name, style, _)| (name, Sample::Marker(style))));
        if let Some(map) = mean(rows.iter().filter_map(|row| row.0)) {
            let x = axes.pixel((100.0 * map, 0.0)).0;
            reference(area, (x, top), (x, top + height))?;
            entries.push((format!("all classes: {}", percent(map)), Sample::Reference));
        } else {
            axes.note_empty(area)?;
        }
        let mut x = left;
        for entry in entries {
            let legend = Legend::new([entry], LEGEND);
            legend.draw(area, (x, TOP))?;
            x += legend.width();
        }
        Ok(())
    })
}

fn title(thresholds: &[f64]) -> String {
    match thresholds {
        [] => "AP per class".to_owned(),
        [one] => format!("AP per class at tIoU {one:.2}"),
        [first, .., last] => format!("AP per class, mean over tIoU {first:.2} to {last:.2}"),
    }
}

/// Names, styles and positions of the lowest and the highest of several thresholds.
fn extremes(thresholds: &[f64]) -> Vec<(String, LineStyle, usize)> {
    let order = |a: &(usize, &f64), b: &(usize, &f64)| a.1.total_cmp(b.1);
    let lowest = thresholds.iter().enumerate().min_by(order);
    let highest = thresholds.iter().enumerate().max_by(order);
    let (Some(lowest), Some(highest)) = (lowest, highest) else {
        return Vec::new();
    };
    if lowest.0 == highest.0 {
        return Vec::new();
    }
    let mark = |(place, tiou): (usize, &f64), colour: usize, marker| {
        let style = LineStyle {
            marker,
            ..line_style(colour)
        };
        (format!("at tIoU {tiou:.2}"), style, place)
    };
    vec![
        mark(lowest, 4, Marker::Circle),
        mark(highest, 1, Marker::Diamond),
    ]
}

fn mean(values: impl Iterator<Item = f64>) -> Option<f64> {
    let values: Vec<f64> = values.filter(|value| value.is_finite()).collect();
    (!values.is_empty()).then(|| values.iter().sum::<f64>() / values.len() as f64)
}
