//! Training samples: one recording in one training step.

use std::sync::Arc;

use tal_core::Segment;
use tal_core::config::TruncationConfig;

use crate::rng::{Purpose, stream};
use crate::truncation::choose_balanced_window;
use crate::{FeatureArray, Features};

/// One recording of a training batch, cut and in grid units.
///
/// # Shapes
/// `features` (C, T) with 1 ≤ T ≤ `max_seq_len`; `segments` and `labels` of one length N ≥ 0.
///
/// # Units
/// `segments` in grid units of `features`.
#[derive(Debug, Clone, PartialEq)]
pub struct TrainingSample {
    /// The recording's id.
    pub id: String,
    /// Its features.
    pub features: Arc<FeatureArray>,
    /// When its actions happen.
    pub segments: Vec<Segment<f32>>,
    /// Their class ids.
    pub labels: Vec<u32>,
}

/// The random state of a sample: same key, same sample.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SampleKey {
    /// Seed of the run.
    pub seed: u64,
    /// Epoch, from 0.
    pub epoch: usize,
    /// Index of the recording within the data set.
    pub index: usize,
}

impl TrainingSample {
    /// Cuts a recording to at most `max_seq_len` features, see [`crate::choose_window`].
    ///
    /// A recording without actions is a valid sample: all of it is background.
    ///
    /// # Units
    /// `segments` in grid units of `features`, `max_seq_len` in features.
    ///
    /// # Panics
    /// If there are not as many labels as segments.
    pub fn cut(
        features: &Features,
        segments: &[Segment<f32>],
        labels: &[u32],
        max_seq_len: usize,
        truncation: &TruncationConfig,
        key: SampleKey,
    ) -> Self {
        assert_eq!(segments.len(), labels.len(), "one label per segment");
        let SampleKey { seed, epoch, index } = key;
        let mut rng = stream(seed, epoch as u64, index as u64, Purpose::Truncation);
        let array = &features.array;
        let id = features.id.clone();
        let (len, rng) = (array.len(), &mut rng);
        match choose_balanced_window(len, segments, labels, max_seq_len, truncation, rng) {
            None => Self {
                id,
                features: Arc::clone(array),
                segments: segments.to_vec(),
                labels: labels.to_vec(),
            },
            Some(window) => Self {
                id,
                features: Arc::new(array.window(window.start, window.len)),
                labels: window.kept.iter().map(|kept| labels[*kept]).collect(),
                segments: window.segments,
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tal_core::TimeGrid;

    fn features(len: usize) -> Features {
        let data = (0..2 * len).map(|v| v as f32).collect();
        Features {
            id: "r".into(),
            array: Arc::new(FeatureArray::from_channel_first(data, 2, len)),
            grid: TimeGrid {
                fps: 1.0,
                feat_stride: 1.0,
                num_frames: 1.0,
            },
            duration: None,
        }
    }

    fn truncation(crop_ratio: Option<[f64; 2]>) -> TruncationConfig {
        TruncationConfig {
            trunc_thresh: 0.5,
            crop_ratio,
            max_tries: 200,
            keep_whole: false,
            balanced: 0.0,
        }
    }

    #[test]
    fn features_segments_and_labels_are_cut_together() {
        let features = features(50);
        let segments = [
            Segment::new(0.0, 4.0),
            Segment::new(20.0, 30.0),
            Segment::new(45.0, 49.0),
        ];
        let mut distinct = std::collections::BTreeSet::new();
        for epoch in 0..50 {
            let key = SampleKey {
                seed: 7,
                epoch,
                index: 3,
            };
            let cut = || {
                TrainingSample::cut(&features, &segments, &[0, 1, 2], 20, &truncation(None), key)
            };
            let sample = cut();
            assert_eq!(sample, cut());
            assert_eq!(sample.features.len(), 20);
            // The first channel counts the time steps of the recording.
            let start = sample.features.channel(0)[0];
            assert_eq!(sample.features.channel(1)[19], 50.0 + start + 19.0);
            assert!(!sample.labels.is_empty());
            for (segment, label) in sample.segments.iter().zip(&sample.labels) {
                let original = segments[*label as usize];
                assert_eq!(segment.start + start, original.start.max(start));
                assert_eq!(segment.end + start, original.end.min(start + 20.0));
            }
            distinct.insert(start as u32);
        }
        assert!(distinct.len() > 5, "epochs differ: {distinct:?}");
    }

    #[test]
    fn whole_recordings_share_their_features() {
        let features = features(10);
        let key = SampleKey {
            seed: 0,
            epoch: 0,
            index: 0,
        };
        let sample = TrainingSample::cut(&features, &[], &[], 10, &truncation(None), key);
        assert!(Arc::ptr_eq(&sample.features, &features.array));
        assert!(sample.segments.is_empty());
    }

    #[test]
    fn long_recordings_without_actions_are_cut_too() {
        let key = SampleKey {
            seed: 0,
            epoch: 0,
            index: 0,
        };
        let sample = TrainingSample::cut(
            &features(100),
            &[],
            &[],
            10,
            &truncation(Some([0.9, 1.0])),
            key,
        );
        assert_eq!((sample.features.len(), sample.labels.len()), (10, 0));
    }
}
