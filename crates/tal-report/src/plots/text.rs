//! Text in pictures: sizes, estimated widths, shortening.

use super::area::{Area, Drawn};
use plotters::prelude::*;
use plotters::style::text_anchor::{Pos, VPos};

/// Position of a text relative to its point.
pub(super) use plotters::style::text_anchor::HPos as Align;

/// Font sizes in pixels.
pub(super) const TITLE_SIZE: i32 = 17;
pub(super) const LABEL_SIZE: i32 = 13;
pub(super) const SMALL_SIZE: i32 = 11;

/// Draws a line of text, vertically centred at the point.
pub(super) fn text(
    area: &Area<'_>,
    text: &str,
    place: (i32, i32),
    size: i32,
    colour: &RGBColor,
    align: Align,
) -> Drawn {
    let style = style(size, colour).pos(Pos::new(align, VPos::Center));
    area.draw_text(&printable(text), &style, place)?;
    Ok(())
}

/// A text style whose letters are `size` pixels high.
pub(super) fn style(size: i32, colour: &RGBColor) -> TextStyle<'static> {
    // The SVG writer of plotters divides sizes by 1.24.
    (FontFamily::SansSerif, f64::from(size) * 1.24)
        .into_font()
        .color(colour)
}

/// The text without the characters that XML cannot hold.
pub(super) fn printable(text: &str) -> String {
    let allowed = |c: char| !c.is_control() && !matches!(c, '\u{fffe}' | '\u{ffff}');
    text.chars()
        .map(|c| if allowed(c) { c } else { '\u{fffd}' })
        .collect()
}

/// Estimated width of a text in pixels, rather too wide than too narrow: the browser chooses the font.
pub(super) fn width(text: &str, size: i32) -> i32 {
    let ems: f64 = text.chars().map(ems).sum();
    (ems * f64::from(size)).ceil() as i32
}

fn ems(c: char) -> f64 {
    match c {
        'f' | 'i' | 'j' | 'l' | 't' | 'r' | '.' | ',' | ':' | ';' | '|' | '!' | '\'' | ' ' => 0.4,
        'm' | 'w' | 'M' | 'W' | '@' | '%' | '…' => 1.0,
        'A'..='Z' | '_' | '&' | '+' | '=' | '<' | '>' | '~' => 0.8,
        // Scripts whose characters fill a square.
        '\u{1100}'.. => 1.05,
        _ if c.is_ascii() => 0.64,
        _ => 0.75,
    }
}

/// The text cut in its middle to at most `limit` pixels.
pub(super) fn shorten(text: &str, size: i32, limit: i32) -> String {
    if width(text, size) <= limit {
        return text.to_owned();
    }
    let letters: Vec<char> = text.chars().collect();
    let mut kept = letters.len();
    loop {
        kept = kept.saturating_sub(1);
        let (head, tail) = (kept.div_ceil(2), kept / 2);
        let mut short: String = letters[..head].iter().collect();
        short.push('…');
        short.extend(&letters[letters.len() - tail..]);
        if kept == 0 || width(&short, size) <= limit {
            return short;
        }
    }
}

/// A fraction in percent, with one digit after the point.
pub(super) fn percent(value: f64) -> String {
    format!("{:.1}", 100.0 * value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_names_keep_their_ends() {
        let name = "a very long name of a class 0123456789 ending in this";
        let short = shorten(name, LABEL_SIZE, 150);
        assert!(width(&short, LABEL_SIZE) <= 150, "{short}");
        assert!(
            short.starts_with("a very") && short.ends_with("in this"),
            "{short}"
        );
        assert_eq!(shorten("Diving", LABEL_SIZE, 150), "Diving");
        assert_eq!(shorten("漢字漢字", LABEL_SIZE, 0), "…");
    }

    #[test]
    fn control_characters_are_replaced() {
        assert_eq!(
            printable("a\u{1}b\nc\u{ffff}"),
            "a\u{fffd}b\u{fffd}c\u{fffd}"
        );
        assert_eq!(printable("é<&>漢"), "é<&>漢");
    }
}
