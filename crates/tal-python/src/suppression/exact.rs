//! Suppression step by step as the field's C++ extension does it, equal scores included.

use super::rows::{Row, descending};

/// The rule by which a selected row lowers the score of another one.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Rule {
    pub(crate) decay: Decay,
    pub(crate) iou_threshold: f32,
    pub(crate) sigma: f32,
    pub(crate) min_score: f32,
}

/// How a score decays with the overlap.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Decay {
    /// To 0 from the threshold on.
    Hard,
    /// By `1 − overlap` from the threshold on.
    Linear,
    /// By `exp(−overlap²/sigma)`.
    Gaussian,
    /// As [`Decay::Gaussian`], for overlaps of at least `t1 + t2 · length` only.
    LongGaussian { t1: f32, t2: f32 },
}

impl Rule {
    /// Weight of the score of a row, given its overlap with a selected one of length `length`.
    fn weight(&self, overlap: f32, length: f32) -> f32 {
        let gaussian = || (-(overlap * overlap) / self.sigma).exp();
        match self.decay {
            Decay::Hard if overlap >= self.iou_threshold => 0.0,
            Decay::Linear if overlap >= self.iou_threshold => 1.0 - overlap,
            Decay::Gaussian => gaussian(),
            Decay::LongGaussian { t1, t2 } if overlap >= t1 + t2 * length => gaussian(),
            _ => 1.0,
        }
    }
}

/// Soft-NMS: at most `cap` rows, in the order of their selection, with their lowered scores.
///
/// A selected row changes places with the one at the front, and a dropped row is replaced by the last one. So the order of
/// equal scores depends on all earlier selections.
pub(crate) fn soft(mut rows: Vec<Row>, rule: &Rule, cap: usize) -> Vec<Row> {
    // Without overlap the weight is 1, unless it reaches a threshold of 0.
    let touches_all = rule.decay == Decay::Hard && rule.iou_threshold <= 0.0;
    let mut best = first_best(&rows);
    let mut front = 0;
    while front < rows.len() && front < cap {
        rows.swap(front, best);
        let chosen = rows[front];
        front += 1;
        let mut position = front;
        let mut highest = f32::NEG_INFINITY;
        best = position;
        while position < rows.len() {
            let row = &mut rows[position];
            let shared = chosen.shared(row);
            if shared > 0.0 || touches_all {
                row.score *= rule.weight(chosen.overlap(row, shared), chosen.length);
            }
            if row.score < rule.min_score {
                rows.swap_remove(position);
                continue;
            }
            if row.score > highest {
                highest = row.score;
                best = position;
            }
            position += 1;
        }
    }
    rows.truncate(front);
    rows
}

/// Position of the first of the highest scores.
fn first_best(rows: &[Row]) -> usize {
    let mut best = 0;
    for position in 1..rows.len() {
        if rows[position].score > rows[best].score {
            best = position;
        }
    }
    best
}

/// NMS: at most `cap` rows, highest score first, whose overlap with each better one that stays is below the threshold. Of
/// equal scores the earlier row is better.
pub(crate) fn hard(mut rows: Vec<Row>, iou_threshold: f32, cap: usize) -> Vec<Row> {
    rows.sort_by(descending);
    let mut is_dropped = vec![false; rows.len()];
    let mut kept = Vec::new();
    for (place, row) in rows.iter().enumerate() {
        if is_dropped[place] {
            continue;
        }
        if kept.len() == cap {
            break;
        }
        kept.push(*row);
        for (later, is_dropped) in rows[place + 1..].iter().zip(&mut is_dropped[place + 1..]) {
            let shared = row.shared(later);
            // Without a shared time the overlap is 0.
            if shared > 0.0 || iou_threshold <= 0.0 {
                *is_dropped |= row.overlap(later, shared) >= iou_threshold;
            }
        }
    }
    kept
}
