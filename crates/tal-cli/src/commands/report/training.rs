//! Training of a run: courses of its metrics, and facts.

use std::fs;

use anyhow::{Result, anyhow};
use tal_engine::metrics::{self, Metric, StepMetrics, StepTerms};
use tal_engine::run::{METRICS, RESOLVED_CONFIG, RunFigures};
use tal_report::page::{Course, Run};

use super::sources::RunFolder;

pub(super) fn run(folder: &RunFolder) -> Result<Run> {
    let file = folder.path.join(RESOLVED_CONFIG);
    let configuration =
        fs::read_to_string(&file).map_err(|error| anyhow!("{}: {error}", file.display()))?;
    // A run folder without metrics still has detections to show.
    let metrics = folder.path.join(METRICS);
    let lines = match metrics.is_file() {
        true => metrics::read(&metrics)?,
        false => Vec::new(),
    };
    Ok(Run {
        name: folder.name.clone(),
        facts: facts(folder, &lines)?,
        steps: steps(&lines),
        epochs: epochs(&lines, &folder.config.evaluation.tiou_thresholds),
        configuration,
    })
}

fn facts(folder: &RunFolder, lines: &[Metric]) -> Result<Vec<(String, String)>> {
    let mut facts = Vec::new();
    if let Some(figures) = RunFigures::read(&folder.path)? {
        facts.push(("parameters", figures.num_parameters.to_string()));
        facts.push(("steps", figures.num_steps.to_string()));
        facts.push(("weights", format!("{:?}", figures.weights).to_uppercase()));
        if let Some(seconds) = figures.step_seconds {
            facts.push(("time per step", format!("{seconds:.3} s")));
        }
        if let Some(bytes) = figures.peak_memory_bytes {
            facts.push(("memory", format!("{:.0} MiB", bytes as f64 / 1_048_576.0)));
        }
    }
    let times = lines.iter().filter_map(|line| match line {
        Metric::Epoch { seconds, .. } => Some(*seconds),
        _ => None,
    });
    let seconds: f64 = times.sum();
    if seconds > 0.0 {
        facts.push(("training time", format!("{:.1} min", seconds / 60.0)));
    }
    facts.push(("folder", folder.path.display().to_string()));
    let named = facts.into_iter();
    Ok(named
        .map(|(name, value)| (name.to_owned(), value))
        .collect())
}

/// Courses over the steps: the loss, its parts, the learning rate and the gradients.
fn steps(lines: &[Metric]) -> Vec<Course> {
    type Figure = fn(&StepMetrics) -> Option<f64>;
    let figures: [(&str, Figure); 10] = [
        ("loss", |step| Some(step.loss)),
        ("cls_loss", |step| match &step.terms {
            StepTerms::Pyramid(terms) => Some(terms.cls_loss),
            StepTerms::BackTal { losses, .. } => Some(losses.cls_loss()),
        }),
        ("reg_loss", |step| match &step.terms {
            StepTerms::Pyramid(terms) => Some(terms.reg_loss),
            StepTerms::BackTal { .. } => None,
        }),
        ("norm_loss", |step| weak(step, |l| l.norm_loss)),
        ("click_loss", |step| weak(step, |l| l.click_loss)),
        ("separation_loss", |step| weak(step, |l| l.separation_loss)),
        ("embedding_loss", |step| weak(step, |l| l.embedding_loss)),
        ("grad_norm", |step| Some(step.grad_norm)),
        ("normalizer", |step| Some(step.normalizer)),
        ("rate", |step| Some(step.rate)),
    ];
    let courses = figures.iter().map(|(name, figure)| {
        let points = lines.iter().filter_map(|line| match line {
            Metric::Step(step) => Some((step.step as f64, figure(step)?)),
            _ => None,
        });
        Course::new(name, points)
    });
    courses.filter(|course| !course.x.is_empty()).collect()
}

/// A term of BackTAL's loss.
fn weak(step: &StepMetrics, term: fn(&tal_engine::metrics::BackTalMetrics) -> f64) -> Option<f64> {
    match &step.terms {
        StepTerms::BackTal { losses, .. } => Some(term(losses)),
        StepTerms::Pyramid(_) => None,
    }
}

/// Courses over the epochs: the mean loss, and mAP of the evaluations.
fn epochs(lines: &[Metric], thresholds: &[f64]) -> Vec<Course> {
    let losses = lines.iter().filter_map(|line| match line {
        Metric::Epoch {
            epoch, mean_loss, ..
        } => Some((*epoch as f64, *mean_loss)),
        _ => None,
    });
    let evaluations: Vec<(f64, f64, &Vec<f64>)> = lines
        .iter()
        .filter_map(|line| match line {
            Metric::Evaluation {
                epoch,
                average_map,
                map,
                ..
            } => Some((*epoch as f64, *average_map, map)),
            _ => None,
        })
        .collect();
    let average = evaluations
        .iter()
        .map(|(epoch, average, _)| (*epoch, *average));
    let mut courses = vec![Course::new("average mAP", average)];
    for (at, threshold) in thresholds.iter().enumerate() {
        let values = evaluations.iter();
        let values = values.filter_map(|(epoch, _, map)| Some((*epoch, *map.get(at)?)));
        courses.push(Course::new(&format!("mAP at {threshold}"), values));
    }
    courses.push(Course::new("mean loss", losses));
    courses.retain(|course| !course.x.is_empty());
    courses
}
