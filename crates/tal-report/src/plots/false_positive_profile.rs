//! Kinds of errors among the detections, and their cost.

use std::path::Path;

use plotters::style::{BLACK, RGBColor};

use super::area::{Area, Drawn, bounded};
use super::axes::{Axes, Axis, BOTTOM, LEFT, round_up};
use super::canvas::{MARGIN, TOP, write_svg};
use super::legend::{Legend, Sample, bar};
use super::palette::{fill, text_on};
use super::text::{Align, LABEL_SIZE, SMALL_SIZE, shorten, text, width};
use crate::PlotError;

const HEIGHT: i32 = 400;
/// Width of a group's bar with the gap to the next.
const GROUP: i32 = 50;
const BAR: i32 = 38;
const IMPACT_WIDTH: i32 = 280;
const IMPACT_ROW: i32 = 56;
const NAME_LIMIT: i32 = 200;
/// Room for a value behind its bar.
const VALUE: i32 = 56;

/// Draws the shares of the detection types in every group of detections. Beside them stands the gain in normalised mAP from
/// removing each type of error.
///
/// `groups` holds names and shares in the order of `types`; an entry of `impact` has the colour of the type with its name.
pub fn false_positive_profile(
    path: &Path,
    types: &[&str],
    groups: &[(String, Vec<f64>)],
    impact: &[(String, f64)],
) -> Result<(), PlotError> {
    // The legend reads from top to bottom like the stacks.
    let entries = types.iter().enumerate().rev();
    let entries = entries.map(|(i, name)| ((*name).to_owned(), Sample::Fill(fill(i))));
    let legend = Legend::new(entries, HEIGHT);
    let profile_width = GROUP * bounded(groups.len().max(3));
    let names = impact.iter().map(|one| width(&one.0, LABEL_SIZE));
    let name_width = names.max().unwrap_or(0).min(NAME_LIMIT);
    let left = MARGIN + LEFT;
    let legend_left = left + profile_width + MARGIN;
    let impact_left = legend_left + legend.width() + MARGIN + name_width.max(LEFT);
    let size = (
        impact_left + IMPACT_WIDTH + VALUE + MARGIN,
        TOP + HEIGHT + BOTTOM + MARGIN,
    );
    write_svg(path, size, "False positives and their cost", |area| {
        draw_groups(area, (left, profile_width), groups)?;
        legend.draw(area, (legend_left, TOP))?;
        draw_impact(area, impact_left, impact, &|name| {
            let known = types.iter().position(|one| *one == name);
            fill(known.unwrap_or(types.len()))
        })
    })
}

fn draw_groups(
    area: &Area<'_>,
    (left, full_width): (i32, i32),
    groups: &[(String, Vec<f64>)],
) -> Drawn {
    let shares = |group: &[f64]| -> Vec<f64> {
        // `max` turns NaN into 0, too.
        let shares = group.iter().map(|share| 100.0 * share.max(0.0));
        shares
            .map(|share| if share.is_finite() { share } else { 0.0 })
            .collect()
    };
    let totals = groups.iter().map(|(_, group)| shares(group).iter().sum());
    let x = Axis::new(
        "Detections by score, N: ground truth of their class",
        0.0..1.0,
        0,
    );
    let y = Axis::new(
        "Share of the detections [%]",
        0.0..round_up(totals.map(|total: f64| total - 1e-6), 100.0),
        11,
    );
    let axes = Axes::draw(area, (left, TOP), (full_width, HEIGHT), &x, &y)?;
    for (index, (name, group)) in groups.iter().enumerate() {
        let middle = left + GROUP * bounded(index) + GROUP / 2;
        let name = shorten(name, SMALL_SIZE, GROUP - 4);
        let place = (middle, TOP + HEIGHT + 14);
        text(area, &name, place, SMALL_SIZE, &BLACK, Align::Center)?;
        let mut reached = 0.0;
        for (kind, share) in shares(group).into_iter().enumerate() {
            let bottom = axes.pixel((0.0, reached)).1;
            reached += share;
            let top = axes.pixel((0.0, reached)).1;
            if bottom == top {
                continue;
            }
            let colour = fill(kind);
            let (from, to) = ((middle - BAR / 2, top), (middle + BAR / 2, bottom));
            bar(area, from, to, colour)?;
            if bottom - top > SMALL_SIZE + 3 {
                let place = (middle, (top + bottom) / 2);
                let value = format!("{share:.0}");
                let colour = text_on(colour);
                text(area, &value, place, SMALL_SIZE, &colour, Align::Center)?;
            }
        }
    }
    axes.note_empty(area, groups.is_empty())
}

fn draw_impact(
    area: &Area<'_>,
    left: i32,
    impact: &[(String, f64)],
    colour: &dyn Fn(&str) -> RGBColor,
) -> Drawn {
    let values = || impact.iter().map(|one| 100.0 * one.1);
    let lowest = round_up(values().map(|value| -value), 1e-9);
    let x = Axis::new(
        "Gain in normalised mAP [percentage points]",
        if lowest > 1e-8 { -lowest } else { 0.0 }..round_up(values(), 1.0),
        6,
    );
    let height = (IMPACT_ROW * bounded(impact.len().max(3))).min(HEIGHT);
    let axes = Axes::draw(area, (left, TOP), (IMPACT_WIDTH, height), &x, &Axis::BLANK)?;
    let row = height / bounded(impact.len().max(1));
    let zero = axes.pixel((0.0, 0.0)).0;
    for (index, (name, value)) in impact.iter().enumerate() {
        let y = TOP + row * bounded(index) + row / 2;
        let (short, place) = (shorten(name, LABEL_SIZE, NAME_LIMIT), (left - 10, y));
        text(area, &short, place, LABEL_SIZE, &BLACK, Align::Right)?;
        if !value.is_finite() {
            continue;
        }
        let end = axes.pixel((100.0 * value, 0.0)).0;
        let half = (row / 3).min(16);
        let (from, to) = ((zero.min(end), y - half), (zero.max(end), y + half));
        bar(area, from, to, colour(name))?;
        let label = format!("{:+.1}", 100.0 * value);
        let place = (zero.max(end) + 6, y);
        text(area, &label, place, LABEL_SIZE, &BLACK, Align::Left)?;
    }
    axes.note_empty(area, impact.is_empty())
}
