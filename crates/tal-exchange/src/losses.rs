//! Parts of annotations that a format cannot say.

use std::collections::BTreeMap;

use super::format::{Carries, Format};
use super::model::{Event, Project, Track};
use super::names::clean;

impl Format {
    /// [`losses`] of this format.
    pub fn losses(&self, project: &Project) -> Option<String> {
        losses(self.title, self.carries, project)
    }
}

/// What annotations say and a format cannot, in a sentence; none if nothing is lost.
pub fn losses(title: &str, carries: Carries, project: &Project) -> Option<String> {
    let count = |is_there: fn(&Event) -> bool| project.events().filter(|e| is_there(e)).count();
    let tracks =
        |is_there: fn(&Track) -> bool| project.tracks.iter().filter(|t| is_there(t)).count();
    let kinds: [(bool, usize, &str); 8] = [
        (carries.scores, count(|e| e.score.is_some()), "score"),
        (carries.subjects, count(|e| e.subject.is_some()), "subject"),
        (
            carries.annotators,
            count(|e| e.annotator.is_some()),
            "annotator",
        ),
        (
            carries.modifiers,
            project.events().map(|e| e.modifiers.len()).sum(),
            "modifier",
        ),
        (carries.comments, count(|e| e.comment.is_some()), "comment"),
        (
            carries.durations,
            tracks(|t| t.duration.is_some()),
            "duration of recordings",
        ),
        (
            carries.frame_rates,
            tracks(|t| t.fps.is_some()),
            "frame rate",
        ),
        (carries.media, tracks(|t| t.media.is_some()), "media name"),
    ];
    let lost: Vec<String> = (kinds.iter())
        .filter(|(is_carried, count, _)| !is_carried && *count > 0)
        .map(|(_, count, what)| counted(*count, what))
        .collect();
    let mut sentences = Vec::new();
    if !lost.is_empty() {
        sentences.push(format!(
            "{} cannot be written to {}",
            lost.join(", "),
            title
        ));
    }
    let num_points = count(|e| e.end.is_none());
    if !carries.points && num_points > 0 {
        sentences.push(format!(
            "point events ({num_points}) become as short as {title} allows"
        ));
    }
    let num_states = count(|e| e.end.is_some());
    if !carries.states && num_states > 0 {
        sentences.push(format!(
            "events with an end ({num_states}) become points in their middle"
        ));
    }
    let num_joined: usize = project.tracks.iter().map(num_joined).sum();
    if !carries.repeats && num_joined > 0 {
        sentences.push(format!(
            "events that overlap or touch one of their class ({num_joined}) become one with it"
        ));
    }
    let num_empty = tracks(|t| t.events.is_empty());
    if !carries.empty_recordings && num_empty > 0 {
        sentences.push(format!(
            "recordings without events ({num_empty}) are left out"
        ));
    }
    let ids = project.tracks.iter().map(|track| &track.id);
    let num_spaced = (project.classes.iter().chain(ids))
        .filter(|name| name.contains(char::is_whitespace))
        .count();
    if !carries.spaces && num_spaced > 0 {
        sentences.push(format!("spaces in names ({num_spaced}) become underscores"));
    }
    let num_early = count(|e| e.start < 0.0);
    if num_early > 0 {
        sentences.push(format!("starts before 0 s ({num_early}) become 0"));
    }
    let classes = project.classes.iter();
    let num_renamed = classes.filter(|class| clean(class) != **class).count();
    if num_renamed > 0 {
        sentences.push(format!(
            "class names ({num_renamed}) lose line breaks, tabs, and spaces at their ends"
        ));
    }
    (!sentences.is_empty()).then(|| sentences.join("; "))
}

/// Number of events that overlap or touch an earlier one of their class.
fn num_joined(track: &Track) -> usize {
    let mut ends: BTreeMap<&str, f64> = BTreeMap::new();
    let mut events: Vec<&Event> = track.events.iter().collect();
    events.sort_by(|a, b| a.start.total_cmp(&b.start));
    let mut joined = 0;
    for event in events {
        let end = ends.entry(&event.class).or_insert(f64::NEG_INFINITY);
        joined += usize::from(event.start <= *end);
        *end = end.max(event.end_or_start());
    }
    joined
}

/// A number with a noun.
fn counted(count: usize, noun: &str) -> String {
    let (first, rest) = noun
        .split_once(' ')
        .filter(|(_, rest)| rest.starts_with("of "))
        .unwrap_or((noun, ""));
    let plural = match (count, first.strip_suffix("ss")) {
        (1, _) => first.to_owned(),
        (_, Some(_)) => format!("{first}es"),
        _ => format!("{first}s"),
    };
    format!("{count} {plural} {rest}").trim_end().to_owned()
}
