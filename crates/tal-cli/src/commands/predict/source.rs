//! Features of the recordings that inputs name.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anyhow::{Result, anyhow};
use tal_data::{Features, FoundRecording};
use tal_engine::extract::described_timing;
use tal_engine::predict::Unit;
use tal_engine::{Detector, DeviceChoice};

use super::films::Films;
use crate::args::PredictArgs;
use crate::console::Console;

/// Reader of feature files and videos.
pub(super) struct Source<'a> {
    args: &'a PredictArgs,
    detector: &'a Detector,
    films: Films<'a>,
    /// The recordings of the last file that holds several.
    shared: Option<(PathBuf, BTreeMap<String, FoundRecording>)>,
}

impl<'a> Source<'a> {
    pub(super) fn new(
        args: &'a PredictArgs,
        detector: &'a Detector,
        device: DeviceChoice,
        console: &'a Console,
    ) -> Self {
        Self {
            args,
            detector,
            films: Films::new(args, detector, device, console),
            shared: None,
        }
    }

    /// The id of a recording.
    pub(super) fn id(&mut self, unit: &Unit) -> Result<String> {
        match unit {
            Unit::Film(film) => Ok(film.id.clone()),
            Unit::Features {
                recording: Some(id),
                ..
            } => Ok(id.clone()),
            Unit::Features { path, below, .. } => {
                let found = self.found(path, below.as_deref(), None)?;
                Ok(found.id().to_owned())
            }
        }
    }

    /// The features of a recording; those of a video are computed.
    pub(super) fn features(&mut self, unit: &Unit) -> Result<Features> {
        match unit {
            Unit::Film(film) => self.films.features(film),
            Unit::Features {
                path,
                below,
                recording,
            } => {
                let found = self.found(path, below.as_deref(), recording.as_deref())?;
                // Extracted features are described beside them.
                let (fps, duration) = described_timing(path).unzip();
                let fps = self.args.fps.or(fps);
                let duration = self.args.duration.or(duration);
                Ok(self.detector.read_recording(path, &found, fps, duration)?)
            }
        }
    }

    fn found(
        &mut self,
        path: &Path,
        below: Option<&Path>,
        recording: Option<&str>,
    ) -> Result<FoundRecording> {
        let Some(id) = recording else {
            let found = self.detector.find_recordings(path, below)?;
            return match found.as_slice() {
                [one] => Ok(one.clone()),
                _ => Err(anyhow!(
                    "{}: holds {} recordings",
                    path.display(),
                    found.len()
                )),
            };
        };
        if self.shared.as_ref().is_none_or(|(known, _)| known != path) {
            let found = self.detector.find_recordings(path, below)?.into_iter();
            let by_id = found.map(|one| (one.id().to_owned(), one));
            self.shared = Some((path.to_owned(), by_id.collect()));
        }
        match self.shared.as_ref().and_then(|(_, all)| all.get(id)) {
            Some(found) => Ok(found.clone()),
            None => Err(anyhow!("{}: holds no recording {id:?}", path.display())),
        }
    }

    /// Says which trait of the training recordings is taken for new ones.
    pub(super) fn tell_of_traits(
        &self,
        units: &[Unit],
        tell: &dyn Fn(&str) -> Result<()>,
    ) -> Result<()> {
        let config = self.detector.config();
        let is_open = config.needs_fps() && config.dataset.fps.is_none();
        let has_files = units
            .iter()
            .any(|unit| matches!(unit, Unit::Features { .. }));
        match (self.args.fps, self.detector.trained_on().common_fps()) {
            (None, Some(fps)) if is_open && has_files => tell(&format!(
                "{fps} frames per second, as all training recordings had; --fps sets another rate."
            )),
            _ => Ok(()),
        }
    }
}
