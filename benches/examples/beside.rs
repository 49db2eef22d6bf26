//! Prediction and training steps beside PyTorch, which runs the same networks on the same recordings in the same minutes.
//!
//! `cargo run --release -p tal-benches --example beside -- --python PYTHON [--json FILE] [FILTER…]`, or `cargo xtask bench-report
//! --beside PYTHON`, which prints a table. For every workload whose name contains one of the filters, tal and PYTHON run in a process
//! each, with the same weights, recordings and number of threads. They take turns; the one that waits does nothing.
//!
//! Timed is everything between features in memory and the result. Prediction: padding, network, candidates; tal also suppresses
//! overlapping candidates, which the Python files do not. Training: padding, noise, targets, forward, loss, backward, clip, AdamW,
//! moving average.

use std::collections::BTreeMap;
use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::thread::sleep;
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use tal_benches::beside::{
    Answer, Conversation, Load, Outcome, Result, compare, python, released_settings,
};
use tal_benches::workload::{Workload, cases};
use tal_core::config::{Precision, Weights};
use tal_core::weights::{Metadata, NamedTensors, write_safetensors};
use tal_data::{FeatureArray, TrainingSample};
use tal_engine::import::released_name_map;
use tal_engine::memory::peak_resident_bytes;
use tal_engine::{Pyramid, TrainingBatch};
use tch::{Device, Tensor};

/// Tells a process of this program to run one case on request and nothing else.
const SERVE: &str = "--serve";
/// Start of the names of training steps.
const TRAIN: &str = "train_step/";
/// Least number of timed runs of a case in each program.
const RUNS: usize = 7;
/// Number of runs before them.
const WARM_UP: usize = 2;
/// Time that the timed runs of a case take at least: the shortest of many short runs meets a moment without other programs.
const LEAST: Duration = Duration::from_secs(20);
/// Time for the threads of the program that has just run to fall asleep.
const PAUSE: Duration = Duration::from_millis(50);
/// Share by which figures of the two programs may differ if both compute in float32 without random numbers.
const ROUNDING: f64 = 1e-3;
/// The same if they round to bfloat16, or train with noise that each draws for itself.
const NOISE: f64 = 0.03;

/// Times of one workload.
#[derive(Debug, Serialize)]
struct Figure {
    /// `predict/…` or `train_step/…`.
    name: String,
    /// Number of trained values, the same in both.
    num_parameters: usize,
    /// Number of threads of each.
    threads: usize,
    pytorch: Side,
    tal: Side,
    /// Share of all processors' time that other programs took meanwhile.
    others: Option<f64>,
}

/// Times of one program.
#[derive(Debug, Default, Serialize)]
struct Side {
    /// Time of each run, in seconds; runs of the same place follow each other.
    seconds: Vec<f64>,
    /// Largest resident set of the process.
    peak_bytes: Option<u64>,
}

fn main() -> Result<()> {
    let mut arguments: Vec<String> = env::args().skip(1).collect();
    if let [flag, name] = arguments.as_slice()
        && flag == SERVE
    {
        return serve(name);
    }
    let mut value_of = |flag: &str| match arguments.iter().position(|one| one == flag) {
        Some(at) if at + 1 < arguments.len() => {
            let value = arguments.remove(at + 1);
            arguments.remove(at);
            Ok(Some(PathBuf::from(value)))
        }
        Some(_) => Err(format!("{flag} needs a value")),
        None => Ok(None),
    };
    let file = value_of("--json")?;
    let interpreter = value_of("--python")?
        .ok_or("--python PYTHON names the interpreter that has torch, and is missing")?;
    let wanted = |name: &str| {
        arguments.is_empty()
            || arguments
                .iter()
                .any(|filter| name.contains(filter.as_str()))
    };
    let mut figures = Vec::new();
    for (name, workload) in released_cases().filter(|(name, _)| wanted(name)) {
        let figure =
            beside(&name, &workload, &interpreter).map_err(|error| format!("{name}: {error}"))?;
        let best = |side: &Side| side.seconds.iter().copied().fold(f64::INFINITY, f64::min);
        let (theirs, ours) = (best(&figure.pytorch), best(&figure.tal));
        eprintln!(
            "{name:<40} {theirs:8.3} s {ours:8.3} s {:6.2}",
            theirs / ours
        );
        figures.push(figure);
    }
    let text = serde_json::to_string_pretty(&figures)?;
    match file {
        Some(file) => fs::write(file, text)?,
        None => println!("{text}"),
    }
    Ok(())
}

/// Those with the sizes of the authors' own configurations.
fn released_cases() -> impl Iterator<Item = (String, Workload)> {
    cases().filter(|(_, workload)| workload.config != "gtea")
}

/// Runs a workload in both programs.
fn beside(name: &str, workload: &Workload, interpreter: &Path) -> Result<Figure> {
    let earlier = Load::now();
    let is_training = name.starts_with(TRAIN);
    let in_bfloat16 = workload.precision == Precision::Bfloat16;
    let allowed = if is_training || in_bfloat16 {
        NOISE
    } else {
        ROUNDING
    };
    let settings = released_settings(&workload.config())?;
    let mut ours =
        Conversation::start("tal", Command::new(env::current_exe()?).args([SERVE, name]))?;
    let Built { threads } = ours.ask(&json!({}))?;
    let mut theirs = Conversation::start("PyTorch", python(interpreter).arg("--serve"))?;
    let network: PythonNetwork = theirs.ask(&json!({
        "do": "build",
        "settings": settings,
        "work": if is_training { "train" } else { "predict" },
        "bfloat16": in_bfloat16,
        "threads": threads,
    }))?;
    let folder = tempfile::tempdir()?;
    let file = folder.path().join("case.safetensors");
    let num_parameters = hand_over(workload, is_training, &network, &file)?;
    theirs.ask::<Value>(&json!({ "do": "load", "file": file }))?;
    let mut sides = [Side::default(), Side::default()];
    let start = Instant::now();
    for run in 0.. {
        if run >= WARM_UP + RUNS && start.elapsed() >= LEAST {
            break;
        }
        let mut outcomes = Vec::new();
        for (program, side) in [&mut theirs, &mut ours].into_iter().zip(&mut sides) {
            sleep(PAUSE);
            let answer: Answer = program.ask(&json!({ "do": "run" }))?;
            if run >= WARM_UP {
                side.seconds.push(answer.seconds);
            }
            side.peak_bytes = answer.peak_bytes;
            outcomes.push(answer.outcome);
        }
        // Later training steps start from weights that random numbers have moved apart.
        if run == 0 {
            compare(&outcomes[0], &outcomes[1], allowed)?;
        }
    }
    // Their time counts as ours only after their end.
    drop((ours, theirs));
    let others = earlier.zip(Load::now());
    let [pytorch, tal] = sides;
    Ok(Figure {
        name: name.to_owned(),
        num_parameters,
        threads,
        pytorch,
        tal,
        others: others.map(|(earlier, now)| now.of_others_since(&earlier)),
    })
}

/// Answer of a process of this program to its first request.
#[derive(Debug, Serialize, Deserialize)]
struct Built {
    threads: usize,
}

/// Answer of the Python files to the request to build.
#[derive(Debug, Deserialize)]
struct PythonNetwork {
    /// Shape of each parameter, by its released name.
    parameters: BTreeMap<String, Vec<i64>>,
}

/// Writes our weights, under their released names, and recordings for the Python files. Gives the number of trained values.
///
/// # Errors
/// If the two networks do not have the same parameters.
fn hand_over(
    workload: &Workload,
    is_training: bool,
    network: &PythonNetwork,
    file: &Path,
) -> Result<usize> {
    let weights = if is_training {
        detached(workload.trainer().weights(Weights::Raw))
    } else {
        let detector = workload.detector();
        detached(
            &detector
                .model::<Pyramid>()
                .ok_or("another method")?
                .parameters(),
        )
    };
    let ours: usize = weights.values().map(Tensor::numel).sum();
    let size = |shape: &Vec<i64>| shape.iter().product::<i64>() as usize;
    let theirs: usize = network.parameters.values().map(size).sum();
    if ours != theirs || weights.len() != network.parameters.len() {
        return Err(format!(
            "the networks differ: tal's has {ours} trained values in {} tensors, PyTorch's {theirs} in {}",
            weights.len(),
            network.parameters.len()
        )
        .into());
    }
    let map = released_name_map();
    let mut tensors = NamedTensors::new();
    for (released, shape) in &network.parameters {
        let name = map.map(released);
        let tensor = name.as_ref().and_then(|name| weights.get(name));
        let tensor = tensor
            .filter(|tensor| tensor.size() == *shape)
            .ok_or_else(|| {
                let shape = tal_core::shape_text(shape);
                format!("the networks differ: tal's has nothing like PyTorch's {released} {shape}")
            })?;
        tensors.insert(format!("weight.{released}"), tensor.shallow_clone());
    }
    if is_training {
        for (index, sample) in workload.samples().iter().enumerate() {
            let [segments, labels] = annotations(sample);
            tensors.insert(format!("input.{index}.feats"), features(&sample.features));
            tensors.insert(format!("input.{index}.segments"), segments);
            tensors.insert(format!("input.{index}.labels"), labels);
        }
    } else {
        let recording = workload.features();
        tensors.insert("input.0.feats".to_owned(), features(&recording.array));
    }
    write_safetensors(file, &tensors, &Metadata::new())?;
    Ok(ours)
}

fn detached(weights: &NamedTensors) -> NamedTensors {
    let weights = weights.iter();
    weights
        .map(|(name, one)| (name.clone(), one.detach()))
        .collect()
}

/// (C, T)
fn features(array: &FeatureArray) -> Tensor {
    let rows = (0..array.num_channels()).map(|channel| Tensor::from_slice(array.channel(channel)));
    Tensor::stack(&rows.collect::<Vec<_>>(), 0)
}

/// Segments (N, 2) in grid units, classes (N).
fn annotations(sample: &TrainingSample) -> [Tensor; 2] {
    let ends: Vec<f32> = sample
        .segments
        .iter()
        .flat_map(|segment| [segment.start, segment.end])
        .collect();
    let labels: Vec<i64> = sample
        .labels
        .iter()
        .map(|label| i64::from(*label))
        .collect();
    [
        Tensor::from_slice(&ends).view([-1, 2]),
        Tensor::from_slice(&labels),
    ]
}

/// Answers requests from standard input: first with [`Built`], then each time with the figures of a run.
fn serve(name: &str) -> Result<()> {
    let (_, workload) = released_cases()
        .find(|(case, _)| case == name)
        .ok_or_else(|| format!("there is no workload {name:?}"))?;
    let mut run: Box<dyn FnMut() -> Result<(f64, Outcome)>> = if name.starts_with(TRAIN) {
        let (mut trainer, samples, config) =
            (workload.trainer(), workload.samples(), workload.config());
        Box::new(move || {
            let start = Instant::now();
            let mut batch = TrainingBatch::new(&samples, &config, Device::Cpu)?;
            let metrics = trainer.step(&mut batch, 0)?;
            let seconds = start.elapsed().as_secs_f64();
            Ok((seconds, Outcome::from([("loss".to_owned(), metrics.loss)])))
        })
    } else {
        let (detector, features) = (workload.detector(), workload.features());
        let mut is_first = true;
        Box::new(move || {
            let start = Instant::now();
            detector.detect(&features)?;
            let seconds = start.elapsed().as_secs_f64();
            let mut outcome = Outcome::new();
            if std::mem::take(&mut is_first) {
                let model = detector.model::<Pyramid>().ok_or("another method")?;
                let proposals = model.proposals(&features)?.ok_or("no candidates")?;
                let candidates = &proposals.candidates;
                let num = candidates.len() as f64;
                let mean = |values: &mut dyn Iterator<Item = f32>| {
                    values.map(f64::from).sum::<f64>() / num.max(1.0)
                };
                let mut lengths = candidates
                    .end
                    .iter()
                    .zip(&candidates.start)
                    .map(|(e, s)| e - s);
                outcome.insert("candidates".to_owned(), num);
                outcome.insert(
                    "score".to_owned(),
                    mean(&mut candidates.score.iter().copied()),
                );
                outcome.insert("length".to_owned(), mean(&mut lengths));
            }
            Ok((seconds, outcome))
        })
    };
    let mut is_built = false;
    for line in std::io::stdin().lines() {
        line?;
        let answer = if std::mem::replace(&mut is_built, true) {
            let (seconds, outcome) = run()?;
            serde_json::to_value(Answer {
                seconds,
                outcome,
                peak_bytes: peak_resident_bytes(),
            })?
        } else {
            let threads = tch::get_num_threads() as usize;
            serde_json::to_value(Built { threads })?
        };
        println!("{answer}");
    }
    Ok(())
}
