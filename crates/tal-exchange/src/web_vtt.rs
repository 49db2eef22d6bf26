//! WebVTT: subtitles of web pages; a cue's text is the class, behind it the score, its voice the subject.

use std::path::Path;

use super::clue::Clue;
use super::format::{Carries, Format, Layout};
use super::model::{Event, Project, Track};
use super::options::id_of;
use super::subtitles::{self, Block, class_and_score};
use super::xml::escaped;
use super::{ExchangeError, ReadOptions, WriteOptions};

pub(super) static FORMAT: Format = Format {
    name: "webvtt",
    title: "WebVTT",
    extensions: &["vtt"],
    layout: Layout::OneEach,
    carries: Carries {
        scores: true,
        subjects: true,
        ..Carries::SEGMENTS
    },
    recognise,
    read: Some(read),
    write: Some(write),
    ..Format::PLAIN
};

/// First word of the file.
const MARK: &str = "WEBVTT";

fn recognise(clue: &Clue) -> bool {
    clue.text().starts_with(MARK)
}

fn read(bytes: &[u8], path: &Path, _: &ReadOptions) -> Result<Project, ExchangeError> {
    let blocks = subtitles::blocks(bytes, path)?;
    let Some(first) = blocks
        .first()
        .filter(|block| block.number == 1 && block.lines[0].starts_with(MARK))
    else {
        let line = blocks.first().map_or("", |block| block.lines[0]);
        return Err(ExchangeError::part(path, "line 1", line, MARK));
    };
    // Notes, styles and regions are not shown.
    let is_note = |block: &Block| {
        let word = block.lines[0].split_whitespace().next();
        let is_cue = block.lines.iter().take(2).any(|line| line.contains("-->"));
        matches!(word, Some("NOTE" | "STYLE" | "REGION")) && !is_cue
    };
    // A cue may follow the first line at once.
    let head = Block {
        number: 2,
        lines: first.lines[1..].to_vec(),
    };
    let head = head
        .lines
        .iter()
        .any(|line| line.contains("-->"))
        .then_some(head);
    let (mut events, mut num_notes) = (Vec::new(), 0);
    for block in head.iter().chain(&blocks[1..]) {
        if is_note(block) {
            num_notes += 1;
            continue;
        }
        let (start, end, text) = subtitles::cue(block, path)?;
        let (text, subject) = plain(&text);
        let (class, score) = class_and_score(&text);
        if class.is_empty() {
            let place = format!("line {}", block.number);
            return Err(ExchangeError::part(
                path,
                place,
                &text,
                "the name of a class as text of the cue",
            ));
        }
        events.push(Event {
            subject,
            score,
            ..Event::new(class, start, end)
        });
    }
    let id = id_of(path);
    let mut project = Project::new(vec![Track {
        id,
        events,
        ..Track::default()
    }]);
    project.leave_out("notes and styles", num_notes);
    Ok(project)
}

/// A text without tags and with its characters, and the voice that speaks it.
fn plain(text: &str) -> (String, Option<String>) {
    let (mut out, mut voice) = (String::new(), None);
    let mut rest = text;
    while let Some(at) = rest.find('<') {
        let Some(end) = rest[at..].find('>') else {
            break;
        };
        out.push_str(&rest[..at]);
        let tag = &rest[at + 1..at + end];
        if let Some((kind, name)) = tag.split_once(' ')
            && kind.split('.').next() == Some("v")
        {
            voice = Some(decoded(name.trim())).filter(|name| !name.is_empty());
        }
        rest = &rest[at + end + 1..];
    }
    out.push_str(rest);
    (decoded(&out).trim().to_owned(), voice)
}

/// A text with characters in place of their names.
fn decoded(text: &str) -> String {
    const NAMES: [(&str, &str); 6] = [
        ("&lt;", "<"),
        ("&gt;", ">"),
        ("&quot;", "\""),
        ("&nbsp;", "\u{a0}"),
        ("&lrm;", "\u{200e}"),
        ("&rlm;", "\u{200f}"),
    ];
    let text = NAMES.iter().fold(text.to_owned(), |text, (name, letter)| {
        text.replace(name, letter)
    });
    text.replace("&amp;", "&")
}

fn write(project: &Project, _: &WriteOptions) -> Result<Vec<u8>, ExchangeError> {
    let mut text = format!("{MARK}\n");
    for event in project.events() {
        // Quotation marks need no name here.
        let name = |text: &str| escaped(text).replace("&quot;", "\"");
        let voice = event
            .subject
            .as_ref()
            .map(|subject| format!("<v {}>", name(subject)));
        let class = name(&subtitles::text(event));
        text += &format!(
            "\n{}\n{}{class}\n",
            subtitles::times(event, '.'),
            voice.unwrap_or_default()
        );
    }
    Ok(text.into_bytes())
}
