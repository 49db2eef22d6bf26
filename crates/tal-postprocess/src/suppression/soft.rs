//! Soft-NMS: overlap lowers scores.

use tal_core::config::SuppressionConfig;

use super::Row;

/// Selects the highest score, lowers the others by `decay(overlap)`, drops what falls below `min_score`, and so on.
///
/// A decayed score never rises, so the rows come out by score and the cap can end the selection early.
pub(super) fn select(
    mut live: Vec<Row>,
    config: &SuppressionConfig,
    decay: impl Fn(f32) -> f32,
) -> Vec<Row> {
    let mut selected = Vec::with_capacity(live.len().min(config.max_detections));
    while selected.len() < config.max_detections {
        let best = live
            .iter()
            .enumerate()
            .min_by(|(_, a), (_, b)| a.rank(b))
            .map(|(position, _)| position);
        let Some(best) = best else { break };
        // The order of `live` does not matter: ranks carry the row index.
        let chosen = live.swap_remove(best);
        live.retain_mut(|row| {
            let overlap = chosen.overlap(row);
            // Without overlap every rule multiplies by exactly 1.
            if overlap > 0.0 {
                row.score *= decay(overlap);
            }
            row.score >= config.min_score
        });
        selected.push(chosen);
    }
    selected
}
