//! Voting: the candidates around a detection move its ends.

use tal_core::Segment;
use tal_core::config::{VotingConfig, VotingWeight};

use super::Row;

/// Weighted mean of the candidates whose tIoU with `segment` is at least the threshold.
///
/// `Σ w·[start, end] / Σ w` with `w` the candidate's score before suppression, or that times the tIoU. Sums are kept in
/// `f64`: the number of votes then does not show in the ends. Where no vote has weight (only scores of zero, or a segment
/// without length) the segment stays.
pub(super) fn vote(segment: Segment<f32>, voters: &[Row], config: &VotingConfig) -> Segment<f32> {
    let (mut total, mut start, mut end) = (0.0f64, 0.0f64, 0.0f64);
    for voter in voters {
        let tiou = segment.tiou(voter.segment);
        if tiou >= config.iou_threshold {
            let weight = f64::from(match config.weight {
                VotingWeight::Score => voter.score,
                VotingWeight::ScoreIou => voter.score * tiou,
            });
            total += weight;
            start += weight * f64::from(voter.segment.start);
            end += weight * f64::from(voter.segment.end);
        }
    }
    if total > 0.0 {
        Segment::new((start / total) as f32, (end / total) as f32)
    } else {
        segment
    }
}
