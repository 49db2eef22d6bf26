//! Training step from files, with zero and with two threads that load ahead. CPU, all threads of LibTorch.
//!
//! The corpus has the sizes of GTEA and features as npy. The share of a step spent waiting for the loader is printed after
//! each benchmark. The files are in the memory of the operating system, as from the second epoch on.

use std::fmt::Display;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use criterion::{Criterion, criterion_group, criterion_main};
use tal_benches::unit::in_units;
use tal_core::config::Config;
use tal_data::order::num_batches;
use tal_data::{Dataset, Loader, LoaderConfig, Position};
use tal_engine::{Pyramid, Trainer, TrainingBatch};
use tal_synth::SynthConfig;
use tch::Device;

/// Numbers of threads that load ahead.
const NUM_WORKERS: [usize; 2] = [0, 2];

/// Writes a corpus with the sizes of GTEA to `dir`; returns a configuration for it.
fn corpus(dir: &Path) -> Config {
    let gtea = tal_benches::config("gtea", &[]);
    let corpus = tal_synth::generate(&SynthConfig {
        num_train: 16,
        num_test: 1,
        num_classes: gtea.dataset.num_classes,
        num_channels: gtea.dataset.input_dim,
        mean_length: 1000,
        ..SynthConfig::default()
    })
    .expect("a corpus");
    tal_synth::write(&corpus, dir).expect("a folder that can be written");
    let set = |key: &str, value: &dyn Display| format!("dataset.{key}={value}");
    let grid = SynthConfig::default().time_grid();
    let overrides = [
        set("annotations", &dir.join("annotations.json").display()),
        set("features.dir", &dir.join("features").display()),
        set("feat_stride", &grid.feat_stride),
        set("num_frames", &grid.num_frames),
    ];
    tal_benches::config("gtea", &overrides.each_ref().map(String::as_str))
}

/// Training from files, step by step.
struct Run {
    config: Config,
    loader: Loader,
    trainer: Trainer<Pyramid>,
}

impl Run {
    fn new(config: &Config, num_workers: usize) -> Self {
        let data = &config.dataset;
        let dataset = Arc::new(Dataset::open(data, &data.train_subsets).expect("a data set"));
        let classes = dataset.classes().clone();
        let loader = LoaderConfig {
            seed: config.train.seed,
            batch_size: config.train.batch_size,
            share: tal_core::Share::WHOLE,
            num_threads: num_workers,
            prefetch: num_workers.max(1) * 2,
        };
        let steps_per_epoch = num_batches(dataset.num_recordings(), loader.batch_size);
        let loader = Loader::new(dataset, loader, Position::default(), usize::MAX);
        let loader = loader.expect("batches");
        let trainer = Trainer::<Pyramid>::new(config, &classes, steps_per_epoch, Device::Cpu);
        Self {
            config: config.clone(),
            loader,
            trainer: trainer.expect("a network"),
        }
    }

    /// One step; returns the time spent waiting and the time of the rest.
    fn step(&mut self) -> (Duration, Duration) {
        let start = Instant::now();
        let batch = self.loader.next().expect("no end").expect("a batch");
        let wait = start.elapsed();
        let mut input =
            TrainingBatch::new(&batch.samples, &self.config, Device::Cpu).expect("a batch");
        let epoch = batch.position.epoch as u64;
        self.trainer.step(&mut input, epoch).expect("a finite step");
        (wait, start.elapsed() - wait)
    }
}

fn loader(criterion: &mut Criterion) {
    let dir = tempfile::tempdir().expect("a temporary folder");
    let mut config = None;
    let mut group = criterion.benchmark_group("loader");
    group.sample_size(10);
    for num_workers in NUM_WORKERS {
        let mut run = None;
        let mut sums = (Duration::ZERO, Duration::ZERO);
        in_units(&mut group, &num_workers.to_string(), |bencher| {
            let config = config.get_or_insert_with(|| corpus(dir.path()));
            let run = run.get_or_insert_with(|| Run::new(config, num_workers));
            bencher.iter(|| {
                let (wait, rest) = run.step();
                sums.0 += wait;
                sums.1 += rest;
            });
        });
        let all = (sums.0 + sums.1).as_secs_f64();
        if all > 0.0 {
            let share = 100.0 * sums.0.as_secs_f64() / all;
            println!("num_workers {num_workers}: {share:.2} % of a step is waiting\n");
        }
    }
    group.finish();
}

criterion_group!(benches, loader);
criterion_main!(benches);
