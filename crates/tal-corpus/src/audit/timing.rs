//! Timing of the features of a recording, as far as it is known.

use tal_core::config::DatasetConfig;
use tal_core::{Recording, TimeGrid};

/// Grid and number of features as the network gets them, down-sampling and resizing included.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Timing {
    pub(super) grid: TimeGrid,
    pub(super) len: usize,
}

/// The grid of the features as they are stored; none without frame rate, or without a stride of their own.
pub(super) fn stored_grid(config: &DatasetConfig, recording: &Recording) -> Option<TimeGrid> {
    Some(TimeGrid {
        fps: config.fps.or(recording.fps.map(|fps| fps as f32))?,
        feat_stride: config.feat_stride?,
        num_frames: config.num_frames,
    })
}

/// The timing of a recording with `num_stored` features, or, if that is not known, with as many as its duration asks for.
///
/// # Source
/// The authors' public code.
pub(super) fn timing(
    config: &DatasetConfig,
    recording: &Recording,
    num_stored: Option<usize>,
) -> Option<Timing> {
    let known =
        tal_data::Timing::new(config, &recording.id, recording.fps, recording.duration).ok()?;
    let num_stored = match (num_stored, stored_grid(config, recording)) {
        (Some(num_stored), _) => num_stored,
        (None, Some(grid)) => grid.num_features(recording.duration?),
        (None, None) => config.max_seq_len * config.downsample_rate,
    };
    let len = match config.resize {
        true => config.max_seq_len,
        false => num_stored.div_ceil(config.downsample_rate).max(1),
    };
    Some(Timing {
        grid: known.grid(config, num_stored),
        len,
    })
}
