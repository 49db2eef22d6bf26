//! One recording after the other becomes clips.

use std::collections::BTreeSet;
use std::path::Path;

use tal_core::atomic::FolderError;
use tal_core::config::{DatasetConfig, FeatureFormat};
use tal_core::{Instance, Recording};

use super::{ClipConfig, ClipError, Clips, SubsetReport, Units, actions_within, windows};
use tal_data::FeatureStore;
use tal_data::Timing;
use tal_data::features;
use tal_data::features::npy::{self, Array};

/// Cuts recordings of a data set.
pub(super) struct Cutter<'a> {
    dataset: &'a DatasetConfig,
    config: &'a ClipConfig,
    store: FeatureStore,
    /// Whether raw signals are cut, and not features.
    is_signal: bool,
}

impl<'a> Cutter<'a> {
    pub(super) fn new(
        dataset: &'a DatasetConfig,
        config: &'a ClipConfig,
    ) -> Result<Self, ClipError> {
        let features = &dataset.features;
        let is_signal = matches!(features.format, FeatureFormat::Inertial { .. });
        if is_signal && (features.columns.is_some() || !features.append.is_empty()) {
            return Err(ClipError::PartOfSignal);
        }
        Ok(Self {
            dataset,
            config,
            store: features::open(dataset),
            is_signal,
        })
    }

    /// Name of the folder of the clips' arrays.
    pub(super) fn folder(&self) -> &'static str {
        if self.is_signal { "raw" } else { "features" }
    }

    /// Writes the clips of a recording to `folder`.
    pub(super) fn recording(
        &self,
        recording: &Recording,
        clicks: &[f64],
        folder: &Path,
        result: &mut Clips,
    ) -> Result<(), ClipError> {
        if self.dataset.skip_missing_features
            && let Some(path) = self.store.missing(recording.into())?
        {
            tracing::warn!(path = %path.display(), "recording {:?} left out: no feature file", recording.id);
            return Ok(());
        }
        let matrix = self.load(recording)?;
        let (rows, columns) = (matrix.shape[0], matrix.shape[1]);
        let units = self.units(recording, rows)?;
        let count = |seconds: f64| ((seconds / units.stride).round() as usize).max(1);
        let length = count(self.config.length);
        let stride = count(self.config.stride).min(length);
        let is_trained_on = self
            .dataset
            .train_subsets
            .iter()
            .any(|name| is_named(&recording.subset, name));
        let is_own = |report: &&mut SubsetReport| is_named(&recording.subset, &report.subset);
        let Some(report) = result.reports.iter_mut().find(is_own) else {
            return Ok(());
        };
        report.num_recordings += 1;
        report.num_recording_labels += num_labels(&recording.instances);
        for window in windows(rows, length, stride) {
            let span = units.span(&window);
            let found = actions_within(span, &recording.instances, self.config.min_share);
            if found.actions.is_empty() && is_trained_on && !self.config.keep_empty {
                report.num_left_out += 1;
                continue;
            }
            let id = format!("{}@{:.2}-{:.2}", recording.id, span.start, span.end);
            let part = &matrix.data[window.start * columns..window.end * columns];
            let path = folder.join(format!("{id}.npy"));
            if let Some(parent) = path.parent() {
                std::fs::create_dir_all(parent).map_err(FolderError::at(parent))?;
            }
            npy::write(&path, part, &[window.len(), columns])?;
            report.num_clips += 1;
            report.seconds += span.length();
            report.num_actions += found.actions.len();
            report.num_cut_off += found.cut_off.len();
            report.num_labels += num_labels(&found.actions);
            report.max_len = report.max_len.max(window.len());
            if let Some(all) = &mut result.clicks {
                // The last clip also has the clicks at the end and, if the recording lasts longer than its features,
                // behind them: a whole recording has them in its last snippet, too.
                let is_last = window.end == rows;
                let within =
                    |click: &&f64| **click >= span.start && (is_last || **click < span.end);
                let place = |click: &f64| (click - span.start).min(span.length());
                let own: Vec<f64> = clicks.iter().filter(within).map(place).collect();
                report.num_clicks += own.len();
                all.set(&id, own);
            }
            if !found.cut_off.is_empty() {
                result.cut_off.insert(id.clone(), found.cut_off);
            }
            result.truth.recordings.push(Recording {
                id,
                subset: recording.subset.clone(),
                duration: Some(span.length()),
                fps: recording.fps,
                instances: found.actions,
            });
        }
        Ok(())
    }

    /// Content of the recording's file, a row per feature or sample.
    fn load(&self, recording: &Recording) -> Result<Array, ClipError> {
        // Loading features checks a signal too: its shape, its values, and that there is a window.
        let array = self.store.load(recording.into())?;
        if self.is_signal {
            let paths = self.store.paths(recording.into())?;
            return Ok(npy::read(&paths[0])?);
        }
        Ok(Array {
            shape: vec![array.len(), array.num_channels()],
            data: array.to_time_first(),
        })
    }

    /// How features or samples lie in time.
    fn units(&self, recording: &Recording, count: usize) -> Result<Units, ClipError> {
        let dataset = self.dataset;
        let (own_fps, duration) = (recording.fps, recording.duration);
        // Reports missing files.
        Timing::new(dataset, &recording.id, own_fps, duration)?;
        // In double precision: ids and times of clips are made of them.
        let fps = dataset.fps.map(f64::from).or(own_fps).unwrap_or(1.0);
        let (stride, window) = match dataset.feat_stride {
            _ if self.is_signal => (1.0 / fps, 1.0 / fps),
            Some(stride) => (
                f64::from(stride) / fps,
                f64::from(dataset.num_frames.max(stride)) / fps,
            ),
            // Features of fixed length share out the duration.
            None => {
                let stride = duration.unwrap_or(1.0) / count as f64;
                (stride, stride)
            }
        };
        if let FeatureFormat::Inertial { window, .. } = dataset.features.format {
            let shortest = self.config.length / 2.0 * fps;
            if shortest < window as f64 {
                return Err(ClipError::Setting {
                    field: "length",
                    found: format!("{} s", self.config.length),
                    expected: format!(
                        "at least {} s, two windows of {window} samples: the last clip of a recording may be half as long",
                        2.0 * window as f64 / fps
                    ),
                });
            }
        }
        Ok(Units { stride, window })
    }

    /// The keys of a configuration that the clips change.
    pub(super) fn overlay(&self) -> String {
        let format = match self.is_signal {
            false => {
                "\n    format: { type: npy, layout: time_first }\n    columns: null\n    append: []"
            }
            true => "",
        };
        format!(
            "# The clips in place of the recordings that they were cut from: --overlay dataset.yaml\n\
             dataset:\n  annotations: annotations.json\n  features:\n    dir: {}\n    prefix: \"\"\n    suffix: .npy{format}\n",
            self.folder()
        )
    }
}

fn num_labels(instances: &[Instance]) -> usize {
    let labels: BTreeSet<u32> = instances.iter().map(|instance| instance.label).collect();
    labels.len()
}

/// Whether a recording's subset is that of a name, which is compared without regard to case.
fn is_named(subset: &str, name: &str) -> bool {
    subset.to_lowercase() == name.to_lowercase()
}
