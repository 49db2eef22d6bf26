//! Suppression: of the candidates of one action, one keeps its score.

mod error;
mod hard;
mod live;
mod row;
mod soft;
mod voting;

use std::collections::BTreeMap;

use rayon::prelude::*;
use tal_core::Candidates;
use tal_core::config::{SuppressionConfig, SuppressionMethod};

use self::error::check;
use self::row::Row;
use self::voting::Voters;
use crate::order::descending;

pub use self::error::SuppressionError;

/// Number of candidates from which classes run in parallel; with fewer, waking threads takes longer than the work.
const MIN_PARALLEL: usize = 4_000;

/// Suppresses the candidates of one recording that overlap better ones.
///
/// Methods, with `o` the overlap of a candidate with one that was selected before it:
///
/// - Gaussian and linear: repeatedly the highest score is selected and all others are multiplied by `exp(−o²/sigma)`, or by
///   `1 − o` if `o ≥ iou_threshold`; those that fall below `min_score` are dropped. The first selected candidate is not
///   compared with `min_score`.
/// - Hard: candidates with a score of at most `min_score` are dropped, and so are those that overlap a better one that was
///   kept by `o ≥ iou_threshold`.
/// - None: the candidates are returned as they are, in their order and without a cap.
///
/// With `per_class`, the candidates of each class suppress each other; classes come in ascending order, and each is capped
/// at `max_per_class` [default: `max_detections`]. `voting` has no effect then. Without it, all candidates suppress each
/// other, `max_per_class` has no effect, and `voting` moves the ends of those that stay to the weighted mean of the
/// candidates that overlap them. At the end candidates are sorted by score, highest first, and capped at `max_detections`.
///
/// All arithmetic is `f32`, and the overlap of two candidates is `inter / (l_a + l_b − inter)` with
/// `l = end − start + 1e-6`, as in the released code, so that scores agree with it to the last digits. Voting measures
/// overlap without the constant. The time taken grows with the number of overlapping pairs, not with the square of the
/// number of candidates; the result is that of the plain algorithm to the last bit.
///
/// `config` must be validated; values outside its ranges give useless scores but no panic.
///
/// # Order
/// Candidates of equal score are selected in the order of the input. (The released code swaps the selected candidate with
/// the one in its place, so that its order among equal scores depends on all earlier selections; without equal scores the
/// two agree.) Equal scores in the result are ordered by class id, if `per_class`, and then by order of selection.
///
/// # Units
/// Grid units, in and out. (Any unit works, but the constant 1e-6 is not scaled.)
///
/// # Errors
/// Columns of different lengths; a score, a start or an end that is not finite; an end before its start.
///
/// # Source
/// The authors' public code; Bodla et al., "Soft-NMS: Improving Object Detection With One Line of Code",
/// ICCV 2017.
pub fn suppress(
    candidates: &Candidates,
    config: &SuppressionConfig,
) -> Result<Candidates, SuppressionError> {
    check(candidates)?;
    if config.method == SuppressionMethod::None {
        return Ok(candidates.clone());
    }
    let rows: Vec<Row> = (0..candidates.len())
        .map(|index| Row::new(candidates, index))
        .collect();
    let mut kept = if config.per_class {
        let mut classes: BTreeMap<u32, Vec<Row>> = BTreeMap::new();
        for row in rows {
            classes.entry(row.label).or_default().push(row);
        }
        let cap = config.max_per_class.unwrap_or(config.max_detections);
        let classes: Vec<Vec<Row>> = classes.into_values().collect();
        let select = |class| select(class, config, cap);
        let selected: Vec<Vec<Row>> = match candidates.len() < MIN_PARALLEL {
            true => classes.into_iter().map(select).collect(),
            false => classes.into_par_iter().map(select).collect(),
        };
        selected.concat()
    } else if let Some(voting) = config.voting {
        let mut kept = select(rows.clone(), config, config.max_detections);
        let voters = Voters::new(&rows, voting);
        for row in &mut kept {
            row.segment = voters.vote(row.segment);
        }
        kept
    } else {
        select(rows, config, config.max_detections)
    };
    // Stable, and finite scores are always comparable.
    kept.sort_by(|a, b| descending(a.score, b.score));
    kept.truncate(config.max_detections);

    let mut result = Candidates::with_capacity(kept.len());
    for row in kept {
        result.push(row.segment, row.score, row.label);
    }
    Ok(result)
}

/// Applies the method to rows that suppress each other; returns at most `cap` of them, highest score first.
fn select(rows: Vec<Row>, config: &SuppressionConfig, cap: usize) -> Vec<Row> {
    match config.method {
        SuppressionMethod::Gaussian => {
            soft::select(rows, config, cap, |o| (-(o * o) / config.sigma).exp())
        }
        SuppressionMethod::Linear => {
            soft::select(rows, config, cap, |o| match o >= config.iou_threshold {
                true => 1.0 - o,
                false => 1.0,
            })
        }
        SuppressionMethod::Hard => hard::select(rows, config, cap),
        SuppressionMethod::None => rows,
    }
}
