//! `tal inspect --action-sensitivity`: learned action sensitivity, as a table and a plot.

use std::path::Path;

use anyhow::Result;
use tal_core::config::{GaussianCombination, SensitivityDistance};
use tal_engine::Checkpoint;
use tal_engine::action_sensitivity::{LearnedActionSensitivity, LearnedGaussians, learned};
use tal_engine::metrics::{self, Metric, StepTerms};
use tal_engine::run::{LAST, METRICS};
use tal_report::plots::{CurvePanel, curve_grid};

use crate::commands::output;
use crate::console::Console;
use crate::tables::{self, row};

/// Range of the curves on either side of an action's centre, in lengths of the action.
const REACH: f64 = 1.0;
/// Number of points of a curve.
const NUM_POINTS: usize = 81;

/// Prints the sensitivity of a run folder or checkpoint, and draws it into `out`.
pub(super) fn run(place: &Path, out: Option<&Path>, console: &Console) -> Result<()> {
    if let Some(file) = out {
        output::check("--out", file, &["svg"])?;
    }
    // Only the state of the run holds the sensitivity, not its best weights.
    let is_run = place.is_dir();
    let path = match is_run {
        true => place.join(LAST),
        false => place.to_owned(),
    };
    let checkpoint = Checkpoint::read(&path)?;
    let sensitivity = learned(&checkpoint, &path)?;
    let classes = &checkpoint.manifest.classes;
    let num_classes = checkpoint.manifest.config.dataset.num_classes as u32;
    let names: Vec<String> = (0..num_classes)
        .map(|id| classes.display_name(id))
        .collect();
    if let Some(file) = out {
        let course = match is_run {
            true => course(place)?,
            false => Vec::new(),
        };
        let mut rows = vec![weights(&checkpoint, &sensitivity)];
        if !course.is_empty() {
            rows.extend(over_epochs(&course));
        }
        curve_grid(file, "Learned sensitivity", &names, &rows)?;
    }
    console.print(&table(&names, &sensitivity))
}

/// The learned sensitivity at the end of each epoch.
fn course(folder: &Path) -> Result<Vec<(u64, LearnedActionSensitivity)>> {
    let lines = metrics::read(&folder.join(METRICS))?;
    let of_step = |line| match line {
        Metric::Step(step) => match step.terms {
            StepTerms::Pyramid(terms) => Some((step.epoch, terms.action_sensitivity?.classes?)),
            StepTerms::BackTal { .. } => None,
        },
        _ => None,
    };
    Ok(lines.into_iter().filter_map(of_step).collect())
}

/// μ and σ of every Gaussian, one row per class.
fn table(names: &[String], learned: &LearnedActionSensitivity) -> String {
    let parts: Vec<(&str, &LearnedGaussians)> = [
        ("class", &learned.classification),
        ("start", &learned.start),
        ("end", &learned.end),
    ]
    .into_iter()
    .filter_map(|(name, part)| Some((name, part.as_ref()?)))
    .collect();
    let columns = parts.iter();
    let columns = columns.flat_map(|(name, _)| ["μ", "σ"].map(|symbol| format!("{symbol} {name}")));
    let mut table = tables::table(row("class", columns));
    for (class, name) in names.iter().enumerate() {
        let numbers = parts.iter();
        let numbers = numbers.flat_map(|(_, part)| [part.mean[class], part.sigma[class]]);
        table.add_row(row(name, numbers.map(|value| format!("{value:.3}"))));
    }
    table.to_string()
}

/// The weights over the place in an action, as in the loss before normalisation.
fn weights(checkpoint: &Checkpoint, learned: &LearnedActionSensitivity) -> Vec<CurvePanel> {
    let sensitivity = checkpoint.manifest.config.loss.action_sensitivity.as_ref();
    let class = sensitivity.and_then(|sensitivity| sensitivity.class_level.as_ref());
    let combine = class.map_or(GaussianCombination::Mean, |class| class.combine);
    let distance = class.map_or(SensitivityDistance::Length, |class| class.distance);
    // On a level with stride s, an action then reaches from −0.5/s to 0.5/s.
    let (unit, references) = match distance {
        SensitivityDistance::Length => ("lengths of the action", vec![-0.5, 0.5]),
        SensitivityDistance::StrideLength => ("lengths of the action × stride", Vec::new()),
    };
    let share = match combine {
        GaussianCombination::Mean => 0.5,
        GaussianCombination::Sum => 1.0,
    };
    let place = |i: usize| (2.0 * i as f64 / (NUM_POINTS - 1) as f64 - 1.0) * REACH;
    let curves = |num_classes: usize, weight: &dyn Fn(usize, f64) -> Option<f64>| {
        let places = || (0..NUM_POINTS).map(place);
        let curve = |class| {
            places()
                .filter_map(|d| Some((d, weight(class, d)?)))
                .collect()
        };
        (0..num_classes).map(curve).collect()
    };
    let cls = learned.classification.as_ref().map_or(Vec::new(), |part| {
        curves(part.mean.len(), &|class, d| part.value(class, d))
    });
    let both = learned.start.as_ref().zip(learned.end.as_ref());
    let loc = both.map_or(Vec::new(), |(start, end)| {
        curves(start.mean.len(), &|class, d| {
            Some(share * (start.value(class, d)? + end.value(class, d)?))
        })
    });
    let panel = |name: &str, curves| CurvePanel {
        x_name: format!("Place [{unit} from its centre]"),
        y_name: name.to_owned(),
        y: None,
        references: references.clone(),
        curves,
    };
    vec![
        panel("Classification weight", cls),
        panel("Localization weight", loc),
    ]
}

/// μ and σ over the epochs.
fn over_epochs(course: &[(u64, LearnedActionSensitivity)]) -> Vec<Vec<CurvePanel>> {
    type Part = fn(&LearnedActionSensitivity) -> &Option<LearnedGaussians>;
    type Numbers = fn(&LearnedGaussians) -> &[f32];
    let curves = |part: Part, numbers: Numbers| -> Vec<Vec<(f64, f64)>> {
        let first = course.first();
        let first = first.and_then(|(_, learned)| part(learned).as_ref());
        let num_classes = first.map_or(0, |part| part.mean.len());
        let curve = |class: usize| {
            let points = course.iter().filter_map(|(epoch, learned)| {
                let values = numbers(part(learned).as_ref()?);
                Some((*epoch as f64, f64::from(*values.get(class)?)))
            });
            points.collect()
        };
        (0..num_classes).map(curve).collect()
    };
    let parts: [(&str, Part); 3] = [
        ("classification", |learned| &learned.classification),
        ("start", |learned| &learned.start),
        ("end", |learned| &learned.end),
    ];
    parts
        .into_iter()
        .filter(|(_, part)| course.iter().any(|(_, learned)| part(learned).is_some()))
        .map(|(name, part)| {
            let panel = |symbol: &str, y, curves| CurvePanel {
                x_name: "Epoch".to_owned(),
                y_name: format!("{symbol} of {name}"),
                y,
                references: Vec::new(),
                curves,
            };
            let mean = curves(part, |gaussians| &gaussians.mean);
            let sigma = curves(part, |gaussians| &gaussians.sigma);
            vec![panel("μ", Some(-1.0..1.0), mean), panel("σ", None, sigma)]
        })
        .collect()
}
