//! Classes that training learned something from.

use std::collections::BTreeSet;

use tal_core::config::Config;
use tal_data::Dataset;

use crate::error::EngineError;
use crate::ranks::Ranks;

/// Epochs after which a class that nothing was learned from is told of.
const EPOCHS: usize = 3;
/// Recordings that the cause is looked for in.
const MAX_LOOKED_AT: usize = 50;

/// Classes with positive points (BackTAL: labels) in the batches that this process trained on.
pub(super) struct Taught {
    /// Classes that training recordings are annotated with.
    annotated: BTreeSet<u32>,
    ever: BTreeSet<u32>,
    in_epoch: BTreeSet<u32>,
    /// Epochs that this process did as a whole.
    num_epochs: usize,
}

impl Taught {
    pub(super) fn new(training: &Dataset) -> Self {
        let recordings = (0..training.num_recordings()).map(|index| training.recording(index));
        let instances = recordings.flat_map(|recording| &recording.instances);
        Self {
            annotated: instances.map(|instance| instance.label).collect(),
            ever: BTreeSet::new(),
            in_epoch: BTreeSet::new(),
            num_epochs: 0,
        }
    }

    /// Adds the classes of a batch.
    pub(super) fn add(&mut self, classes: BTreeSet<u32>) {
        self.in_epoch.extend(classes);
    }

    /// Adds what other ranks have learned from in this epoch.
    pub(super) fn share(&mut self, ranks: &Ranks) -> Result<(), EngineError> {
        if !ranks.is_alone() {
            self.in_epoch = ranks.union(std::mem::take(&mut self.in_epoch))?;
        }
        Ok(())
    }

    /// Ends an epoch, of which this process did all steps if it is `whole`. Returns whether there was anything to learn in it,
    /// and the classes to warn of.
    pub(super) fn end_epoch(&mut self, whole: bool, is_last: bool) -> (bool, Vec<u32>) {
        let learned = !whole || !self.in_epoch.is_empty();
        self.ever.append(&mut self.in_epoch);
        self.num_epochs += usize::from(whole);
        let is_time = self.num_epochs == EPOCHS || (is_last && self.num_epochs < EPOCHS);
        let missed = self.annotated.difference(&self.ever).copied();
        match whole && is_time {
            true => (learned, missed.collect()),
            false => (learned, Vec::new()),
        }
    }
}

/// The error of an epoch without any positive point.
///
/// # Errors
/// If features cannot be read.
pub(super) fn nothing_learned(
    training: &Dataset,
    config: &Config,
    epoch: u64,
) -> Result<EngineError, EngineError> {
    let (mut num_actions, mut lengths) = (0, Vec::new());
    let annotated = (0..training.num_recordings())
        .filter(|index| !training.recording(*index).instances.is_empty());
    for index in annotated.take(MAX_LOOKED_AT) {
        let features = training.features(index)?;
        num_actions += training.recording(index).instances.len();
        let (segments, _) = training.training_targets(index, &features);
        let len = features.array.len() as f32;
        let within = segments.iter().filter(|segment| segment.start < len);
        lengths.extend(within.map(|segment| segment.length()));
    }
    let longest = lengths.iter().copied().fold(0.0, f32::max);
    let cause = if lengths.is_empty() {
        format!(
            "all of the first {num_actions} actions begin behind the last feature of their recordings; are they in seconds, \
             and fps and feat_stride right?"
        )
    } else if longest < 1.0 {
        format!(
            "the longest of the first {num_actions} actions is {longest:.2} features long; are they in seconds, or are \
             features at a smaller stride needed?"
        )
    } else {
        format!(
            "the first {num_actions} actions, up to {longest:.1} features long, meet no range of decoder.regression_range"
        )
    };
    Ok(EngineError::Unlearnable {
        path: config.dataset.annotations.clone(),
        subsets: config.dataset.train_subsets.join(", "),
        reason: format!(
            "no point of the network had an action to learn from in epoch {epoch}: {cause}"
        ),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn taught(annotated: [u32; 3]) -> Taught {
        Taught {
            annotated: annotated.into(),
            ever: BTreeSet::new(),
            in_epoch: BTreeSet::new(),
            num_epochs: 0,
        }
    }

    #[test]
    fn classes_are_missed_after_three_epochs_or_at_the_end() {
        let mut long = taught([0, 1, 4]);
        for classes in [[0].into(), [1].into()] {
            long.add(classes);
            assert_eq!(long.end_epoch(true, false), (true, vec![]));
        }
        long.add([0].into());
        assert_eq!(long.end_epoch(true, false), (true, vec![4]));
        // Once.
        long.add([0].into());
        assert_eq!(long.end_epoch(true, true), (true, vec![]));

        let mut short = taught([0, 1, 4]);
        short.add([0, 1].into());
        assert_eq!(short.end_epoch(true, true), (true, vec![4]));
    }

    #[test]
    fn only_a_whole_epoch_without_anything_counts() {
        let mut resumed = taught([0, 1, 2]);
        assert_eq!(resumed.end_epoch(false, false), (true, vec![]));
        assert!(!resumed.end_epoch(true, false).0);
    }
}
