//! Options of a bootstrap, and its replicates.

use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use super::draws;
use super::error::ConfidenceError;
use super::resampler::{Resampler, Scratch};

/// Options of a bootstrap.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BootstrapConfig {
    /// Number of replicates, at least `2 / (1 − level) − 1` (39 for 0.95). Intervals of 1000 replicates are stable.
    pub num_replicates: usize,
    /// Seed of the random numbers.
    pub seed: u64,
    /// Share of replicates within an interval, between 0 and 1.
    pub level: f64,
}

impl Default for BootstrapConfig {
    /// 1000 replicates, seed 0, level 0.95.
    fn default() -> Self {
        Self {
            num_replicates: 1000,
            seed: 0,
            level: 0.95,
        }
    }
}

impl BootstrapConfig {
    pub(super) fn check(&self, recordings: &[String]) -> Result<(), ConfidenceError> {
        let level = self.level;
        if !(level > 0.0 && level < 1.0) {
            return Err(ConfidenceError::Level { value: level });
        }
        // With fewer, a tail of the interval would hold less than one of the replicates and the estimate. The 1e-6 allows
        // for levels that are not exact in binary.
        let minimum = (2.0 / (1.0 - level) - 1.0 - 1e-6).ceil() as usize;
        if self.num_replicates < minimum {
            return Err(ConfidenceError::NumReplicates {
                value: self.num_replicates,
                level,
                minimum,
            });
        }
        if let [recording] = recordings {
            let recording = recording.clone();
            return Err(ConfidenceError::SingleRecording { recording });
        }
        Ok(())
    }

    /// Results of `each` on the weights of every replicate, in their order, without those that have none.
    pub(super) fn replicates<T: Send>(
        &self,
        resampler: &Resampler,
        each: impl Fn(&[u32], &mut Scratch) -> Option<T> + Sync,
    ) -> Vec<T> {
        let replicates = (0..self.num_replicates).into_par_iter();
        let results = replicates.map_init(Scratch::default, |scratch, replicate| {
            let weights = draws::draw(self.seed, replicate as u64, 0, resampler.annotated());
            each(&weights, scratch)
        });
        results.flatten_iter().collect()
    }
}
