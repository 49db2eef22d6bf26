//! Recognition of a format by a file's content.

use std::path::Path;

use super::ExchangeError;
use super::clue::Clue;
use super::format::Format;
use super::table::{FORMATS, names};

/// The format of a file's content, decoded to UTF-8.
///
/// # Errors
/// If no format fits.
pub fn recognise(bytes: &[u8], path: &Path) -> Result<&'static Format, ExchangeError> {
    let clue = Clue::new(bytes);
    let mut readable = FORMATS.iter().filter(|format| format.can_read());
    let found = readable.find(|format| (format.recognise)(&clue));
    found.copied().ok_or_else(|| ExchangeError::Unrecognised {
        path: path.to_owned(),
        looks_like: clue.looks_like(),
        known: names(Format::can_read),
    })
}
