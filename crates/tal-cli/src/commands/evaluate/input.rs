//! Input of an evaluation: annotations, detections and rules.

use std::collections::BTreeSet;
use std::path::Path;

use anyhow::{Result, anyhow, bail};
use tal_core::config::{ClassScoresRule, EvaluationConfig, EvaluationDialect};
use tal_core::{
    ClassMap, Detection, DetectionSet, GroundTruth, Recording, plain_list, quoted_list,
};
use tal_data::annotations::{self, SegmentRule};
use tal_data::{ANY_CLASS, text};
use tal_engine::ExternalScores;

use super::annotator;
use crate::args::{EvaluateArgs, FusionArgs, RulesArgs, TunedArgs};
use crate::commands::rules;
use crate::failure::UsageError;

/// Files to read and rules to follow.
pub(crate) struct Request<'a> {
    pub(crate) ground_truth: &'a Path,
    pub(crate) detections: &'a Path,
    pub(crate) compare: Option<&'a Path>,
    pub(crate) rules: &'a RulesArgs,
    pub(crate) fusion: &'a FusionArgs,
    /// Thresholds that are applied first.
    pub(crate) tuned: Option<&'a TunedArgs>,
    /// Rules in place of `rules`, but for the subsets.
    pub(crate) config: Option<&'a EvaluationConfig>,
    /// Whether figures of classes are asked for.
    pub(crate) per_class: bool,
}

impl<'a> From<&'a EvaluateArgs> for Request<'a> {
    fn from(args: &'a EvaluateArgs) -> Self {
        Self {
            ground_truth: &args.ground_truth,
            detections: &args.detections,
            compare: args.compare.as_deref(),
            rules: &args.rules,
            fusion: &args.fusion,
            tuned: Some(&args.tuned),
            config: None,
            per_class: args.per_class,
        }
    }
}

/// Annotations, detections and rules.
pub(crate) struct Input {
    pub(crate) truth: GroundTruth,
    /// The evaluated subsets.
    pub(crate) subsets: Vec<String>,
    pub(crate) detections: DetectionSet,
    /// The detections of `--compare`.
    pub(crate) other: Option<DetectionSet>,
    pub(crate) config: EvaluationConfig,
    /// Whether the detections have no classes, so that all annotations count as one.
    pub(crate) is_class_agnostic: bool,
    /// The sentence about thresholds that stands beside the figures.
    pub(crate) note: Option<String>,
}

impl Input {
    pub(crate) fn read(args: &Request<'_>) -> Result<Self> {
        let rule = match args.rules.strict {
            true => SegmentRule::STRICT,
            false => SegmentRule::EVALUATION,
        };
        let truth = annotations::read_with(args.ground_truth, None, rule)?;
        let of_options = || -> Result<EvaluationConfig> {
            Ok(EvaluationConfig {
                tiou_thresholds: args.rules.thresholds(),
                dialect: args.rules.dialect,
                ambiguous_class: args.rules.ambiguous.clone(),
                blocked: match &args.rules.blocked {
                    Some(file) => blocked(file)?,
                    None => Vec::new(),
                },
            })
        };
        let config = args.config.cloned().map_or_else(of_options, Ok)?;
        if let Some(file) = &args.rules.blocked {
            tell_of_unblocked(file, &config.blocked, &truth, args);
        }
        let subsets = subsets(&truth, args, config.dialect)?;
        let mut input = Self {
            detections: DetectionSet::new(),
            other: None,
            truth,
            subsets,
            config,
            is_class_agnostic: false,
            note: None,
        };
        let thresholds = args.tuned.and_then(|tuned| tuned.thresholds.as_deref());
        let file = rules::read(thresholds)?;
        if let Some(tuned) = args.tuned {
            let blocked = &input.config.blocked;
            let ids = input.recordings().map(|recording| recording.id.as_str());
            let ids = ids.filter(|id| !blocked.iter().any(|other| other == id));
            input.note = rules::note(tuned, file.as_ref(), ids)?;
        }
        let rules = rules::of_file(thresholds, file.as_ref(), &input.truth.classes)?;
        let chosen = |all: DetectionSet| match thresholds {
            Some(_) => rules.apply_to_all(&all),
            None => all,
        };
        input.detections = chosen(input.detections_of(args.detections, args)?);
        if let Some(other) = args.compare {
            input.other = Some(chosen(input.detections_of(other, args)?));
        }
        input.compare_without_classes(args)?;
        Ok(input)
    }

    /// Takes all annotations as one class if the detections have no classes.
    fn compare_without_classes(&mut self, args: &Request<'_>) -> Result<()> {
        let has_none = |set: &DetectionSet| {
            let mut all = set.values().flatten();
            all.any(|detection| detection.label == Detection::NO_CLASS)
        };
        let [mine, others] =
            [Some(&self.detections), self.other.as_ref()].map(|set| set.map(has_none));
        self.is_class_agnostic = mine == Some(true) || others == Some(true);
        if !self.is_class_agnostic {
            return Ok(());
        }
        if others.is_some() && mine != others {
            bail!(
                "one of the two files has detections with classes, the other one without; give both classes, or neither"
            );
        }
        if args.per_class {
            bail!(UsageError(
                "--per-class: the detections have no classes; --class-scores FILE gives them some"
                    .to_owned()
            ));
        }
        // The ambiguous class marks passages without being an action, so it stays a class of its own.
        let ambiguous = self.config.ambiguous_class.as_deref();
        let ambiguous =
            ambiguous.and_then(|name| Some((self.truth.classes.id(name)?, name.to_owned())));
        for instance in self
            .truth
            .recordings
            .iter_mut()
            .flat_map(|r| &mut r.instances)
        {
            let is_action = Some(instance.label) != ambiguous.as_ref().map(|(id, _)| *id);
            instance.label = u32::from(!is_action);
        }
        let names = [ANY_CLASS.to_owned()]
            .into_iter()
            .chain(ambiguous.map(|(_, name)| name));
        self.truth.classes = ClassMap::from_names(names)?;
        for set in [Some(&mut self.detections), self.other.as_mut()]
            .into_iter()
            .flatten()
        {
            set.detections_mut()
                .for_each(|detection| detection.label = 0);
        }
        Ok(())
    }

    /// The recordings of the evaluated subsets.
    pub(crate) fn recordings(&self) -> impl Iterator<Item = &Recording> {
        let dialect = self.config.dialect;
        self.truth.recordings.iter().filter(move |recording| {
            let matches = |name: &String| dialect.matches_subset(name, &recording.subset);
            self.subsets.iter().any(matches)
        })
    }

    /// The recordings of the evaluated subsets without annotations of the ambiguous class, which is not an action.
    pub(crate) fn without_ambiguous(&self) -> Vec<Recording> {
        let name = self.config.ambiguous_class.as_deref();
        let ambiguous = name.and_then(|name| self.truth.classes.id(name));
        self.recordings()
            .map(|recording| {
                let mut recording = recording.clone();
                recording.instances.retain(|i| Some(i.label) != ambiguous);
                recording
            })
            .collect()
    }

    fn detections_of(&self, file: &Path, args: &Request<'_>) -> Result<DetectionSet> {
        let mut detections = annotator::read(file, &self.truth.classes)?;
        let known: BTreeSet<&str> = self
            .truth
            .recordings
            .iter()
            .map(|r| r.id.as_str())
            .collect();
        let unknown: Vec<&String> = detections
            .keys()
            .filter(|id| !known.contains(id.as_str()) && !self.config.blocked.contains(id))
            .collect();
        if let Some(first) = unknown.first()
            && !args.rules.allow_unknown
        {
            bail!(
                "{}: recording {first:?} is not in {}{}; --allow-unknown counts such detections as false positives",
                file.display(),
                args.ground_truth.display(),
                match unknown.len() {
                    1 => String::new(),
                    num => format!(", nor are {} others", num - 1),
                }
            );
        }
        if let Some(class_scores) = &args.fusion.class_scores {
            let fusion = ClassScoresRule {
                top_k: args.fusion.top_k,
                combine: args.fusion.combine.into(),
                max_segments: Some(args.fusion.max_segments),
            };
            let scores = ExternalScores::read(class_scores, &self.truth.classes, fusion)?;
            detections = scores
                .fuse(&detections)
                .map_err(|error| anyhow!("{} with the class scores of {error}", file.display()))?;
        }
        Ok(detections)
    }
}

/// The wanted subsets, or all. Each must be in the file under the rules of the dialect.
fn subsets(
    truth: &GroundTruth,
    args: &Request<'_>,
    dialect: EvaluationDialect,
) -> Result<Vec<String>, UsageError> {
    let RulesArgs { subset, .. } = &args.rules;
    let known = truth.subset_names();
    if subset.is_empty() {
        return Ok(known.into_iter().map(str::to_owned).collect());
    }
    let missing = subset.iter().find(|wanted| {
        !known
            .iter()
            .any(|name| dialect.matches_subset(wanted, name))
    });
    match missing {
        Some(wanted) => Err(UsageError(format!(
            "--subset {wanted}: {} has the subsets {}{}",
            args.ground_truth.display(),
            plain_list(&known),
            if known.iter().any(|name| name.eq_ignore_ascii_case(wanted)) {
                format!(" (the dialect {dialect} compares their case)")
            } else {
                String::new()
            }
        ))),
        None => Ok(subset.clone()),
    }
}

/// Tells of blocked ids that are no recordings.
fn tell_of_unblocked(file: &Path, blocked: &[String], truth: &GroundTruth, args: &Request<'_>) {
    let known: BTreeSet<&str> = truth.recordings.iter().map(|r| r.id.as_str()).collect();
    let unknown: Vec<&String> = blocked
        .iter()
        .filter(|id| !known.contains(id.as_str()))
        .collect();
    if blocked.is_empty() {
        tracing::warn!(
            "--blocked {}: has no id, nothing is left out",
            file.display()
        );
    } else if !unknown.is_empty() {
        tracing::warn!(
            "--blocked {}: {} of {} ids are no recordings of {}: {}; {}",
            file.display(),
            unknown.len(),
            blocked.len(),
            args.ground_truth.display(),
            quoted_list(&unknown),
            match unknown.len() == blocked.len() {
                true => format!("nothing is left out; recordings are {}", quoted_list(known)),
                false => "the others are left out".to_owned(),
            }
        );
    }
}

/// Ids of recordings: a JSON list, the keys of a JSON object (as ActivityNet publishes them), or one per line.
fn blocked(file: &Path) -> Result<Vec<String>> {
    let text = String::from_utf8(text::read(file)?).map_err(|_| {
        anyhow!(
            "{}: bytes that are not text; expected UTF-8 or UTF-16",
            file.display()
        )
    })?;
    let wrong = |_| {
        anyhow!(
            "{}: must be a JSON list of recording ids, a JSON object with ids as keys, or text with one id per line",
            file.display()
        )
    };
    if text.trim_start().starts_with(['[', '{']) {
        return match serde_json::from_str(&text).map_err(wrong)? {
            serde_json::Value::Object(object) => {
                // Ids have reasons or numbers; a list or an object belongs to another layout.
                let other = object
                    .iter()
                    .find(|(_, value)| value.is_array() || value.is_object());
                if let Some((key, _)) = other {
                    bail!(
                        "{}: is no list of recording ids: the key {key:?} holds a list or an object; expected a JSON list of \
                         ids, a JSON object with ids as keys, or text with one id per line",
                        file.display()
                    );
                }
                Ok(object.into_iter().map(|(id, _)| id).collect())
            }
            list => serde_json::from_value(list).map_err(wrong),
        };
    }
    let lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
    Ok(lines.map(str::to_owned).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocked_recordings_come_in_three_layouts() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("blocked");
        for text in [
            "a\nb c\n\n",
            r#"["a", "b c"]"#,
            r#"{"a": "gone", "b c": 1}"#,
        ] {
            std::fs::write(&file, text).unwrap();
            assert_eq!(blocked(&file).unwrap(), ["a", "b c"], "{text}");
        }
        for text in [
            "[1]",
            "[",
            r#"[["a"]]"#,
            r#"{"blocked": ["a"]}"#,
            r#"{"a": {}}"#,
        ] {
            std::fs::write(&file, text).unwrap();
            let message = blocked(&file).unwrap_err().to_string();
            assert!(message.contains("one id per line"), "{message}");
        }
    }
}
