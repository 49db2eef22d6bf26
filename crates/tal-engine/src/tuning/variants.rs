//! Detections of a detector with several settings of its suppression.

use tal_core::DetectionSet;
use tal_core::config::SuppressionMethod;
use tal_data::Dataset;
use tal_postprocess::TuningVariant;

use crate::detector::Detector;
use crate::error::EngineError;

/// Widths σ of Soft-NMS that are tried.
const SIGMAS: [f32; 8] = [0.1, 0.2, 0.3, 0.4, 0.5, 0.7, 0.9, 1.2];

/// Detections in all recordings of a data set: those of the detector as it is, then those with other widths σ if it uses the
/// Gaussian rule of Soft-NMS. The network runs once over each recording.
///
/// `progress` is called with the number of recordings that are done.
///
/// # Errors
/// If a recording cannot be loaded or its detections are not usable.
pub fn variants(
    detector: &Detector,
    dataset: &std::sync::Arc<Dataset>,
    num_workers: usize,
    progress: &mut dyn FnMut(usize),
) -> Result<Vec<TuningVariant>, EngineError> {
    let rules = &detector.config().inference.suppression;
    let is_gaussian = rules.method == SuppressionMethod::Gaussian;
    let others = SIGMAS.into_iter().filter(|sigma| *sigma != rules.sigma);
    let mut sigmas: Vec<Option<f32>> = vec![is_gaussian.then_some(rules.sigma)];
    if is_gaussian {
        sigmas.extend(others.map(Some));
    }
    let mut sets: Vec<DetectionSet> = vec![DetectionSet::new(); sigmas.len()];
    let mut num_done = 0;
    for features in dataset.features_in_order(num_workers, 4)? {
        let features = features?;
        match detector.proposals(&features)? {
            Some(proposals) => {
                for (sigma, set) in sigmas.iter().zip(&mut sets) {
                    let found = detector.suppressed(&proposals, *sigma)?;
                    set.insert(features.id.clone(), found);
                }
            }
            None => {
                sets.truncate(1);
                sets[0].insert(features.id.clone(), detector.detect(&features)?);
            }
        }
        num_done += 1;
        progress(num_done);
    }
    let all = sigmas.into_iter().zip(sets);
    Ok(all
        .map(|(sigma, detections)| TuningVariant { sigma, detections })
        .collect())
}
