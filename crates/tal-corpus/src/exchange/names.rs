//! Names that every format and every file system can hold.

/// A text in one line, without characters that XML cannot hold.
pub(super) fn clean(text: &str) -> String {
    let is_bad = |letter: char| {
        letter.is_control() || matches!(letter, '\u{2028}' | '\u{2029}' | '\u{fffe}' | '\u{ffff}')
    };
    let text = text.replace(is_bad, " ");
    text.trim().to_owned()
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
