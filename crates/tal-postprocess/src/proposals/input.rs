//! Activation curves, the input of proposals.

use super::error::ProposalError;

/// Activation curves of one recording, as a network gives them.
///
/// # Shapes
/// K classes (without background), T snippets.
///
/// # Units
/// `duration` in seconds.
#[derive(Debug, Clone, Copy)]
pub struct ActivationCurves<'a> {
    /// Class activation sequence, K rows of T values.
    pub cas: &'a [f32],
    /// Score of the whole recording, per class.
    pub scores: &'a [f32],
    /// Norm of the features of each snippet; needed only if `norm_thresholds` are given.
    pub norm: &'a [f32],
    /// Number of frames of the recording; proposals start and end at frames.
    pub num_frames: usize,
    /// Duration of the recording.
    pub duration: f64,
}

/// Checks curves, the norm only if it is needed; returns the number of snippets.
pub(super) fn check(
    curves: &ActivationCurves<'_>,
    with_norm: bool,
) -> Result<usize, ProposalError> {
    let ActivationCurves {
        cas,
        scores,
        norm,
        num_frames,
        duration,
    } = *curves;
    let len = cas.len().checked_div(scores.len()).unwrap_or(0);
    if len == 0 || len * scores.len() != cas.len() || (with_norm && norm.len() != len) {
        return Err(ProposalError::Ragged {
            cas: cas.len(),
            norm: norm.len(),
            scores: scores.len(),
        });
    }
    if num_frames == 0 || !duration.is_finite() || duration <= 0.0 {
        return Err(ProposalError::Empty {
            num_frames,
            duration,
        });
    }
    let norm = if with_norm { norm } else { &[] };
    for (what, values) in [
        ("activation", cas),
        ("recording score", scores),
        ("norm", norm),
    ] {
        if let Some(index) = values.iter().position(|value| !value.is_finite()) {
            let value = values[index];
            return Err(ProposalError::NotFinite { what, index, value });
        }
    }
    Ok(len)
}
