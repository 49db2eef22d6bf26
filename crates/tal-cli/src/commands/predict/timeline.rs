//! A time line of a recording on the terminal.

use std::collections::BTreeMap;
use std::env;
use std::io::{IsTerminal, stdout};

use anyhow::Result;
use console::{Alignment, Term, measure_text_width, pad_str};
use tal_core::{ClassMap, Detection};
use tal_data::results::DetectedRecording;

use crate::console::{Console, allows_colours};

/// Width without a terminal.
const WIDTH: usize = 80;
/// Most columns for the names of classes.
const NAME: usize = 20;
/// Fewest columns for the time.
const LEAST: usize = 10;
/// Blocks for scores in four equal parts of 0 to 1.
const BLOCKS: [char; 4] = ['░', '▒', '▓', '█'];
/// Colours of the classes in turn: codes of terminals.
const COLOURS: [u8; 6] = [32, 33, 36, 35, 34, 31];

/// How time lines look.
#[derive(Debug, Clone, Copy)]
pub(super) struct Style {
    width: usize,
    coloured: bool,
}

impl Style {
    /// The width of the terminal, and colours if it has them and `NO_COLOR` is not set.
    pub(super) fn of_terminal() -> Self {
        let of_terminal = Term::stdout()
            .size_checked()
            .map(|(_, width)| usize::from(width));
        let of_variable = || env::var("COLUMNS").ok()?.parse().ok();
        Self {
            width: of_terminal.or_else(of_variable).unwrap_or(WIDTH),
            coloured: stdout().is_terminal() && allows_colours(),
        }
    }

    /// Prints a recording.
    pub(super) fn show(
        &self,
        recording: &DetectedRecording<'_>,
        classes: &ClassMap,
        console: &Console,
    ) -> Result<()> {
        console.print(&self.drawn(recording, classes))
    }

    /// The lines of a recording: its id, a row per class that occurs, and the time.
    fn drawn(&self, recording: &DetectedRecording<'_>, classes: &ClassMap) -> String {
        let found = recording.detections;
        let last = found.iter().map(|row| row.segment.end);
        let duration = recording
            .duration
            .unwrap_or_else(|| last.fold(0.0, f64::max));
        let mut of_class: BTreeMap<u32, Vec<&Detection>> = BTreeMap::new();
        for row in found {
            of_class.entry(row.label).or_default().push(row);
        }
        let name = |label: u32| match label {
            Detection::NO_CLASS => "action".to_owned(),
            label => classes.display_name(label),
        };
        let names: Vec<String> = of_class.keys().map(|label| name(*label)).collect();
        let longest = names.iter().map(|name| measure_text_width(name)).max();
        let name_width = longest.unwrap_or(0).min(NAME);
        let columns = self.width.saturating_sub(name_width + 2).max(LEAST);
        let mut lines = vec![format!("{} ({})", recording.id, time(duration))];
        if of_class.is_empty() {
            lines.push("  nothing found".to_owned());
        }
        for ((label, rows), name) in of_class.iter().zip(&names) {
            let name = pad_str(name, name_width, Alignment::Left, Some("…"));
            let cells = cells(rows, duration, columns);
            lines.push(format!("{name}  {}", self.painted(*label, &cells)));
        }
        let (start, end) = (time(0.0), time(duration));
        let gap = columns.saturating_sub(start.len() + end.len());
        lines.push(format!(
            "{}  {start}{}{end}",
            " ".repeat(name_width),
            " ".repeat(gap)
        ));
        lines.join("\n")
    }

    fn painted(&self, label: u32, cells: &str) -> String {
        match self.coloured {
            true => {
                let colour = COLOURS[label as usize % COLOURS.len()];
                format!("\u{1b}[{colour}m{cells}\u{1b}[0m")
            }
            false => cells.to_owned(),
        }
    }
}

/// A block for the highest score in each column.
fn cells(rows: &[&Detection], duration: f64, columns: usize) -> String {
    let mut scores = vec![None::<f64>; columns];
    let per_second = columns as f64 / duration.max(f64::MIN_POSITIVE);
    for row in rows {
        let first = (row.segment.start * per_second).floor().max(0.0) as usize;
        // A detection is at least one column wide.
        let end = ((row.segment.end * per_second).ceil() as usize).max(first + 1);
        for score in scores.iter_mut().take(end).skip(first.min(columns - 1)) {
            *score = Some(score.map_or(row.score, |known| known.max(row.score)));
        }
    }
    let block = |score: &Option<f64>| match score {
        None => ' ',
        Some(score) => BLOCKS[((score * 4.0).max(0.0) as usize).min(3)],
    };
    let line: String = scores.iter().map(block).collect();
    line.trim_end().to_owned()
}

/// A time such as `12.5 s` or `1:02:03`.
fn time(seconds: f64) -> String {
    if seconds < 60.0 {
        return format!("{} s", (seconds * 10.0).round() / 10.0);
    }
    let whole = seconds.round() as u64;
    let (hours, minutes, seconds) = (whole / 3600, whole / 60 % 60, whole % 60);
    match hours {
        0 => format!("{minutes}:{seconds:02}"),
        _ => format!("{hours}:{minutes:02}:{seconds:02}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tal_core::Segment;

    fn row(start: f64, end: f64, label: u32, score: f64) -> Detection {
        Detection {
            segment: Segment::new(start, end),
            label,
            score,
        }
    }

    #[test]
    fn a_row_per_class_and_a_block_per_score() {
        let classes = ClassMap::from_names(["run", "jump", "rest"]).unwrap();
        let detections = [
            row(0.0, 5.0, 2, 0.1),
            row(2.5, 5.0, 2, 0.9),
            row(9.99, 10.0, 0, 0.3),
        ];
        let recording = DetectedRecording {
            id: "a/b",
            duration: Some(10.0),
            detections: &detections,
            ..DetectedRecording::default()
        };
        let style = Style {
            width: 26,
            coloured: false,
        };
        let drawn = style.drawn(&recording, &classes);
        let expected = [
            "a/b (10 s)",
            "run                      ▒",
            "rest  ░░░░░█████",
            "      0 s             10 s",
        ];
        assert_eq!(drawn.lines().collect::<Vec<_>>(), expected);
        let style = Style {
            width: 1,
            coloured: true,
        };
        let narrow = style.drawn(&recording, &classes);
        assert!(narrow.contains("\u{1b}[36m░░███\u{1b}[0m"), "{narrow}");
    }

    #[test]
    fn times_are_short() {
        assert_eq!(
            [0.0, 12.34, 75.0, 3723.0].map(time),
            ["0 s", "12.3 s", "1:15", "1:02:03"]
        );
    }
}
