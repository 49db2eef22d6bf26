//! Weighted fusion of the detections of several models.

mod clusters;
mod error;

use std::collections::{BTreeMap, BTreeSet};

use rayon::prelude::*;
use tal_core::{Detection, DetectionSet, Segment};

pub use error::FusionError;

use clusters::Clusters;

/// Rules of a fusion.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct FusionRule {
    /// Smallest tIoU of a detection with the mean segment of the cluster that it joins; above 0, at most 1.
    pub iou_threshold: f64,
    /// Largest number of detections per recording, best first; `None` keeps all.
    pub max_detections: Option<usize>,
}

impl Default for FusionRule {
    /// tIoU 0.5, all detections.
    fn default() -> Self {
        Self {
            iou_threshold: 0.5,
            max_detections: None,
        }
    }
}

impl FusionRule {
    fn check(&self) -> Result<(), FusionError> {
        match self.iou_threshold > 0.0 && self.iou_threshold <= 1.0 {
            true => Ok(()),
            false => Err(FusionError::IouThreshold {
                value: self.iou_threshold,
            }),
        }
    }
}

/// Fusion of the detections of several models in one recording, best first.
///
/// Detections are taken by falling score. Each joins the cluster of its class whose mean segment it overlaps most, if their
/// tIoU reaches the threshold and the cluster has no detection of the same model yet; otherwise it begins a cluster. Equal
/// detections of several models choose at the same time. A cluster becomes one detection:
///
/// * its segment is the mean of the members' segments, weighted by score (all equal if all scores are 0);
/// * its score is the sum of the members' scores divided by the number of models: their mean, times the share of the
///   models that agree.
///
/// The order of the models does not matter. The detections of one model come back as they are, in order of score. The time is
/// near-linear if detections are spread over a recording: a detection is compared with the clusters around it only.
///
/// # Units
/// Segments in any one unit.
///
/// # Errors
/// A threshold out of range; no model; a score that is negative or not finite; a segment that is not finite or ends before it
/// starts.
///
/// # Source
/// Weighted boxes fusion (Solovyev et al., 2021) in one dimension; one detection per model and cluster is ours.
pub fn fuse_detections(
    models: &[&[Detection]],
    rule: &FusionRule,
) -> Result<Vec<Detection>, FusionError> {
    rule.check()?;
    if models.is_empty() {
        return Err(FusionError::NoModels);
    }
    let mut by_class: BTreeMap<u32, Vec<(usize, Detection)>> = BTreeMap::new();
    for (model, detections) in models.iter().enumerate() {
        for (row, detection) in detections.iter().enumerate() {
            error::check(model, row, detection)?;
            let class = by_class.entry(detection.label).or_default();
            class.push((model, *detection));
        }
    }
    let mut fused = Vec::new();
    for (label, mut detections) in by_class {
        detections.sort_by(|(a_model, a), (b_model, b)| {
            best_first(a, b).then_with(|| a_model.cmp(b_model))
        });
        let mut clusters = Clusters::new(rule.iou_threshold);
        for equal in detections.chunk_by(|(_, a), (_, b)| best_first(a, b).is_eq()) {
            // Models in a fixed order must not decide between equal detections, so these are added together.
            let mut models: Vec<usize> = equal.iter().map(|(model, _)| *model).collect();
            while !models.is_empty() {
                let mut once = models.clone();
                once.dedup();
                clusters.add(&once, &equal[0].1);
                let repeated = models.chunk_by(|a, b| a == b);
                models = repeated.flat_map(|copies| copies[1..].to_vec()).collect();
            }
        }
        fused.extend(clusters.fused(label, models.len()));
    }
    fused.sort_by(|a, b| best_first(a, b).then_with(|| a.label.cmp(&b.label)));
    fused.truncate(rule.max_detections.unwrap_or(usize::MAX));
    Ok(fused)
}

/// [`fuse_detections`] for every recording that one of the models has detections of, in the order of their ids. A model
/// without detections of a recording counts as one that found nothing there.
///
/// # Units
/// Segments in any one unit.
///
/// # Errors
/// Those of [`fuse_detections`]; they name the recording.
pub fn fuse_detection_sets(
    models: &[DetectionSet],
    rule: &FusionRule,
) -> Result<DetectionSet, FusionError> {
    rule.check()?;
    if models.is_empty() {
        return Err(FusionError::NoModels);
    }
    let ids: BTreeSet<&String> = models.iter().flat_map(DetectionSet::keys).collect();
    let ids: Vec<&String> = ids.into_iter().collect();
    let fused = ids.into_par_iter().map(|id| {
        let found = models
            .iter()
            .map(|model| model.get(id).map_or(&[][..], Vec::as_slice));
        let found: Vec<&[Detection]> = found.collect();
        let fused = fuse_detections(&found, rule).map_err(|source| FusionError::Recording {
            id: id.clone(),
            source: Box::new(source),
        })?;
        Ok((id.clone(), fused))
    });
    let fused: Vec<(String, Vec<Detection>)> = fused.collect::<Result<_, FusionError>>()?;
    Ok(fused.into_iter().collect())
}

fn best_first(a: &Detection, b: &Detection) -> std::cmp::Ordering {
    let Segment { start, end } = a.segment;
    b.score
        .total_cmp(&a.score)
        .then_with(|| start.total_cmp(&b.segment.start))
        .then_with(|| end.total_cmp(&b.segment.end))
}
