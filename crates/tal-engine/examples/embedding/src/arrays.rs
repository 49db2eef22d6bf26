//! Candidates of any detector to detections and mAP.

use std::error::Error;

use tal_core::config::{EvaluationConfig, SuppressionConfig};
use tal_core::{Candidates, DetectionSet, Instance, Recording, Segment, TimeGrid};
use tal_postprocess::{evaluate, suppress, to_detections};

/// mAP at tIoU 0.3, 0.4, 0.5, 0.6 and 0.7 of three candidates in one recording.
pub(crate) fn suppress_and_evaluate() -> Result<Vec<f64>, Box<dyn Error>> {
    let (start, end) = (vec![10.0, 11.0, 40.0], vec![30.0, 30.0, 90.0]); // counted in features
    let (score, label) = (vec![0.9, 0.8, 0.6], vec![3, 3, 3]);
    let candidates = Candidates { start, end, score, label };
    let kept = suppress(&candidates, &SuppressionConfig::default())?;
    let grid = TimeGrid { fps: 25.0, feat_stride: 5.0, num_frames: 10.0 };
    let found = to_detections(&kept, &grid, Some(20.0)); // seconds

    let action = |start, end| Instance { segment: Segment::new(start, end), label: 3 };
    let instances = vec![action(2.0, 6.2), action(12.0, 19.0)];
    let truth = Recording { id: "walk_01".into(), instances, ..Recording::default() };
    let detections = DetectionSet::from([("walk_01".to_owned(), found)]);
    Ok(evaluate([&truth], &detections, &EvaluationConfig::default())?.map)
}
