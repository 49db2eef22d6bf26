//! `tal predict`: actions in videos and feature files.

mod drafts;
mod films;
mod frame_scores;

mod parts;
mod recordings;
mod sink;
mod source;
mod target;
mod timeline;

use anyhow::Result;
use tal_core::Detection;
use tal_data::Features;
use tal_engine::predict::{InputNames, InputOptions, Unit, find_units};
use tal_engine::{Detector, DeviceChoice};
use tal_postprocess::DetectionRules;

use super::{rules, trained};
use crate::args::PredictArgs;
use crate::console::Console;
use crate::failure::UsageError;
use frame_scores::ScoresFolder;
use sink::Sink;
use source::Source;
use target::Target;

/// The bar of a prediction.
const BAR: &str = "predicting {bar:30} {pos}/{len} recordings, {rate}, {eta} left";

pub(crate) fn run(args: &PredictArgs, device: DeviceChoice, console: &Console) -> Result<()> {
    let is_part = args.shard.is_some() || args.resume;
    let target = match is_part {
        true => parts::check(args)?,
        false => Target::of(args)?,
    };
    let file = rules::read(args.choice.thresholds.as_deref())?;
    let sigma = file.as_ref().and_then(|file| file.sigma);
    let (_, detector) = trained::open(&args.trained, sigma, device)?;
    let rules = rules::choice(&args.choice, file.as_ref(), detector.classes())?;
    let scores = ScoresFolder::open(args, &detector)?;
    let predictor = Predictor {
        args,
        detector: &detector,
        rules,
        scores,
        source: Source::new(args, &detector, device, console),
    };
    match is_part {
        true => parts::run(predictor, console),
        false => all(predictor, target, console),
    }
}

/// The detector with everything that turns a recording into its detections.
struct Predictor<'a> {
    args: &'a PredictArgs,
    detector: &'a Detector,
    rules: DetectionRules,
    scores: Option<ScoresFolder>,
    source: Source<'a>,
}

/// A recording that has been predicted.
struct Predicted {
    features: Features,
    /// Those that the rules leave.
    detections: Vec<Detection>,
    /// The highest score before the rules.
    best: Option<f64>,
}

impl Predictor<'_> {
    fn units(&self, shard: Option<tal_data::results::Shard>) -> Result<Vec<Unit>> {
        let names = InputNames {
            names: self.args.inputs.clone(),
            list: self.args.list.clone(),
        };
        let options = InputOptions {
            below: self.args.below.as_deref(),
            shard,
        };
        let config = &self.detector.config().dataset;
        let mut stdin = std::io::stdin().lock();
        Ok(find_units(config, &names, &mut stdin, options)?)
    }

    fn predict(&mut self, unit: &Unit) -> Result<Predicted> {
        let features = self.source.features(unit)?;
        let found = self.detector.detect(&features)?;
        if let Some(scores) = &self.scores {
            scores.write(&self.detector.frame_scores(&features)?, &features.id)?;
        }
        Ok(Predicted {
            detections: self.rules.apply(&found),
            best: found.iter().map(|row| row.score).max_by(f64::total_cmp),
            features,
        })
    }
}

/// Predicts all recordings of the command line.
fn all(mut predictor: Predictor<'_>, target: Target, console: &Console) -> Result<()> {
    let args = predictor.args;
    let units = recordings::chosen(args, predictor.units(None)?, &mut predictor.source)?;
    if !units.is_empty() {
        let told = |line: &str| match target.is_stdout() {
            true => {
                tracing::info!("{line}");
                Ok(())
            }
            false => console.print(line),
        };
        predictor.source.tell_of_traits(&units, &told)?;
    }
    let mut sink = Sink::open(target, predictor.detector.classes(), args)?;
    let bar = console.bar(units.len() as u64, 0, BAR);
    let (mut best, mut num_kept) = (None::<f64>, 0);
    let outcome = units.iter().try_for_each(|unit| -> Result<()> {
        let predicted = predictor.predict(unit)?;
        best = best.into_iter().chain(predicted.best).reduce(f64::max);
        num_kept += predicted.detections.len();
        sink.add(unit, &predicted, console)?;
        bar.inc(1);
        Ok(())
    });
    bar.finish_and_clear();
    outcome?;
    if let Some(best) = best
        && num_kept == 0
    {
        return Err(UsageError(nothing_left(args, best)).into());
    }
    sink.finish(units.len(), num_kept, console)
}

/// The message if the options leave nothing.
fn nothing_left(args: &PredictArgs, best: f64) -> String {
    let options = [
        args.choice
            .min_score
            .map(|least| format!("--min-score {least}")),
        (!args.choice.classes.is_empty())
            .then(|| format!("--classes {}", args.choice.classes.join(","))),
        args.choice
            .thresholds
            .as_ref()
            .map(|file| format!("--thresholds {}", file.display())),
    ];
    let options: Vec<String> = options.into_iter().flatten().collect();
    format!(
        "{}: no detection is left, the best has the score {best:.4}",
        options.join(", ")
    )
}
