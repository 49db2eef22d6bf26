//! The table of formats.

use super::format::Format;
use super::{audacity, boris, boris_table, elan, srt, text_grid, v_trace, via, via_table, web_vtt};

/// All formats. Recognition takes the first that fits.
pub static FORMATS: &[&Format] = &[
    &boris::FORMAT,
    &boris_table::FORMAT,
    &elan::FORMAT,
    &via::FORMAT,
    &via_table::FORMAT,
    &v_trace::FORMAT,
    &text_grid::FORMAT,
    &web_vtt::FORMAT,
    &srt::FORMAT,
    &audacity::FORMAT,
];

impl Format {
    /// The format of a name, as the command line spells it.
    pub fn of_name(name: &str) -> Option<&'static Self> {
        FORMATS.iter().copied().find(|format| format.name == name)
    }
}

/// Names of the formats that fit, for messages.
pub(super) fn names(fits: impl Fn(&Format) -> bool) -> String {
    let fitting = FORMATS.iter().filter(|format| fits(format));
    let names: Vec<&str> = fitting.map(|format| format.name).collect();
    names.join(", ")
}
