//! Cues of subtitles: their times, and class and score in their text.

use std::path::Path;

use tal_data::text::{self, TextFileError};

use super::ExchangeError;
use super::model::Event;

/// Between start and end of a cue.
const ARROW: &str = "-->";
/// Milliseconds of the shortest cue: players leave out those without length.
const SHORTEST: i64 = 1;

/// A stretch of lines between empty ones.
pub(super) struct Block<'a> {
    /// Number of its first line, from 1.
    pub(super) number: usize,
    pub(super) lines: Vec<&'a str>,
}

/// The blocks of a file.
pub(super) fn blocks<'a>(bytes: &'a [u8], path: &'a Path) -> Result<Vec<Block<'a>>, ExchangeError> {
    let mut blocks: Vec<Block> = Vec::new();
    let mut is_inside = false;
    for line in text::lines(bytes, path) {
        let (number, line) = line?;
        if line.trim().is_empty() {
            is_inside = false;
        } else if is_inside && let Some(block) = blocks.last_mut() {
            block.lines.push(line);
        } else {
            is_inside = true;
            let lines = vec![line];
            blocks.push(Block { number, lines });
        }
    }
    Ok(blocks)
}

/// Start, end and text of a cue: an id or a number may stand before its times.
pub(super) fn cue(block: &Block, path: &Path) -> Result<(f64, f64, String), ExchangeError> {
    let wrong = |line: usize, found: &str, expected: &str| {
        TextFileError::line(path, block.number + line, found, expected)
    };
    let at = block
        .lines
        .iter()
        .take(2)
        .position(|line| line.contains(ARROW));
    let Some((at, (from, rest))) = at.and_then(|at| Some((at, block.lines[at].split_once(ARROW)?)))
    else {
        let line = block.lines.len().min(2) - 1;
        let expected = "times such as 00:00:01.000 --> 00:00:02.500";
        return Err(wrong(line, block.lines[line], expected).into());
    };
    // Settings may stand behind the end.
    let to = rest.split_whitespace().next().unwrap_or_default();
    let Some((start, end)) = seconds(from).zip(seconds(to)) else {
        let expected = "times such as 00:00:01.000 --> 00:00:02.500";
        return Err(wrong(at, block.lines[at], expected).into());
    };
    if end < start {
        return Err(wrong(at, block.lines[at], "an end that is not before the start").into());
    }
    let text = block.lines[at + 1..].join(" ");
    if text.trim().is_empty() {
        return Err(wrong(at, block.lines[at], "the name of a class in the line below").into());
    }
    Ok((start, end, text))
}

/// `[hours:]minutes:seconds.milliseconds`, the fraction behind a point or a comma.
fn seconds(text: &str) -> Option<f64> {
    let whole = |text: &str| {
        let is_number = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        is_number.then(|| text.parse::<u32>().ok()).flatten()
    };
    let (clock, fraction) = text.trim().split_once(['.', ','])?;
    let mut parts = clock.rsplit(':').map(whole);
    let (seconds, minutes) = (parts.next()??, parts.next()??);
    let hours = parts.next().unwrap_or(Some(0))?;
    let milliseconds = whole(fraction).filter(|_| fraction.len() == 3)?;
    let is_end = parts.next().is_none() && minutes < 60 && seconds < 60;
    let total = (u64::from(hours) * 3600 + u64::from(minutes) * 60 + u64::from(seconds)) * 1000;
    is_end.then(|| (total + u64::from(milliseconds)) as f64 / 1e3)
}

/// Class and score of a text: `pour (0.83)`.
pub(super) fn class_and_score(text: &str) -> (&str, Option<f64>) {
    let text = text.trim();
    let parts = (text.strip_suffix(')')).and_then(|text| text.rsplit_once(" ("));
    let parts = parts.filter(|(class, score)| !class.trim().is_empty() && score.contains('.'));
    match parts.and_then(|(class, score)| Some((class.trim(), score.parse::<f64>().ok()?))) {
        Some((class, score)) if score.is_finite() => (class, Some(score)),
        _ => (text, None),
    }
}

/// A class with its score.
pub(super) fn text(event: &Event) -> String {
    match event.score {
        Some(score) => format!("{} ({score:.4})", event.class),
        None => event.class.clone(),
    }
}

/// Times of a cue; `mark` stands before the milliseconds.
pub(super) fn times(event: &Event, mark: char) -> String {
    let milliseconds = |seconds: f64| (seconds * 1e3).round() as i64;
    let start = milliseconds(event.start);
    let end = milliseconds(event.end_or_start()).max(start.saturating_add(SHORTEST));
    let clock = |time: i64| {
        let (seconds, rest) = (time / 1000, time % 1000);
        let (hours, minutes) = (seconds / 3600, seconds / 60 % 60);
        format!("{hours:02}:{minutes:02}:{:02}{mark}{rest:03}", seconds % 60)
    };
    format!("{} {ARROW} {}", clock(start), clock(end))
}

/// Whether a text has a line with the times of a cue.
pub(super) fn has_times(line: &str, mark: char) -> bool {
    let ends = line.split_once(ARROW);
    ends.is_some_and(|(from, _)| from.contains(mark) && seconds(from).is_some())
}
