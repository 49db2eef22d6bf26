//! Ground truth and detections by class.

use std::collections::{BTreeSet, HashMap};

use tal_core::{Detection, Segment};

use super::dialect::{Rules, UnknownClass};
use super::error::{EvaluationError, InputError, InputErrorKind};
use super::input::DetectionInput;
use super::result::EvaluationCounts;
use super::truth::Truth;

/// Ground truth and detections, class by class.
#[derive(Debug)]
pub(crate) struct Table {
    /// Classes with ground truth, by id.
    pub(crate) classes: Vec<ClassTable>,
    pub(crate) counts: EvaluationCounts,
}

/// Ground truth and detections of one class.
#[derive(Debug, Clone)]
pub(crate) struct ClassTable {
    pub(crate) label: u32,
    /// Annotations by recording, those of a recording in the given order.
    pub(crate) instances: Vec<InstanceRow>,
    /// Detections in the order of the input.
    pub(crate) detections: Vec<DetectionRow>,
}

/// One annotation.
#[derive(Debug, Clone, Copy)]
pub(crate) struct InstanceRow {
    /// Position of the recording.
    pub(crate) recording: u32,
    pub(crate) segment: Segment,
}

/// One detection.
#[derive(Debug, Clone, Copy)]
pub(crate) struct DetectionRow {
    /// Position of the recording; the number of recordings for one that the ground truth lacks.
    pub(crate) recording: u32,
    /// Position among the detections of its recording, or the row if detections are given as columns.
    pub(crate) row: u32,
    /// Whether the detection overlaps an annotation of the ambiguous class, so that it is never a false positive.
    pub(crate) is_ambiguous: bool,
    pub(crate) segment: Segment,
    pub(crate) score: f64,
}

impl Table {
    pub(crate) fn new<'d>(
        truth: &Truth<'_>,
        detections: impl Into<DetectionInput<'d>>,
        rules: &Rules,
    ) -> Result<Self, EvaluationError> {
        let mut filling = Filling::new(truth, rules)?;
        let nowhere = truth.recordings.len() as u32;
        let num_blocked = detections
            .into()
            .each(truth, rules, |position, detection, place| {
                if position.is_none() {
                    filling.counts.num_unmatched_recording_detections += 1;
                }
                filling.add(position.unwrap_or(nowhere), detection, place)
            })?;
        filling.counts.num_blocked_detections = num_blocked;
        let Filling {
            mut classes,
            counts,
            ..
        } = filling;
        classes.retain(|class| !class.instances.is_empty());
        Ok(Self { classes, counts })
    }
}

impl ClassTable {
    /// Annotations of one recording, as positions in `instances`.
    pub(crate) fn of_recording(&self, recording: u32) -> std::ops::Range<usize> {
        let start = self.instances.partition_point(|i| i.recording < recording);
        let rest = &self.instances[start..];
        start..start + rest.partition_point(|i| i.recording == recording)
    }
}

/// A table to which detections are added.
struct Filling<'a, 'r> {
    truth: &'a Truth<'a>,
    rules: &'r Rules,
    /// Classes by id, including those that have a rank but no annotation that counts.
    classes: Vec<ClassTable>,
    ranks: HashMap<u32, usize>,
    counts: EvaluationCounts,
}

impl<'a, 'r> Filling<'a, 'r> {
    /// A table without detections.
    fn new(truth: &'a Truth<'a>, rules: &'r Rules) -> Result<Self, EvaluationError> {
        // Ranks include classes whose annotations are dropped last.
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

    /// Adds a detection to its class; `id` and `row` name the detection in errors.
    fn add(
        &mut self,
        recording: u32,
        detection: Detection,
        (id, row): (&str, usize),
    ) -> Result<(), InputError> {
        self.counts.num_detections += 1;
        match self.rank(detection.label) {
            Some(rank) if !self.classes[rank].instances.is_empty() => {
                self.classes[rank].detections.push(DetectionRow {
                    recording,
                    row: row as u32,
                    is_ambiguous: self.truth.is_ambiguous(recording, detection.segment),
                    segment: detection.segment,
                    score: detection.score,
                });
            }
            None if self.rules.unknown_class == UnknownClass::Refused
                && self.rules.ambiguous != Some(detection.label) =>
            {
                let label = detection.label;
                let kind = InputErrorKind::UnknownClass { label };
                return Err(InputError::new(id, row, kind));
            }
            _ => self.counts.num_ignored_detections += 1,
        }
        Ok(())
    }

    /// Position of the class to which the detections of a label belong.
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
