//! The feature files: there, readable, plausible.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsString;
use std::path::{Path, PathBuf};

use tal_core::config::FeaturesConfig;
use tal_core::{GroundTruth, Recording, quoted_list};

use super::finding::{Code, Findings, Severity};
use tal_data::features::RecordingKey;
use tal_data::{FeatureArray, FeatureError, FeatureStore};

/// Missing files for which a file of nearly the same name is looked for.
const MAX_HINTS: usize = 20;

/// The files in the folders of the features.
pub(super) struct Files {
    /// Where recordings should have theirs.
    expected: BTreeSet<PathBuf>,
    /// Names by folder; folders that do not exist have none.
    folders: BTreeMap<PathBuf, Option<BTreeSet<String>>>,
    /// Names within the one file that holds all recordings.
    listed: Option<BTreeSet<String>>,
}

impl Files {
    /// Lists the folders in which recordings of `truth`, or of the ids `more`, should have files.
    pub(super) fn list(store: &FeatureStore, truth: &GroundTruth, more: &BTreeSet<String>) -> Self {
        let keys = truth.recordings.iter().map(RecordingKey::from);
        let more = more.iter().map(|id| RecordingKey::from(id.as_str()));
        // Ids that lead out of the folder are reported with the recordings.
        let expected: BTreeSet<PathBuf> = keys
            .chain(more)
            .flat_map(|key| store.paths(key).unwrap_or_default())
            .collect();
        let mut folders: BTreeMap<PathBuf, Option<BTreeSet<String>>> = BTreeMap::new();
        for path in &expected {
            let folder = path.parent().unwrap_or(Path::new("")).to_owned();
            folders.entry(folder).or_default();
        }
        for (folder, names) in &mut folders {
            let Ok(entries) = std::fs::read_dir(folder) else {
                continue;
            };
            let entries = entries.flatten().filter(|entry| entry.path().is_file());
            let all = entries
                .map(|entry| entry.file_name())
                .map(OsString::into_string);
            *names = Some(all.filter_map(Result::ok).collect());
        }
        // A file that cannot be read is reported with the recordings.
        let listed = store.listed().ok().flatten();
        Self {
            expected,
            folders,
            listed: listed.map(BTreeSet::from_iter),
        }
    }

    /// Whether the folder of a file exists; that of a file with all recordings, too.
    pub(super) fn has_folder_of(&self, path: &Path) -> bool {
        path.ancestors()
            .skip(1)
            .find_map(|folder| self.folders.get(folder))
            .is_some_and(Option::is_some)
    }

    /// Missing folders, and files that belong to no recording.
    pub(super) fn check(&self, features: &FeaturesConfig, findings: &mut Findings) {
        for (folder, names) in &self.folders {
            let Some(names) = names else {
                findings.add(
                    Severity::Error,
                    Code::FeatureDirMissing,
                    None,
                    format!("there is no folder {}", folder.display()),
                    "the folder of the feature files (dataset.features.dir)",
                );
                continue;
            };
            // One file for all recordings has no orphans beside it.
            if self.expected.len() == 1 {
                continue;
            }
            let orphans = names.iter().filter_map(|name| {
                let id = name.strip_prefix(features.prefix.as_str())?;
                let id = id.strip_suffix(features.suffix.as_str())?;
                (!self.expected.contains(&folder.join(name))).then_some((name, id))
            });
            for (name, id) in orphans {
                findings.add(
                    Severity::Note,
                    Code::FeatureOrphan,
                    Some(id),
                    format!("{name} belongs to no recording of the annotation file"),
                    "nothing, if the recording is not meant to be used",
                );
            }
        }
    }

    /// The file beside `path`, or the name in the file of all, that may be the one that is missing.
    fn hint(&self, path: &Path, id: &str) -> Option<String> {
        let lower = id.to_lowercase();
        let like = |name: &&String| name.to_lowercase().contains(&lower);
        let found = match &self.listed {
            Some(names) => names.iter().filter(like).min_by_key(|name| name.len()),
            None => {
                let names = self.folders.get(path.parent()?)?.as_ref()?;
                let free = |name: &&String| !self.expected.contains(&path.with_file_name(name));
                let similar = names.iter().filter(like).filter(free);
                similar.min_by_key(|name| name.len())
            }
        };
        let names = self.listed.as_ref();
        match (found, names) {
            (Some(name), None) => Some(format!(
                "there is {name:?}: check features.prefix and features.suffix"
            )),
            (Some(name), Some(_)) => {
                Some(format!("the file holds {name:?}: check features.prefix"))
            }
            (None, names) => names.map(|names| format!("the file holds {}", quoted_list(names))),
        }
    }
}

/// Tells the recordings without features. Returns whether each of `recordings` has some.
pub(super) fn present(
    recordings: &[&Recording],
    store: &FeatureStore,
    files: &Files,
    skip_missing: bool,
    findings: &mut Findings,
) -> Vec<bool> {
    let mut num_missing = 0;
    let mut present = Vec::with_capacity(recordings.len());
    for recording in recordings {
        let missing = match store.missing(RecordingKey::from(*recording)) {
            Ok(missing) => missing,
            Err(error) => {
                let (code, expected) = kind(&error);
                let id = Some(recording.id.as_str());
                findings.add(Severity::Error, code, id, error.to_string(), expected);
                present.push(false);
                continue;
            }
        };
        present.push(missing.is_none());
        // A missing folder is reported once.
        let Some(path) = missing.filter(|path| files.has_folder_of(path)) else {
            continue;
        };
        num_missing += 1;
        let hint = (num_missing <= MAX_HINTS)
            .then(|| files.hint(&path, &recording.id))
            .flatten();
        let (severity, expected) = if skip_missing {
            (
                Severity::Warning,
                "a feature file; the recording is left out",
            )
        } else {
            (
                Severity::Error,
                "a feature file, or skip_missing_features: true",
            )
        };
        let expected = match hint {
            Some(hint) => format!("{expected}; {hint}"),
            None => expected.to_owned(),
        };
        let found = format!("{} does not exist", path.display());
        let id = Some(recording.id.as_str());
        findings.add(severity, Code::FeatureMissing, id, found, expected);
    }
    present
}

/// Tells of subsets of which every recording is left out. `trained` says whether a recording is trained on.
pub(super) fn check_left_out(
    present: &[bool],
    trained: impl Fn(usize) -> bool,
    findings: &mut Findings,
) {
    for (role, training) in [("train on", true), ("test on", false)] {
        let mut of_role = (0..present.len()).filter(|index| trained(*index) == training);
        let any = of_role.clone().next().is_some();
        if any && of_role.all(|index| !present[index]) {
            findings.add(
                Severity::Error,
                Code::FeatureMissing,
                None,
                format!("no recording to {role} has features"),
                "features of one recording at least, although skip_missing_features is true",
            );
        }
    }
}

/// Tells if the features of all training recordings stand still.
pub(super) fn check_constant<'a>(
    trained: impl Iterator<Item = &'a Loaded>,
    findings: &mut Findings,
) {
    let still: Vec<bool> = trained.map(|loaded| loaded.digest.is_none()).collect();
    if still.len() > 1 && still.iter().all(|still| *still) {
        findings.add(
            Severity::Error,
            Code::FeatureConstant,
            None,
            format!(
                "none of the {} training recordings has features that change over time",
                still.len()
            ),
            "features that change over time: nothing can be learned from these",
        );
    }
}

/// Facts about features that were read.
pub(super) struct Loaded {
    pub(super) len: usize,
    /// Equal for equal features; `None` if they do not change over time.
    pub(super) digest: Option<u64>,
}

/// Reads the features of a recording and looks at their values.
pub(super) fn load(
    recording: &Recording,
    store: &FeatureStore,
    findings: &mut Findings,
) -> Option<Loaded> {
    let id = Some(recording.id.as_str());
    let array = match store.load(recording.into()) {
        Ok(array) => array,
        Err(error) => {
            let (code, expected) = kind(&error);
            findings.add(Severity::Error, code, id, error.to_string(), expected);
            return None;
        }
    };
    let constant = constant(&array);
    if let Some(zero) = constant {
        let found = if zero {
            "all values are 0"
        } else {
            "every feature is the same"
        };
        findings.add(
            Severity::Warning,
            Code::FeatureConstant,
            id,
            format!("{found} ({} features)", array.len()),
            "features that change over time",
        );
    }
    Some(Loaded {
        len: array.len(),
        digest: constant.is_none().then(|| digest(&array)),
    })
}

fn kind(error: &FeatureError) -> (Code, &'static str) {
    match error {
        FeatureError::Missing { .. } => (Code::FeatureMissing, "a feature file"),
        FeatureError::Channels { .. } => (
            Code::FeatureChannels,
            "features of dataset.input_dim channels",
        ),
        FeatureError::Dimensions { .. }
        | FeatureError::Empty { .. }
        | FeatureError::ShorterThanWindow { .. }
        | FeatureError::NoSuchChannel { .. } => {
            (Code::FeatureShape, "an array of the configured layout")
        }
        FeatureError::NotFinite { .. } => (Code::FeatureNotFinite, "finite numbers"),
        _ => (
            Code::FeatureUnreadable,
            "a file as dataset.features.format says",
        ),
    }
}

/// Whether no channel changes over time, and then whether all values are 0.
fn constant(array: &FeatureArray) -> Option<bool> {
    let rows = || (0..array.num_channels()).map(|channel| array.channel(channel));
    let zero = || array.data().iter().all(|value| *value == 0.0);
    let still = rows().all(|row| row.iter().all(|value| *value == row[0]));
    if array.len() > 1 {
        still.then(zero)
    } else {
        zero().then_some(true)
    }
}

fn digest(array: &FeatureArray) -> u64 {
    // FNV-1a over whole values.
    let shape = [array.num_channels() as u64, array.len() as u64];
    let values = array.data().iter().map(|value| u64::from(value.to_bits()));
    shape
        .into_iter()
        .chain(values)
        .fold(0xcbf2_9ce4_8422_2325, |hash, value| {
            (hash ^ value).wrapping_mul(0x100_0000_01b3).rotate_left(23)
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn features_that_stand_still_are_seen() {
        let array =
            |data: &[f32]| FeatureArray::from_channel_first(data.to_vec(), 2, data.len() / 2);
        assert_eq!(constant(&array(&[0.0; 6])), Some(true));
        assert_eq!(
            constant(&array(&[1.0, 1.0, 1.0, 2.0, 2.0, 2.0])),
            Some(false)
        );
        assert_eq!(constant(&array(&[1.0, 1.0, 1.0, 2.0, 2.0, 3.0])), None);
        assert_eq!(constant(&array(&[1.0, 2.0])), None);
        assert_eq!(constant(&array(&[0.0, 0.0])), Some(true));
    }

    #[test]
    fn digests_tell_values_and_shapes_apart() {
        let values = [1.0, 2.0, 3.0, 4.0, 5.0, 6.0];
        let of = |data: [f32; 6], channels| {
            digest(&FeatureArray::from_channel_first(
                data.to_vec(),
                channels,
                6 / channels,
            ))
        };
        assert_eq!(of(values, 2), of(values, 2));
        assert_ne!(of(values, 2), of(values, 3));
        assert_ne!(of(values, 2), of([1.0, 2.0, 3.0, 4.0, 6.0, 5.0], 2));
    }
}
