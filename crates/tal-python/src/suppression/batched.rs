//! Suppression of a recording's candidates: class by class or together, with voting.

use std::collections::BTreeMap;

use rayon::prelude::*;
use tal_core::Candidates;
use tal_core::config::{SuppressionConfig, SuppressionMethod};
use tal_postprocess::suppress;

use super::exact::{Decay, Rule, descending, hard, soft};
use super::rows::Rows;

/// Number of candidates from which classes run in parallel.
const MIN_PARALLEL: usize = 4_000;
/// Number of candidates of a group from which a search tree is quicker than visiting all of them.
const MIN_TREE: usize = 200;

/// How candidates are thinned out.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Options {
    pub(crate) rule: Rule,
    /// Soft-NMS, or NMS.
    pub(crate) is_soft: bool,
    /// Each class by itself.
    pub(crate) per_class: bool,
    /// Largest number of rows that stay.
    pub(crate) cap: usize,
    /// Voting of all candidates together, if a threshold is given.
    pub(crate) voting: Option<Voting>,
}

/// Voting: the ends of a row become a weighted mean of the candidates that overlap it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Voting {
    pub(crate) iou_threshold: f32,
    /// Whether a vote weighs score × tIoU; otherwise the score.
    pub(crate) by_overlap: bool,
}

/// The rows that stay, highest score first.
pub(crate) fn batched(
    segments: &[[f32; 2]],
    scores: &[f32],
    labels: &[i64],
    options: &Options,
) -> Rows {
    let all = || Rows::new(segments, scores, 0..scores.len());
    let groups: Vec<Rows> = if options.per_class {
        let mut classes: BTreeMap<i64, Vec<usize>> = BTreeMap::new();
        for (index, label) in labels.iter().enumerate() {
            classes.entry(*label).or_default().push(index);
        }
        let rows = |indices: Vec<usize>| Rows::new(segments, scores, indices);
        classes.into_values().map(rows).collect()
    } else {
        vec![all()]
    };
    let selected: Vec<Rows> = match scores.len() < MIN_PARALLEL {
        true => groups
            .into_iter()
            .map(|rows| select(rows, options))
            .collect(),
        false => groups
            .into_par_iter()
            .map(|rows| select(rows, options))
            .collect(),
    };
    let mut order: Vec<(usize, usize)> = Vec::new();
    for (group, rows) in selected.iter().enumerate() {
        order.extend((0..rows.len()).map(|row| (group, row)));
    }
    let score = |place: &(usize, usize)| selected[place.0].score[place.1];
    order.sort_by(|a, b| descending(score(a), score(b)));
    order.truncate(options.cap);
    let mut kept = Rows::default();
    for (group, row) in order {
        kept.push(&selected[group], row);
    }
    if let (Some(voting), false) = (options.voting, options.per_class) {
        let segments: Vec<[f32; 2]> = (0..kept.len())
            .map(|row| [kept.start[row], kept.end[row]])
            .collect();
        let voted = vote(&segments, &all(), voting);
        for (row, [start, end]) in voted.into_iter().enumerate() {
            (kept.start[row], kept.end[row]) = (start, end);
        }
    }
    kept
}

/// Applies the method to rows that suppress each other.
fn select(mut rows: Rows, options: &Options) -> Rows {
    let rule = &options.rule;
    if !options.is_soft {
        if rule.min_score > 0.0 {
            let mut kept = Rows::default();
            for row in (0..rows.len()).filter(|row| rows.score[*row] > rule.min_score) {
                kept.push(&rows, row);
            }
            rows = kept;
        }
        let mut kept = Rows::default();
        for row in hard(&rows, rule.iou_threshold, options.cap) {
            kept.push(&rows, row);
        }
        return kept;
    }
    if rows.len() >= MIN_TREE && rows.has_distinct_scores() {
        let method = match rule.decay {
            Decay::Gaussian => SuppressionMethod::Gaussian,
            Decay::Linear => SuppressionMethod::Linear,
            _ => return soft(rows, rule, options.cap),
        };
        if let Some(kept) = by_tree(&rows, method, options) {
            return kept;
        }
    }
    soft(rows, rule, options.cap)
}

/// [`soft`] for scores without equals, in a time that grows with the number of overlapping pairs.
fn by_tree(rows: &Rows, method: SuppressionMethod, options: &Options) -> Option<Rows> {
    let config = SuppressionConfig {
        method,
        sigma: options.rule.sigma,
        iou_threshold: options.rule.iou_threshold,
        min_score: options.rule.min_score,
        per_class: false,
        max_detections: options.cap,
        ..SuppressionConfig::default()
    };
    let candidates = Candidates {
        start: rows.start.clone(),
        end: rows.end.clone(),
        score: rows.score.clone(),
        // Names the row in the result.
        label: (0..u32::try_from(rows.len()).ok()?).collect(),
    };
    let found = suppress(&candidates, &config).ok()?;
    let mut kept = Rows::default();
    for (label, score) in found.label.iter().zip(&found.score) {
        kept.push(rows, *label as usize);
        if let Some(last) = kept.score.last_mut() {
            *last = *score;
        }
    }
    Some(kept)
}

/// The segments moved to the weighted mean of the candidates that overlap them; one without votes stays.
pub(crate) fn vote(segments: &[[f32; 2]], all: &Rows, voting: Voting) -> Vec<[f32; 2]> {
    let move_one = |&[start, end]: &[f32; 2]| {
        let mut sums = [0.0f64; 3];
        for row in 0..all.len() {
            let shared = (end.min(all.end[row]) - start.max(all.start[row])).max(0.0);
            let length = all.end[row] - all.start[row];
            let tiou = shared / ((end - start) + length - shared);
            if tiou >= voting.iou_threshold {
                let weight = match voting.by_overlap {
                    true => all.score[row] * tiou,
                    false => all.score[row],
                };
                let weight = f64::from(weight);
                sums[0] += weight;
                sums[1] += weight * f64::from(all.start[row]);
                sums[2] += weight * f64::from(all.end[row]);
            }
        }
        match sums[0] > 0.0 {
            true => [(sums[1] / sums[0]) as f32, (sums[2] / sums[0]) as f32],
            false => [start, end],
        }
    };
    match segments.len().saturating_mul(all.len()) < 100_000 {
        true => segments.iter().map(move_one).collect(),
        false => segments.par_iter().map(move_one).collect(),
    }
}
