//! Dependence of a measure on properties of the ground truth.

use std::path::Path;

use plotters::prelude::*;

use super::area::{Area, Drawn, bounded};
use super::axes::{Axes, Axis, BOTTOM, LEFT, round_up};
use super::canvas::{MARGIN, write_svg};
use super::legend::{BELOW_LEGEND, Sample, bar, legend_line};
use super::line::reference;
use super::palette::{MUTED, colour};
use super::text::{Align, LABEL_SIZE, SMALL_SIZE, percent, shorten, text, width};
use crate::PlotError;

const HEIGHT: i32 = 340;
const BUCKET: i32 = 54;
const BUCKET_LIMIT: i32 = 120;
const PANEL_GAP: i32 = 36;

/// One property of the ground truth, such as its length.
pub struct SensitivityPanel {
    /// The name of the property.
    pub characteristic: String,
    /// Ranges of the property, in the order in which they are drawn.
    pub buckets: Vec<SensitivityBucket>,
    /// The measure over the whole ground truth, a fraction.
    pub overall: f64,
}

/// Part of the ground truth in one range of a property.
pub struct SensitivityBucket {
    /// The name of the range, such as `XS`.
    pub name: String,
    /// The measure in this range, a fraction; `None` if it is undefined.
    pub value: Option<f64>,
    /// Number of ground truth instances.
    pub count: usize,
}

/// Draws the measure in every bucket of every property, and its overall value as a dashed line.
///
/// `measure` names the measure without unit, such as `mAP_N` or `False negatives`.
pub fn sensitivity(
    path: &Path,
    title: &str,
    measure: &str,
    panels: &[SensitivityPanel],
) -> Result<(), PlotError> {
    let widths: Vec<_> = panels.iter().map(Layout::new).collect();
    let inner = widths.iter().map(|one| one.width + PANEL_GAP).sum::<i32>() - PANEL_GAP;
    let left = MARGIN + LEFT;
    let size = (
        left + inner.max(6 * BUCKET) + 2 * MARGIN,
        BELOW_LEGEND + HEIGHT + BOTTOM + 2 * MARGIN,
    );
    let values = panels.iter().flat_map(|panel| {
        let buckets = panel.buckets.iter().filter_map(|bucket| bucket.value);
        buckets.chain([panel.overall])
    });
    // The values stand above their bars.
    let end = round_up(values.map(|value| 108.0 * value), 1.0);
    write_svg(path, size, title, |area| {
        let overall = ("over all ground truth".to_owned(), Sample::Reference);
        legend_line(area, left, [overall])?;
        if panels.is_empty() {
            return frame(area, (left, 6 * BUCKET), measure, "", end)?.note_empty(area, true);
        }
        let mut start = left;
        for (index, (panel, layout)) in panels.iter().zip(&widths).enumerate() {
            let measure = if index == 0 { measure } else { "" };
            let place = (start, layout.width);
            let axes = frame(area, place, measure, &panel.characteristic, end)?;
            draw_panel(area, panel, (index, start, layout), &axes)?;
            start += layout.width + PANEL_GAP;
        }
        Ok(())
    })
}

/// The widths of a panel.
struct Layout {
    bucket: i32,
    width: i32,
}

impl Layout {
    fn new(panel: &SensitivityPanel) -> Self {
        let names = panel.buckets.iter();
        let widest = names
            .map(|bucket| width(&bucket.name, LABEL_SIZE).max(width(&count(bucket), SMALL_SIZE)));
        let bucket = (widest.max().unwrap_or(0) + 8).clamp(BUCKET, BUCKET_LIMIT);
        let title = width(&panel.characteristic, LABEL_SIZE).min(2 * BUCKET_LIMIT);
        Self {
            bucket,
            width: (bucket * bounded(panel.buckets.len())).max(title),
        }
    }
}

fn frame<'a>(
    area: &Area<'a>,
    (left, width): (i32, i32),
    measure: &str,
    characteristic: &str,
    end: f64,
) -> Drawn<Axes<'a>> {
    let unit = if measure.is_empty() { "" } else { " [%]" };
    let name = format!("{measure}{unit}");
    let y = Axis::new(&name, 0.0..end, 11);
    let top = BELOW_LEGEND;
    let axes = Axes::draw(area, (left, top), (width, HEIGHT), &Axis::BLANK, &y)?;
    let name = shorten(characteristic, LABEL_SIZE, width);
    let place = (left + width / 2, top + HEIGHT + 56);
    text(area, &name, place, LABEL_SIZE, &BLACK, Align::Center)?;
    Ok(axes)
}

fn draw_panel(
    area: &Area<'_>,
    panel: &SensitivityPanel,
    (index, left, layout): (usize, i32, &Layout),
    axes: &Axes<'_>,
) -> Drawn {
    let bottom = axes.rows.end;
    let mut labels = Vec::new();
    let row = |value: f64| axes.pixel((0.0, 100.0 * value)).1;
    for (place, bucket) in panel.buckets.iter().enumerate() {
        let middle = left + layout.bucket * bounded(place) + layout.bucket / 2;
        let name = shorten(&bucket.name, LABEL_SIZE, layout.bucket - 4);
        let below = |dy| (middle, bottom + dy);
        text(area, &name, below(15), LABEL_SIZE, &BLACK, Align::Center)?;
        let count = count(bucket);
        text(area, &count, below(33), SMALL_SIZE, &MUTED, Align::Center)?;
        let Some(value) = bucket.value.filter(|value| value.is_finite()) else {
            text(area, "none", below(-10), SMALL_SIZE, &MUTED, Align::Center)?;
            continue;
        };
        let half = layout.bucket * 3 / 8;
        let (from, to) = ((middle - half, row(value)), (middle + half, bottom));
        bar(area, from, to, colour(index))?;
        labels.push((percent(value), (middle, row(value) - 10)));
    }
    if panel.overall.is_finite() {
        let y = row(panel.overall);
        reference(area, (axes.columns.start, y), (axes.columns.end, y))?;
    }
    for (label, (x, y)) in labels {
        // The line may pass behind a label.
        let half = width(&label, SMALL_SIZE) / 2;
        let behind = [(x - half, y - 6), (x + half, y + 6)];
        area.draw(&Rectangle::new(behind, WHITE.mix(0.85).filled()))?;
        text(area, &label, (x, y), SMALL_SIZE, &BLACK, Align::Center)?;
    }
    Ok(())
}

fn count(bucket: &SensitivityBucket) -> String {
    format!("n = {}", bucket.count)
}
