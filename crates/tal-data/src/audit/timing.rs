//! How the features of a recording lie in time, as far as it is known.

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

/// The timing of a recording with `num_stored` features, or, where that is not known, with as many as its duration asks for.
///
/// # Source
/// Section F.6 of the method's specification.
pub(super) fn timing(
    config: &DatasetConfig,
    recording: &Recording,
    num_stored: Option<usize>,
) -> Option<Timing> {
    let Some(grid) = stored_grid(config, recording) else {
        return fixed(config, recording, num_stored);
    };
    let num_stored = match num_stored {
        Some(num_stored) => num_stored,
        None => grid.num_features(recording.duration?),
    };
    let len = num_stored.div_ceil(config.downsample_rate).max(1);
    let grid = grid.downsampled(config.downsample_rate);
    if !config.resize {
        return Some(Timing { grid, len });
    }
    let frames = (len - 1) as f32 * grid.feat_stride + grid.num_frames;
    let frames = if frames > 0.0 {
        frames
    } else {
        grid.feat_stride
    };
    Some(shared_out(frames, grid.fps, config.max_seq_len))
}

/// Features of fixed length share out the duration; the frame rate cancels out.
fn fixed(
    config: &DatasetConfig,
    recording: &Recording,
    num_stored: Option<usize>,
) -> Option<Timing> {
    if config.feat_stride.is_some() {
        return None;
    }
    let fps = config
        .fps
        .or(recording.fps.map(|fps| fps as f32))
        .unwrap_or(1.0);
    let frames = recording.duration? as f32 * fps;
    let len = match num_stored {
        Some(num_stored) if !config.resize => num_stored.div_ceil(config.downsample_rate).max(1),
        _ => config.max_seq_len,
    };
    Some(shared_out(frames, fps, len))
}

fn shared_out(frames: f32, fps: f32, len: usize) -> Timing {
    let stride = frames / len as f32;
    Timing {
        grid: TimeGrid {
            fps,
            feat_stride: stride,
            num_frames: stride,
        },
        len,
    }
}
