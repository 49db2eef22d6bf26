//! Suppression step by step as the field's C++ extension does it, equal scores included.

use super::rows::Rows;

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
pub(crate) fn soft(mut rows: Rows, rule: &Rule, cap: usize) -> Rows {
    // Without overlap the weight is 1, unless it reaches a threshold of 0.
    let touches_all = rule.decay == Decay::Hard && rule.iou_threshold <= 0.0;
    let mut num = rows.len();
    let mut best = first_best(&rows.score[..num], 0);
    let mut front = 0;
    while front < num && front < cap {
        rows.swap(front, best);
        let (start, end) = (rows.start[front], rows.end[front]);
        let length = rows.length[front];
        let mut position = front + 1;
        let mut highest = f32::NEG_INFINITY;
        best = position;
        while position < num {
            let left = start.max(rows.start[position]);
            let right = end.min(rows.end[position]);
            let shared = (right - left).max(0.0);
            let mut score = rows.score[position];
            if shared > 0.0 || touches_all {
                let overlap = shared / (length + rows.length[position] - shared);
                score *= rule.weight(overlap, length);
                rows.score[position] = score;
            }
            if score < rule.min_score {
                num -= 1;
                rows.copy(num, position);
                continue;
            }
            if score > highest {
                highest = score;
                best = position;
            }
            position += 1;
        }
        front += 1;
    }
    rows.truncate(front);
    rows
}

/// Position of the first of the highest scores, from `from` on.
fn first_best(scores: &[f32], from: usize) -> usize {
    let mut best = from;
    for position in from + 1..scores.len() {
        if scores[position] > scores[best] {
            best = position;
        }
    }
    best
}

/// NMS: the positions of at most `cap` rows, highest score first, whose overlap with each better one that stays is below the
/// threshold. Of equal scores the earlier row is better.
pub(crate) fn hard(rows: &Rows, iou_threshold: f32, cap: usize) -> Vec<usize> {
    let mut order: Vec<usize> = (0..rows.len()).collect();
    order.sort_by(|a, b| descending(rows.score[*a], rows.score[*b]));
    let mut is_dropped = vec![false; order.len()];
    let mut kept = Vec::new();
    for place in 0..order.len() {
        if is_dropped[place] {
            continue;
        }
        if kept.len() == cap {
            break;
        }
        let row = order[place];
        kept.push(row);
        for later in place + 1..order.len() {
            if !is_dropped[later] {
                is_dropped[later] = rows.overlap(row, order[later]) >= iou_threshold;
            }
        }
    }
    kept
}

/// Order of finite scores from high to low.
pub(crate) fn descending(a: f32, b: f32) -> std::cmp::Ordering {
    b.partial_cmp(&a).unwrap_or(std::cmp::Ordering::Equal)
}
