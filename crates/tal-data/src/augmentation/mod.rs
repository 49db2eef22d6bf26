//! Random changes to training recordings.

mod masks;
mod scale;
mod signal;
mod swap;
mod windows;

use std::sync::Arc;

use chacha20::ChaCha8Rng;
use tal_core::Segment;
use tal_core::config::{AugmentationConfig, DatasetConfig, FeatureFormat};

use crate::dataset::Features;
use crate::dataset::resize::linear;
use crate::rng::{Purpose, stream, unit};
use crate::sample::SampleKey;

pub use scale::rescaled;
pub use windows::SignalWindows;

/// A recording with its actions, of which each has a class.
///
/// # Units
/// `segments` in grid units of `features`.
pub(crate) struct Annotated {
    pub(crate) features: Features,
    pub(crate) segments: Vec<Segment<f32>>,
    pub(crate) labels: Vec<u32>,
}

/// Changes a recording as `dataset.augmentation` says. `donor` gives another recording and one of its actions of a class, if
/// there is any.
///
/// Every kind of change has its own random stream, named by seed, epoch and recording: it does the same whether or not others
/// are switched on, in any thread and after any interruption.
///
/// # Errors
/// Those of `donor`.
pub(crate) fn augment<E>(
    mut recording: Annotated,
    config: &DatasetConfig,
    key: SampleKey,
    mut donor: impl FnMut(u32, &mut ChaCha8Rng) -> Result<Option<(Features, Segment<f32>)>, E>,
) -> Result<Annotated, E> {
    let AugmentationConfig {
        scale,
        channel_mask,
        time_mask,
        swap,
        signal: signal_config,
    } = &config.augmentation;
    let windows = SignalWindows::of(config);
    let rng = |purpose| stream(key.seed, key.epoch as u64, key.index as u64, purpose);
    let mut signal = windows.unfold(&recording.features.array);
    let places = recording.segments.iter();
    let mut places: Vec<Segment> = places.map(|segment| windows.to_samples(*segment)).collect();

    if let Some(swap) = swap {
        let mut rng = rng(Purpose::Swap);
        let fade = swap.fade * windows.stride() as f64;
        for (place, label) in places.iter().zip(&recording.labels) {
            if unit(&mut rng) < swap.probability
                && let Some((other, action)) = donor(*label, &mut rng)?
            {
                let other = windows.unfold(&other.array);
                let action = windows.to_samples(action);
                swap::replace(&mut signal, *place, &other, action, fade);
            }
        }
    }
    if let Some([low, high]) = scale {
        let share = unit(&mut rng(Purpose::Scale));
        let factor = (low.ln() + share * (high.ln() - low.ln())).exp();
        let len = windows.scaled_len(signal.len(), factor);
        let exact = len as f64 / signal.len() as f64;
        signal = linear(&signal, len);
        let grid = windows.scaled_grid(&recording.features.grid, exact);
        recording.features.grid = grid;
        places = places
            .into_iter()
            .map(|place| scale::stretched(place, exact))
            .collect();
    }
    if let (Some(changes), FeatureFormat::Inertial { window, stride, .. }) =
        (signal_config, &config.features.format)
    {
        let sizes = (*window, *stride);
        let (changed, dropped) = signal::changed(signal, changes, sizes, &mut rng(Purpose::Signal));
        signal = changed;
        let moved =
            |place: Segment| Segment::new(place.start - dropped as f64, place.end - dropped as f64);
        places = places.into_iter().map(moved).collect();
    }
    if *channel_mask > 0.0 || time_mask.is_some() {
        let mut rng = rng(Purpose::Mask);
        let stride = windows.stride();
        signal = masks::masked(&signal, *channel_mask, time_mask.as_ref(), stride, &mut rng);
    }
    recording.features.array = Arc::new(windows.fold(&signal));
    recording.segments = places
        .into_iter()
        .map(|place| windows.to_grid(place))
        .collect();
    Ok(recording)
}
