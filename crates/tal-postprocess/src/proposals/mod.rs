//! Proposals of a class activation sequence, for weakly supervised localizers (BackTAL).

mod curve;
mod error;
mod input;
mod runs;
mod suppression;

use tal_core::config::ProposalConfig;
use tal_core::{Detection, Segment};

pub use error::ProposalError;
pub use input::ActivationCurves;
pub use suppression::suppress_proposals;

use curve::resize;
use runs::{Run, Sums};

/// Detections of a weakly supervised localizer: [`propose`], then [`suppress_proposals`]; best first.
///
/// ```
/// use tal_core::config::{ProposalConfig, ThresholdRange};
/// use tal_postprocess::{ActivationCurves, localize};
///
/// let config = ProposalConfig {
///     curve_thresholds: ThresholdRange { first: 0.3, last: 0.6, step: 0.1 },
///     norm_thresholds: None,
///     ..ProposalConfig::default()
/// };
/// // One class, active in the middle of ten snippets of one second each.
/// let curves = ActivationCurves {
///     cas: &[0.0, 0.1, 0.0, 4.0, 5.0, 4.0, 0.1, 0.0, 0.2, 0.0],
///     scores: &[0.9],
///     norm: &[],
///     num_frames: 10,
///     duration: 10.0,
/// };
/// let found = localize(&curves, &config)?;
/// assert_eq!(found.len(), 1);
/// assert_eq!((found[0].segment.start, found[0].segment.end), (3.0, 6.0));
/// # Ok::<(), tal_postprocess::ProposalError>(())
/// ```
///
/// # Units
/// Seconds.
///
/// # Errors
/// Those of [`propose`].
pub fn localize(
    curves: &ActivationCurves<'_>,
    config: &ProposalConfig,
) -> Result<Vec<Detection>, ProposalError> {
    let proposals = propose(curves, config)?;
    let (threshold, add_one) = (config.iou_threshold, config.add_one);
    Ok(suppress_proposals(proposals, threshold, add_one))
}

/// Proposals of every class whose recording score is at least `class_threshold`, class by class.
///
/// A proposal is a stretch in which the curve of a class, or the norm of the features, stays above a threshold. Its score
/// says how much it stands out from its surroundings.
///
/// The curve of a class is its row of `cas`, min-max normalised and resized to `num_frames`. For each threshold, values
/// below it are set to 0 and every run of positive frames becomes a proposal. Its score is the mean of the curve in the run,
/// minus the mean over `outer_ratio` of its length on both sides, plus `recording_weight` times the recording score. Runs of
/// the norm are scored on the curve of the class before any threshold. With `whole_recording_score`, a class with a proposal
/// gets one more over the whole recording. (The released code drops a run that is the only one of its threshold and consists
/// of frame 0 alone; here it counts like others.)
///
/// # Units
/// Seconds.
///
/// # Errors
/// Rows of different lengths, no snippets or frames, a value that is not finite.
///
/// # Source
/// Yang et al., "Background-Click Supervision for Temporal Action Localization", TPAMI 2021; outer-inner contrast: Shou et
/// al., "AutoLoc", ECCV 2018.
pub fn propose(
    curves: &ActivationCurves<'_>,
    config: &ProposalConfig,
) -> Result<Vec<Detection>, ProposalError> {
    let len = input::check(curves, config.norm_thresholds.is_some())?;
    let norm_runs: Vec<Run> = match &config.norm_thresholds {
        Some(thresholds) => {
            let norm = resize(&curve::normalized(curves.norm, true), curves.num_frames);
            let runs = thresholds.values().into_iter();
            runs.flat_map(|threshold| runs::find(&norm, threshold))
                .collect()
        }
        None => Vec::new(),
    };
    let frame = curves.duration / curves.num_frames as f64;
    let mut proposals: Vec<Detection> = Vec::new();
    for (label, (row, &score)) in (0u32..).zip(curves.cas.chunks(len).zip(curves.scores)) {
        if score < config.class_threshold {
            continue;
        }
        let recording_score = f64::from(config.recording_weight * score);
        let proposal = |run: Run, sums: &Sums| {
            let (start, end) = (run.first as f64 * frame, (run.last + 1) as f64 * frame);
            let shrink = config.shrink * (end - start);
            Detection {
                segment: Segment::new(start + shrink, end - shrink),
                label,
                score: sums.contrast(run, config.outer_ratio) + recording_score,
            }
        };
        let curve = resize(&curve::normalized(row, false), curves.num_frames);
        for threshold in config.curve_thresholds.values() {
            let kept = curve
                .iter()
                .map(|&value| if value < threshold { 0.0 } else { value });
            let sums = Sums::new(kept);
            let runs = runs::find(&curve, threshold).into_iter();
            proposals.extend(runs.map(|run| proposal(run, &sums)));
        }
        let sums = Sums::new(curve.iter().copied());
        proposals.extend(norm_runs.iter().map(|run| proposal(*run, &sums)));
        // The released code adds one per run; suppression drops all but one of them.
        let last = proposals.last();
        if let Some(score) = config.whole_recording_score
            && last.is_some_and(|proposal| proposal.label == label)
        {
            proposals.push(Detection {
                segment: Segment::new(0.0, curves.duration),
                label,
                score: f64::from(score),
            });
        }
    }
    Ok(proposals)
}
