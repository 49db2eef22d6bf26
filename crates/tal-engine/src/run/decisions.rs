//! Decisions to evaluate and to save: pure functions of the configuration and the progress of the run.

use tal_core::config::CheckpointConfig;

use crate::checkpoint::Best;

/// Whether to evaluate after `epoch`, counted from 1.
pub(super) fn evaluate_after(policy: &CheckpointConfig, epoch: u64) -> bool {
    let every = policy.eval_every as u64;
    every > 0 && epoch >= policy.eval_from as u64 && epoch.is_multiple_of(every)
}

/// Whether to save the run after `epoch` of `num_epochs`, counted from 1.
pub(super) fn save_after(policy: &CheckpointConfig, epoch: u64, num_epochs: u64) -> bool {
    epoch == num_epochs || epoch.is_multiple_of(policy.save_every as u64)
}

/// Whether to save the run after `batch` batches of an unfinished epoch.
pub(super) fn save_after_step(policy: &CheckpointConfig, batch: usize) -> bool {
    policy.save_every_steps > 0 && batch.is_multiple_of(policy.save_every_steps)
}

/// Whether an average mAP replaces the best one; on a tie the earlier one stays.
pub(super) fn is_better(best: Option<Best>, average_map: f64) -> bool {
    best.is_none_or(|best| average_map > best.average_map)
}

#[cfg(test)]
mod tests {
    use super::*;
    use tal_core::config::Weights;

    fn policy(eval_every: usize, eval_from: usize, save_every: usize) -> CheckpointConfig {
        CheckpointConfig {
            weights: Weights::Ema,
            eval_every,
            eval_from,
            save_every,
            save_every_steps: 4,
        }
    }

    #[test]
    fn evaluations_begin_where_asked() {
        let epochs = |policy| -> Vec<u64> {
            (1..=10)
                .filter(|epoch| evaluate_after(&policy, *epoch))
                .collect()
        };
        assert!(epochs(policy(0, 1, 1)).is_empty());
        assert_eq!(epochs(policy(1, 8, 1)), [8, 9, 10]);
        assert_eq!(epochs(policy(3, 4, 1)), [6, 9]);
    }

    #[test]
    fn the_last_epoch_is_always_saved() {
        let epochs: Vec<u64> = (1..=7)
            .filter(|epoch| save_after(&policy(0, 1, 3), *epoch, 7))
            .collect();
        assert_eq!(epochs, [3, 6, 7]);
        assert!(save_after_step(&policy(0, 1, 3), 8));
        assert!(!save_after_step(&policy(0, 1, 3), 6));
    }

    #[test]
    fn only_a_greater_map_replaces_the_best() {
        let best = Some(Best {
            epoch: 1,
            average_map: 0.5,
        });
        assert!(is_better(None, 0.0));
        assert!(is_better(best, 0.6));
        assert!(!is_better(best, 0.5));
    }
}
