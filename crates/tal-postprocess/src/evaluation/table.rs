//! Ground truth and detections by class.

use std::collections::{BTreeSet, HashMap};

use tal_core::{Detection, Recording, Segment};

use super::dialect::{Rules, UnknownClass};
use super::input::DetectionInput;
use super::truth::Truth;
use super::{EvaluationCounts, EvaluationError};

/// Everything that is compared, class by class.
#[derive(Debug)]
pub(super) struct Table {
    /// Classes with ground truth, by id.
    pub(super) classes: Vec<ClassTable>,
    pub(super) counts: EvaluationCounts,
    /// The ids of the recordings that count, sorted: their numbers in the rows.
    pub(super) recordings: Vec<String>,
}

/// What is compared within one class.
#[derive(Debug)]
pub(super) struct ClassTable {
    pub(super) label: u32,
    /// By recording, within it in the order of the annotations.
    pub(super) instances: Vec<InstanceRow>,
    /// In the order of the input.
    pub(super) detections: Vec<DetectionRow>,
}

/// One annotation.
#[derive(Debug, Clone, Copy)]
pub(super) struct InstanceRow {
    pub(super) recording: u32,
    pub(super) segment: Segment,
}

/// One detection.
#[derive(Debug, Clone, Copy)]
pub(super) struct DetectionRow {
    pub(super) recording: u32,
    /// Whether it overlaps an annotation of the ambiguous class, so that it is never a false positive.
    pub(super) is_ambiguous: bool,
    pub(super) segment: Segment,
    pub(super) score: f64,
}

impl Table {
    pub(super) fn new<'a, 'd>(
        recordings: impl IntoIterator<Item = &'a Recording>,
        detections: impl Into<DetectionInput<'d>>,
        rules: &Rules,
    ) -> Result<Self, EvaluationError> {
        let truth = Truth::new(recordings, rules)?;
        let mut filling = Filling::new(&truth, rules)?;
        let nowhere = truth.recordings.len() as u32;
        let num_blocked = detections
            .into()
            .each(&truth, rules, |position, detection, place| {
                if position.is_none() {
                    filling.counts.num_unmatched_recording_detections += 1;
                }
                // Recordings without ground truth need no number of their own.
                filling.add(position.unwrap_or(nowhere), detection, place)
            })?;
        filling.counts.num_blocked_detections = num_blocked;
        let Filling {
            mut classes,
            counts,
            ..
        } = filling;
        classes.retain(|class| !class.instances.is_empty());
        Ok(Self {
            classes,
            counts,
            recordings: truth.recordings.iter().map(|r| r.id.clone()).collect(),
        })
    }
}

impl ClassTable {
    /// The annotations of one recording, as positions in `instances`.
    pub(super) fn of_recording(&self, recording: u32) -> std::ops::Range<usize> {
        let start = self.instances.partition_point(|i| i.recording < recording);
        let rest = &self.instances[start..];
        start..start + rest.partition_point(|i| i.recording == recording)
    }
}

/// A table that takes up detections.
struct Filling<'a, 'r> {
    truth: &'a Truth<'a>,
    rules: &'r Rules,
    /// By id; with those that have a rank and no annotation that counts.
    classes: Vec<ClassTable>,
    ranks: HashMap<u32, usize>,
    counts: EvaluationCounts,
}

impl<'a, 'r> Filling<'a, 'r> {
    /// A table without detections.
    fn new(truth: &'a Truth<'a>, rules: &'r Rules) -> Result<Self, EvaluationError> {
        // Ranks are given before annotations without length go, where the dialect says so.
        let labels: BTreeSet<u32> = truth.instances.iter().flatten().map(|i| i.label).collect();
        let mut classes: Vec<ClassTable> = labels
            .into_iter()
            .map(|label| ClassTable {
                label,
                instances: Vec::new(),
                detections: Vec::new(),
            })
            .collect();
        let ranks: HashMap<u32, usize> = classes
            .iter()
            .enumerate()
            .map(|(rank, class)| (class.label, rank))
            .collect();
        let mut num_ground_truth = 0;
        for (recording, instance) in truth.counted(rules) {
            num_ground_truth += 1;
            classes[ranks[&instance.label]].instances.push(InstanceRow {
                recording,
                segment: instance.segment,
            });
        }
        let num_recordings = truth.recordings.len();
        if num_ground_truth == 0 {
            return Err(EvaluationError::NoGroundTruth { num_recordings });
        }
        let counts = EvaluationCounts {
            num_recordings,
            num_blocked_recordings: truth.positions.len() - num_recordings,
            num_ground_truth,
            num_removed_ground_truth: truth.num_annotations - num_ground_truth,
            num_ambiguous_ground_truth: truth.ambiguous.iter().map(Vec::len).sum(),
            ..Default::default()
        };
        Ok(Self {
            truth,
            rules,
            classes,
            ranks,
            counts,
        })
    }

    /// Gives a detection to its class; `id` and `row` say where it stands.
    fn add(
        &mut self,
        recording: u32,
        detection: Detection,
        (id, row): (&str, usize),
    ) -> Result<(), EvaluationError> {
        self.counts.num_detections += 1;
        match self.rank(detection.label) {
            Some(rank) if !self.classes[rank].instances.is_empty() => {
                self.classes[rank].detections.push(DetectionRow {
                    recording,
                    is_ambiguous: self.truth.is_ambiguous(recording, detection.segment),
                    segment: detection.segment,
                    score: detection.score,
                });
            }
            None if self.rules.unknown_class == UnknownClass::Refused
                && self.rules.ambiguous != Some(detection.label) =>
            {
                return Err(EvaluationError::UnknownClass {
                    recording: id.to_owned(),
                    row,
                    label: detection.label,
                });
            }
            _ => self.counts.num_ignored_detections += 1,
        }
        Ok(())
    }

    /// The class that takes the detections of a label, by its place.
    fn rank(&self, label: u32) -> Option<usize> {
        if self.rules.ambiguous == Some(label) {
            return None;
        }
        self.ranks.get(&label).copied().or_else(|| {
            let rank = label as usize;
            let collides = self.rules.unknown_class == UnknownClass::TakenAsRank;
            (collides && rank < self.classes.len()).then_some(rank)
        })
    }
}
