//! The training loss.

use tal_core::config::BackTalConfig;
use tch::{Device, Kind, Tensor};

use crate::loss;
use crate::output::{BackTalOutput, num_top};

/// Weak supervision of a recording.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct WeakTarget {
    /// Ids of its classes, each once.
    pub labels: Vec<u32>,
    /// Snippets that an annotator clicked as background, each once.
    pub clicks: Vec<usize>,
}

/// Loss of a batch, and its terms without their weights.
///
/// # Shapes
/// All scalars.
#[derive(Debug)]
pub struct BackTalLosses {
    /// Sum to minimise.
    pub total: Tensor,
    /// Cross-entropy of the base branch's recording scores, with background present.
    pub base: Tensor,
    /// Cross-entropy of the supp branch's recording scores, with background absent.
    pub supp: Tensor,
    /// L1 norm of the foreground weights.
    pub norm: Tensor,
    /// Cross-entropy at clicked snippets.
    pub click: Tensor,
    /// Score separation.
    pub separation: Tensor,
    /// Affinity loss of the embedding.
    pub embedding: Tensor,
}

/// Puts into each number its sum over all processes that share a batch.
pub type SumOfAll<'a> = &'a dyn Fn(&mut [f64]);

/// Training loss: the network's answers compared with labels and clicks.
///
/// total = base + supp + c_norm · norm + c_click · click + c_sep · separation + c_emb · embedding
///
/// Terms that cannot be computed are 0: the last three if no recording of the batch has a click (the released code divides by
/// zero), and `supp` and the separation of a recording without labels.
///
/// # Source
/// Yang et al., "Background-Click Supervision for Temporal Action Localization", TPAMI 2021.
#[derive(Debug, Clone)]
pub struct BackTalCriterion {
    config: BackTalConfig,
}

impl BackTalCriterion {
    /// Criterion with the weights and margins of `config`.
    pub fn new(config: &BackTalConfig) -> Self {
        Self {
            config: config.clone(),
        }
    }

    /// Loss of a batch with one target per recording.
    ///
    /// # Panics
    /// If there are not as many targets as recordings, or if a class or a clicked snippet does not exist.
    pub fn forward(&self, output: &BackTalOutput, targets: &[WeakTarget]) -> BackTalLosses {
        self.losses(output, targets, None)
    }

    /// [`BackTalCriterion::forward`] of the part of a batch that this process has. The losses and their gradients are then parts
    /// of those of the whole batch, whose sum over the processes they need.
    ///
    /// # Panics
    /// As [`BackTalCriterion::forward`].
    pub fn forward_shared(
        &self,
        output: &BackTalOutput,
        targets: &[WeakTarget],
        sum: SumOfAll<'_>,
    ) -> BackTalLosses {
        self.losses(output, targets, Some(sum))
    }

    fn losses(
        &self,
        output: &BackTalOutput,
        targets: &[WeakTarget],
        sum: Option<SumOfAll<'_>>,
    ) -> BackTalLosses {
        let size = output.cas_base.size();
        let (num_classes, len) = (size[1] - 1, size[2]);
        assert_eq!(size[0], targets.len() as i64, "one target per recording");
        let (kind, device) = (output.cas_base.kind(), output.cas_base.device());
        let labels = label_rows(targets, num_classes)
            .to_device(device)
            .to_kind(kind);
        let with_background = |present: f64| {
            let column = labels.narrow(1, 0, 1).full_like(present);
            Tensor::cat(&[&labels, &column], 1)
        };
        let shares = Shares::of(targets, sum);
        let base = loss::recording(&output.score_base, &with_background(1.0)) * shares.recordings;
        let supp = loss::recording(&output.score_supp, &with_background(0.0)) * shares.recordings;
        let norm = loss::norm(&output.foreground_weight) * shares.recordings;

        let clicked: Vec<Clicked> = targets
            .iter()
            .enumerate()
            .filter(|(_, target)| !target.clicks.is_empty())
            .map(|(row, target)| Clicked::new(row, target, device))
            .collect();
        let zero = || Tensor::zeros([], (kind, device));
        let click = if clicked.is_empty() {
            zero()
        } else {
            let classes = click_rows(targets, num_classes, len).to_device(device);
            loss::click(&output.cas_base, &classes) * shares.clicks
        };
        let separation = mean(
            clicked
                .iter()
                .filter(|recording| recording.num_labels > 0)
                .map(|recording| {
                    let cas = output.cas_base.get(recording.row);
                    let ratio = self.config.loss.separation_topk_ratio;
                    loss::separation(&cas, &recording.labels, &recording.clicks, ratio)
                }),
            zero,
        ) * shares.separated;
        let embedding = mean(
            clicked
                .iter()
                .map(|recording| self.embedding(output, recording)),
            zero,
        ) * shares.clicked;
        let weights = &self.config.loss;
        let total = &base
            + &supp
            + &norm * weights.norm_weight
            + &click * weights.click_weight
            + &separation * weights.separation_weight
            + &embedding * weights.embedding_weight;
        BackTalLosses {
            total,
            base,
            supp,
            norm,
            click,
            separation,
            embedding,
        }
    }

    /// Affinity loss of a recording, whose action snippets are the top ones of each of its classes in the supp branch.
    fn embedding(&self, output: &BackTalOutput, recording: &Clicked) -> Tensor {
        let embedding = output.embedding.get(recording.row);
        let cas = output.cas_supp.get(recording.row).detach();
        let k = num_top(cas.size()[1], self.config.topk_ratio);
        let (_, top) = cas
            .index_select(0, &recording.labels)
            .topk(k, 1, true, true);
        let foreground = embedding.index_select(1, &top.view(-1));
        let background = embedding.index_select(1, &recording.clicks);
        let margins = &self.config.loss;
        let (similar_min, different_max) = (margins.similar_min, margins.different_max);
        loss::affinity(&foreground, &background, similar_min, different_max)
    }
}

/// Shares of this process in what the terms of the loss are means over: 1 if it has the whole batch.
struct Shares {
    recordings: f64,
    /// Clicked snippets.
    clicks: f64,
    /// Recordings with clicks.
    clicked: f64,
    /// Recordings with clicks and labels.
    separated: f64,
}

impl Shares {
    fn of(targets: &[WeakTarget], sum: Option<SumOfAll<'_>>) -> Self {
        let clicked = || targets.iter().filter(|target| !target.clicks.is_empty());
        let own = [
            targets.len(),
            clicked().map(|target| target.clicks.len()).sum(),
            clicked().count(),
            clicked().filter(|target| !target.labels.is_empty()).count(),
        ];
        let own = own.map(|count| count as f64);
        let mut all = own;
        if let Some(sum) = sum {
            sum(&mut all);
        }
        let share = |index: usize| match own[index] == all[index] {
            true => 1.0,
            false => own[index] / all[index],
        };
        Self {
            recordings: share(0),
            clicks: share(1),
            clicked: share(2),
            separated: share(3),
        }
    }
}

/// Recording with clicks.
struct Clicked {
    row: i64,
    num_labels: usize,
    labels: Tensor,
    clicks: Tensor,
}

impl Clicked {
    fn new(row: usize, target: &WeakTarget, device: Device) -> Self {
        let labels: Vec<i64> = target
            .labels
            .iter()
            .map(|label| i64::from(*label))
            .collect();
        let clicks: Vec<i64> = target.clicks.iter().map(|click| *click as i64).collect();
        Self {
            row: row as i64,
            num_labels: labels.len(),
            labels: Tensor::from_slice(&labels).to_device(device),
            clicks: Tensor::from_slice(&clicks).to_device(device),
        }
    }
}

/// Mean of scalars, or `zero` without any.
fn mean(terms: impl Iterator<Item = Tensor>, zero: impl Fn() -> Tensor) -> Tensor {
    let terms: Vec<Tensor> = terms.collect();
    match terms.len() {
        0 => zero(),
        _ => Tensor::stack(&terms, 0).mean(None::<Kind>),
    }
}

/// Whether recordings have classes, 1 or 0, (B, K).
fn label_rows(targets: &[WeakTarget], num_classes: i64) -> Tensor {
    let mut rows = vec![0f32; targets.len() * num_classes as usize];
    for (target, row) in targets.iter().zip(rows.chunks_mut(num_classes as usize)) {
        for label in &target.labels {
            row[*label as usize] = 1.0;
        }
    }
    Tensor::from_slice(&rows).view([-1, num_classes])
}

/// Classes of snippets, (B, T): background if they were clicked.
fn click_rows(targets: &[WeakTarget], num_classes: i64, len: i64) -> Tensor {
    let mut rows = vec![loss::NOT_CLICKED; targets.len() * len as usize];
    for (target, row) in targets.iter().zip(rows.chunks_mut(len as usize)) {
        for click in &target.clicks {
            row[*click] = num_classes;
        }
    }
    Tensor::from_slice(&rows).view([-1, len])
}
