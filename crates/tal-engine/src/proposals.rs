//! Candidates of a recording, and their suppression.

use tal_core::config::{Config, EvaluationDialect, SuppressionConfig};
use tal_core::{Candidates, Detection, TimeGrid};
use tal_data::Features;
use tal_postprocess::{clamp_to_recording, suppress, to_detections};

use crate::error::EngineError;

/// What a network proposes for a recording, before suppression.
#[derive(Debug, Clone)]
pub struct Proposals {
    /// Id of the recording.
    pub id: String,
    /// The candidates, in grid units.
    pub candidates: Candidates,
    grid: TimeGrid,
    duration: Option<f64>,
}

impl Proposals {
    pub(crate) fn new(features: &Features, candidates: Candidates) -> Self {
        Self {
            id: features.id.clone(),
            candidates,
            grid: features.grid,
            duration: features.duration,
        }
    }

    /// The detections that the rules leave, best first.
    ///
    /// # Units
    /// Seconds.
    ///
    /// # Errors
    /// If a score or an end is not finite.
    pub(crate) fn suppressed(
        &self,
        config: &Config,
        rules: &SuppressionConfig,
    ) -> Result<Vec<Detection>, EngineError> {
        let kept = match (config.evaluation.dialect, self.duration) {
            (EvaluationDialect::Clean, Some(duration)) => suppress(
                &clamp_to_recording(&self.candidates, &self.grid, duration),
                rules,
            ),
            _ => suppress(&self.candidates, rules),
        };
        let kept = kept.map_err(|source| EngineError::Suppression {
            id: self.id.clone(),
            source,
        })?;
        Ok(to_detections(&kept, &self.grid, self.duration))
    }
}
