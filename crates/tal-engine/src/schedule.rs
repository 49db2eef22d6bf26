//! The learning rate of every step.

use std::f64::consts::PI;

use tal_core::config::{ScheduleConfig, TrainConfig};

/// Learning rate per step: a linear rise over the warm-up, then half a cosine, steps, or a constant.
///
/// With I steps per epoch, W = warm-up epochs · I, N = all epochs · I, base rate b and last rate e, step n (from 0) has
/// b·n/(W−1) for n < W and e + ½(b−e)(1 + cos(π(n−W)/(N−W))) from there on. The first step of a warm-up has rate 0.
///
/// # Source
/// The authors' public code.
#[derive(Debug, Clone, PartialEq)]
pub struct Schedule {
    base: f64,
    config: ScheduleConfig,
    steps_per_epoch: u64,
    warmup_steps: u64,
    total_steps: u64,
}

impl Schedule {
    /// The schedule of a run with `steps_per_epoch` steps in each epoch.
    pub fn new(config: &TrainConfig, steps_per_epoch: usize) -> Self {
        let steps = |epochs: usize| (epochs * steps_per_epoch) as u64;
        Self {
            base: config.learning_rate,
            config: config.schedule.clone(),
            steps_per_epoch: steps_per_epoch as u64,
            warmup_steps: steps(config.warmup_epochs),
            total_steps: steps(config.scheduled_epochs()),
        }
    }

    /// The learning rate of step `step`, counted from 0.
    pub fn rate(&self, step: u64) -> f64 {
        if step < self.warmup_steps {
            return self.base * step as f64 / (self.warmup_steps - 1).max(1) as f64;
        }
        let after = (step - self.warmup_steps) as f64;
        match &self.config {
            ScheduleConfig::Cosine { eta_min } => {
                let length = (self.total_steps - self.warmup_steps).max(1) as f64;
                let phase = (after / length).min(1.0);
                eta_min + 0.5 * (self.base - eta_min) * (1.0 + (PI * phase).cos())
            }
            ScheduleConfig::Multistep { milestones, gamma } => {
                let passed = milestones
                    .iter()
                    .filter(|epoch| after >= (**epoch as u64 * self.steps_per_epoch) as f64)
                    .count();
                self.base * gamma.powi(passed as i32)
            }
            ScheduleConfig::Constant {} => self.base,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use approx::assert_relative_eq;

    fn schedule(schedule: ScheduleConfig, warmup_epochs: usize) -> Schedule {
        let config = TrainConfig {
            schedule,
            warmup_epochs,
            epochs: 20,
            learning_rate: 1e-4,
            ..TrainConfig::default()
        };
        Schedule::new(&config, 100)
    }

    #[test]
    fn the_published_check_values() {
        let schedule = schedule(ScheduleConfig::Cosine { eta_min: 1e-8 }, 20);
        assert_eq!(schedule.rate(0), 0.0);
        assert_relative_eq!(schedule.rate(1), 5.0025e-8, max_relative = 1e-4);
        assert_relative_eq!(schedule.rate(1999), 1e-4, max_relative = 1e-12);
        assert_relative_eq!(schedule.rate(2000), 1e-4, max_relative = 1e-12);
        assert_relative_eq!(schedule.rate(3000), 5.0005e-5, max_relative = 1e-9);
        assert_relative_eq!(schedule.rate(3999), 1.00617e-8, max_relative = 1e-5);
    }

    #[test]
    fn steps_fall_at_their_epochs_after_warm_up() {
        let schedule = schedule(
            ScheduleConfig::Multistep {
                milestones: vec![2, 4],
                gamma: 0.1,
            },
            1,
        );
        assert_relative_eq!(schedule.rate(100), 1e-4);
        assert_relative_eq!(schedule.rate(299), 1e-4);
        assert_relative_eq!(schedule.rate(300), 1e-5);
        assert_relative_eq!(schedule.rate(500), 1e-6, max_relative = 1e-12);
    }

    #[test]
    fn without_warm_up_the_first_step_has_the_full_rate() {
        assert_eq!(
            schedule(ScheduleConfig::Cosine { eta_min: 0.0 }, 0).rate(0),
            1e-4
        );
    }

    #[test]
    fn a_constant_rate_stays() {
        let schedule = schedule(ScheduleConfig::Constant {}, 1);
        assert_eq!([100, 1000, 5000].map(|step| schedule.rate(step)), [1e-4; 3]);
        assert_eq!(schedule.rate(0), 0.0);
    }
}
