//! Assignment by cost: the network's answers decide among the actions around a point.

use std::collections::BTreeMap;

use tal_core::PointGrid;
use tal_core::config::{CostConfig, LossConfig};
use tal_core::nn::host;
use tch::Tensor;

use crate::boundaries::{decode_boundaries, refine_boundaries};
use crate::distances::Distances;
use crate::loss;
use crate::output::DecoderOutput;
use crate::pairs::Pairs;
use crate::targets::{Claim, Targets};

/// Targets after the comparison of costs.
pub(super) struct Settled {
    /// Targets with the distances of the cheapest action at every positive point.
    pub(super) targets: Vec<Targets>,
    /// Weights of all positions (B, 1, S).
    pub(super) weights: Tensor,
}

/// Gives every positive point the distances of the cheapest action around it, and every point its weight.
///
/// The cost of a [`Claim`] is `w_cls · Σ_c focal(logits, one-hot of the action's class) + w_reg · DIoU(distances, claim)`, of
/// the final outputs, without gradient. Of several equally cheap actions, the first one wins. Among each action's claims on
/// valid points, the cheapest share `keep_percent` weighs 1 and the rest `confuse_weight`. A point has the weight of the claim
/// of its cheapest action, or 1 if no action is around it.
///
/// # Source
/// Tang et al., *TemporalMaxer*, the released assignment.
pub(super) fn settle(
    output: &DecoderOutput,
    grid: &PointGrid,
    targets: &[Targets],
    config: &LossConfig,
    cost: &CostConfig,
) -> Settled {
    let layout = &output.layout;
    let mut rows: Vec<(usize, &Claim)> = targets
        .iter()
        .enumerate()
        .flat_map(|(sample, target)| target.claims.iter().map(move |claim| (sample, claim)))
        .filter(|(sample, claim)| {
            let (level, point) = place(grid, claim.point);
            point < layout.levels[level].lens[*sample]
        })
        .collect();
    // The order decides between actions that cost the same.
    rows.sort_by_key(|(sample, claim)| {
        let (level, _) = place(grid, claim.point);
        (level, *sample, claim.point, claim.action)
    });
    let costs = tch::no_grad(|| costs(output, grid, &rows, config, cost));

    let kept = kept(&rows, &costs, cost.keep_percent);
    let mut cheapest: BTreeMap<(usize, usize), usize> = BTreeMap::new();
    for (row, (sample, claim)) in rows.iter().enumerate() {
        let best = cheapest.entry((*sample, claim.point)).or_insert(row);
        if costs[row] < costs[*best] {
            *best = row;
        }
    }
    let mut settled = targets.to_vec();
    let mut weights = vec![1f32; targets.len() * layout.len];
    for (&(sample, point), &row) in &cheapest {
        let positives = &mut settled[sample].positives;
        if let Ok(index) = positives.binary_search_by_key(&point, |positive| positive.point) {
            positives[index].offsets = rows[row].1.offsets;
        }
        if !kept[row] {
            let (level, point) = place(grid, point);
            let position = layout.levels[level].offset + point;
            weights[sample * layout.len + position] = cost.confuse_weight as f32;
        }
    }
    let logits = &output.cls_logits;
    Settled {
        targets: settled,
        weights: Tensor::from_slice(&weights)
            .view([targets.len() as i64, 1, layout.len as i64])
            .to_device(logits.device())
            .to_kind(logits.kind()),
    }
}

/// Level of a point that is counted over all levels, and its index there.
fn place(grid: &PointGrid, point: usize) -> (usize, usize) {
    let levels = grid.levels();
    let level = levels.partition_point(|level| level.offset <= point) - 1;
    (level, point - levels[level].offset)
}

/// Whether rows are among the cheapest share of their action.
fn kept(rows: &[(usize, &Claim)], costs: &[f64], share: f64) -> Vec<bool> {
    let mut actions: BTreeMap<(usize, usize), Vec<usize>> = BTreeMap::new();
    for (row, (sample, claim)) in rows.iter().enumerate() {
        let action = actions.entry((*sample, claim.action));
        action.or_default().push(row);
    }
    let mut kept = vec![false; rows.len()];
    for (_, mut rows) in actions {
        rows.sort_by(|a, b| costs[*a].total_cmp(&costs[*b]));
        let num_kept = (share * rows.len() as f64).ceil() as usize;
        for row in rows.into_iter().take(num_kept) {
            kept[row] = true;
        }
    }
    kept
}

/// Costs of all claims.
fn costs(
    output: &DecoderOutput,
    grid: &PointGrid,
    rows: &[(usize, &Claim)],
    config: &LossConfig,
    cost: &CostConfig,
) -> Vec<f64> {
    let pair = |(sample, claim): &(usize, &Claim)| {
        let (level, point) = place(grid, claim.point);
        let class = i64::from(claim.class);
        [*sample as i64, class, level as i64, point as i64]
    };
    let (device, kind) = (output.cls_logits.device(), output.cls_logits.kind());
    let pairs = Pairs::from_rows(&rows.iter().map(pair).collect::<Vec<_>>(), device);

    let positions = pairs.places(&output.layout).position;
    let logits = output
        .final_logits()
        .permute([0, 2, 1])
        .index(&[Some(&pairs.sample), Some(&positions)]);
    let one_hot = logits
        .zeros_like()
        .scatter_value(1, &pairs.class.unsqueeze(1), 1.0);
    let cls = loss::focal(&logits, &one_hot, config.focal_alpha, config.focal_gamma)
        .sum_dim_intlist(1i64, false, None);

    let decoded = decode_boundaries(output, &pairs);
    let predicted = refine_boundaries(&decoded, output, &pairs, grid);
    let side = |side: usize| {
        let values: Vec<f32> = rows.iter().map(|(_, claim)| claim.offsets[side]).collect();
        Tensor::from_slice(&values).to_device(device).to_kind(kind)
    };
    let target = Distances {
        left: side(0),
        right: side(1),
    };
    let reg = loss::diou(&predicted, &target);

    host::copy(&(cls * cost.classification_weight + reg * cost.regression_weight))
}
