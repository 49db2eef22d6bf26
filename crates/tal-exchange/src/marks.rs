//! Words of BORIS and notes of ours in its texts.

/// Name of the subject if none is meant.
pub(super) const NO_SUBJECT: &str = "No focal subject";
/// Description of a subject that stands for another one while its events overlap.
pub(super) const OVERLAPPING: &str = "overlapping events";
/// Between modifiers.
pub(super) const SEPARATOR: char = '|';
/// Stands for a modifier that was not chosen.
const NONE: &str = "None";
/// Before a score in a comment.
const SCORE: &str = "score ";

/// Modifiers of a cell.
pub(super) fn texts(cell: &str) -> Vec<String> {
    let parts = cell.split(SEPARATOR).map(str::trim);
    let parts = parts.filter(|text| !text.is_empty() && *text != NONE);
    parts.map(str::to_owned).collect()
}

/// Score and rest of a comment.
pub(super) fn scored(comment: &str) -> (Option<f64>, Option<String>) {
    let text = |text: &str| Some(text.trim().to_owned()).filter(|text| !text.is_empty());
    let Some(rest) = comment.strip_prefix(SCORE) else {
        return (None, text(comment));
    };
    let (number, rest) = rest.split_once(' ').unwrap_or((rest, ""));
    match number.parse::<f64>() {
        Ok(score) if score.is_finite() => (Some(score), text(rest)),
        _ => (None, text(comment)),
    }
}

/// A comment with the score before it.
pub(super) fn comment(score: Option<f64>, comment: Option<&str>) -> String {
    let score = score.map(|score| format!("{SCORE}{score:.4}"));
    let parts = score.into_iter().chain(comment.map(str::to_owned));
    Vec::from_iter(parts).join(" ")
}
