//! Legend: names of the series, each with a sample.

use plotters::prelude::*;

use super::area::{Area, Drawn, bounded};
use super::canvas::TOP;
use super::line::{line, marker};
use super::palette::{DARK, LineStyle, line_style};
use super::text::{Align, LABEL_SIZE, shorten, text, width};

const ROW: i32 = 20;
/// Room for the sample before a name.
const SAMPLE: i32 = 44;
const NAME_LIMIT: i32 = 240;
const GAP: i32 = 16;

/// Sample of an entry.
#[derive(Clone, Copy)]
pub(super) enum Sample {
    Line(LineStyle),
    Marker(LineStyle),
    Fill(RGBColor),
    Reference,
}

/// Upper edge of a frame below a legend of one line.
pub(super) const BELOW_LEGEND: i32 = TOP + ROW + 12;

/// Draws a legend of one line above a frame.
pub(super) fn legend_line(
    area: &Area<'_>,
    mut left: i32,
    entries: impl IntoIterator<Item = (String, Sample)>,
) -> Drawn {
    for entry in entries {
        let legend = Legend::new([entry], ROW);
        legend.draw(area, (left, TOP))?;
        left += legend.width();
    }
    Ok(())
}

/// Names and samples, in as many columns as the height needs.
pub(super) struct Legend {
    entries: Vec<(String, Sample)>,
    num_rows: usize,
    column: i32,
}

impl Legend {
    /// A legend for a space of `height` pixels.
    pub(super) fn new(entries: impl IntoIterator<Item = (String, Sample)>, height: i32) -> Self {
        let entries: Vec<_> = entries
            .into_iter()
            .map(|(name, sample)| (shorten(&name, LABEL_SIZE, NAME_LIMIT), sample))
            .collect();
        let widest = entries.iter().map(|(name, _)| width(name, LABEL_SIZE));
        Self {
            num_rows: usize::try_from(height / ROW).unwrap_or(1).max(1),
            column: SAMPLE + widest.max().unwrap_or(0) + GAP,
            entries,
        }
    }

    /// A legend of named lines.
    pub(super) fn of_lines<'a>(names: impl IntoIterator<Item = &'a String>, height: i32) -> Self {
        let names = names.into_iter().enumerate();
        let entries = names.map(|(index, name)| (name.clone(), Sample::Line(line_style(index))));
        Self::new(entries, height)
    }

    /// The width in pixels.
    pub(super) fn width(&self) -> i32 {
        self.column * bounded(self.entries.len().div_ceil(self.num_rows))
    }

    /// Draws the legend with its upper left corner at the point.
    pub(super) fn draw(&self, area: &Area<'_>, (left, top): (i32, i32)) -> Drawn {
        for (index, (name, sample)) in self.entries.iter().enumerate() {
            let x = left + self.column * bounded(index / self.num_rows);
            let y = top + ROW * bounded(index % self.num_rows) + ROW / 2;
            draw_sample(area, *sample, (x, y))?;
            let place = (x + SAMPLE, y);
            text(area, name, place, LABEL_SIZE, &BLACK, Align::Left)?;
        }
        Ok(())
    }
}

fn draw_sample(area: &Area<'_>, sample: Sample, (x, y): (i32, i32)) -> Drawn {
    let middle = x + (SAMPLE - 8) / 2;
    let end = x + SAMPLE - 8;
    match sample {
        Sample::Line(style) => {
            line(area, &[(x, y), (end, y)], style)?;
            marker(area, (middle, y), style)
        }
        Sample::Marker(style) => marker(area, (middle, y), style),
        Sample::Fill(colour) => bar(area, (middle - 10, y - 6), (middle + 10, y + 6), colour),
        Sample::Reference => super::line::reference(area, (x, y), (end, y)),
    }
}

/// Draws a bar with an outline; a bar without extent is only a line.
pub(super) fn bar(area: &Area<'_>, from: (i32, i32), to: (i32, i32), colour: RGBColor) -> Drawn {
    area.draw(&Rectangle::new([from, to], colour.filled()))?;
    area.draw(&Rectangle::new([from, to], DARK.stroke_width(1)))?;
    Ok(())
}
