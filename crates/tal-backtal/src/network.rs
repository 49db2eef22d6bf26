//! The network BackTAL.

use tal_core::config::BackTalConfig;
use tal_core::nn::{BiasInit, Conv1d, Conv1dConfig};
use tch::{Kind, Tensor, nn};

use crate::affinity::Affinity;
use crate::base_module::BaseModule;
use crate::embedding::Embedding;
use crate::error::BackTalError;
use crate::filter::ForegroundFilter;
use crate::output::{ActivationSequence, BackTalOutput, top_mean};

/// BackTAL: foreground filter, embedding, base module and classifier.
///
/// Two branches share all weights: "base" reads the features x, "supp" reads w · x with the foreground weights w. The
/// similarities of the affinity convolutions always come from x.
///
/// # Shapes
/// (B, D, T) → sequences (B, K + 1, T); class K is background.
///
/// # Source
/// Yang et al., "Background-Click Supervision for Temporal Action Localization", TPAMI 2021.
#[derive(Debug)]
pub struct BackTal {
    /// Foreground weights of snippets.
    pub filter: ForegroundFilter,
    /// Space in which similarities are measured.
    pub embedding: Embedding,
    /// Affinity convolutions.
    pub base: BaseModule,
    /// Map from features to classes and background.
    pub classifier: Conv1d,
    topk_ratio: f64,
}

impl BackTal {
    /// Network with variables `filter.*`, `embedding.*`, `base.*` and `classifier.weight` below `path`, for D = `input_dim`
    /// channels and K = `num_classes` classes.
    ///
    /// # Errors
    /// If a size is 0 or a value of the configuration, such as the dropout probability, is out of range.
    pub fn new(
        path: &nn::Path<'_>,
        input_dim: usize,
        num_classes: usize,
        config: &BackTalConfig,
    ) -> Result<Self, BackTalError> {
        config.validate()?;
        for (name, size) in [("channels", input_dim), ("classes", num_classes)] {
            if size == 0 {
                return Err(BackTalError::ZeroSize(name));
            }
        }
        let hidden_dim = config.hidden_dim;
        let embedding_path = path / "embedding";
        let classifier = Conv1dConfig {
            bias: BiasInit::None,
            ..Conv1dConfig::new(config.dim, num_classes + 1, 1)
        };
        Ok(Self {
            filter: ForegroundFilter::new(&(path / "filter"), input_dim, hidden_dim),
            embedding: Embedding::new(&embedding_path, input_dim, hidden_dim, config.embedding_dim),
            base: BaseModule::new(
                &(path / "base"),
                input_dim,
                config.dim,
                config.affinity,
                config.dropout,
            ),
            classifier: Conv1d::new(&(path / "classifier"), classifier),
            topk_ratio: config.topk_ratio,
        })
    }

    /// Answers of both branches, for training. `train` switches dropout on.
    ///
    /// # Shapes
    /// `x` (B, D, T) with T ≥ 1.
    ///
    /// # Panics
    /// If `x` has another shape.
    pub fn forward_both(&self, x: &Tensor, train: bool) -> BackTalOutput {
        let foreground_weight = self.filter.forward(x);
        let embedding = self.embedding.forward(x);
        let affinity = Affinity::new(&embedding);
        let (base, supp) = self
            .base
            .forward_both(x, &foreground_weight, &affinity, train);
        // Dropout did not scale the values that it kept: it costs nothing on the few channels of the sequence.
        let scale = if train {
            1.0 / (1.0 - self.base.dropout)
        } else {
            1.0
        };
        let [cas_base, cas_supp] =
            [base, supp].map(|features| self.classifier.forward(&features) * scale);
        BackTalOutput {
            score_base: top_mean(&cas_base, self.topk_ratio),
            score_supp: top_mean(&cas_supp, self.topk_ratio),
            cas_base,
            cas_supp,
            embedding,
            foreground_weight,
        }
    }

    /// Answers of the supp branch, for inference.
    ///
    /// # Shapes
    /// `x` (B, D, T) with T ≥ 1.
    ///
    /// # Panics
    /// If `x` has another shape.
    pub fn forward(&self, x: &Tensor) -> ActivationSequence {
        let affinity = Affinity::new(&self.embedding.forward(x));
        let features = self.base.forward(&(x * self.filter.forward(x)), &affinity);
        let cas = self.classifier.forward(&features.second);
        ActivationSequence {
            score: top_mean(&cas, self.topk_ratio).softmax(-1, None::<Kind>),
            cas,
            feature: features.first,
        }
    }
}
