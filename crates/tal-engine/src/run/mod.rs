//! Training runs in a folder: evaluation, checkpoints and continuation.
//!
//! A run folder holds `config.yaml` (resolved), `metrics.jsonl`, `last.safetensors` (the state of the run),
//! `best.safetensors` (with `train.checkpoint.eval_every`), `profile.json` (on request), and at the end `detections.json`,
//! `evaluation.json` and `summary.json`. With `train.log`, the curves of `metrics.jsonl` lie there in formats of other tools, too.

mod decisions;
mod figures;
mod folder;
mod options;
mod taught;
mod together;

use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use tal_core::ClassMap;
use tal_core::config::Config;
use tal_data::{Dataset, Loader, LoaderConfig, Position, SampleSource};
use tch::Device;

use crate::backtal::BackTal;
use crate::checkpoint::{Best, Checkpoint, RunState};
use crate::detector::Detector;
use crate::error::EngineError;
use crate::evaluator::{EvaluationReport, Evaluator};
use crate::external_scores::ExternalScores;
use crate::method::Method;
use crate::metrics::{Metric, MetricsLog};
use crate::model::Model;
use crate::profile::{Phase, Stopwatch};
use crate::pyramid::Pyramid;
use crate::ranks::Ranks;
use crate::trained_on::TrainedOn;
use crate::trainer::Trainer;
use taught::Taught;

pub use crate::checkpoint::{BEST, LAST};
pub use figures::RunFigures;
pub(crate) use folder::other_figures;
pub use options::{RunInfo, RunObserver, RunOptions, RunSummary};
pub use tal_runs::files::{
    DETECTIONS, EVALUATION, LOG, METRICS, PROFILE, RESOLVED_CONFIG, SUMMARY,
};

/// Trains a network as `config` says.
///
/// # Errors
/// If the data, the folder or the numbers are wrong; the folder then holds the last saved state.
/// [`EngineError::Interrupted`] if the observer asked to stop.
pub fn train(
    config: &Config,
    options: &RunOptions,
    observer: &mut dyn RunObserver,
) -> Result<RunSummary, EngineError> {
    let ranks = &options.ranks;
    let outcome = together::check(config, ranks).and_then(|()| match config.backtal {
        None => train_method::<Pyramid>(config, options, observer),
        Some(_) => train_method::<BackTal>(config, options, observer),
    });
    ranks.leave(outcome.as_ref().err());
    outcome
}

fn train_method<M: Method>(
    config: &Config,
    options: &RunOptions,
    observer: &mut dyn RunObserver,
) -> Result<RunSummary, EngineError> {
    let is_first = options.ranks.is_first();
    let folder = match is_first {
        true => folder::prepare(&options.out, options.resume, config)?,
        false => folder::Prepared::default(),
    };
    let mut run = Run::<M>::open(config, options, folder.state)?;
    if is_first {
        folder::remove_summary(&options.out)?;
        folder::write_config(&options.out, config)?;
    }
    observer.started(&run.info());
    if run.trainer.num_steps() == 0 {
        // A run that is killed before its first save can be resumed, too.
        run.save()?;
    }
    if options.profile {
        *run.trainer.stopwatch() = Stopwatch::start_with(options.device, &options.ranks);
    }
    let mut outcome = run.train(observer);
    if let Some(profile) = run.trainer.stopwatch().profile() {
        if is_first {
            outcome = outcome.and(folder::write_json(&options.out, PROFILE, &profile));
        }
        observer.profiled(&profile);
    }
    // The evaluation after the last epoch is not part of a step.
    *run.trainer.stopwatch() = Stopwatch::off();
    outcome?;
    let summary = run.finish(observer)?;
    drop(folder.lock);
    Ok(summary)
}

/// Makes a run folder with `checkpoint`, the state of a run, so that [`train`] with `resume` continues from it.
///
/// # Errors
/// If the checkpoint holds weights only, or the folder is not empty or cannot be written.
pub fn write_resumable(out: &Path, checkpoint: &Checkpoint) -> Result<(), EngineError> {
    let last = out.join(LAST);
    if checkpoint.manifest.run.is_none() {
        let reason = "would hold weights only, not the state of a run";
        return Err(EngineError::checkpoint(&last, reason));
    }
    let config = &checkpoint.manifest.config;
    let folder = folder::prepare(out, false, config)?;
    folder::write_config(out, config)?;
    checkpoint.write(&last)?;
    drop(folder.lock);
    Ok(())
}

struct Run<'a, M: Method> {
    config: &'a Config,
    out: &'a Path,
    device: Device,
    training: Arc<Dataset>,
    taught: Taught,
    source: Arc<dyn SampleSource<M::Sample>>,
    classes: ClassMap,
    evaluator: Evaluator,
    external_scores: Option<Arc<ExternalScores>>,
    trainer: Trainer<M>,
    /// `None` on ranks that write no files.
    log: Option<MetricsLog>,
    ranks: &'a Ranks,
    position: Position,
    steps_per_epoch: usize,
    epoch_loss: f64,
    best: Option<Best>,
    last: Option<(u64, EvaluationReport)>,
    train_seconds: f64,
}

impl<'a, M: Method> Run<'a, M> {
    fn open(
        config: &'a Config,
        options: &'a RunOptions,
        resumed: Option<Checkpoint>,
    ) -> Result<Self, EngineError> {
        let data = &config.dataset;
        let cache_bytes = config.train.cache_mb << 20;
        let training = Dataset::open(data, &data.train_subsets)?.with_cache(cache_bytes);
        // Most mistakes in features show in the first file: report them before the folder holds a run.
        training.features(0)?;
        let training = Arc::new(training);
        let (source, classes) = M::source(config, training.clone())?;
        let test = Dataset::open(data, &data.test_subsets)?;
        test.features(0)?;
        let test = Arc::new(test);
        let ranks = &options.ranks;
        let num_workers = config.train.num_workers;
        let evaluator =
            Evaluator::new(test.clone(), &data.test_subsets, num_workers).shared_by(ranks);
        let external_scores = ExternalScores::of(config)?;
        let external = external_scores.as_deref();
        let found = external.map_or(&classes, ExternalScores::classes);
        evaluator.check(config, found, external)?;
        let batch_size = config.train.batch_size;
        let steps_per_epoch = tal_data::order::num_batches(source.num_recordings(), batch_size);
        if steps_per_epoch == 0 {
            return Err(EngineError::TooFewRecordings {
                num_recordings: source.num_recordings(),
                batch_size,
            });
        }
        let mut trainer = Trainer::new(config, &classes, steps_per_epoch, options.device)?;
        trainer.remember(TrainedOn::of(&training));
        let parameters = trainer.model().parameters();
        together::agree(ranks, config, [&training, &test], &parameters)?;
        let resumed = together::share_state(ranks, resumed, &options.out)?;
        let state = match &resumed {
            Some(checkpoint) => Some(trainer.restore(checkpoint, &options.out.join(LAST))?),
            None => None,
        };
        trainer.join(ranks)?;
        let metrics_bytes = state.as_ref().map_or(0, |state| state.metrics_bytes);
        let open_log = || {
            MetricsLog::open(&options.out.join(METRICS), metrics_bytes)?
                .with_curves(&config.train.log)
        };
        Ok(Self {
            config,
            out: &options.out,
            device: options.device,
            taught: Taught::new(&training),
            training,
            source,
            classes,
            evaluator,
            external_scores,
            trainer,
            log: ranks.is_first().then(open_log).transpose()?,
            ranks,
            position: state
                .as_ref()
                .map_or(Position::default(), |state| Position {
                    epoch: state.epoch as usize,
                    batch: state.batch as usize,
                }),
            steps_per_epoch,
            epoch_loss: state.as_ref().map_or(0.0, |state| state.epoch_loss),
            best: state.and_then(|state| state.best),
            last: None,
            train_seconds: 0.0,
        })
    }

    fn info(&self) -> RunInfo {
        RunInfo {
            out: self.out.to_owned(),
            num_recordings: self.source.num_recordings(),
            num_test_recordings: self.evaluator.num_recordings(),
            num_parameters: self.trainer.model().num_parameters(),
            steps_per_epoch: self.steps_per_epoch as u64,
            num_epochs: self.config.train.num_epochs() as u64,
            steps_done: self.trainer.num_steps(),
        }
    }

    fn train(&mut self, observer: &mut dyn RunObserver) -> Result<(), EngineError> {
        let train = &self.config.train;
        let num_epochs = train.num_epochs();
        if self.position.epoch >= num_epochs {
            return Ok(());
        }
        let loader = Loader::new(
            self.source.clone(),
            LoaderConfig {
                seed: train.seed,
                batch_size: train.batch_size,
                share: self.ranks.share(),
                num_threads: train.num_workers,
                prefetch: train.num_workers.max(1) * 2,
            },
            self.position,
            num_epochs,
        )?;
        let mut epoch_start = Instant::now();
        let mut timed_steps = 0;
        for batch in loader {
            let batch = batch?;
            self.trainer.stopwatch().lap(Phase::Wait);
            let epoch = batch.position.epoch;
            let mut batch_of_step = M::batch(self.config, &batch.samples, self.device)?;
            self.taught.add(M::taught(&batch_of_step));
            if !self.ranks.is_alone() {
                self.trainer.ask_to_stop(observer.should_stop());
            }
            let metrics = self.trainer.step(&mut batch_of_step, epoch as u64)?;
            drop(batch_of_step);
            self.epoch_loss += metrics.loss;
            observer.step(&metrics);
            self.write(&Metric::Step(metrics))?;
            self.trainer.stopwatch().lap(Phase::Metrics);
            self.position = Position {
                epoch,
                batch: batch.position.batch + 1,
            };
            timed_steps += 1;
            if self.position.batch == self.steps_per_epoch {
                let seconds = epoch_start.elapsed().as_secs_f64();
                self.train_seconds += seconds;
                self.end_epoch((timed_steps, seconds), observer)?;
                timed_steps = 0;
                epoch_start = Instant::now();
            } else if decisions::save_after_step(&train.checkpoint, self.position.batch) {
                self.save()?;
            }
            let should_stop = match self.ranks.is_alone() {
                true => observer.should_stop(),
                false => self.trainer.should_stop(),
            };
            if should_stop {
                self.save()?;
                // The others wait for rank 0: a launcher may kill it once one of them has ended.
                self.ranks.sum(&mut [0.0])?;
                return Err(EngineError::Interrupted {
                    epoch: self.position.epoch as u64,
                    step: self.trainer.num_steps(),
                });
            }
        }
        Ok(())
    }

    /// Ends the epoch: metrics, evaluation and saving as the configuration says.
    ///
    /// This process did `timed_steps` of its steps, in `seconds`.
    fn end_epoch(
        &mut self,
        (timed_steps, seconds): (usize, f64),
        observer: &mut dyn RunObserver,
    ) -> Result<(), EngineError> {
        let epoch = self.position.epoch as u64 + 1;
        let mean_loss = self.epoch_loss / self.steps_per_epoch as f64;
        self.write(&Metric::Epoch {
            epoch,
            step: self.trainer.num_steps(),
            mean_loss,
            seconds,
            timed_steps: Some(timed_steps as u64),
        })?;
        tracing::info!("epoch {epoch}: mean loss {mean_loss:.4}, {seconds:.1} s");
        self.trainer.stopwatch().lap(Phase::Metrics);
        let num_epochs = self.config.train.num_epochs() as u64;
        self.taught.share(self.ranks)?;
        if !self.trainer.align()? {
            tracing::warn!(
                "after epoch {epoch} the ranks had different weights, as processors of different kinds round differently; all \
                 continue with those of rank 0. To get the same numbers again, start ranks on processors of one kind"
            );
        }
        self.check_taught(epoch, timed_steps == self.steps_per_epoch)?;
        self.epoch_loss = 0.0;
        self.position = Position {
            epoch: epoch as usize,
            batch: 0,
        };
        let policy = &self.config.train.checkpoint;
        if decisions::evaluate_after(policy, epoch) {
            let report = self.evaluate(epoch, observer)?;
            if decisions::is_better(self.best, report.evaluation.average_map) {
                self.best = Some(Best {
                    epoch,
                    average_map: report.evaluation.average_map,
                });
                if self.ranks.is_first() {
                    self.trainer
                        .detector_checkpoint()
                        .write(&self.out.join(BEST))?;
                }
                self.trainer.stopwatch().lap(Phase::Save);
            }
            observer.evaluated(epoch, &report, self.best);
            self.last = Some((epoch, report));
        }
        if decisions::save_after(policy, epoch, num_epochs) {
            self.save()?;
        }
        Ok(())
    }

    /// Stops a run that learns nothing, and warns of classes that it does not learn. Of an epoch that is not `whole`, this process
    /// did only a part.
    fn check_taught(&mut self, epoch: u64, whole: bool) -> Result<(), EngineError> {
        let is_last = epoch == self.config.train.num_epochs() as u64;
        let (learned, missed) = self.taught.end_epoch(whole, is_last);
        if !learned {
            return Err(taught::nothing_learned(&self.training, self.config, epoch)?);
        }
        if !missed.is_empty() {
            let names = missed.iter().map(|id| self.classes.display_name(*id));
            tracing::warn!(
                "no point of the network had an action of {} to learn from in the epochs up to {epoch}; `tal data check` tells \
                 why",
                tal_core::quoted_list(names)
            );
        }
        Ok(())
    }

    fn evaluate(
        &mut self,
        epoch: u64,
        observer: &mut dyn RunObserver,
    ) -> Result<EvaluationReport, EngineError> {
        let start = Instant::now();
        let kind = self.config.train.checkpoint.weights;
        let mut model = Model::<M>::new(self.config, &[], self.device)?;
        model.load(self.trainer.weights(kind), self.out)?;
        let scores = self.external_scores.clone();
        let detector = Detector::with_scores(model, &self.classes, kind, scores);
        let report = self.evaluator.evaluate(&detector, &mut |done, total| {
            observer.evaluating(done, total)
        })?;
        let average_map = report.evaluation.average_map;
        let seconds = start.elapsed().as_secs_f64();
        tracing::info!(
            "epoch {epoch}: average mAP {:.2} on {}, {seconds:.1} s",
            100.0 * average_map,
            report.subsets.join(", ")
        );
        self.write(&Metric::Evaluation {
            epoch,
            subsets: report.subsets.clone(),
            average_map,
            map: report.evaluation.map.clone(),
            tiou_thresholds: report.evaluation.tiou_thresholds.clone(),
            seconds,
        })?;
        self.trainer.stopwatch().lap(Phase::Evaluation);
        Ok(report)
    }

    fn write(&mut self, metric: &Metric) -> Result<(), EngineError> {
        self.log.as_mut().map_or(Ok(()), |log| log.write(metric))
    }

    /// Saves the state of the run, if this rank writes the files.
    fn save(&mut self) -> Result<(), EngineError> {
        let Some(log) = &mut self.log else {
            return Ok(());
        };
        let state = RunState {
            step: self.trainer.num_steps(),
            epoch: self.position.epoch as u64,
            batch: self.position.batch as u64,
            criterion: self.trainer.criterion_state(),
            epoch_loss: self.epoch_loss,
            metrics_bytes: log.sync()?,
            best: self.best,
        };
        self.trainer.checkpoint(state).write(&self.out.join(LAST))?;
        self.trainer.stopwatch().lap(Phase::Save);
        Ok(())
    }

    fn figures(&self, last: &EvaluationReport) -> Result<RunFigures, EngineError> {
        Ok(RunFigures {
            weights: self.config.train.checkpoint.weights,
            average_map: last.evaluation.average_map,
            tiou_thresholds: last.evaluation.tiou_thresholds.clone(),
            map: last.evaluation.map.clone(),
            num_parameters: self.trainer.model().num_parameters(),
            num_steps: self.trainer.num_steps(),
            step_seconds: figures::step_seconds(self.out, self.steps_per_epoch)?,
            peak_memory_bytes: crate::memory::peak_resident_bytes(),
        })
    }

    /// Evaluates after the last epoch, unless that is already done, and writes the results.
    fn finish(mut self, observer: &mut dyn RunObserver) -> Result<RunSummary, EngineError> {
        let epoch = self.config.train.num_epochs() as u64;
        let last = match self.last.take() {
            Some((of, report)) if of == epoch => report,
            _ => {
                let report = self.evaluate(epoch, observer)?;
                observer.evaluated(epoch, &report, self.best);
                report
            }
        };
        if let Some(log) = &mut self.log {
            log.sync()?;
            let external = self.external_scores.as_deref();
            let classes = external.map_or(&self.classes, ExternalScores::classes);
            folder::write_results(self.out, &last, classes)?;
            // The last file of a run: if it is there, the run is finished.
            folder::write_json(self.out, SUMMARY, &self.figures(&last)?)?;
        }
        Ok(RunSummary {
            out: self.out.to_owned(),
            weights: self.config.train.checkpoint.weights,
            last,
            best: self.best,
            num_steps: self.trainer.num_steps(),
            train_seconds: self.train_seconds,
        })
    }
}
