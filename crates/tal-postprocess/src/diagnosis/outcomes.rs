//! Outcome of each detection and each annotation, to show them one by one.

use rayon::prelude::*;
use tal_core::config::EvaluationConfig;
use tal_core::{ClassMap, DetectionSet, Instance, Recording};

use super::config::{DiagnosisConfig, DiagnosisTies};
use super::error_type::{BestOverlap, ErrorType};
use crate::evaluation::{ClassTable, EvaluationError, Rules, Table, Truth, each_hit};

/// Outcome of every detection, per tIoU threshold.
///
/// Detections with a lower score never change the outcome of one with a higher score. So a score threshold only removes
/// detections; what remains keeps its outcome, and an annotation is missed if the detection that found it is removed.
#[derive(Debug, Clone, PartialEq)]
pub struct Outcomes {
    /// Thresholds in the order of the configuration.
    pub tiou_thresholds: Vec<f64>,
    /// Recordings that count, by id.
    pub recordings: Vec<RecordingOutcomes>,
}

/// Annotations and detections of one recording.
#[derive(Debug, Clone, PartialEq)]
pub struct RecordingOutcomes {
    /// The recording's id.
    pub id: String,
    /// Annotations that count, in the order of the recording.
    pub instances: Vec<Instance>,
    /// Position of the detection that found each annotation, per threshold; `None` for a missed one.
    pub found_by: Vec<Vec<Option<usize>>>,
    /// Outcome of each detection, in the order of the input.
    pub detections: Vec<DetectionOutcome>,
}

/// Outcome of one detection.
#[derive(Debug, Clone, PartialEq)]
pub struct DetectionOutcome {
    /// Judgement per threshold.
    pub judgements: Vec<Judgement>,
    /// Position of the annotation that it overlaps most, of any class; `None` if it overlaps none.
    pub best: Option<usize>,
    /// tIoU with that annotation, 0 without one.
    pub best_tiou: f64,
}

/// Judgement on a detection at one threshold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Judgement {
    /// It found an annotation.
    TruePositive,
    /// It is a false positive, of this type.
    FalsePositive(ErrorType),
    /// It does not count: its class has no annotation, or it lies on an ambiguous passage.
    Ignored,
}

impl Outcomes {
    /// Outcomes in one recording; `None` if the recording does not count.
    pub fn recording(&self, id: &str) -> Option<&RecordingOutcomes> {
        let position = self
            .recordings
            .binary_search_by(|recording| recording.id.as_str().cmp(id));
        position.ok().map(|position| &self.recordings[position])
    }
}

/// Outcome of each detection under the rules of an evaluation; true positives are those of [`crate::evaluate`].
///
/// False positives have the types of [`crate::diagnose`] with its default options, whose rules for ties are those of the
/// dialect `clean`. Detections of recordings that the ground truth lacks are left out: no recording could show them.
///
/// # Units
/// Segments in seconds.
///
/// # Errors
/// Those of [`crate::evaluate_with`].
pub fn outcomes<'a>(
    recordings: impl IntoIterator<Item = &'a Recording>,
    detections: &DetectionSet,
    config: &EvaluationConfig,
    classes: Option<&ClassMap>,
) -> Result<Outcomes, EvaluationError> {
    let rules = Rules::new(config, classes)?;
    let truth = Truth::new(recordings, &rules)?;
    let mut instances = vec![Vec::new(); truth.recordings.len()];
    for (recording, instance) in truth.counted(&rules) {
        instances[recording as usize].push(*instance);
    }
    let thresholds = &config.tiou_thresholds;
    let mut all: Vec<RecordingOutcomes> = truth
        .recordings
        .iter()
        .zip(&instances)
        .map(|(recording, instances)| RecordingOutcomes {
            id: recording.id.clone(),
            instances: instances.clone(),
            found_by: vec![vec![None; instances.len()]; thresholds.len()],
            detections: vec![
                DetectionOutcome {
                    judgements: vec![Judgement::Ignored; thresholds.len()],
                    best: None,
                    best_tiou: 0.0,
                };
                detections.get(&recording.id).map_or(0, Vec::len)
            ],
        })
        .collect();
    let tables = Table::new(&truth, detections, &rules)?.classes;
    let of_classes: Vec<Vec<Found>> = tables
        .into_par_iter()
        .map(|table| of_class(table, &instances, thresholds, &rules))
        .collect();
    for found in of_classes.into_iter().flatten() {
        let recording = &mut all[found.recording as usize];
        for (by, instance) in recording.found_by.iter_mut().zip(&found.instances) {
            if let Some(instance) = *instance {
                by[instance] = Some(found.row);
            }
        }
        recording.detections[found.row] = found.outcome;
    }
    Ok(Outcomes {
        tiou_thresholds: thresholds.clone(),
        recordings: all,
    })
}

/// A detection with its place and the annotation that it found, per threshold.
struct Found {
    recording: u32,
    row: usize,
    instances: Vec<Option<usize>>,
    outcome: DetectionOutcome,
}

fn of_class(
    mut class: ClassTable,
    instances: &[Vec<Instance>],
    thresholds: &[f64],
    rules: &Rules,
) -> Vec<Found> {
    rules.sort_descending(&mut class.detections, |row| row.score);
    // Position in its recording of each annotation of the class.
    let positions: Vec<usize> = class
        .instances
        .chunk_by(|a, b| a.recording == b.recording)
        .flat_map(|of_one| {
            let all = instances[of_one[0].recording as usize].iter().enumerate();
            all.filter(|(_, instance)| instance.label == class.label)
                .map(|(position, _)| position)
        })
        .collect();
    let mut hits: Vec<Vec<Option<usize>>> =
        vec![vec![None; thresholds.len()]; class.detections.len()];
    each_hit(&class, thresholds, rules, |rank, found| {
        let found = found.iter().map(|found| found.map(|at| positions[at]));
        hits[rank] = found.collect();
    });
    let min_tiou = DiagnosisConfig::default().min_tiou;
    let rows = class.detections.iter().zip(hits);
    rows.filter_map(|(row, found)| {
        let annotations = instances.get(row.recording as usize)?;
        let best = BestOverlap::new(row, class.label, annotations, DiagnosisTies::Clean);
        let judgement = |(threshold, found): (&f64, &Option<usize>)| match found {
            Some(_) => Judgement::TruePositive,
            None if row.is_ambiguous => Judgement::Ignored,
            None => Judgement::FalsePositive(best.error_type(*threshold, min_tiou)),
        };
        Some(Found {
            recording: row.recording,
            row: row.row as usize,
            outcome: DetectionOutcome {
                judgements: thresholds.iter().zip(&found).map(judgement).collect(),
                best: best.position,
                best_tiou: best.tiou,
            },
            instances: found,
        })
    })
    .collect()
}
