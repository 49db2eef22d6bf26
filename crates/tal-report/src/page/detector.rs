//! A detector and its figures.

use tal_core::config::EvaluationConfig;
use tal_core::{ClassMap, DetectionSet, Recording};
use tal_postprocess::{
    BootstrapConfig, ClassCurves, ConfidenceError, DiagnosisConfig, DiagnosisError,
    EvaluationError, Matching, Outcomes, Reliability, bootstrap, compare, diagnose, evaluate_with,
    outcomes,
};

use crate::Figures;

/// Number of bins of the reliability curves.
const NUM_BINS: usize = 10;

/// A detector: its detections and their figures.
#[derive(Debug)]
pub struct Detector<'a> {
    /// Name in the report.
    pub name: String,
    /// The detections.
    pub detections: &'a DetectionSet,
    /// The figures of `tal evaluate`.
    pub figures: Figures,
    /// Precision-recall curves.
    pub curves: Vec<ClassCurves>,
    /// Reliability of the scores.
    pub reliability: Reliability,
    /// Outcome of each detection.
    pub outcomes: Outcomes,
    /// Average mAP of each recording alone, in the order of the recordings; `None` for one without annotations.
    pub recording_map: Vec<Option<f64>>,
}

/// Rules by which a detector is measured.
#[derive(Debug)]
pub struct MeasureOptions<'a> {
    /// Rules of the evaluation.
    pub config: &'a EvaluationConfig,
    /// Names of the classes.
    pub classes: &'a ClassMap,
    /// The evaluated subsets, by name.
    pub subsets: &'a [String],
    /// Rules of the diagnosis; `None` leaves it out.
    pub diagnosis: Option<DiagnosisConfig>,
    /// Draws for intervals; `None` leaves them out. They need two recordings.
    pub bootstrap: Option<BootstrapConfig>,
    /// Detections with which these are compared on the same draws.
    pub other: Option<&'a DetectionSet>,
}

/// Why detections cannot be measured.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum MeasureError {
    /// The detections cannot be evaluated.
    #[error(transparent)]
    Evaluation(#[from] EvaluationError),
    /// They cannot be diagnosed.
    #[error(transparent)]
    Diagnosis(#[from] DiagnosisError),
    /// There is no interval.
    #[error(transparent)]
    Confidence(#[from] ConfidenceError),
}

impl<'a> Detector<'a> {
    /// A detector with its figures, computed by `tal-postprocess` as `tal evaluate` does.
    ///
    /// # Errors
    /// Those of [`tal_postprocess::evaluate_with`], [`diagnose`] and [`bootstrap`].
    pub fn measured(
        name: String,
        recordings: &[&Recording],
        detections: &'a DetectionSet,
        options: &MeasureOptions<'_>,
    ) -> Result<Self, MeasureError> {
        let MeasureOptions {
            config, classes, ..
        } = *options;
        let all = || recordings.iter().copied();
        let matching = Matching::new(all(), detections, config, Some(classes))?;
        let mut figures = Figures::new(matching.evaluation(), classes, options.subsets);
        if let Some(rules) = &options.diagnosis {
            let actions = without_ambiguous(recordings, config, classes);
            figures.diagnosis = Some(diagnose(&actions, detections, rules)?);
        }
        if let Some(draws) = &options.bootstrap
            && figures.evaluation.counts.num_recordings > 1
        {
            let confidence = bootstrap(all(), detections, config, Some(classes), draws)?;
            figures.confidence = Some(confidence);
            if let Some(other) = options.other {
                let comparison = compare(all(), detections, other, config, Some(classes), draws)?;
                figures.comparison = Some(comparison);
            }
        }
        Ok(Self {
            name,
            detections,
            figures,
            curves: matching.precision_recall(),
            reliability: matching.reliability(NUM_BINS),
            outcomes: outcomes(all(), detections, config, Some(classes))?,
            recording_map: all()
                .map(|recording| map_alone(recording, detections, config, classes))
                .collect(),
        })
    }
}

/// Recordings without annotations of the ambiguous class, which is not an action.
fn without_ambiguous(
    recordings: &[&Recording],
    config: &EvaluationConfig,
    classes: &ClassMap,
) -> Vec<Recording> {
    let name = config.ambiguous_class.as_deref();
    let ambiguous = name.and_then(|name| classes.id(name));
    recordings
        .iter()
        .map(|recording| {
            let mut recording = (*recording).clone();
            recording.instances.retain(|i| Some(i.label) != ambiguous);
            recording
        })
        .collect()
}

/// Average mAP of one recording; `None` if it has nothing to find, is blocked or has a class that the rules refuse.
fn map_alone(
    recording: &Recording,
    detections: &DetectionSet,
    config: &EvaluationConfig,
    classes: &ClassMap,
) -> Option<f64> {
    let mut alone = DetectionSet::new();
    if let Some(rows) = detections.get(&recording.id) {
        let known = |label| recording.instances.iter().any(|i| i.label == label);
        let rows = rows.iter().filter(|row| known(row.label));
        alone.insert(recording.id.clone(), rows.copied().collect());
    }
    let evaluation = evaluate_with([recording], &alone, config, classes);
    evaluation.ok().map(|evaluation| evaluation.average_map)
}
