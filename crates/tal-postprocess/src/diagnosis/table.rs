//! Ground truth and detections, by recording and by class.

use std::cmp::Ordering;
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use tal_core::{DetectionSet, Instance, Recording, Segment, remove_duplicates};

use super::{DiagnosisConfig, DiagnosisCounts, DiagnosisError};

/// Everything that is compared.
#[derive(Debug)]
pub(super) struct Table {
    /// Per recording, by id, its annotations of all classes.
    pub(super) recordings: Vec<Vec<Instance>>,
    /// Classes with ground truth, by id.
    pub(super) classes: Vec<ClassTable>,
    pub(super) counts: DiagnosisCounts,
}

/// What is compared within one class.
#[derive(Debug)]
pub(super) struct ClassTable {
    pub(super) label: u32,
    /// By recording, within it in the order of the annotations.
    pub(super) instances: Vec<InstanceRow>,
    /// Highest score first, equal ones by recording and then in the order of the input.
    pub(super) detections: Vec<DetectionRow>,
}

/// One annotation.
#[derive(Debug, Clone, Copy)]
pub(super) struct InstanceRow {
    pub(super) recording: usize,
    pub(super) segment: Segment,
    /// Of its recording, where known.
    pub(super) duration: Option<f64>,
}

/// One detection.
#[derive(Debug, Clone, Copy)]
pub(super) struct DetectionRow {
    /// Past the last recording where the ground truth lacks it.
    pub(super) recording: usize,
    pub(super) segment: Segment,
    pub(super) score: f64,
}

impl Table {
    pub(super) fn new<'a>(
        recordings: impl IntoIterator<Item = &'a Recording>,
        detections: &DetectionSet,
        config: &DiagnosisConfig,
    ) -> Result<Self, DiagnosisError> {
        let blocked: BTreeSet<&str> = config.blocked.iter().map(String::as_str).collect();
        let recordings = by_id(recordings, &blocked)?;
        let mut counts = DiagnosisCounts {
            num_recordings: recordings.len(),
            ..Default::default()
        };
        let mut classes: BTreeMap<u32, ClassTable> = BTreeMap::new();
        let mut truth = Vec::with_capacity(recordings.len());
        for (position, recording) in recordings.iter().enumerate() {
            let instances = usable_instances(recording, config.drop_duplicates)?;
            for instance in &instances {
                let class = classes
                    .entry(instance.label)
                    .or_insert_with(|| ClassTable::empty(instance.label));
                class.instances.push(InstanceRow {
                    recording: position,
                    segment: instance.segment,
                    duration: recording.duration,
                });
            }
            counts.num_ground_truth += instances.len();
            counts.num_removed_ground_truth += recording.instances.len() - instances.len();
            truth.push(instances);
        }
        if counts.num_ground_truth == 0 {
            let num_recordings = recordings.len();
            return Err(DiagnosisError::NoGroundTruth { num_recordings });
        }

        for (id, rows) in detections {
            if blocked.contains(id.as_str()) {
                continue;
            }
            let position = recordings.binary_search_by(|r| r.id.as_str().cmp(id));
            if position.is_err() {
                counts.num_unmatched_recording_detections += rows.len();
            }
            counts.num_detections += rows.len();
            for (row, detection) in rows.iter().enumerate() {
                let segment = detection.segment;
                if !is_usable(segment) {
                    return Err(DiagnosisError::Segment {
                        recording: id.clone(),
                        row,
                        start: segment.start,
                        end: segment.end,
                    });
                }
                if detection.score.is_nan() {
                    let recording = id.clone();
                    return Err(DiagnosisError::Score { recording, row });
                }
                match classes.get_mut(&detection.label) {
                    Some(class) => class.detections.push(DetectionRow {
                        recording: position.unwrap_or(recordings.len()),
                        segment,
                        score: detection.score,
                    }),
                    None => counts.num_ignored_detections += 1,
                }
            }
        }
        counts.num_classes = classes.len();
        let mut classes: Vec<ClassTable> = classes.into_values().collect();
        for class in &mut classes {
            // Stable: equal scores stay by recording id and row.
            class
                .detections
                .sort_by(|a, b| b.score.partial_cmp(&a.score).unwrap_or(Ordering::Equal));
        }
        Ok(Self {
            recordings: truth,
            classes,
            counts,
        })
    }

    /// Mean number of annotations of a class, `N̄`.
    pub(super) fn mean_instances(&self) -> f64 {
        self.counts.num_ground_truth as f64 / self.classes.len() as f64
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
    pub(super) fn of_recording(&self, recording: usize) -> Range<usize> {
        let start = self.instances.partition_point(|i| i.recording < recording);
        let rest = &self.instances[start..];
        start..start + rest.partition_point(|i| i.recording == recording)
    }
}

/// Ends in order, and a length that is a number: two huge finite ends may lie infinitely far apart.
fn is_usable(segment: Segment) -> bool {
    segment.is_ordered() && segment.length().is_finite()
}

fn by_id<'a>(
    recordings: impl IntoIterator<Item = &'a Recording>,
    blocked: &BTreeSet<&str>,
) -> Result<Vec<&'a Recording>, DiagnosisError> {
    let mut recordings: Vec<&Recording> = recordings
        .into_iter()
        .filter(|recording| !blocked.contains(recording.id.as_str()))
        .collect();
    if recordings.is_empty() {
        return Err(DiagnosisError::NoRecordings);
    }
    recordings.sort_by(|a, b| a.id.cmp(&b.id));
    if let Some(pair) = recordings.windows(2).find(|pair| pair[0].id == pair[1].id) {
        let recording = pair[0].id.clone();
        return Err(DiagnosisError::DuplicateRecording { recording });
    }
    for recording in &recordings {
        match recording.duration {
            Some(duration) if !(duration.is_finite() && duration > 0.0) => {
                let recording = recording.id.clone();
                return Err(DiagnosisError::Duration {
                    recording,
                    duration,
                });
            }
            _ => {}
        }
    }
    Ok(recordings)
}

/// The annotations of a recording that have a length, without repeated ones where those are to go.
fn usable_instances(
    recording: &Recording,
    drop_duplicates: bool,
) -> Result<Vec<Instance>, DiagnosisError> {
    let mut kept = Vec::with_capacity(recording.instances.len());
    for (row, instance) in recording.instances.iter().enumerate() {
        let segment = instance.segment;
        if !is_usable(segment) {
            return Err(DiagnosisError::Instance {
                recording: recording.id.clone(),
                row,
                start: segment.start,
                end: segment.end,
            });
        }
        if segment.length() <= 0.0 {
            continue;
        }
        kept.push(*instance);
    }
    Ok(if drop_duplicates {
        remove_duplicates(&kept)
    } else {
        kept
    })
}
