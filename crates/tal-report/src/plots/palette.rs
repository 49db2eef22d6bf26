//! Colours, dashes and markers that tell series apart.

use plotters::style::{BLACK, RGBColor, WHITE};

/// The eight colours of Okabe and Ito, those that stand out best against white first.
///
/// # Source
/// M. Okabe and K. Ito, Color Universal Design, 2008.
const COLOURS: [RGBColor; 8] = [
    RGBColor(0x00, 0x72, 0xB2), // blue
    RGBColor(0xD5, 0x5E, 0x00), // vermilion
    RGBColor(0x00, 0x9E, 0x73), // bluish green
    RGBColor(0xCC, 0x79, 0xA7), // reddish purple
    BLACK,
    RGBColor(0xE6, 0x9F, 0x00), // orange
    RGBColor(0x56, 0xB4, 0xE9), // sky blue
    RGBColor(0xF0, 0xE4, 0x42), // yellow
];

/// The same colours in an order in which neighbours in a stack differ most; outlines make up for faint ones.
const FILLS: [usize; 8] = [0, 1, 6, 5, 2, 7, 3, 4];

/// Lengths of dash and gap in pixels; a gap of 0 is a solid line.
const DASHES: [(i32, i32); 4] = [(1, 0), (12, 5), (6, 4), (2, 4)];

const MARKERS: [Marker; 7] = [
    Marker::Circle,
    Marker::Square,
    Marker::Triangle,
    Marker::Diamond,
    Marker::Cross,
    Marker::Wedge,
    Marker::Plus,
];

/// For axes and outlines.
pub(super) const DARK: RGBColor = RGBColor(0x33, 0x33, 0x33);
/// For lines behind the data.
pub(super) const GRID: RGBColor = RGBColor(0xDD, 0xDD, 0xDD);
/// For text that matters less.
pub(super) const MUTED: RGBColor = RGBColor(0x5F, 0x5F, 0x5F);

/// The shape that marks a point of a series.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Marker {
    Circle,
    Square,
    Triangle,
    Diamond,
    Cross,
    /// A triangle on its tip.
    Wedge,
    Plus,
}

/// The look of one series.
#[derive(Clone, Copy, Debug)]
pub(super) struct LineStyle {
    pub(super) colour: RGBColor,
    pub(super) dash: (i32, i32),
    pub(super) marker: Marker,
}

/// The look of the series at `index`: eight solid lines in eight colours, then the same colours dashed. The first 224 all
/// differ.
pub(super) fn line_style(index: usize) -> LineStyle {
    LineStyle {
        colour: colour(index),
        dash: DASHES[index / COLOURS.len() % DASHES.len()],
        marker: MARKERS[index % MARKERS.len()],
    }
}

/// The fill at `index`.
pub(super) fn fill(index: usize) -> RGBColor {
    COLOURS[FILLS[index % FILLS.len()]]
}

/// The colour of the lines at `index`.
pub(super) fn colour(index: usize) -> RGBColor {
    COLOURS[index % COLOURS.len()]
}

/// Whether a line of this colour needs a darker edge on white: graphics should have a contrast of 3 to 1.
pub(super) fn needs_edge(colour: RGBColor) -> bool {
    contrast(colour, WHITE) < 3.0
}

/// Black or white, whichever is easier to read on the colour.
pub(super) fn text_on(colour: RGBColor) -> RGBColor {
    if contrast(colour, WHITE) > contrast(colour, BLACK) {
        WHITE
    } else {
        BLACK
    }
}

/// The contrast ratio of two colours, 1 to 21.
///
/// # Source
/// Web Content Accessibility Guidelines 2.2, relative luminance and contrast ratio.
fn contrast(a: RGBColor, b: RGBColor) -> f64 {
    let (a, b) = (luminance(a), luminance(b));
    (a.max(b) + 0.05) / (a.min(b) + 0.05)
}

fn luminance(RGBColor(red, green, blue): RGBColor) -> f64 {
    let linear = |channel: u8| {
        let value = f64::from(channel) / 255.0;
        if value <= 0.04045 {
            value / 12.92
        } else {
            ((value + 0.055) / 1.055).powf(2.4)
        }
    };
    0.2126 * linear(red) + 0.7152 * linear(green) + 0.0722 * linear(blue)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn the_first_224_series_look_different() {
        let looks: BTreeSet<_> = (0..224)
            .map(|index| {
                let LineStyle {
                    colour: RGBColor(r, g, b),
                    dash,
                    marker,
                } = line_style(index);
                ((r, g, b), dash, marker)
            })
            .collect();
        assert_eq!(looks.len(), 224);
    }

    #[test]
    fn faint_colours_get_an_edge_and_text_is_readable_on_all() {
        let faint: Vec<usize> = (0..8).filter(|i| needs_edge(colour(*i))).collect();
        assert_eq!(faint, [5, 6, 7]);
        assert!((contrast(WHITE, BLACK) - 21.0).abs() < 1e-9);
        for index in 0..8 {
            assert!(contrast(colour(index), text_on(colour(index))) > 4.5);
        }
        assert!(contrast(MUTED, WHITE) > 4.5 && contrast(DARK, WHITE) > 4.5);
    }
}
