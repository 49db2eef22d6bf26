//! AP of every class as bars.

use std::path::Path;

use super::axes::Axis;
use super::canvas::write_svg;
use super::legend::{Sample, bar, legend_line};
use super::line::{marker, reference};
use super::palette::{LineStyle, Marker, colour, line_style};
use super::rows::Rows;
use super::text::percent;
use crate::PlotError;

const ROW: i32 = 20;
/// The colour of the bars: dark marks stand out on it.
const BAR: usize = 6;

/// Draws the mean AP of every class over the thresholds, best class first, and marks the AP at the lowest and the highest
/// threshold.
///
/// `classes` holds names and APs in the order of `thresholds`. A class without finite AP comes last and has no bar.
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
    let layout = Rows::new(rows.iter().map(|(_, name, _)| name.as_str()), ROW);
    write_svg(path, layout.size(), &title(thresholds), |area| {
        let x = Axis::new("AP [%]", 0.0..100.0, 11);
        let axes = layout.draw(area, &x)?;
        for (index, (average, _, ap)) in rows.iter().enumerate() {
            let y = layout.middle(index);
            let value = average.map_or_else(|| "none".to_owned(), percent);
            layout.value(area, index, &value)?;
            let column = |ap: f64| axes.pixel((100.0 * ap.clamp(0.0, 1.0), 0.0)).0;
            if let Some(average) = *average {
                let end = (column(average), y + ROW / 2 - 3);
                bar(area, (layout.left, y - ROW / 2 + 3), end, colour(BAR))?;
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
            reference(area, (x, axes.rows.start), (x, axes.rows.end))?;
            entries.push((format!("all classes: {}", percent(map)), Sample::Reference));
        } else {
            axes.note_empty(area, true)?;
        }
        legend_line(area, layout.left, entries)
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
