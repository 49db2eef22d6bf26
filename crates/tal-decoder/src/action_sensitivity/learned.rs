//! Learned action sensitivity of every class, as plain numbers.

use serde::{Deserialize, Serialize};

/// One Gaussian per class, in the order of the classes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct LearnedGaussians {
    /// Centres μ.
    ///
    /// # Units
    /// Lengths of the action, from its centre.
    pub mean: Vec<f32>,
    /// Widths σ.
    ///
    /// # Units
    /// As `mean`.
    pub sigma: Vec<f32>,
}

impl LearnedGaussians {
    /// exp(−(d − μ)² / 2σ²) of `class` at `distance`; `None` if there is no such class.
    pub fn value(&self, class: usize, distance: f64) -> Option<f64> {
        let (mean, sigma) = (self.mean.get(class)?, self.sigma.get(class)?);
        let z = (distance - f64::from(*mean)) / f64::from(*sigma);
        Some((-0.5 * z * z).exp())
    }
}

/// Gaussians of all classes; `None` for a part that is switched off.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct LearnedActionSensitivity {
    /// For classification.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub classification: Option<LearnedGaussians>,
    /// For localization, around the start.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub start: Option<LearnedGaussians>,
    /// For localization, around the end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub end: Option<LearnedGaussians>,
}

impl LearnedActionSensitivity {
    /// Whether all parts are switched off.
    pub fn is_empty(&self) -> bool {
        self.classification.is_none() && self.start.is_none() && self.end.is_none()
    }
}
