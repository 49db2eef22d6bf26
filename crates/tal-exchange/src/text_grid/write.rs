//! Praat's TextGrid written.

use std::fmt::Write;

use crate::lanes;
use crate::model::{Event, Project, Track};
use crate::{ExchangeError, WriteOptions};

/// Steps in a second of the times that are written.
const TICKS: f64 = 1e6;
/// Shortest state: readers round times, some to 10 µs.
const SHORTEST: i64 = 1_000;
/// Length of a recording in which nothing happens and whose length nobody knows: Praat needs one.
const SOME: i64 = TICKS as i64;

pub(super) fn write(project: &Project, _: &WriteOptions) -> Result<Vec<u8>, ExchangeError> {
    let empty = Track::default();
    let track = project.tracks.first().unwrap_or(&empty);
    let (points, states): (Vec<Event>, Vec<Event>) =
        (track.events.iter().cloned()).partition(|event| event.end.is_none());
    // A class with points alone needs no tier for states.
    let is_state = |class: &&String| {
        let has = |events: &[Event]| events.iter().any(|event| event.class == **class);
        has(&states) || !has(&points)
    };
    let classes: Vec<String> = project.classes.iter().filter(is_state).cloned().collect();
    let state_lanes = lanes::lanes(&classes, &states, TICKS, SHORTEST);
    let mut point_lanes = lanes::lanes(&[], &points, TICKS, 1);
    point_lanes.retain(|lane| !lane.events.is_empty());
    let num_states = state_lanes.len();
    let all: Vec<lanes::Lane> = state_lanes.into_iter().chain(point_lanes).collect();
    let ends = all
        .iter()
        .flat_map(|lane| &lane.events)
        .map(|(_, end, _)| *end);
    let end = (track
        .duration
        .map(|duration| lanes::step(duration, TICKS))
        .into_iter()
        .chain(ends))
    .max()
    .filter(|end| *end > 0)
    .unwrap_or(SOME);
    let time = |ticks: i64| {
        let text = format!("{}.{:06}", ticks / SOME, ticks % SOME);
        text.trim_end_matches('0').trim_end_matches('.').to_owned()
    };
    let quoted = |text: &str| text.replace('"', "\"\"");
    let mut out = format!(
        "File type = \"ooTextFile\"\nObject class = \"TextGrid\"\n\nxmin = 0\nxmax = {}\ntiers? <exists>\nsize = {}\nitem []:\n",
        time(end),
        all.len()
    );
    for (index, (lane, name)) in all.iter().zip(lanes::names(&all)).enumerate() {
        let is_points = index >= num_states;
        let (kind, items) = if is_points {
            ("TextTier", "points")
        } else {
            ("IntervalTier", "intervals")
        };
        let mut rows: Vec<(i64, i64, String)> = Vec::new();
        let mut at = 0;
        for (start, stop, event) in &lane.events {
            if !is_points && *start > at {
                rows.push((at, *start, String::new()));
            }
            rows.push((*start, *stop, quoted(&lanes::value(event))));
            at = *stop;
        }
        if !is_points && at < end {
            rows.push((at, end, String::new()));
        }
        // Writing to memory does not fail.
        let _ = write!(
            out,
            "    item [{}]:\n        class = \"{kind}\"\n        name = \"{}\"\n        xmin = 0\n        xmax = {}\n        {items}: size = {}\n",
            index + 1,
            quoted(&name),
            time(end),
            rows.len()
        );
        for (number, (start, stop, text)) in (1..).zip(rows) {
            let (from, to) = (time(start), time(stop));
            let _ = match is_points {
                true => write!(
                    out,
                    "        points [{number}]:\n            number = {from}\n            mark = \"{text}\"\n"
                ),
                false => write!(
                    out,
                    "        intervals [{number}]:\n            xmin = {from}\n            xmax = {to}\n            text = \"{text}\"\n"
                ),
            };
        }
    }
    Ok(out.into_bytes())
}
