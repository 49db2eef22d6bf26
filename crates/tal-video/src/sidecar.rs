//! The description that lies beside extracted features: everything that made them.

use std::io::{self, Read};
use std::path::Path;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use sha2::{Digest, Sha256};
use tal_core::FileError;
use tal_core::atomic::write_atomic;

use super::{FrameFormat, FrameRate, Report, VideoError};

/// The description of a feature file, `NAME.json` beside it.
///
/// It holds nothing of the moment or the machine, so that the same film gives the same bytes again.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Sidecar {
    /// The version of this layout, [`Sidecar::LAYOUT`].
    pub layout: u32,
    /// The film.
    pub source: Origin,
    /// Size of the frames, unit of time, claimed rate.
    pub format: FrameFormat,
    /// The frames that arrived: number, times, decoder, damage.
    #[serde(flatten)]
    pub report: Report,
    /// Time of the first frame in the film, which is time 0 of the recording.
    ///
    /// # Units
    ///
    /// Seconds.
    pub start: f64,
    /// Length of the recording.
    ///
    /// # Units
    ///
    /// Seconds.
    pub duration: f64,
    /// Frames a second that the network saw, after resampling.
    pub rate: FrameRate,
    /// The recipe.
    pub recipe: RecipeRecord,
    /// The file of weights; none if the network has none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub weights: Option<WeightsRecord>,
    /// The features.
    pub features: FeaturesRecord,
}

/// The file or folder that was read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Origin {
    /// Its name without folders.
    pub name: String,
    /// Its size; for a folder of images the sum of theirs.
    pub bytes: u64,
    /// Digest of its content; for a folder of images that of their contents one after the other.
    pub sha256: String,
}

/// The recipe that was followed, with all its values.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RecipeRecord {
    /// Its name.
    pub name: String,
    /// Digest of its values.
    pub sha256: String,
    /// Its values.
    pub values: Value,
}

/// The file of weights.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct WeightsRecord {
    /// Its name without folders.
    pub name: String,
    /// Digest of its content.
    pub sha256: String,
}

/// Size and grid of the features, in the words of those who read them.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct FeaturesRecord {
    /// Number of windows, T.
    pub length: usize,
    /// Number of values of a window, C.
    pub channels: usize,
    /// Whether the values are stored in half precision.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub half: bool,
    /// Frames a second that strides and windows count.
    pub fps: f64,
    /// Frames between the starts of two windows.
    pub feat_stride: f64,
    /// Frames of a window.
    pub num_frames: f64,
    /// Frames between two frames of a window.
    pub sample_stride: f64,
    /// Frames from the start of a window to its middle.
    pub offset_frames: f64,
    /// Start, middle and end of every window, if they do not follow from the grid.
    ///
    /// # Units
    ///
    /// Seconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub times: Option<Vec<[f64; 3]>>,
}

/// The description of a film that could not be extracted, `NAME.failed.json`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FailureRecord {
    /// The file's name without folders.
    pub name: String,
    /// Fault in one sentence.
    pub error: String,
}

impl Sidecar {
    /// The version of the layout that this crate writes.
    pub const LAYOUT: u32 = 1;

    /// Reads a description.
    ///
    /// # Errors
    ///
    /// If the file cannot be read or is no such description.
    pub fn read(path: &Path) -> Result<Self, VideoError> {
        read_json(path)
    }

    /// Writes the description whole or not at all.
    ///
    /// # Errors
    ///
    /// If the file cannot be written.
    pub fn write(&self, path: &Path) -> Result<(), VideoError> {
        write_json(self, path)
    }
}

impl FailureRecord {
    /// Reads a description.
    ///
    /// # Errors
    ///
    /// If the file cannot be read or is no such description.
    pub fn read(path: &Path) -> Result<Self, VideoError> {
        read_json(path)
    }

    /// Writes the description whole or not at all.
    ///
    /// # Errors
    ///
    /// If the file cannot be written.
    pub fn write(&self, path: &Path) -> Result<(), VideoError> {
        write_json(self, path)
    }
}

impl Origin {
    /// Reads a film to its end for its digest.
    ///
    /// # Errors
    ///
    /// If the file cannot be read.
    pub fn of_file(path: &Path) -> Result<Self, VideoError> {
        Self::of_files(path, [path])
    }

    /// The origin `path` of a film that consists of several files, in order.
    ///
    /// # Errors
    ///
    /// If a file cannot be read.
    pub fn of_files<'a>(
        path: &Path,
        files: impl IntoIterator<Item = &'a Path>,
    ) -> Result<Self, VideoError> {
        let mut digest = Sha256::new();
        let mut bytes = 0;
        for file in files {
            bytes += feed(file, &mut digest).map_err(FileError::at("read", file))?;
        }
        Ok(Self {
            name: path
                .file_name()
                .unwrap_or_default()
                .to_string_lossy()
                .into_owned(),
            bytes,
            sha256: format!("{:x}", digest.finalize()),
        })
    }
}

fn feed(path: &Path, digest: &mut Sha256) -> io::Result<u64> {
    let mut file = std::fs::File::open(path)?;
    let mut block = vec![0; 1 << 18];
    let mut bytes = 0;
    loop {
        match file.read(&mut block) {
            Ok(0) => return Ok(bytes),
            Ok(count) => {
                digest.update(&block[..count]);
                bytes += count as u64;
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}

fn read_json<T: for<'de> Deserialize<'de>>(path: &Path) -> Result<T, VideoError> {
    let text = std::fs::read(path).map_err(FileError::at("read", path))?;
    serde_json::from_slice(&text).map_err(|source| VideoError::Sidecar {
        path: path.to_path_buf(),
        source,
    })
}

fn write_json<T: Serialize>(value: &T, path: &Path) -> Result<(), VideoError> {
    Ok(write_atomic(path, |file| {
        serde_json::to_writer_pretty(&mut *file, value)?;
        io::Write::write_all(file, b"\n")
    })
    .map_err(FileError::at("write", path))?)
}

#[cfg(test)]
mod tests {
    use super::*;

    const FIXTURE: &str = include_str!("../tests/fixtures/sidecar.json");

    #[test]
    fn what_is_read_is_written_alike() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.json");
        std::fs::write(&path, FIXTURE).unwrap();
        let mut sidecar = Sidecar::read(&path).unwrap();
        assert_eq!(sidecar.layout, Sidecar::LAYOUT);
        assert_eq!(sidecar.report.timeline.duration(), sidecar.duration);
        std::fs::remove_file(&path).unwrap();
        sidecar.write(&path).unwrap();
        assert_eq!(std::fs::read_to_string(&path).unwrap(), FIXTURE);
        // All that may be absent, and all that may be there.
        sidecar.weights = None;
        sidecar.features.half = true;
        sidecar.features.times = Some(vec![[0.0, 0.25, 0.5]; 2]);
        sidecar.write(&path).unwrap();
        assert_eq!(Sidecar::read(&path).unwrap(), sidecar);
        std::fs::write(&path, "{\"layout\": 1}").unwrap();
        let text = Sidecar::read(&path).unwrap_err().to_string();
        assert!(text.contains("a.json: not the description"), "{text}");
    }

    #[test]
    fn the_digest_is_that_of_the_content() {
        let folder = tempfile::tempdir().unwrap();
        let (a, bc) = (folder.path().join("a"), folder.path().join("bc"));
        std::fs::write(&a, "a").unwrap();
        std::fs::write(&bc, "bc").unwrap();
        let files = [a.as_path(), bc.as_path()];
        let origin = Origin::of_files(folder.path(), files).unwrap();
        let abc = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        assert_eq!((origin.bytes, origin.sha256.as_str()), (3, abc));
        assert_eq!(Origin::of_file(&a).unwrap().name, "a");
        assert!(Origin::of_file(&folder.path().join("none")).is_err());
    }
}
