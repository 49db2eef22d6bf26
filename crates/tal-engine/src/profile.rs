//! Time of the phases of a training step.

use std::fmt;
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};
use tch::{Cuda, Device};

use crate::ranks::Ranks;

/// A part of the training loop, in the order of a step.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Phase {
    /// Waiting for the loader.
    Wait,
    /// Padding, label assignment, transfer to the device, input noise.
    Batch,
    /// Features to pyramid, neck included.
    Encoder,
    /// Pyramid to logits and offsets.
    Decoder,
    /// Both branches of BackTAL, instead of encoder and decoder.
    Network,
    /// The loss and the check that it is finite.
    Loss,
    /// Gradients.
    Backward,
    /// Exchanges with other ranks at any time of a step, and waiting for them.
    Reduce,
    /// Norm of the gradients, clipping, optimiser.
    Optimizer,
    /// The moving average of the weights.
    Average,
    /// The figures of a step, the observer of the run, and `metrics.jsonl`.
    Metrics,
    /// Evaluation between epochs; the one after the last epoch counts only if epochs are evaluated.
    Evaluation,
    /// Checkpoints.
    Save,
}

/// All phases and their names, in the order of the type.
const NAMES: [(Phase, &str); 13] = [
    (Phase::Wait, "waiting for the loader"),
    (Phase::Batch, "batch and transfer"),
    (Phase::Encoder, "forward: encoder"),
    (Phase::Decoder, "forward: decoder"),
    (Phase::Network, "forward"),
    (Phase::Loss, "loss"),
    (Phase::Backward, "backward"),
    (Phase::Reduce, "exchange between ranks"),
    (Phase::Optimizer, "clip and optimiser"),
    (Phase::Average, "moving average"),
    (Phase::Metrics, "metrics and log"),
    (Phase::Evaluation, "evaluation"),
    (Phase::Save, "checkpoints"),
];

impl Phase {
    /// All phases.
    pub fn all() -> [Phase; NAMES.len()] {
        NAMES.map(|(phase, _)| phase)
    }
}

impl fmt::Display for Phase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(NAMES[*self as usize].1)
    }
}

/// The time of a training loop by phase: the file `profile.json` of a run folder.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct StepProfile {
    /// Measured steps.
    pub num_steps: u64,
    /// Seconds from the first to the last of them, gaps included: at least the sum of the phases.
    pub seconds: f64,
    /// The phases that occurred, in the order of a step.
    pub phases: Vec<PhaseTime>,
}

/// Duration of a phase.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct PhaseTime {
    /// The phase.
    pub phase: Phase,
    /// Seconds over all steps.
    pub seconds: f64,
}

impl StepProfile {
    /// Mean per step of a total of `seconds`.
    pub fn per_step(&self, seconds: f64) -> f64 {
        seconds / self.num_steps.max(1) as f64
    }

    /// Share of `seconds` in the whole time, 0 to 1.
    pub fn share(&self, seconds: f64) -> f64 {
        if self.seconds > 0.0 {
            seconds / self.seconds
        } else {
            0.0
        }
    }
}

/// A stopwatch for the phases of a training loop; it does nothing unless it is switched on.
///
/// Every moment between the start and the latest [`Stopwatch::lap`] belongs to exactly one phase; exchanges with other ranks are
/// no part of the phase that they fall into, but [`Phase::Reduce`]. On a GPU, which works on after
/// a call has returned, a lap waits until all work is done: steps are slower with a stopwatch than without.
#[derive(Debug, Default)]
pub struct Stopwatch(Option<Box<Running>>);

#[derive(Debug)]
struct Running {
    device: Device,
    ranks: Ranks,
    start: Instant,
    mark: Instant,
    times: [Option<Duration>; NAMES.len()],
    num_steps: u64,
}

impl Stopwatch {
    /// A stopwatch that is switched off.
    pub fn off() -> Self {
        Self(None)
    }

    /// A stopwatch for work on `device` by one process, which starts now.
    pub fn start(device: Device) -> Self {
        Self::start_with(device, &Ranks::alone())
    }

    /// A stopwatch for work on `device` that `ranks` share, which starts now.
    pub fn start_with(device: Device, ranks: &Ranks) -> Self {
        // What was exchanged before does not count.
        ranks.take_spent();
        let now = Instant::now();
        Self(Some(Box::new(Running {
            device,
            ranks: ranks.clone(),
            start: now,
            mark: now,
            times: [None; NAMES.len()],
            num_steps: 0,
        })))
    }

    /// Counts the time since the latest lap, or since the start, towards `phase`.
    pub fn lap(&mut self, phase: Phase) {
        if let Some(running) = &mut self.0 {
            running.lap(phase);
        }
    }

    /// Counts a step.
    pub fn end_step(&mut self) {
        if let Some(running) = &mut self.0 {
            running.num_steps += 1;
        }
    }

    /// The times so far; `None` if the stopwatch is off or no step is done.
    pub fn profile(&self) -> Option<StepProfile> {
        let running = self.0.as_ref().filter(|running| running.num_steps > 0)?;
        let time = |phase: Phase| {
            running.times[phase as usize].map(|time| PhaseTime {
                phase,
                seconds: time.as_secs_f64(),
            })
        };
        Some(StepProfile {
            num_steps: running.num_steps,
            seconds: (running.mark - running.start).as_secs_f64(),
            phases: Phase::all().into_iter().filter_map(time).collect(),
        })
    }
}

impl Running {
    fn lap(&mut self, phase: Phase) {
        if let Device::Cuda(index) = self.device {
            Cuda::synchronize(index as i64);
        }
        let now = Instant::now();
        let time = now - self.mark;
        let exchanged = self.ranks.take_spent().min(time);
        *self.times[phase as usize].get_or_insert_default() += time - exchanged;
        if !exchanged.is_zero() {
            *self.times[Phase::Reduce as usize].get_or_insert_default() += exchanged;
        }
        self.mark = now;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn phases_have_their_place() {
        for (index, phase) in Phase::all().into_iter().enumerate() {
            assert_eq!(phase as usize, index, "{phase}");
        }
    }

    #[test]
    fn every_moment_belongs_to_one_phase() {
        let mut watch = Stopwatch::start(Device::Cpu);
        for _ in 0..3 {
            for phase in [Phase::Wait, Phase::Backward, Phase::Metrics] {
                std::hint::black_box(vec![1u8; 1 << 16]);
                watch.lap(phase);
            }
            watch.end_step();
        }
        let running = watch.0.as_ref().unwrap();
        let sum: Duration = running.times.iter().flatten().sum();
        assert_eq!(sum, running.mark - running.start);
        let profile = watch.profile().unwrap();
        assert_eq!(profile.num_steps, 3);
        let phases: Vec<Phase> = profile.phases.iter().map(|time| time.phase).collect();
        assert_eq!(phases, [Phase::Wait, Phase::Backward, Phase::Metrics]);
        let shares: f64 = profile
            .phases
            .iter()
            .map(|t| profile.share(t.seconds))
            .sum();
        assert!((shares - 1.0).abs() < 1e-9, "{shares}");
        assert_eq!(profile.per_step(6.0), 2.0);
    }

    #[test]
    fn what_is_off_or_has_seen_no_step_has_no_times() {
        let mut watch = Stopwatch::off();
        watch.lap(Phase::Loss);
        watch.end_step();
        assert_eq!(watch.profile(), None);
        let mut watch = Stopwatch::start(Device::Cpu);
        watch.lap(Phase::Wait);
        assert_eq!(watch.profile(), None);
    }
}
