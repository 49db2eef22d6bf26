//! Proposals: properties, and refused input.

use proptest::prelude::*;
use tal_core::config::{ProposalConfig, ThresholdRange};
use tal_postprocess::{ActivationCurves, ProposalError, localize, propose};

fn config() -> ProposalConfig {
    ProposalConfig {
        class_threshold: 0.1,
        curve_thresholds: ThresholdRange {
            first: 0.0,
            last: 0.5,
            step: 0.125,
        },
        norm_thresholds: Some(ThresholdRange {
            first: 0.25,
            last: 0.75,
            step: 0.25,
        }),
        outer_ratio: 0.5,
        recording_weight: 0.5,
        shrink: 0.0,
        whole_recording_score: None,
        iou_threshold: 0.5,
        add_one: false,
    }
}

const CURVES: ActivationCurves<'static> = ActivationCurves {
    cas: &[0.0, 4.0, 2.0, 0.0, 1.0, 1.0, 1.0, 1.0],
    scores: &[0.5, 0.05],
    norm: &[0.0, 0.0, 1.0, 4.0],
    num_frames: 4,
    duration: 8.0,
};

/// Curve 0, 1, ½, 0 of class 0; class 1 is below the class threshold.
#[test]
fn a_case_worked_by_hand() {
    let found = propose(&CURVES, &config()).unwrap();
    assert!(found.iter().all(|proposal| proposal.label == 0));
    let rows: Vec<(f64, f64, f64)> = found
        .iter()
        .map(|p| (p.segment.start, p.segment.end, p.score))
        .collect();
    // Thresholds 0 to 0.5: frames 1 and 2, mean ¾, nothing around, and half the recording score.
    assert_eq!(rows[..5], [(2.0, 6.0, 1.0); 5]);
    // Norm 0, 0, ¼, 1: frames 2 and 3 above ¼ (mean ¼, before them 1), frame 3 alone above ½ and ¾ (0, before it ½).
    assert_eq!(
        rows[5..],
        [(4.0, 8.0, -0.5), (6.0, 8.0, -0.25), (6.0, 8.0, -0.25)]
    );
}

#[test]
fn shrunk_runs_and_the_whole_recording() {
    let config = ProposalConfig {
        norm_thresholds: None,
        shrink: 0.25,
        whole_recording_score: Some(0.75),
        ..config()
    };
    let found = localize(&CURVES, &config).unwrap();
    let rows: Vec<(f64, f64, f64)> = found
        .iter()
        .map(|p| (p.segment.start, p.segment.end, p.score))
        .collect();
    assert_eq!(rows, [(3.0, 5.0, 1.0), (0.0, 8.0, 0.75)]);
}

#[test]
fn what_does_not_fit_is_refused() {
    let refused = |change: &dyn Fn(&mut ActivationCurves<'static>)| {
        let mut curves = CURVES;
        change(&mut curves);
        propose(&curves, &config()).unwrap_err()
    };
    let ragged = |error| matches!(error, ProposalError::Ragged { .. });
    assert!(ragged(refused(&|c| c.cas = &[1.0, 2.0, 3.0])));
    assert!(ragged(refused(&|c| c.scores = &[])));
    assert!(ragged(refused(&|c| c.norm = &[1.0])));
    assert!(ragged(refused(&|c| c.cas = &[])));
    for change in [
        &(|c: &mut ActivationCurves<'static>| c.num_frames = 0) as &dyn Fn(&mut _),
        &|c: &mut ActivationCurves<'static>| c.duration = 0.0,
        &|c: &mut ActivationCurves<'static>| c.duration = f64::NAN,
    ] {
        assert!(matches!(refused(change), ProposalError::Empty { .. }));
    }
    let error = refused(&|c| c.scores = &[0.5, f32::NAN]);
    assert_eq!(
        error.to_string(),
        "recording score 1 is NaN; all must be finite"
    );
}

proptest! {
    #[test]
    fn proposals_lie_within_the_recording_and_detections_are_sorted(
        cas in proptest::collection::vec(-2f32..3.0, 24),
        norm in proptest::collection::vec(0f32..3.0, 8),
        scores in proptest::collection::vec(0f32..1.0, 3),
        num_frames in 1..60usize,
        add_one: bool,
    ) {
        let curves = ActivationCurves { cas: &cas, scores: &scores, norm: &norm, num_frames, duration: 12.0 };
        let config = ProposalConfig { add_one, shrink: 0.02, ..config() };
        let all = propose(&curves, &config).unwrap();
        for proposal in &all {
            let segment = proposal.segment;
            prop_assert!(segment.is_ordered() && segment.start >= 0.0 && segment.end <= 12.0 + 1e-9);
            prop_assert!(scores[proposal.label as usize] >= config.class_threshold);
            prop_assert!(proposal.score.is_finite());
        }
        let found = localize(&curves, &config).unwrap();
        prop_assert!(found.len() <= all.len());
        prop_assert!(found.is_sorted_by(|a, b| a.score >= b.score));
        prop_assert!(found.iter().all(|detection| all.contains(detection)));
        let best = all.iter().map(|proposal| proposal.score).fold(f64::NEG_INFINITY, f64::max);
        prop_assert!(all.is_empty() || found[0].score == best);
    }
}
