//! Events dealt to lanes within which none overlap, for formats with tiers.

use std::collections::BTreeMap;

use super::model::Event;

/// Events of one class, subject and annotator that follow one another.
#[derive(Debug)]
pub(super) struct Lane<'a> {
    pub(super) class: &'a str,
    pub(super) subject: Option<&'a str>,
    pub(super) annotator: Option<&'a str>,
    /// Number among the lanes of the same class, subject and annotator, from 1.
    pub(super) number: usize,
    /// Start, end and event, by time.
    pub(super) events: Vec<(i64, i64, &'a Event)>,
}

/// Lanes in the order of the classes; a class without events has an empty one. `ticks` is the number of steps in a second; an
/// event lasts at least `least` of them.
pub(super) fn lanes<'a>(
    classes: &'a [String],
    events: &'a [Event],
    ticks: f64,
    least: i64,
) -> Vec<Lane<'a>> {
    let places: BTreeMap<&str, usize> = (classes.iter().map(String::as_str)).zip(0..).collect();
    let mut groups: BTreeMap<_, Vec<(i64, i64, &Event)>> = BTreeMap::new();
    for (place, class) in classes.iter().enumerate() {
        if !events.iter().any(|event| event.class == *class) {
            groups.insert((place, class.as_str(), None, None), Vec::new());
        }
    }
    for event in events {
        let place = places
            .get(event.class.as_str())
            .copied()
            .unwrap_or(classes.len());
        let start = step(event.start, ticks);
        let end = step(event.end_or_start(), ticks).max(start.saturating_add(least));
        let group = (
            place,
            event.class.as_str(),
            event.subject.as_deref(),
            event.annotator.as_deref(),
        );
        groups.entry(group).or_default().push((start, end, event));
    }
    let mut all = Vec::new();
    for ((_, class, subject, annotator), mut events) in groups {
        events.sort_by_key(|(start, end, _)| (*start, *end));
        let lane = |number| Lane {
            class,
            subject,
            annotator,
            number,
            events: Vec::new(),
        };
        let mut lanes = vec![lane(1)];
        for event in events {
            let is_free = |lane: &Lane| lane.events.last().is_none_or(|last| last.1 <= event.0);
            match lanes.iter_mut().find(|lane| is_free(lane)) {
                Some(lane) => lane.events.push(event),
                None => {
                    let mut next = lane(lanes.len() + 1);
                    next.events.push(event);
                    lanes.push(next);
                }
            }
        }
        all.extend(lanes);
    }
    all
}

/// Seconds in whole steps.
pub(super) fn step(seconds: f64, ticks: f64) -> i64 {
    (seconds * ticks).round() as i64
}

impl Lane<'_> {
    /// Name for a tier: the class, with the subject behind `@` and a number behind `-` from the second lane on.
    fn name(&self) -> String {
        let mut name = self.class.to_owned();
        for who in [self.subject, self.annotator].into_iter().flatten() {
            name = format!("{name}@{who}");
        }
        match self.number {
            1 => name,
            number => format!("{name}-{number}"),
        }
    }
}

/// Names of the lanes, each once.
pub(super) fn names(lanes: &[Lane]) -> Vec<String> {
    let mut taken = std::collections::BTreeSet::new();
    // A name that is free by itself stays; one that another lane has gets a number.
    let mut unique = |lane: &Lane| {
        let name = lane.name();
        let others = (2..).map(|number| format!("{name}-{number}"));
        let mut candidates = std::iter::once(name.clone()).chain(others);
        let free = candidates.find(|candidate| taken.insert(candidate.clone()));
        free.unwrap_or(name)
    };
    lanes.iter().map(&mut unique).collect()
}

/// Whether a tier has the name of a lane of the class, so that it says nothing that the class does not.
pub(super) fn is_of_class(tier: &str, class: &str) -> bool {
    let Some(rest) = tier.strip_prefix(class) else {
        return false;
    };
    let number = rest.rsplit('-').next().unwrap_or_default();
    let is_number = || !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit());
    rest.is_empty() || rest.starts_with('@') || (rest.starts_with('-') && is_number())
}

/// A value for a class and its score: `pour 0.83`.
pub(super) fn value(event: &Event) -> String {
    match event.score {
        Some(score) => format!("{} {score:.4}", event.class),
        None => event.class.clone(),
    }
}

/// Class and score of a value in a tier that has the name of the class.
pub(super) fn class_and_score<'a>(value: &'a str, tier: &str) -> (&'a str, Option<f64>) {
    let parts = value.rsplit_once(' ').filter(|(class, score)| {
        is_of_class(tier, class) && !is_of_class(tier, value) && score.contains('.')
    });
    match parts.and_then(|(class, score)| Some((class, score.parse::<f64>().ok()?))) {
        Some((class, score)) if score.is_finite() => (class, Some(score)),
        _ => (value, None),
    }
}
