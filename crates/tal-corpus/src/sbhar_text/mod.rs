//! The text files of SBHAR (Smartphone-Based Recognition of Human Activities and Postural Transitions, UCI).
//!
//! `acc_expXX_userYY.txt` and `gyro_expXX_userYY.txt` hold three numbers per line, one line per sample at 50 Hz.
//! `labels.txt` holds lines of experiment, user, activity, first sample and last sample, counted from 1, both included.
//! `activity_labels.txt` names the activities by number from 1; it may lie one folder up, as in the published archive.
//!
//! A label of the samples a … b becomes the segment [(a − 1) / 50, b / 50] in seconds: from where sample a begins to where
//! sample b ends. Activity n gets the class id n − 1, its name in lower case.

mod error;
mod parse;

use std::path::Path;

use tal_core::GroundTruth;
use tal_core::atomic::{FolderError, write_folder};
use tal_data::annotations;
use tal_data::features::npy;

pub use error::SbharError;

/// Samples per second.
pub const SAMPLE_RATE: f64 = 50.0;

/// Columns of a signal: accelerometer x, y, z, gyroscope x, y, z.
pub const NUM_CHANNELS: usize = 6;

/// Subjects of the published test split.
pub const TEST_USERS: [u32; 9] = [2, 4, 9, 10, 12, 13, 18, 20, 24];

/// The raw signal of one experiment.
///
/// # Shapes
/// `data` (samples, 6) row-major: accelerometer in g, gyroscope in rad/s.
#[derive(Debug, Clone, PartialEq)]
pub struct RawSignal {
    /// `expXX_userYY`.
    pub id: String,
    /// Number of the experiment.
    pub experiment: u32,
    /// Number of the subject.
    pub user: u32,
    /// The samples.
    pub data: Vec<f32>,
}

impl RawSignal {
    /// Number of samples.
    pub fn num_samples(&self) -> usize {
        self.data.len() / NUM_CHANNELS
    }
}

/// Signals and annotations of a folder.
#[derive(Debug, Clone, PartialEq)]
pub struct SbharCorpus {
    /// The signals, by experiment.
    pub signals: Vec<RawSignal>,
    /// Their annotations, in the same order; subsets `training` and `test`.
    pub truth: GroundTruth,
}

/// Reads all experiments of a folder; `test_users` are the subjects of the subset `test` ([`TEST_USERS`] as published).
///
/// Labels of experiments whose signals are not in the folder are left out, with a warning.
///
/// # Units
/// Segments and durations in seconds.
///
/// # Errors
/// A file that is missing or unreadable; a folder without signals; a line that does not hold the expected numbers (file,
/// line, content); signals of different length; a label that ends before it starts, lies outside its signal or names no
/// activity.
pub fn read(folder: &Path, test_users: &[u32]) -> Result<SbharCorpus, SbharError> {
    parse::corpus(folder, test_users)
}

impl SbharCorpus {
    /// Writes `annotations.json` and `raw/ID.npy` (samples, 6) into a new or empty folder: a data set for
    /// [`tal_core::config::FeatureFormat::Inertial`]. After an error nothing is left.
    ///
    /// # Errors
    /// A folder that is not empty; a file that cannot be written.
    pub fn write(&self, folder: &Path) -> Result<(), SbharError> {
        write_folder(folder, &["raw", "annotations.json"], |folder| {
            let raw = folder.join("raw");
            std::fs::create_dir(&raw).map_err(FolderError::at(&raw))?;
            for signal in &self.signals {
                let path = raw.join(format!("{}.npy", signal.id));
                npy::write(&path, &signal.data, &[signal.num_samples(), NUM_CHANNELS])?;
            }
            annotations::write(&folder.join("annotations.json"), &self.truth, "sbhar")?;
            Ok(())
        })
    }
}
