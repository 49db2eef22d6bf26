//! Checks of a recording by its annotations.

use std::collections::BTreeMap;

use tal_core::config::Config;
use tal_core::{ClassMap, Instance, Recording, Segment, remove_duplicates};

use super::finding::{Code, Findings, Severity};
use super::labels::Labels;
use super::learning::Lesson;
use super::positives::Assigner;
use super::timing::{Timing, stored_grid, timing};

/// Data set around a recording, as its checks need it.
pub(super) struct Surroundings<'a> {
    pub(super) config: &'a Config,
    pub(super) classes: &'a ClassMap,
    pub(super) labels: Labels,
    pub(super) assigner: Assigner,
}

/// A recording and its part in the data set.
pub(super) struct Member<'a> {
    pub(super) recording: &'a Recording,
    pub(super) trained_on: bool,
    /// Whether annotations of it could not be read.
    pub(super) damaged: bool,
}

/// Everything that does not need the features; `num_stored` is their number if it is known.
///
/// Returns what training can learn of each action of the recording, as far as that is known.
pub(super) fn check(
    member: &Member<'_>,
    num_stored: Option<usize>,
    around: &Surroundings<'_>,
    findings: &mut Findings,
) -> Option<Vec<Lesson>> {
    let Member {
        recording,
        trained_on,
        damaged,
    } = member;
    let dataset = &around.config.dataset;
    fields(recording, around.config, findings);
    if *trained_on && !damaged && around.labels.of(recording).is_empty() {
        let (severity, found, expected) = match around.labels {
            Labels::Segments => (
                Severity::Warning,
                "no annotation: all of it is background to training",
                "annotations, unless nothing happens in it",
            ),
            Labels::Recordings(_) => (
                Severity::Error,
                "no label: nothing can be learned from it",
                "annotations, or \"labels\" with at least one class",
            ),
        };
        let (code, id) = (Code::RecordingWithoutAnnotations, Some(&*recording.id));
        findings.add(severity, code, id, found, expected);
    }
    segments(recording, around, findings);
    // Regression ranges and windows are those of detectors that learn from segments.
    if !matches!(around.labels, Labels::Segments) {
        return None;
    }
    let timing = timing(dataset, recording, num_stored)?;
    Some(on_grid(
        member,
        timing,
        num_stored.is_some(),
        around,
        findings,
    ))
}

fn fields(recording: &Recording, config: &Config, findings: &mut Findings) {
    let dataset = &config.dataset;
    if dataset.fps.is_none() && recording.fps.is_none() && config.needs_fps() {
        findings.add(
            Severity::Error,
            Code::FpsMissing,
            Some(&recording.id),
            "no frame rate",
            "\"fps\" in the annotation file, or dataset.fps",
        );
    }
    if recording.duration.is_none() {
        let (severity, expected) = if dataset.feat_stride.is_none() {
            let expected = "\"duration\" in seconds: features of fixed length share it out";
            (Severity::Error, expected)
        } else {
            let expected =
                "\"duration\" in seconds; without it the number of features cannot be checked";
            (Severity::Warning, expected)
        };
        let id = Some(recording.id.as_str());
        findings.add(severity, Code::DurationMissing, id, "no duration", expected);
    }
}

fn segments(recording: &Recording, around: &Surroundings<'_>, findings: &mut Findings) {
    let dataset = &around.config.dataset;
    let name = |instance: &Instance| {
        let Segment { start, end } = instance.segment;
        let label = around.classes.display_name(instance.label);
        format!("{label:?} at [{start}, {end}]")
    };
    let id = Some(recording.id.as_str());
    // The extent of the first and the last feature, and the rounding of durations.
    let margin = stored_grid(dataset, recording)
        .map_or(0.5, |grid| {
            f64::from((grid.feat_stride + grid.num_frames) / grid.fps)
        })
        .max(0.5);
    for instance in &recording.instances {
        let Segment { start, end } = instance.segment;
        if start == end {
            findings.add(
                Severity::Warning,
                Code::SegmentEmpty,
                id,
                name(instance),
                "an end after the start; nothing can be learned from it or match it",
            );
        }
        let duration = recording.duration.unwrap_or(f64::INFINITY);
        let inside = "a segment within the recording";
        if start >= duration || (end <= 0.0 && start < 0.0) {
            let found = format!("{} is outside of the {duration} s", name(instance));
            findings.add(Severity::Error, Code::SegmentOutside, id, found, inside);
        } else if start < 0.0 || end > duration + margin {
            let found = format!("{} reaches beyond the {duration} s", name(instance));
            findings.add(Severity::Warning, Code::SegmentOutside, id, found, inside);
        }
    }
    let unique = remove_duplicates(&recording.instances);
    if unique.len() < recording.instances.len() {
        let repeated = recording.instances.len() - unique.len();
        // The first that is not kept: up to there both lists agree.
        let kept = unique.iter().map(Some).chain(std::iter::repeat(None));
        let first = recording
            .instances
            .iter()
            .zip(kept)
            .find(|(instance, kept)| Some(*instance) != *kept)
            .map_or_else(String::new, |(instance, _)| name(instance));
        let (severity, expected) = if dataset.remove_duplicates {
            (Severity::Note, "each once; training drops the repetitions")
        } else {
            (
                Severity::Warning,
                "each once, or dataset.remove_duplicates: true",
            )
        };
        let found = format!("{repeated} annotations are repetitions, first {first}");
        findings.add(severity, Code::SegmentDuplicate, id, found, expected);
    }
    for (a, b) in overlaps(&unique, margin) {
        let found = format!("{} overlaps {}", name(a), name(b));
        // Two of which one is most of the other are hardly two actions.
        let severity = if a.segment.tiou(b.segment) > 0.5 {
            Severity::Warning
        } else {
            Severity::Note
        };
        let expected =
            "one segment for one action; overlapping actions of a class are hard to tell apart";
        findings.add(severity, Code::SegmentOverlap, id, found, expected);
    }
}

/// Neighbours of one class, by their starts, that overlap by more than `margin` seconds or by more than half.
fn overlaps(instances: &[Instance], margin: f64) -> Vec<(&Instance, &Instance)> {
    let mut classes: BTreeMap<u32, Vec<&Instance>> = BTreeMap::new();
    for instance in instances {
        classes.entry(instance.label).or_default().push(instance);
    }
    let mut pairs = Vec::new();
    for mut instances in classes.into_values() {
        instances.sort_by(|a, b| a.segment.start.total_cmp(&b.segment.start));
        let mut instances = instances.into_iter();
        let Some(mut longest) = instances.next() else {
            continue;
        };
        for instance in instances {
            let common = longest.segment.intersection(instance.segment);
            if common > margin || longest.segment.tiou(instance.segment) > 0.5 {
                pairs.push((longest, instance));
            }
            if instance.segment.end > longest.segment.end {
                longest = instance;
            }
        }
    }
    pairs
}

/// Events in grid units.
fn on_grid(
    member: &Member<'_>,
    Timing { grid, len }: Timing,
    len_known: bool,
    around: &Surroundings<'_>,
    findings: &mut Findings,
) -> Vec<Lesson> {
    let Config {
        dataset, decoder, ..
    } = around.config;
    let recording = member.recording;
    let id = Some(recording.id.as_str());
    if len > dataset.max_seq_len {
        let what = if member.trained_on {
            "training takes windows of it"
        } else {
            "it is tested whole"
        };
        findings.add(
            Severity::Note,
            Code::RecordingTooLong,
            id,
            format!(
                "{len} features, max_seq_len is {}: {what}",
                dataset.max_seq_len
            ),
            "nothing, if most recordings fit",
        );
    }
    let describe = |instance: &Instance, segment: &Segment<f32>| {
        let label = around.classes.display_name(instance.label);
        let Segment { start, end } = instance.segment;
        format!(
            "{label:?} at [{start}, {end}] is {:.2} features long",
            segment.length()
        )
    };
    let instances: Vec<&Instance> = recording
        .instances
        .iter()
        .filter(|instance| instance.segment.length() > 0.0)
        .collect();
    let segments: Vec<Segment<f32>> = instances
        .iter()
        .map(|instance| grid.segment_to_grid(instance.segment))
        .collect();
    // Alone: a shorter action that takes its points has nothing to do with length.
    let points = around.assigner.points(len);
    let learned = |segment: &Segment<f32>| around.assigner.claims(&points, len, *segment);
    let reach = decoder.regression_range.iter().map(|range| range[1]);
    let reach = reach.fold(0.0, f32::max);
    let needed = dataset.truncation.trunc_thresh as f32;
    let empty = recording.instances.iter();
    let empty = empty.filter(|instance| instance.segment.length() <= 0.0);
    let mut lessons: Vec<Lesson> = empty
        .map(|instance| Lesson {
            label: instance.label,
            length: 0.0,
            learned: false,
        })
        .collect();
    for (instance, segment) in instances.iter().zip(&segments) {
        let length = segment.length();
        let learned = member.trained_on && learned(segment);
        lessons.push(Lesson {
            label: instance.label,
            length,
            learned,
        });
        // The level of the last feature's middle, and half a feature of rounding.
        if len_known && segment.start >= len as f32 + 0.5 {
            findings.add(
                Severity::Warning,
                Code::SegmentBeyondFeatures,
                id,
                format!(
                    "{} and begins at feature {:.1} of {len}",
                    describe(instance, segment),
                    segment.start
                ),
                "features for the whole recording",
            );
        } else if !member.trained_on {
            continue;
        } else if 0.5 * length > reach {
            findings.add(
                Severity::Warning,
                Code::ActionTooLong,
                id,
                format!(
                    "{}; the last regression range ends at {reach}",
                    describe(instance, segment)
                ),
                "a last range without end, such as [64, 10000] (decoder.regression_range)",
            );
        } else if len > dataset.max_seq_len && length * needed > dataset.max_seq_len as f32 {
            findings.add(
                Severity::Warning,
                Code::ActionTooLong,
                id,
                format!(
                    "{}; no window of {} features holds enough of it",
                    describe(instance, segment),
                    dataset.max_seq_len
                ),
                "a larger dataset.max_seq_len",
            );
        } else if length < 1.0 {
            let (severity, expected) = if learned {
                (Severity::Note, "nothing, if such actions are few")
            } else {
                let expected = "features at a smaller stride: no point of the network lies in it";
                (Severity::Warning, expected)
            };
            let found = describe(instance, segment);
            findings.add(severity, Code::ActionTooShort, id, found, expected);
        } else if !learned {
            findings.add(
                Severity::Warning,
                Code::ActionWithoutLevel,
                id,
                format!(
                    "{}; no point of any level is responsible for it",
                    describe(instance, segment)
                ),
                "regression ranges without gaps (decoder.regression_range)",
            );
        }
    }
    lessons
}
