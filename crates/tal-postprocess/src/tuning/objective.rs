//! The measure that rules are chosen for.

use tal_core::config::EvaluationConfig;
use tal_core::{ClassMap, DetectionSet, Instance, Recording};

use crate::evaluation::{EvaluationError, evaluate_with};
use crate::measures::{
    Background, EventConfig, FrameRate, LabelledRecording, Labelling, MeasureError,
    SegmentationConfig, event_scores, frame_scores, segmentation,
};

/// A measure, as one number that is better if it is higher.
#[derive(Debug, Clone)]
pub enum Objective {
    /// Mean F1 of frames over the classes, [`frame_scores`].
    FrameF1 {
        /// Frames per second.
        rate: FrameRate,
        /// How detections become labels.
        labelling: Labelling,
    },
    /// Mean F1@k of segments over the overlaps, one class at a time and without background, [`segmentation`].
    SegmentF1 {
        /// Frames per second.
        rate: FrameRate,
        /// Least tIoU of a hit, for each F1.
        overlaps: Vec<f64>,
    },
    /// Mean F1 of events over the classes, [`event_scores`].
    EventF1 {
        /// Collars and matching.
        config: EventConfig,
        /// How detections become labels.
        labelling: Labelling,
    },
    /// mAP, averaged over the thresholds, [`crate::evaluate`].
    Map(EvaluationConfig),
}

/// Why nothing can be tuned.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TuningError {
    /// The measure refuses the recordings.
    #[error(transparent)]
    Measure(#[from] MeasureError),
    /// The evaluation refuses the recordings.
    #[error(transparent)]
    Evaluation(#[from] EvaluationError),
    /// The measure is not defined.
    #[error(
        "the measure has no value on {num_recordings} recordings: expected at least one with an annotation and a detection"
    )]
    Undefined {
        /// Number of recordings.
        num_recordings: usize,
    },
}

impl Objective {
    /// The value for detections; recordings without a length end with their last annotation or detection.
    ///
    /// # Errors
    /// Those of the measure.
    pub fn value(
        &self,
        recordings: &[Recording],
        detections: &DetectionSet,
        classes: &ClassMap,
    ) -> Result<f64, TuningError> {
        let labels = |labelling: Labelling| -> Vec<(Vec<Instance>, f64)> {
            let all = recordings.iter().map(|recording| {
                let found = detections.get(&recording.id).map_or(&[][..], Vec::as_slice);
                let ends = recording.instances.iter().map(|row| row.segment.end);
                let ends = ends.chain(found.iter().map(|row| row.segment.end));
                let duration = recording.duration;
                let duration = duration.unwrap_or_else(|| ends.fold(0.0, f64::max));
                (labelling.apply(found, f64::NEG_INFINITY), duration)
            });
            all.collect()
        };
        let value = match self {
            Self::FrameF1 { rate, labelling } => {
                let labels = labels(*labelling);
                let figures = frame_scores(&labelled(recordings, &labels), *rate)?;
                figures.macro_average.f1
            }
            Self::SegmentF1 { rate, overlaps } => {
                let labels = labels(Labelling::Single);
                let config = SegmentationConfig {
                    overlaps: overlaps.clone(),
                    background: Background::Ignored,
                };
                let figures = segmentation(&labelled(recordings, &labels), *rate, &config)?;
                figures.f1.iter().sum::<f64>() / figures.f1.len() as f64
            }
            Self::EventF1 { config, labelling } => {
                let labels = labels(*labelling);
                let figures = event_scores(&labelled(recordings, &labels), config)?;
                figures.macro_average.f1
            }
            Self::Map(config) => {
                let evaluation = evaluate_with(recordings, detections, config, classes)?;
                evaluation.average_map
            }
        };
        match value.is_nan() {
            false => Ok(value),
            true => Err(TuningError::Undefined {
                num_recordings: recordings.len(),
            }),
        }
    }

    /// Whether a threshold of scores can improve it. Average precision only loses by one.
    pub(super) fn gains_by_thresholds(&self) -> bool {
        !matches!(self, Self::Map(_))
    }
}

fn labelled<'a>(
    recordings: &'a [Recording],
    labels: &'a [(Vec<Instance>, f64)],
) -> Vec<LabelledRecording<'a>> {
    let pairs = recordings.iter().zip(labels);
    pairs
        .map(|(recording, (found, duration))| LabelledRecording {
            truth: &recording.instances,
            found,
            duration: *duration,
        })
        .collect()
}
