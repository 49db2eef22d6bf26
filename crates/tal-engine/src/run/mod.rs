//! The policy of a training run: when to evaluate, what to keep, how to go on.
//!
//! A run folder holds `config.yaml` (resolved), `metrics.jsonl`, `last.safetensors` (the state of the run),
//! `best.safetensors` (with `train.checkpoint.eval_every`), where asked for `profile.json`, and at the end `detections.json`,
//! `evaluation.json` and `summary.json`.

mod decisions;
mod figures;
mod folder;
mod source;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;

use tal_core::ClassMap;
use tal_core::config::{Config, Weights};
use tal_data::{Dataset, Loader, LoaderConfig, Position, SampleSource, TrainingSample, WeakSample};
use tch::Device;

use crate::backtal::WeakBatch;
use crate::batch::TrainingBatch;
use crate::checkpoint::{BEST, Best, Checkpoint, LAST, RunState};
use crate::detector::Detector;
use crate::error::EngineError;
use crate::evaluator::{EvaluationReport, Evaluator};
use crate::metrics::{Metric, MetricsLog, StepMetrics};
use crate::profile::{Phase, StepProfile, Stopwatch};
use crate::trainer::Trainer;

use source::Source;

pub use figures::RunFigures;
pub(crate) use folder::other_figures;
pub use folder::{DETECTIONS, EVALUATION, LOG, METRICS, PROFILE, RESOLVED_CONFIG, SUMMARY};

/// Where a run goes and how it starts.
#[derive(Debug, Clone)]
pub struct RunOptions {
    /// The run folder.
    pub out: PathBuf,
    /// Go on with what the folder holds, or start where it holds nothing.
    pub resume: bool,
    /// Where the network runs.
    pub device: Device,
    /// Measure where the time of a step goes: [`RunObserver::profiled`] and [`PROFILE`].
    pub profile: bool,
}

/// What a run is about to do.
#[derive(Debug, Clone)]
pub struct RunInfo {
    /// The run folder; it exists from now on.
    pub out: PathBuf,
    /// Training recordings.
    pub num_recordings: usize,
    /// Recordings of the test subsets.
    pub num_test_recordings: usize,
    /// Trained values of the network.
    pub num_parameters: usize,
    /// Steps of an epoch.
    pub steps_per_epoch: u64,
    /// Epochs of the run.
    pub num_epochs: u64,
    /// Steps that an earlier process did.
    pub steps_done: u64,
}

/// Is told what happens; all methods may be left out.
pub trait RunObserver {
    /// The data are open and the network is built.
    fn started(&mut self, _info: &RunInfo) {}
    /// A step is done.
    fn step(&mut self, _metrics: &StepMetrics) {}
    /// `done` of `total` recordings are evaluated; first called with 0.
    fn evaluating(&mut self, _done: usize, _total: usize) {}
    /// An evaluation is done, `epoch` counted from 1; `best` is the best so far.
    fn evaluated(&mut self, _epoch: u64, _report: &EvaluationReport, _best: Option<Best>) {}
    /// Training is over or interrupted; where its time went, if that was measured and a step was done.
    fn profiled(&mut self, _profile: &StepProfile) {}
    /// Whether to stop after the current step; the run is saved.
    fn should_stop(&self) -> bool {
        false
    }
}

/// An observer that does nothing.
impl RunObserver for () {}

/// How a run ended.
#[derive(Debug, Clone)]
pub struct RunSummary {
    /// The run folder.
    pub out: PathBuf,
    /// Which weights were evaluated.
    pub weights: Weights,
    /// The evaluation after the last epoch.
    pub last: EvaluationReport,
    /// The best evaluation, where epochs were compared.
    pub best: Option<Best>,
    /// Steps of the whole run.
    pub num_steps: u64,
    /// Seconds that this process trained, without evaluations.
    pub train_seconds: f64,
}

/// Trains a network as `config` says.
///
/// # Errors
/// Whatever is wrong with the data, the folder or the numbers; the folder then holds the last saved state.
/// [`EngineError::Interrupted`] where the observer asked to stop.
pub fn train(
    config: &Config,
    options: &RunOptions,
    observer: &mut dyn RunObserver,
) -> Result<RunSummary, EngineError> {
    let folder = folder::prepare(options, config)?;
    let mut run = Run::open(config, options, folder.state)?;
    folder::remove_summary(&options.out)?;
    folder::write_config(&options.out, config)?;
    observer.started(&run.info());
    if run.trainer.num_steps() == 0 {
        // A run that is killed before its first save can be resumed, too.
        run.save()?;
    }
    if options.profile {
        *run.trainer.stopwatch() = Stopwatch::start(options.device);
    }
    let mut outcome = run.train(observer);
    if let Some(profile) = run.trainer.stopwatch().profile() {
        outcome = outcome.and(folder::write_profile(&options.out, &profile));
        observer.profiled(&profile);
    }
    // The evaluation after the last epoch is no part of a step.
    *run.trainer.stopwatch() = Stopwatch::off();
    outcome?;
    let summary = run.finish(observer)?;
    drop(folder.lock);
    Ok(summary)
}

/// Makes a run folder that holds `checkpoint`, the state of a run, so that [`train`] with `resume` goes on from it.
///
/// # Errors
/// Where the checkpoint holds weights only, or the folder is not empty or cannot be written.
pub fn write_resumable(out: &Path, checkpoint: &Checkpoint) -> Result<(), EngineError> {
    let last = out.join(LAST);
    if checkpoint.manifest.run.is_none() {
        return Err(EngineError::Checkpoint {
            path: last,
            reason: "would hold weights only, not the state of a run".to_owned(),
        });
    }
    let options = RunOptions {
        out: out.to_owned(),
        resume: false,
        device: Device::Cpu,
        profile: false,
    };
    let config = &checkpoint.manifest.config;
    let folder = folder::prepare(&options, config)?;
    folder::write_config(out, config)?;
    checkpoint.write(&last)?;
    drop(folder.lock);
    Ok(())
}

struct Run<'a> {
    config: &'a Config,
    out: &'a Path,
    device: Device,
    source: Source<'a>,
    classes: ClassMap,
    evaluator: Evaluator,
    trainer: Trainer,
    log: MetricsLog,
    position: Position,
    steps_per_epoch: usize,
    epoch_loss: f64,
    best: Option<Best>,
    last: Option<(u64, EvaluationReport)>,
    train_seconds: f64,
}

impl<'a> Run<'a> {
    fn open(
        config: &'a Config,
        options: &'a RunOptions,
        resumed: Option<Checkpoint>,
    ) -> Result<Self, EngineError> {
        let data = &config.dataset;
        let (source, classes) = Source::open(config)?;
        let test = Dataset::open(data, &data.test_subsets)?;
        test.features(0)?;
        let evaluator =
            Evaluator::new(Arc::new(test), &data.test_subsets, config.train.num_workers)
                .with_external_scores(config.inference.external_scores.as_ref())?;
        evaluator.check(config, &classes)?;
        let batch_size = config.train.batch_size;
        let steps_per_epoch = tal_data::order::num_batches(source.num_recordings(), batch_size);
        if steps_per_epoch == 0 {
            return Err(EngineError::TooFewRecordings {
                num_recordings: source.num_recordings(),
                batch_size,
            });
        }
        let mut trainer = Trainer::new(config, &classes, steps_per_epoch, options.device)?;
        let state = match &resumed {
            Some(checkpoint) => Some(trainer.restore(checkpoint, &options.out.join(LAST))?),
            None => None,
        };
        let metrics_bytes = state.as_ref().map_or(0, |state| state.metrics_bytes);
        Ok(Self {
            config,
            out: &options.out,
            device: options.device,
            source,
            classes,
            evaluator,
            trainer,
            log: MetricsLog::open(&options.out.join(METRICS), metrics_bytes)?,
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
        let (config, device) = (self.config, self.device);
        match &self.source {
            Source::Weak(dataset, backtal) => {
                let backtal = *backtal;
                let source: Arc<dyn SampleSource<WeakSample>> = dataset.clone();
                self.train_on(source, observer, |trainer, samples, epoch| {
                    let mut batch = WeakBatch::new(samples, config, backtal, device)?;
                    trainer.step_weak(&mut batch, epoch)
                })
            }
            Source::Segments(dataset) => {
                let source: Arc<dyn SampleSource> = dataset.clone();
                self.train_on(
                    source,
                    observer,
                    |trainer, samples: &[TrainingSample], epoch| {
                        let mut batch = TrainingBatch::new(samples, config, device)?;
                        trainer.step(&mut batch, epoch)
                    },
                )
            }
        }
    }

    /// Trains on the batches of `source`; `step` is one step.
    fn train_on<S: Send + 'static>(
        &mut self,
        source: Arc<dyn SampleSource<S>>,
        observer: &mut dyn RunObserver,
        step: impl Fn(&mut Trainer, &[S], u64) -> Result<StepMetrics, EngineError>,
    ) -> Result<(), EngineError> {
        let train = &self.config.train;
        let num_epochs = train.num_epochs();
        if self.position.epoch >= num_epochs {
            return Ok(());
        }
        let loader = Loader::new(
            source,
            LoaderConfig {
                seed: train.seed,
                batch_size: train.batch_size,
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
            let metrics = step(&mut self.trainer, &batch.samples, epoch as u64)?;
            self.epoch_loss += metrics.loss;
            observer.step(&metrics);
            self.log.write(&Metric::Step(metrics))?;
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
            if observer.should_stop() {
                self.save()?;
                return Err(EngineError::Interrupted {
                    epoch: self.position.epoch as u64,
                    step: self.trainer.num_steps(),
                });
            }
        }
        Ok(())
    }

    /// Moves on to the next epoch: metrics, evaluation and saving as the configuration says.
    ///
    /// The epoch's `timed_steps` that this process did took `seconds`.
    fn end_epoch(
        &mut self,
        (timed_steps, seconds): (usize, f64),
        observer: &mut dyn RunObserver,
    ) -> Result<(), EngineError> {
        let epoch = self.position.epoch as u64 + 1;
        let mean_loss = self.epoch_loss / self.steps_per_epoch as f64;
        self.log.write(&Metric::Epoch {
            epoch,
            step: self.trainer.num_steps(),
            mean_loss,
            seconds,
            timed_steps: Some(timed_steps as u64),
        })?;
        tracing::info!("epoch {epoch}: mean loss {mean_loss:.4}, {seconds:.1} s");
        self.trainer.stopwatch().lap(Phase::Metrics);
        self.epoch_loss = 0.0;
        self.position = Position {
            epoch: epoch as usize,
            batch: 0,
        };
        let num_epochs = self.config.train.num_epochs() as u64;
        let policy = &self.config.train.checkpoint;
        if decisions::evaluate_after(policy, epoch) {
            let report = self.evaluate(epoch, observer)?;
            if decisions::is_better(self.best, report.evaluation.average_map) {
                self.best = Some(Best {
                    epoch,
                    average_map: report.evaluation.average_map,
                });
                self.trainer
                    .detector_checkpoint()
                    .write(&self.out.join(BEST))?;
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

    fn evaluate(
        &mut self,
        epoch: u64,
        observer: &mut dyn RunObserver,
    ) -> Result<EvaluationReport, EngineError> {
        let start = Instant::now();
        let kind = self.config.train.checkpoint.weights;
        let detector = Detector::with_weights(
            self.config,
            &self.classes,
            (kind, self.trainer.weights(kind)),
            self.out,
            self.device,
        )?;
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
        self.log.write(&Metric::Evaluation {
            epoch,
            subsets: report.subsets.clone(),
            average_map,
            map: report.evaluation.map.clone(),
            seconds,
        })?;
        self.trainer.stopwatch().lap(Phase::Evaluation);
        Ok(report)
    }

    fn save(&mut self) -> Result<(), EngineError> {
        let state = RunState {
            step: self.trainer.num_steps(),
            epoch: self.position.epoch as u64,
            batch: self.position.batch as u64,
            criterion: self.trainer.criterion_state(),
            epoch_loss: self.epoch_loss,
            metrics_bytes: self.log.sync()?,
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

    /// The evaluation after the last epoch, unless it has just been made, and the files that hold it.
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
        self.log.sync()?;
        let external = self.evaluator.external_classes();
        let classes = external.unwrap_or(&self.classes);
        folder::write_results(self.out, &last, classes)?;
        // The last file of a run: where it stands, the run is finished.
        folder::write_summary(self.out, &self.figures(&last)?)?;
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
