//! Place of a released run in its schedule.

use tal_core::config::{ScheduleConfig, TrainConfig};
use tal_pth::Value;

use super::file::ReleasedCheckpoint;
use super::report::Difference;
use crate::error::EngineError;
use crate::schedule::Schedule;

/// Relative tolerance of learning rates: a recursive computation of the cosine loses some precision.
const RATE_TOLERANCE: f64 = 1e-9;

/// Place of a run.
pub(super) struct Place {
    /// Steps done.
    pub(super) step: u64,
    /// Epochs done.
    pub(super) epoch: u64,
    pub(super) steps_per_epoch: Option<usize>,
}

/// Reads step and epoch and compares the schedule with the configuration's. The file counts its schedule in steps;
/// without `steps_per_epoch`, it follows from the length of the schedule.
pub(super) fn read(
    file: &ReleasedCheckpoint,
    config: &TrainConfig,
    steps_per_epoch: Option<usize>,
    differences: &mut Vec<Difference>,
) -> Result<Place, EngineError> {
    let scheduler = file.file.require(&["scheduler"])?;
    let count = |keys: &[&str]| -> Result<u64, EngineError> {
        let value = file.file.require(keys)?;
        let number = value.as_i64().and_then(|number| u64::try_from(number).ok());
        number.ok_or_else(|| {
            let (key, found) = (keys.join("."), value.describe());
            file.refuse(format!("{key} is {found}, must be a number of at least 0"))
        })
    };
    let step = count(&["scheduler", "last_epoch"])?;
    let epoch = count(&["epoch"])?;

    let whole = |key: &str| {
        let value = scheduler.get(key).and_then(Value::as_i64)?;
        usize::try_from(value).ok()
    };
    // With a warm-up `max_epochs` counts it in; PyTorch's own cosine has `T_max`.
    let lengths = [
        (
            "train.warmup_epochs",
            whole("warmup_epochs").or(Some(0)),
            config.warmup_epochs,
        ),
        (
            "train.warmup_epochs and train.epochs",
            whole("max_epochs").or(whole("T_max")),
            config.scheduled_epochs(),
        ),
    ];
    let steps_per_epoch = steps_per_epoch.or_else(|| {
        lengths.iter().rev().find_map(|(_, found, epochs)| {
            let found = (*found)?;
            (*epochs > 0 && found > 0 && found.is_multiple_of(*epochs)).then(|| found / epochs)
        })
    });
    for (what, found, epochs) in lengths {
        let Some(found) = found else { continue };
        let expected = steps_per_epoch.map(|steps| steps * epochs);
        if expected != Some(found) {
            let expected = match (expected, steps_per_epoch) {
                (Some(expected), Some(steps)) => {
                    format!("{expected} steps ({epochs} epochs of {steps})")
                }
                _ => format!("{epochs} epochs"),
            };
            differences.push(Difference::new(what, format!("{found} steps"), expected));
        }
    }
    compare_shape(scheduler, config, steps_per_epoch, differences);
    if let Some(steps) = steps_per_epoch {
        let rate = Schedule::new(config, steps).rate(step);
        compare_rates(file.file.root(), rate, step, differences);
        if epoch * steps as u64 != step {
            let what = "the number of steps after the file's epochs (the schedule continues from the file's)";
            let expected = format!("{} ({epoch} epochs of {steps})", epoch * steps as u64);
            differences.push(Difference::new(what, step, expected));
        }
    }
    Ok(Place {
        step,
        epoch,
        steps_per_epoch,
    })
}

/// Base rate and how it falls.
fn compare_shape(
    scheduler: &Value,
    config: &TrainConfig,
    steps_per_epoch: Option<usize>,
    differences: &mut Vec<Difference>,
) {
    let base_rates = scheduler.get("base_lrs").and_then(Value::as_items);
    let other = base_rates
        .unwrap_or_default()
        .iter()
        .filter_map(Value::as_f64)
        .find(|rate| *rate != config.learning_rate);
    if let Some(other) = other {
        let what = "train.learning_rate";
        differences.push(Difference::new(what, other, config.learning_rate));
    }
    let (key, expected) = match &config.schedule {
        ScheduleConfig::Cosine { eta_min } => ("eta_min", eta_min),
        ScheduleConfig::Multistep { gamma, .. } => ("gamma", gamma),
        ScheduleConfig::Constant {} => {
            let what = "train.schedule";
            differences.push(Difference::new(what, "one that falls", "constant"));
            return;
        }
    };
    let found = scheduler.get(key).and_then(Value::as_f64);
    if found != Some(*expected) {
        let found = found.map_or_else(|| "missing".to_owned(), |value| value.to_string());
        let what = format!("train.schedule.{key}");
        differences.push(Difference::new(what, found, expected));
    }
    if let ScheduleConfig::Multistep { milestones, .. } = &config.schedule
        && let Some(found) = scheduler.get("milestones").and_then(Value::as_items)
        && let Some(steps) = steps_per_epoch
    {
        let found: Vec<i64> = found.iter().filter_map(Value::as_i64).collect();
        let expected: Vec<i64> = milestones.iter().map(|m| (m * steps) as i64).collect();
        if found != expected {
            let (found, expected) = (format!("{found:?}"), format!("{expected:?}"));
            let what = "train.schedule.milestones, in steps,";
            differences.push(Difference::new(what, found, expected));
        }
    }
}

/// The rates that the groups would use next.
fn compare_rates(root: &Value, expected: f64, step: u64, differences: &mut Vec<Difference>) {
    let groups = root.at(&["optimizer", "param_groups"]);
    let other = groups
        .and_then(Value::as_items)
        .unwrap_or_default()
        .iter()
        .filter_map(|group| group.get("lr").and_then(Value::as_f64))
        .find(|rate| (rate - expected).abs() > RATE_TOLERANCE * expected.abs().max(f64::EPSILON));
    if let Some(other) = other {
        let what = format!("the learning rate of step {step} (from 0)");
        differences.push(Difference::new(what, other, expected));
    }
}
