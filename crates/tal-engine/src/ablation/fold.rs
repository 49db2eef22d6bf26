//! Folds of a plan: which recordings train, which decide and which are reported.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use regex::Regex;
use serde::{Deserialize, Serialize};
use tal_core::config::DatasetConfig;
use tal_data::{AnnotationError, annotations, text};

/// Subset of the recordings that are held out from training.
pub const HELD_OUT: &str = "held_out";

/// A division of the recordings.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Fold {
    /// Its name in tables and folders.
    pub name: String,
    /// Changes for all variants, `key=value`, such as another annotation file.
    #[serde(default)]
    pub set: Vec<String>,
    /// Training recordings that choices between variants are made on, as regular expressions for ids: each gives a training
    /// without the recordings that it matches, evaluated on them. Test recordings take no part in that.
    #[serde(default)]
    pub validation: Vec<String>,
}

/// The use of a plan's recordings.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Stage {
    /// Choice between variants: training without the validation recordings of each fold, evaluation on them.
    Validation,
    /// Report: training on all training recordings of each fold, evaluation on its test recordings.
    Report,
}

/// An annotation file in which some training recordings are held out.
#[derive(Debug, Clone, PartialEq)]
pub struct HeldOut {
    /// The file with all training recordings.
    source: PathBuf,
    /// The file to write.
    file: PathBuf,
    subsets: BTreeMap<String, String>,
}

impl HeldOut {
    /// The training recordings of `dataset` that `pattern` matches.
    ///
    /// # Errors
    /// Why they cannot be held out.
    pub(super) fn new(
        dataset: &DatasetConfig,
        pattern: &str,
        file: PathBuf,
    ) -> Result<Self, String> {
        let regex = Regex::new(pattern).map_err(|error| {
            let message = error.to_string();
            let last = message.lines().last().unwrap_or_default();
            format!("validation {pattern:?} is no regular expression: {last}")
        })?;
        let source = dataset.annotations.clone();
        let truth = annotations::read(&source, None).map_err(|error| error.to_string())?;
        let training: Vec<&str> = truth
            .subset(&dataset.train_subsets)
            .map(|recording| recording.id.as_str())
            .collect();
        let held_out = training.iter().filter(|id| regex.is_match(id));
        let subsets: BTreeMap<String, String> = held_out
            .map(|id| ((*id).to_owned(), HELD_OUT.to_owned()))
            .collect();
        if subsets.is_empty() || subsets.len() == training.len() {
            let (count, all) = (subsets.len(), training.len());
            return Err(format!(
                "validation {pattern:?} matches {count} of the {all} training recordings of {}; it must match some of them and \
                 leave others to train on",
                source.display()
            ));
        }
        Ok(Self {
            source,
            file,
            subsets,
        })
    }

    /// The file that [`HeldOut::write`] writes.
    pub fn file(&self) -> &Path {
        &self.file
    }

    /// Number of recordings that are held out.
    pub fn num_recordings(&self) -> usize {
        self.subsets.len()
    }

    /// Writes the file; an existing one is replaced at once.
    ///
    /// # Errors
    /// If the annotations cannot be read or the file cannot be written.
    pub fn write(&self) -> Result<(), AnnotationError> {
        let bytes = text::open(&self.source).map_err(|source| AnnotationError::Read {
            path: self.source.clone(),
            source,
        })?;
        annotations::subsets::write(&self.file, &bytes, &self.source, &self.subsets)
    }
}

impl Stage {
    /// The folder of the stage's runs and tables below `out`.
    pub fn folder(self, out: &Path) -> PathBuf {
        match self {
            Self::Validation => out.join("validation"),
            Self::Report => out.to_owned(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn dataset(folder: &Path) -> DatasetConfig {
        let recording = |id: &str, subset: &str| {
            format!(r#""{id}": {{"subset": "{subset}", "place": 7, "annotations": []}}"#)
        };
        let recordings = [
            recording("S1_a", "Training"),
            recording("S2_a", "training"),
            recording("S2_b", "training"),
            recording("S2_c", "test"),
        ];
        let path = folder.join("all.json");
        let text = format!(r#"{{"database": {{{}}}}}"#, recordings.join(", "));
        std::fs::write(&path, text).unwrap();
        DatasetConfig {
            annotations: path,
            ..DatasetConfig::default()
        }
    }

    #[test]
    fn only_training_recordings_are_held_out() {
        let folder = tempfile::tempdir().unwrap();
        let dataset = dataset(folder.path());
        let file = folder.path().join("fold.json");
        let held_out = HeldOut::new(&dataset, "^S2", file.clone()).unwrap();
        assert_eq!(held_out.num_recordings(), 2);
        held_out.write().unwrap();
        let truth = annotations::read(&file, None).unwrap();
        let subsets: Vec<(&str, &str)> = truth
            .recordings
            .iter()
            .map(|recording| (recording.id.as_str(), recording.subset.as_str()))
            .collect();
        let expected = [
            ("S1_a", "Training"),
            ("S2_a", HELD_OUT),
            ("S2_b", HELD_OUT),
            ("S2_c", "test"),
        ];
        assert_eq!(subsets, expected);
        assert!(
            std::fs::read_to_string(&file)
                .unwrap()
                .contains("\"place\": 7")
        );
    }

    #[test]
    fn patterns_that_divide_nothing_are_refused() {
        let folder = tempfile::tempdir().unwrap();
        let dataset = dataset(folder.path());
        for (pattern, expected) in [
            ("^S3", "matches 0 of the 3 training recordings"),
            ("S", "matches 3 of the 3 training recordings"),
            ("S[", "is no regular expression"),
        ] {
            let error = HeldOut::new(&dataset, pattern, PathBuf::new()).unwrap_err();
            assert!(error.contains(expected), "{error}");
        }
    }
}
