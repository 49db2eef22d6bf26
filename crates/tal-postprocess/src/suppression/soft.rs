//! Soft-NMS: overlap lowers scores.

use tal_core::config::SuppressionConfig;

use super::live::LiveRows;
use super::row::Row;

/// Repeatedly selects the highest score, multiplies the others by `decay(overlap)` and drops those below `min_score`.
///
/// Scores never rise, so rows are selected in the order of their scores and the cap can end the selection early.
pub(super) fn select(
    mut rows: Vec<Row>,
    config: &SuppressionConfig,
    cap: usize,
    decay: impl Fn(f32) -> f32,
) -> Vec<Row> {
    let suppress = |best: &Row, row: &mut Row| {
        let overlap = best.overlap(row);
        // Without overlap each rule multiplies by exactly 1.
        if overlap > 0.0 {
            row.score *= decay(overlap);
        }
        row.score >= config.min_score
    };
    let mut selected = Vec::with_capacity(rows.len().min(cap));
    let first = rows.iter().enumerate().min_by(|(_, a), (_, b)| a.rank(b));
    let Some((first, _)) = first.filter(|_| cap > 0) else {
        return selected;
    };
    // After the first selection every row is compared with `min_score`, wherever it lies; later selections can only drop
    // rows whose scores they lowered.
    let first = rows.swap_remove(first);
    rows.retain_mut(|row| suppress(&first, row));
    selected.push(first);
    let mut live = LiveRows::new(rows);
    while selected.len() < cap {
        match live.take_best(suppress) {
            Some(best) => selected.push(best),
            None => break,
        }
    }
    selected
}
