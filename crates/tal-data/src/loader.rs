//! Batches of samples, loaded ahead, in an order that the seed alone decides.

use std::sync::Arc;

use tal_core::Share;

use crate::DataError;
use crate::order::{epoch_order, num_batches};
use crate::pipeline::Pipeline;
use crate::sample::{SampleKey, TrainingSample};

/// Something that gives samples to train on: [`crate::Dataset`] those with segments, [`crate::WeakDataset`] those without.
pub trait SampleSource<S = TrainingSample>: Send + Sync {
    /// Number of recordings.
    fn num_recordings(&self) -> usize;

    /// The sample of a recording in an epoch: a function of `key` alone.
    ///
    /// # Errors
    /// If the recording cannot be loaded.
    fn sample(&self, key: SampleKey) -> Result<S, DataError>;
}

/// How batches are made and loaded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LoaderConfig {
    /// Seed of order and cutting.
    pub seed: u64,
    /// Recordings per batch; an incomplete last batch is dropped.
    pub batch_size: usize,
    /// The part of every batch to load; processes that share batches have different ones.
    pub share: Share,
    /// Background threads; 0 loads when a batch is asked for.
    pub num_threads: usize,
    /// Batches that may be loaded ahead, at least one.
    pub prefetch: usize,
}

/// A place in a training run: the batch with index `batch` of epoch `epoch`, both from 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct Position {
    /// Epoch.
    pub epoch: usize,
    /// Batch within the epoch.
    pub batch: usize,
}

/// The samples of one step.
#[derive(Debug, Clone, PartialEq)]
pub struct Batch<S = TrainingSample> {
    /// Where in the run it is.
    pub position: Position,
    /// The recordings' samples.
    pub samples: Vec<S>,
}

/// Batches from a start position to the end of the last epoch.
///
/// Batches depend on the source, seed, batch size and position alone, neither on the number of threads nor on
/// at which the run was interrupted.
pub struct Loader<S = TrainingSample>(Pipeline<Plan, Batch<S>>);

/// Which recordings make a batch.
struct Plan {
    position: Position,
    indices: Vec<usize>,
}

impl<S: Send + 'static> Loader<S> {
    /// Begins to load from `start` up to the end of epoch `num_epochs − 1`.
    ///
    /// # Errors
    /// A batch size of zero or above the number of recordings; a start behind the end of its epoch; a thread that cannot be
    /// started.
    pub fn new(
        source: Arc<dyn SampleSource<S>>,
        config: LoaderConfig,
        start: Position,
        num_epochs: usize,
    ) -> Result<Self, DataError> {
        let LoaderConfig {
            seed,
            batch_size,
            share,
            num_threads,
            prefetch,
        } = config;
        let num_recordings = source.num_recordings();
        if batch_size == 0 || batch_size > num_recordings {
            return Err(DataError::BatchSize {
                batch_size,
                num_recordings,
            });
        }
        let num_batches = num_batches(num_recordings, batch_size);
        if start.batch > num_batches {
            return Err(DataError::StartPosition {
                batch: start.batch,
                num_batches,
            });
        }
        let plans = (start.epoch..num_epochs)
            .flat_map(move |epoch| {
                let order = epoch_order(seed, epoch as u64, num_recordings);
                (0..num_batches).map(move |batch| Plan {
                    position: Position { epoch, batch },
                    indices: order[batch * batch_size..][share.range(batch_size)].to_vec(),
                })
            })
            .skip(start.batch);
        let name = |plan: &Plan| {
            let Position { epoch, batch } = plan.position;
            format!("batch {batch} of epoch {epoch}")
        };
        let work = move |plan: Plan| {
            let position = plan.position;
            let epoch = position.epoch;
            let samples = plan
                .indices
                .into_iter()
                .map(|index| source.sample(SampleKey { seed, epoch, index }))
                .collect::<Result<_, _>>()?;
            Ok(Batch { position, samples })
        };
        Pipeline::new(plans, name, work, num_threads, prefetch).map(Self)
    }
}

impl<S: Send + 'static> Iterator for Loader<S> {
    type Item = Result<Batch<S>, DataError>;

    fn next(&mut self) -> Option<Self::Item> {
        self.0.next()
    }
}
