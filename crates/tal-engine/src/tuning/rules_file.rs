//! A file of thresholds and other rules, in YAML or JSON.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use serde_yaml::Value;
use tal_core::atomic::write_atomic;
use tal_core::{ClassMap, FileError, Usage, plain_list, quoted_list};
use tal_postprocess::DetectionRules;

/// Name of the threshold of classes that have none of their own.
const DEFAULT: &str = "default";

/// Rules for the detections of a detector, as people write them and as a search finds them.
///
/// ```
/// use tal_engine::tuning::RulesFile;
///
/// let rules: RulesFile = RulesFile::parse("default: 0.3\nJump: 0.5", "rules.yaml".as_ref())?;
/// assert_eq!(rules.thresholds["Jump"], 0.5);
/// # Ok::<(), tal_engine::tuning::RulesFileError>(())
/// ```
///
/// # Units
/// Seconds.
#[derive(Debug, Clone, PartialEq, Default, Serialize)]
pub struct RulesFile {
    /// Lowest score of each class; `default` stands for all others.
    pub thresholds: BTreeMap<String, f64>,
    /// Shortest length of a detection.
    pub min_duration: f64,
    /// Smallest gap between detections of a class; those that lie closer together become one.
    pub min_gap: f64,
    /// Width σ of Soft-NMS; `None`: that of the detector.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sigma: Option<f32>,
    /// How the rules were found; `None` if somebody wrote them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tuned: Option<TuningRecord>,
}

/// The search that found rules.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct TuningRecord {
    /// The measure, in words.
    pub measure: String,
    /// Its value with the rules.
    pub value: f64,
    /// Its value without them.
    pub untuned: f64,
    /// The annotation file.
    pub annotations: PathBuf,
    /// Its SHA-256.
    pub sha256: String,
    /// The subsets.
    pub subsets: Vec<String>,
    /// Ids of the recordings.
    pub recordings: BTreeSet<String>,
}

/// Why a file of rules cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RulesFileError {
    /// The file cannot be read or written.
    #[error(transparent)]
    File(#[from] FileError),
    /// The file is not of its form.
    #[error("{}: {message}", path.display())]
    Syntax {
        /// The file.
        path: PathBuf,
        /// Fault, and right content.
        message: String,
    },
    /// A threshold is that of a class that does not exist.
    #[error("{}: {name:?} is not a class{hint}; the classes are {classes}", path.display())]
    UnknownClass {
        /// The file.
        path: PathBuf,
        /// The name.
        name: String,
        /// A similar one, in a sentence.
        hint: String,
        /// The classes.
        classes: String,
    },
    /// The rules were found on recordings whose figures they are now to be measured with.
    #[error(
        "{}: was tuned on {num} of these recordings ({}, subset {}), so figures on them would be too good; choose other \
         recordings with --subset, or add --tuned-here, which is then said beside the figures",
        path.display(), annotations.display(), plain_list(subsets)
    )]
    Seen {
        /// The file.
        path: PathBuf,
        /// Number of recordings.
        num: usize,
        /// The annotation file.
        annotations: PathBuf,
        /// The subsets.
        subsets: Vec<String>,
    },
}

impl Usage for RulesFileError {
    fn is_usage(&self) -> bool {
        matches!(self, Self::Seen { .. } | Self::UnknownClass { .. })
    }
}

impl RulesFile {
    /// Reads a file.
    ///
    /// # Errors
    /// A file that cannot be read; as [`RulesFile::parse`].
    pub fn read(path: &Path) -> Result<Self, RulesFileError> {
        let text = std::fs::read_to_string(path).map_err(FileError::at("read", path))?;
        Self::parse(&text, path)
    }

    /// Rules from a text in YAML or JSON; errors name `path`.
    ///
    /// Either an object from classes, and `default`, to scores, or one with the keys `thresholds` (such an object),
    /// `min_duration`, `min_gap`, `sigma` and `tuned`. Without `thresholds`, all other keys are classes.
    ///
    /// # Errors
    /// A text of another form; a number that is not finite, or a duration, gap or σ out of range.
    pub fn parse(text: &str, path: &Path) -> Result<Self, RulesFileError> {
        Self::from_text(text).map_err(|message| RulesFileError::Syntax {
            path: path.to_owned(),
            message,
        })
    }

    fn from_text(text: &str) -> Result<Self, String> {
        let value: Value = serde_yaml::from_str(text).map_err(|error| error.to_string())?;
        let Value::Mapping(mapping) = value else {
            return Err("expected an object from classes, and default, to scores".to_owned());
        };
        let mut rules = Self::default();
        let mut others = BTreeMap::new();
        let mut has_thresholds = false;
        for (key, value) in mapping {
            let key = name(&key)?;
            match key.as_str() {
                "thresholds" if value.is_mapping() => {
                    has_thresholds = true;
                    for (class, score) in value.as_mapping().into_iter().flatten() {
                        let class = name(class)?;
                        let score = number(&format!("thresholds.{class}"), score)?;
                        rules.thresholds.insert(class, score);
                    }
                }
                "min_duration" => rules.min_duration = not_negative(&key, &value)?,
                "min_gap" => rules.min_gap = not_negative(&key, &value)?,
                "sigma" => {
                    let sigma = number(&key, &value)?;
                    if sigma <= 0.0 {
                        return Err(format!("sigma is {sigma}, must be above 0"));
                    }
                    rules.sigma = Some(sigma as f32);
                }
                "tuned" if value.is_mapping() => {
                    let record = serde_yaml::from_value(value);
                    rules.tuned = Some(record.map_err(|error| format!("tuned: {error}"))?);
                }
                _ => {
                    others.insert(key.clone(), number(&key, &value)?);
                }
            }
        }
        match others.keys().next() {
            Some(key) if has_thresholds => Err(format!(
                "unknown key {key:?} beside thresholds; expected min_duration, min_gap, sigma or tuned, and classes within \
                 thresholds"
            )),
            _ => {
                rules.thresholds.extend(others);
                Ok(rules)
            }
        }
    }

    /// Writes the file; an existing one is replaced at once.
    ///
    /// # Errors
    /// If it cannot be written.
    pub fn write(&self, path: &Path) -> Result<(), RulesFileError> {
        let text = serde_yaml::to_string(self).map_err(|error| RulesFileError::Syntax {
            path: path.to_owned(),
            message: error.to_string(),
        })?;
        let written = write_atomic(path, |out| out.write_all(text.as_bytes()));
        Ok(written.map_err(FileError::at("write", path))?)
    }

    /// Rules found by a search, with the names of `classes`.
    pub fn of_rules(rules: &DetectionRules, sigma: Option<f32>, classes: &ClassMap) -> Self {
        let own = rules.class_min_scores.iter();
        let own = own.map(|(label, least)| (classes.display_name(*label), *least));
        let general = rules.min_score.map(|least| (DEFAULT.to_owned(), least));
        Self {
            thresholds: own.chain(general).collect(),
            min_duration: rules.min_duration,
            min_gap: rules.min_gap,
            sigma,
            tuned: None,
        }
    }

    /// The rules for detections of these classes; `path` names the file in errors.
    ///
    /// # Errors
    /// A threshold of a class that does not exist.
    pub fn rules(&self, classes: &ClassMap, path: &Path) -> Result<DetectionRules, RulesFileError> {
        let mut rules = DetectionRules {
            min_duration: self.min_duration,
            min_gap: self.min_gap,
            ..DetectionRules::default()
        };
        for (name, least) in &self.thresholds {
            match classes.id(name) {
                Some(label) => {
                    rules.class_min_scores.insert(label, *least);
                }
                None if name == DEFAULT => rules.min_score = Some(*least),
                None => {
                    let near = classes.nearest(name);
                    return Err(RulesFileError::UnknownClass {
                        path: path.to_owned(),
                        name: name.clone(),
                        hint: near
                            .map_or_else(String::new, |near| format!(" (did you mean {near:?}?)")),
                        classes: quoted_list(classes.iter().map(|(_, name)| name)),
                    });
                }
            }
        }
        Ok(rules)
    }

    /// Number of recordings that the rules were tuned on among those with these ids.
    pub fn num_seen<'a>(&self, ids: impl IntoIterator<Item = &'a str>) -> usize {
        let Some(tuned) = &self.tuned else {
            return 0;
        };
        ids.into_iter()
            .filter(|id| tuned.recordings.contains(*id))
            .count()
    }

    /// Refuses to measure on recordings that the rules were tuned on; `path` names the file in errors.
    ///
    /// # Errors
    /// If there is one.
    pub fn check_unseen<'a>(
        &self,
        ids: impl IntoIterator<Item = &'a str>,
        path: &Path,
    ) -> Result<(), RulesFileError> {
        match (self.num_seen(ids), &self.tuned) {
            (num @ 1.., Some(tuned)) => Err(RulesFileError::Seen {
                path: path.to_owned(),
                num,
                annotations: tuned.annotations.clone(),
                subsets: tuned.subsets.clone(),
            }),
            _ => Ok(()),
        }
    }
}

/// A key, which YAML may take for a number.
fn name(key: &Value) -> Result<String, String> {
    match key {
        Value::String(name) => Ok(name.clone()),
        Value::Number(number) => Ok(number.to_string()),
        Value::Bool(value) => Ok(value.to_string()),
        _ => Err("a key is no text; expected the name of a class".to_owned()),
    }
}

fn number(key: &str, value: &Value) -> Result<f64, String> {
    let number = value.as_f64().filter(|number| number.is_finite());
    number.ok_or_else(|| format!("{key} is not a finite number"))
}

fn not_negative(key: &str, value: &Value) -> Result<f64, String> {
    let number = number(key, value)?;
    match number >= 0.0 {
        true => Ok(number),
        false => Err(format!("{key} is {number}, must be at least 0")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<RulesFile, String> {
        RulesFile::parse(text, Path::new("r.yaml")).map_err(|error| error.to_string())
    }

    #[test]
    fn people_write_yaml_and_json() {
        let yaml = parse("default: 0.3\nJump: 0.5\n1: 0.25\nmin_gap: 2").unwrap();
        let json = parse(r#"{"default": 0.3, "Jump": 0.5, "1": 0.25, "min_gap": 2}"#).unwrap();
        assert_eq!(yaml, json);
        assert_eq!(yaml.min_gap, 2.0);
        let classes = ClassMap::from_names(["Jump", "1", "default of it"]).unwrap();
        let rules = yaml.rules(&classes, Path::new("r.yaml")).unwrap();
        assert_eq!(rules.min_score, Some(0.3));
        assert_eq!(
            rules.class_min_scores,
            BTreeMap::from([(0, 0.5), (1, 0.25)])
        );
    }

    #[test]
    fn what_a_search_finds_comes_back() {
        let file = RulesFile {
            thresholds: BTreeMap::from([("default".to_owned(), 0.1), ("sigma".to_owned(), 0.2)]),
            min_duration: 0.25,
            min_gap: 1.5,
            sigma: Some(0.4),
            tuned: Some(TuningRecord {
                measure: "frame".to_owned(),
                recordings: BTreeSet::from(["a/1".to_owned()]),
                ..TuningRecord::default()
            }),
        };
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("r.yaml");
        file.write(&path).unwrap();
        assert_eq!(RulesFile::read(&path).unwrap(), file);
        assert!(file.check_unseen(["b"], &path).is_ok());
        let message = file.check_unseen(["b", "a/1"], &path).unwrap_err();
        assert!(
            message.to_string().contains("tuned on 1 of these"),
            "{message}"
        );
    }

    #[test]
    fn mistakes_are_named() {
        for (text, part) in [
            ("0.5", "expected an object"),
            ("Jump: high", "Jump is not a finite number"),
            ("min_gap: -1", "min_gap is -1, must be at least 0"),
            ("sigma: 0", "above 0"),
            ("thresholds: {a: 1}\nb: 2", "unknown key \"b\""),
            ("thresholds: {a: .nan}", "thresholds.a"),
            ("tuned: {value: x}", "tuned"),
        ] {
            let message = parse(text).unwrap_err();
            assert!(message.contains(part), "{text}: {message}");
        }
        let classes = ClassMap::from_names(["Jump"]).unwrap();
        let wrong = parse("Jmp: 0.1")
            .unwrap()
            .rules(&classes, Path::new("r.yaml"));
        assert!(
            wrong
                .unwrap_err()
                .to_string()
                .contains("did you mean \"Jump\"")
        );
    }
}
