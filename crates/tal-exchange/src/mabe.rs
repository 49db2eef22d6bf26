//! Tables of MABe: a row per behaviour with who does it to whom, in frames from 0, the stop excluded.

use std::collections::BTreeMap;
use std::path::Path;

use tal_data::Table;

use super::format::{Carries, Format, Layout};
use super::frames::Frames;
use super::model::{Event, Project, Track};
use super::{ExchangeError, ReadOptions, WriteOptions, output};

pub(super) static FORMAT: Format = Format {
    name: "mabe",
    title: "MABe",
    extensions: &["csv"],
    layout: Layout::Together,
    carries: Carries {
        subjects: true,
        modifiers: true,
        empty_recordings: false,
        ..Carries::SEGMENTS
    },
    recognise: |clue| clue.has_columns(&COLUMNS[3..]),
    read: Some(read),
    write: Some(write),
    ..Format::PLAIN
};

const COLUMNS: [&str; 6] = [
    "video_id",
    "agent_id",
    "target_id",
    "action",
    "start_frame",
    "stop_frame",
];
/// Agent of an event without subject.
const AGENT: &str = "mouse1";
/// Target of a behaviour that has no other.
const SELF: &str = "self";

fn read(bytes: &[u8], path: &Path, options: &ReadOptions) -> Result<Project, ExchangeError> {
    const FRAME: &str = "a whole number of frames from 0";
    let frames = Frames::of_file(
        None,
        options,
        path,
        "the rows count frames",
        "name the frame rate (--fps)",
    )?;
    let mut table = Table::new(bytes, path)?;
    let mut columns = [0; 6];
    for (column, name) in columns.iter_mut().zip(COLUMNS) {
        *column = table.column(name, &COLUMNS)?;
    }
    let [id, agent, target, action, start, stop] = columns;
    let mut places: BTreeMap<String, usize> = BTreeMap::new();
    let mut tracks: Vec<Track> = Vec::new();
    while table.next_row()? {
        let id = table.text(id, "the id of a video")?;
        let place = *places.entry(id).or_insert_with_key(|id| {
            tracks.push(Track {
                id: id.clone(),
                fps: Some(frames.fps),
                ..Track::default()
            });
            tracks.len() - 1
        });
        let frame = |text: &str| text.parse::<u32>().ok();
        let first = table.parse(start, FRAME, frame)?;
        let last = table.parse(stop, "a frame not before start_frame", |text| {
            frame(text).filter(|last| *last >= first)
        })?;
        let [first, last] = [first, last].map(|frame| frames.seconds(f64::from(frame)));
        let text = |column| Some(table.cell(column).to_owned()).filter(|text| !text.is_empty());
        tracks[place].events.push(Event {
            subject: text(agent),
            modifiers: text(target)
                .into_iter()
                .filter(|target| target != SELF)
                .collect(),
            ..Event::new(table.text(action, "the name of a behaviour")?, first, last)
        });
    }
    Ok(Project::new(tracks))
}

fn write(project: &Project, options: &WriteOptions) -> Result<Vec<u8>, ExchangeError> {
    let mut rows = vec![COLUMNS.map(str::to_owned)];
    for track in &project.tracks {
        let frames = Frames::of_track(track, options, FORMAT.title)?;
        rows.extend(track.events.iter().map(|event| {
            let (first, stop) = frames.range(event);
            let agent = event.subject.as_deref().unwrap_or(AGENT);
            let target = match event.modifiers.is_empty() {
                true => SELF.to_owned(),
                false => event.modifiers.join(","),
            };
            let [agent, class] = [agent, &event.class].map(str::to_owned);
            [
                track.id.clone(),
                agent,
                target,
                class,
                first.to_string(),
                stop.to_string(),
            ]
        }));
    }
    Ok(output::table(&rows, b','))
}
