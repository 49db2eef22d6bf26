//! SubRip subtitles (`.srt`): a cue's text is the class, behind it the score.

use std::path::Path;

use super::clue::Clue;
use super::format::{Carries, Format, Layout};
use super::model::{Event, Project, Track};
use super::options::id_of;
use super::subtitles::{self, class_and_score};
use super::{ExchangeError, ReadOptions, WriteOptions};

pub(super) static FORMAT: Format = Format {
    name: "srt",
    title: "SubRip",
    extensions: &["srt"],
    layout: Layout::OneEach,
    carries: Carries {
        scores: true,
        ..Carries::SEGMENTS
    },
    recognise,
    read: Some(read),
    write: Some(write),
    ..Format::PLAIN
};

fn recognise(clue: &Clue) -> bool {
    let mut lines = clue.lines();
    let is_number = lines
        .next()
        .is_some_and(|line| line.trim().parse::<u32>().is_ok());
    is_number
        && lines
            .next()
            .is_some_and(|line| subtitles::has_times(line, ','))
}

fn read(bytes: &[u8], path: &Path, _: &ReadOptions) -> Result<Project, ExchangeError> {
    let mut events = Vec::new();
    for block in subtitles::blocks(bytes, path)? {
        let (start, end, text) = subtitles::cue(&block, path)?;
        let (class, score) = class_and_score(&text);
        events.push(Event {
            score,
            ..Event::new(class, start, end)
        });
    }
    let id = id_of(path);
    Ok(Project::new(vec![Track {
        id,
        events,
        ..Track::default()
    }]))
}

fn write(project: &Project, _: &WriteOptions) -> Result<Vec<u8>, ExchangeError> {
    let cue = |(number, event): (usize, &Event)| {
        let times = subtitles::times(event, ',');
        format!("{number}\n{times}\n{}\n\n", subtitles::text(event))
    };
    Ok((1..)
        .zip(project.events())
        .map(cue)
        .collect::<String>()
        .into_bytes())
}
