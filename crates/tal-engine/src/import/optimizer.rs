//! State of the released optimiser, by parameter name.

use std::collections::BTreeMap;

use tal_core::config::TrainConfig;
use tal_core::weights::NamedTensors;
use tal_pth::Value;
use tch::{Kind, Tensor};

use super::file::{ReleasedCheckpoint, Section};
use super::report::Difference;
use super::schedule::Place;
use crate::error::EngineError;
use crate::optimizer::{decays, state_entries};

/// Names of an error's list; the rest is counted.
const NUM_LISTED: usize = 5;

/// Moments of AdamW.
pub(super) struct Moments {
    /// As [`crate::optimizer::AdamW::state`] gives it.
    pub(super) state: NamedTensors,
    pub(super) num_read: usize,
    /// Parameters without an entry.
    pub(super) without: Vec<String>,
    /// Smallest and largest number of steps of a parameter that has one.
    pub(super) steps: Option<(u64, u64)>,
}

/// Reads the moments of AdamW. The file numbers parameters: those with weight decay first, then those without, each
/// group sorted by released name.
pub(super) fn read(
    file: &ReleasedCheckpoint,
    weights: &Section,
    config: &TrainConfig,
    differences: &mut Vec<Difference>,
) -> Result<Moments, EngineError> {
    let optimizer = file.file.require(&["optimizer"])?;
    let entry = |key: &str| {
        optimizer
            .get(key)
            .ok_or_else(|| file.refuse(format!("its optimizer has no {key}")))
    };
    let state = entry("state")?
        .as_dict()
        .ok_or_else(|| file.refuse("the state of its optimizer is not a dict"))?;
    let groups = entry("param_groups")?.as_items().unwrap_or_default();
    let names = names_by_index(file, weights, groups)?;
    for (group, decay) in groups.iter().zip([true, false]) {
        compare_group(file, group, decay, config, differences)?;
    }

    let mut read = Moments {
        state: NamedTensors::new(),
        num_read: 0,
        without: Vec::new(),
        steps: None,
    };
    let mut by_index: BTreeMap<i64, &Value> = BTreeMap::new();
    for (index, value) in state {
        let index = index.as_i64().filter(|index| names.contains_key(index));
        let index = index.ok_or_else(|| {
            file.refuse("its optimizer has a state for a parameter that no group holds")
        })?;
        by_index.insert(index, value);
    }
    let mut wrong = Vec::new();
    for (index, name) in &names {
        let parameter = &weights.tensors[*name];
        let Some(entry) = by_index.get(index) else {
            read.without.push((*name).to_owned());
            let zeros = || parameter.zeros_like();
            read.state.extend(state_entries(name, zeros(), zeros(), 0));
            continue;
        };
        let moment = |key: &str| -> Result<Tensor, EngineError> {
            let place = || format!("{key} of parameter {index} ({name}) in its optimizer");
            let value = entry.get(key).and_then(Value::as_tensor);
            let value = value.ok_or_else(|| file.refuse(format!("{} is not a tensor", place())))?;
            Ok(file.tensor(&place(), value)?.to_kind(parameter.kind()))
        };
        let (mean, square) = (moment("exp_avg")?, moment("exp_avg_sq")?);
        for found in [&mean, &square] {
            if found.size() != parameter.size() {
                let (found, expected) = (found.size(), parameter.size());
                wrong.push(format!(
                    "number {index} has shape {found:?}, {name} has {expected:?}"
                ));
                break;
            }
        }
        let steps = steps(file, entry, name)?;
        let (least, most) = read.steps.unwrap_or((steps, steps));
        read.steps = Some((least.min(steps), most.max(steps)));
        read.num_read += 1;
        read.state.extend(state_entries(name, mean, square, steps));
    }
    if wrong.is_empty() {
        return Ok(read);
    }
    Err(file.refuse(format!(
        "the moments of its optimizer do not belong to these parameters: {}",
        listed(&wrong)
    )))
}

/// Our parameter names by the numbers that the groups give them.
fn names_by_index<'a>(
    file: &ReleasedCheckpoint,
    weights: &'a Section,
    groups: &[Value],
) -> Result<BTreeMap<i64, &'a str>, EngineError> {
    if groups.len() != 2 {
        return Err(file.refuse(format!(
            "its optimizer has {} group(s), expected two: with and without weight decay",
            groups.len()
        )));
    }
    let mut names = BTreeMap::new();
    for (place, (group, decay)) in groups.iter().zip([true, false]).enumerate() {
        let mut members: Vec<(&str, &str)> = weights
            .released
            .iter()
            .filter(|(ours, _)| decays(ours) == decay)
            .map(|(ours, released)| (released.as_str(), ours.as_str()))
            .collect();
        members.sort_unstable();
        let numbers = group.get("params").and_then(Value::as_items);
        let numbers = numbers.unwrap_or_default();
        if numbers.len() != members.len() {
            return Err(file.refuse(format!(
                "group {place} of its optimizer has {} parameters, expected the {} {} weight decay",
                numbers.len(),
                members.len(),
                if decay { "with" } else { "without" },
            )));
        }
        for (number, (_, name)) in numbers.iter().zip(members) {
            let number = number.as_i64().ok_or_else(|| {
                file.refuse(format!("group {place} of its optimizer has no numbers"))
            })?;
            if let Some(other) = names.insert(number, name) {
                return Err(file.refuse(format!(
                    "its optimizer gives number {number} to two parameters: {other} and {name}"
                )));
            }
        }
    }
    Ok(names)
}

/// Compares a group's settings with the configuration's; another kind of optimiser is refused.
fn compare_group(
    file: &ReleasedCheckpoint,
    group: &Value,
    decay: bool,
    config: &TrainConfig,
    differences: &mut Vec<Difference>,
) -> Result<(), EngineError> {
    let betas = group.get("betas").and_then(Value::as_items);
    let betas: Vec<f64> = betas
        .unwrap_or_default()
        .iter()
        .filter_map(Value::as_f64)
        .collect();
    let is_set = |key: &str| group.get(key).and_then(Value::as_bool);
    if betas.len() != 2 || is_set("decoupled_weight_decay") == Some(false) {
        let found = group.describe();
        return Err(file.refuse(format!(
            "its optimizer is not AdamW; a group is {found}, expected betas and decoupled weight decay"
        )));
    }
    if let Some(key) = ["amsgrad", "maximize"]
        .into_iter()
        .find(|key| is_set(key) == Some(true))
    {
        return Err(file.refuse(format!(
            "its optimizer uses {key}, which AdamW here has not"
        )));
    }
    let expected_decay = if decay { config.weight_decay } else { 0.0 };
    let what = |key: &str| match decay {
        true => format!("{key} (parameters with weight decay)"),
        false => format!("{key} (parameters without weight decay)"),
    };
    for (key, expected) in [("weight_decay", expected_decay), ("eps", config.eps)] {
        match group.get(key).and_then(Value::as_f64) {
            Some(found) if found == expected => {}
            Some(found) => {
                let what = what(&format!("train.{key}"));
                differences.push(Difference::new(what, found, expected));
            }
            None => {
                return Err(file.refuse(format!("a group of its optimizer has no number {key}")));
            }
        }
    }
    if betas[..] != config.betas {
        let (found, expected) = (format!("{betas:?}"), format!("{:?}", config.betas));
        differences.push(Difference::new(what("train.betas"), found, expected));
    }
    Ok(())
}

/// The step count of a parameter: an int, or in newer files a tensor with one number.
fn steps(file: &ReleasedCheckpoint, entry: &Value, name: &str) -> Result<u64, EngineError> {
    let number = match entry.get("step") {
        Some(Value::Tensor(reference)) if reference.num_values() == 1 => {
            let tensor = file.tensor("step", reference)?;
            Some(tensor.to_kind(Kind::Double).reshape([1]).double_value(&[0]))
        }
        Some(value) => value.as_f64(),
        None => None,
    };
    match number {
        Some(number) if number >= 1.0 && number.fract() == 0.0 && number < 2f64.powi(53) => {
            Ok(number as u64)
        }
        _ => Err(file.refuse(format!(
            "the step count of {name} in its optimizer is {}, must be a whole number of at least 1",
            number.map_or_else(|| "missing".to_owned(), |number| number.to_string())
        ))),
    }
}

/// Reports parameters that had more or fewer steps than the schedule.
pub(super) fn compare_steps(moments: &Moments, place: &Place, differences: &mut Vec<Difference>) {
    if let Some((least, most)) = moments.steps
        && (least, most) != (place.step, place.step)
    {
        let found = if least == most {
            least.to_string()
        } else {
            format!("{least} to {most}")
        };
        let what = "the number of steps that AdamW counts (kept; the schedule's decides the rate)";
        let expected = format!("{} by the schedule", place.step);
        differences.push(Difference::new(what, found, expected));
    }
}

fn listed(all: &[String]) -> String {
    let mut text = all[..all.len().min(NUM_LISTED)].join("; ");
    if all.len() > NUM_LISTED {
        text.push_str(&format!("; and {} more", all.len() - NUM_LISTED));
    }
    text
}
