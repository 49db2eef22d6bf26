//! Layout of plots with a named row per entry, below a legend.

use plotters::style::BLACK;

use super::area::{Area, Drawn, bounded};
use super::axes::{Axes, Axis, BOTTOM, LEFT};
use super::canvas::MARGIN;
use super::legend::BELOW_LEGEND;
use super::text::{Align, LABEL_SIZE, shorten, text, width};

const WIDTH: i32 = 560;
const NAME_LIMIT: i32 = 280;
/// Room for a value behind its row.
const VALUE: i32 = 60;

/// Rows of one height, with their names on the left.
pub(super) struct Rows {
    names: Vec<String>,
    row: i32,
    /// Left edge of the frame.
    pub(super) left: i32,
}

impl Rows {
    /// Rows of `row` pixels.
    pub(super) fn new<'a>(names: impl IntoIterator<Item = &'a str>, row: i32) -> Self {
        let names = names.into_iter();
        let names: Vec<_> = names
            .map(|name| shorten(name, LABEL_SIZE, NAME_LIMIT))
            .collect();
        let widest = names.iter().map(|name| width(name, LABEL_SIZE)).max();
        Self {
            left: MARGIN + widest.unwrap_or(0).max(LEFT) + 10,
            names,
            row,
        }
    }

    /// Width and height of the picture.
    pub(super) fn size(&self) -> (i32, i32) {
        (
            self.left + WIDTH + VALUE + MARGIN,
            BELOW_LEGEND + self.height() + BOTTOM + MARGIN,
        )
    }

    fn height(&self) -> i32 {
        self.row * bounded(self.names.len().max(3))
    }

    /// Draws the frame and the names.
    pub(super) fn draw<'a>(&self, area: &Area<'a>, x: &Axis<'_>) -> Drawn<Axes<'a>> {
        let corner = (self.left, BELOW_LEGEND);
        let axes = Axes::draw(area, corner, (WIDTH, self.height()), x, &Axis::BLANK)?;
        for (index, name) in self.names.iter().enumerate() {
            let place = (self.left - 10, self.middle(index));
            text(area, name, place, LABEL_SIZE, &BLACK, Align::Right)?;
        }
        Ok(axes)
    }

    /// The middle of a row.
    pub(super) fn middle(&self, index: usize) -> i32 {
        BELOW_LEGEND + self.row * bounded(index) + self.row / 2
    }

    /// Writes a value at the right end of a row.
    pub(super) fn value(&self, area: &Area<'_>, index: usize, value: &str) -> Drawn {
        let place = (self.left + WIDTH + VALUE, self.middle(index));
        text(area, value, place, LABEL_SIZE, &BLACK, Align::Right)
    }
}
