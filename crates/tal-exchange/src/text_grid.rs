//! Praat's TextGrid: tiers of intervals without gaps, an empty text where nothing happens, and tiers of points.

use std::path::Path;

use super::clue::Clue;
use super::format::{Carries, Format, Layout};
use super::model::{Event, Project, Track};
use super::options::id_of;
use super::{ExchangeError, ReadOptions, tiers, xml};
use tokens::{Token, Tokens};

mod tokens;
mod write;

pub(super) static FORMAT: Format = Format {
    name: "textgrid",
    title: "Praat TextGrid",
    extensions: &["TextGrid", "textgrid"],
    layout: Layout::OneEach,
    carries: Carries {
        points: true,
        scores: true,
        durations: true,
        ..Carries::SEGMENTS
    },
    recognise,
    read: Some(read),
    write: Some(write::write),
    ..Format::PLAIN
};

fn recognise(clue: &Clue) -> bool {
    clue.lines()
        .take(3)
        .any(|line| line.contains("\"TextGrid\""))
}

fn read(bytes: &[u8], path: &Path, options: &ReadOptions) -> Result<Project, ExchangeError> {
    let mut tokens = Tokens::new(xml::text(bytes, path)?, path);
    tokens.text("\"ooTextFile\", the first line of a TextGrid")?;
    let (kind, line) = tokens.text("\"TextGrid\"")?;
    if kind != "TextGrid" {
        return Err(ExchangeError::part(
            path,
            format!("line {line}"),
            &kind,
            "\"TextGrid\"",
        ));
    }
    tokens.number("xmin, the start in seconds")?;
    let duration = tokens.number("xmax, the end in seconds")?;
    let mut track = Track {
        id: id_of(path),
        duration: Some(duration).filter(|duration| *duration > 0.0),
        ..Track::default()
    };
    let is_there = tokens.next("<exists>, or <absent> without tiers")?;
    if is_there.0 == Token::Flag("<absent>") {
        return Ok(Project::new(vec![track]));
    }
    let num_tiers = tokens.count("the number of tiers")?;
    let mut names = Vec::new();
    for _ in 0..num_tiers {
        let (kind, line) = tokens.text("\"IntervalTier\" or \"TextTier\"")?;
        let is_points = match kind.as_str() {
            "IntervalTier" => false,
            "TextTier" => true,
            _ => {
                let expected = "\"IntervalTier\" or \"TextTier\"";
                return Err(ExchangeError::part(
                    path,
                    format!("line {line}"),
                    &kind,
                    expected,
                ));
            }
        };
        let (name, _) = tokens.text("the name of the tier in quotes")?;
        tokens.number("xmin of the tier in seconds")?;
        tokens.number("xmax of the tier in seconds")?;
        let num = tokens.count("the number of intervals or points")?;
        for _ in 0..num {
            let start = tokens.number("a time in seconds")?;
            let end = match is_points {
                true => None,
                false => Some(tokens.number("a time in seconds")?),
            };
            let (text, line) = tokens.text("a text in quotes")?;
            if end.is_some_and(|end| end < start) {
                let expected = "an xmax that is not before xmin";
                return Err(ExchangeError::part(
                    path,
                    format!("line {line}"),
                    &text,
                    expected,
                ));
            }
            let text = text.trim();
            if tiers::is_wanted(&name, options) && !text.is_empty() {
                let event = tiers::event(&name, text, options.class_from);
                track.events.push(Event {
                    start,
                    end,
                    ..event
                });
            }
        }
        names.push(name);
    }
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    tiers::check(&names, options)?;
    Ok(Project::new(vec![track]))
}
