//! Ground truth and detections by class.

use std::collections::{BTreeSet, HashMap};

use tal_core::{DetectionSet, Instance, Recording, Segment};

use super::dialect::{Rules, UnknownClass};
use super::{EvaluationCounts, EvaluationError};

/// Annotations of one class whose ends differ by no more than this are one annotation, in seconds.
const DUPLICATE_TOLERANCE: f64 = 1e-3;

/// Everything that is compared, class by class.
#[derive(Debug)]
pub(super) struct Table {
    /// Classes with ground truth, by id.
    pub(super) classes: Vec<ClassTable>,
    pub(super) counts: EvaluationCounts,
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
    pub(super) segment: Segment,
    pub(super) score: f64,
}

impl Table {
    pub(super) fn new<'a>(
        recordings: impl IntoIterator<Item = &'a Recording>,
        detections: &DetectionSet,
        rules: &Rules,
    ) -> Result<Self, EvaluationError> {
        let recordings = by_id(recordings)?;
        let truth: Vec<Vec<Instance>> = recordings
            .iter()
            .map(|recording| without_duplicates(recording, rules))
            .collect::<Result<_, _>>()?;
        // Ranks are given before annotations without length go, where the dialect says so.
        let labels: BTreeSet<u32> = truth.iter().flatten().map(|i| i.label).collect();
        let mut classes: Vec<ClassTable> = labels.into_iter().map(ClassTable::empty).collect();
        let ranks: HashMap<u32, usize> = classes
            .iter()
            .enumerate()
            .map(|(rank, class)| (class.label, rank))
            .collect();

        let mut counts = EvaluationCounts {
            num_recordings: recordings.len(),
            ..Default::default()
        };
        for (recording, instances) in truth.iter().enumerate() {
            for instance in instances.iter().filter(|i| i.segment.length() > 0.0) {
                counts.num_ground_truth += 1;
                classes[ranks[&instance.label]].instances.push(InstanceRow {
                    recording: recording as u32,
                    segment: instance.segment,
                });
            }
        }
        let num_annotations: usize = recordings.iter().map(|r| r.instances.len()).sum();
        counts.num_removed_ground_truth = num_annotations - counts.num_ground_truth;
        if counts.num_ground_truth == 0 {
            let num_recordings = recordings.len();
            return Err(EvaluationError::NoGroundTruth { num_recordings });
        }

        for (id, rows) in detections {
            let position = recordings.binary_search_by(|r| r.id.as_str().cmp(id));
            if position.is_err() {
                counts.num_unmatched_recording_detections += rows.len();
            }
            counts.num_detections += rows.len();
            for (row, detection) in rows.iter().enumerate() {
                let segment = detection.segment;
                if !segment.is_ordered() {
                    return Err(EvaluationError::Segment {
                        recording: id.clone(),
                        row,
                        start: segment.start,
                        end: segment.end,
                    });
                }
                if detection.score.is_nan() {
                    let recording = id.clone();
                    return Err(EvaluationError::Score { recording, row });
                }
                let rank = ranks.get(&detection.label).copied().or_else(|| {
                    let rank = detection.label as usize;
                    (rules.unknown_class == UnknownClass::TakenAsRank && rank < classes.len())
                        .then_some(rank)
                });
                match rank {
                    Some(rank) if !classes[rank].instances.is_empty() => {
                        classes[rank].detections.push(DetectionRow {
                            // Recordings without ground truth need no number of their own.
                            recording: position.unwrap_or(recordings.len()) as u32,
                            segment,
                            score: detection.score,
                        });
                    }
                    _ => counts.num_ignored_detections += 1,
                }
            }
        }
        classes.retain(|class| !class.instances.is_empty());
        Ok(Self { classes, counts })
    }
}

impl ClassTable {
    fn empty(label: u32) -> Self {
        Self {
            label,
            instances: Vec::new(),
            detections: Vec::new(),
        }
    }

    /// The annotations of one recording, as positions in `instances`.
    pub(super) fn of_recording(&self, recording: u32) -> std::ops::Range<usize> {
        let start = self.instances.partition_point(|i| i.recording < recording);
        let rest = &self.instances[start..];
        start..start + rest.partition_point(|i| i.recording == recording)
    }
}

fn by_id<'a>(
    recordings: impl IntoIterator<Item = &'a Recording>,
) -> Result<Vec<&'a Recording>, EvaluationError> {
    let mut recordings: Vec<&Recording> = recordings.into_iter().collect();
    if recordings.is_empty() {
        return Err(EvaluationError::NoRecordings);
    }
    recordings.sort_by(|a, b| a.id.cmp(&b.id));
    if let Some(pair) = recordings.windows(2).find(|pair| pair[0].id == pair[1].id) {
        let recording = pair[0].id.clone();
        return Err(EvaluationError::DuplicateRecording { recording });
    }
    Ok(recordings)
}

/// The annotations of a recording without those that repeat an earlier one that stays.
fn without_duplicates(
    recording: &Recording,
    rules: &Rules,
) -> Result<Vec<Instance>, EvaluationError> {
    let mut kept: Vec<Instance> = Vec::with_capacity(recording.instances.len());
    for (row, instance) in recording.instances.iter().enumerate() {
        let segment = instance.segment;
        if !segment.is_ordered() {
            return Err(EvaluationError::Instance {
                recording: recording.id.clone(),
                row,
                start: segment.start,
                end: segment.end,
            });
        }
        let repeats = |earlier: &Instance| {
            earlier.label == instance.label
                && (earlier.segment.start - segment.start).abs() <= DUPLICATE_TOLERANCE
                && (earlier.segment.end - segment.end).abs() <= DUPLICATE_TOLERANCE
        };
        let gone = rules.empty_go_first && segment.length() <= 0.0;
        if !gone && !kept.iter().any(repeats) {
            kept.push(*instance);
        }
    }
    Ok(kept)
}
