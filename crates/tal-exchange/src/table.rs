//! The table of formats.

use super::format::Format;
use super::{
    audacity, bids, boris, boris_table, dcase, elan, feral, fiftyone, json_lines, label_studio,
    mabe, osl, rttm, soccernet, srt, text_grid, v_trace, via, via_table, web_vtt,
};

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
    &label_studio::FORMAT,
    &soccernet::FORMAT,
    &osl::FORMAT,
    &feral::FORMAT,
    &fiftyone::FORMAT,
    &json_lines::FORMAT,
    &rttm::FORMAT,
    &mabe::FORMAT,
    &dcase::FORMAT,
    &bids::FORMAT,
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
