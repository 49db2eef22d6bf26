//! Names that every format and every file system can hold.

use std::collections::BTreeMap;

use super::ExchangeError;
use super::model::Project;

/// A text in one line, without characters that XML cannot hold.
pub(super) fn clean(text: &str) -> String {
    let is_bad = |letter: char| {
        letter.is_control() || matches!(letter, '\u{2028}' | '\u{2029}' | '\u{fffe}' | '\u{ffff}')
    };
    let text = text.replace(is_bad, " ");
    text.trim().to_owned()
}

/// Whether names without spaces, for formats that cannot hold them, still tell classes and recordings apart.
pub(super) fn check(title: &'static str, project: &Project) -> Result<(), ExchangeError> {
    let classes = project.classes.iter().map(|class| ("classes", class));
    let ids = project.tracks.iter().map(|track| ("recordings", &track.id));
    let mut taken: BTreeMap<(&str, String), &String> = BTreeMap::new();
    for (kind, name) in classes.chain(ids) {
        if let Some(first) = taken.insert((kind, without_spaces(name)), name)
            && first != name
        {
            return Err(ExchangeError::Unwritable {
                id: project
                    .tracks
                    .first()
                    .map_or_else(String::new, |track| track.id.clone()),
                format: title,
                reason: format!(
                    "spaces become underscores, and the {kind} {first:?} and {name:?} would have one name; rename one of them"
                ),
            });
        }
    }
    Ok(())
}

/// A name with underscores instead of spaces.
pub(super) fn without_spaces(name: &str) -> String {
    name.replace(char::is_whitespace, "_")
}

/// A name of a file on every system.
pub(super) fn file_name(id: &str) -> String {
    let is_bad = |letter: char| letter.is_control() || "/\\:*?\"<>|".contains(letter);
    let name = id.replace(is_bad, "_");
    match name.trim_matches(['.', ' ']) {
        "" => "_".to_owned(),
        _ => name,
    }
}
