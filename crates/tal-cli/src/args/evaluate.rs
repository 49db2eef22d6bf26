//! Arguments of `tal evaluate`.

use std::path::PathBuf;
use std::str::FromStr;

use clap::builder::{PossibleValue, PossibleValuesParser, TypedValueParser};
use clap::{Args, ValueEnum};
use tal_core::config::{EvaluationDialect, ScoreCombination};
use tal_postprocess::{CountedInstances, DiagnosisTies, KNOWN_DATASETS, default_thresholds};

use super::measures::MeasureArgs;
use super::values::at_least_one;

#[derive(Debug, Args)]
pub(crate) struct EvaluateArgs {
    /// Annotation file (JSON)
    pub(crate) ground_truth: PathBuf,
    /// Detections: JSON in ActivityNet's result layout, JSON Lines (.jsonl, or a folder of them), a table (.csv, .tsv), or a
    /// pickle (.pkl)
    ///
    /// The columns of a table are recording, start, end, label, score or video-id, t-start, t-end, label, score. A pickle
    /// holds such columns in a dictionary or a data frame (eval_results.pkl of ActionFormer and its relatives); no code in it
    /// is run. Detections without labels are compared with all annotations as one class, or get classes from
    /// --class-scores. The annotations of another annotator (JSON) are detections with the score 1.
    pub(crate) detections: PathBuf,
    #[command(flatten)]
    pub(crate) rules: RulesArgs,
    #[command(flatten)]
    pub(crate) fusion: FusionArgs,
    #[command(flatten)]
    pub(crate) measures: MeasureArgs,
    #[command(flatten)]
    pub(crate) tuned: TunedArgs,
    /// Print AP of every class
    #[arg(long, help_heading = "More figures")]
    pub(crate) per_class: bool,
    /// Print recall, and average recall against the number of proposals
    ///
    /// Recall is that of the best k × (number of annotations) detections for k = 1 and 5.
    #[arg(long, help_heading = "More figures")]
    pub(crate) recall: bool,
    /// Print how many detections have equal scores, and how far their order can move mAP
    #[arg(long, help_heading = "More figures")]
    pub(crate) ties: bool,
    /// Print a diagnosis: kinds of false positives and their cost, sensitivity to length, coverage and number
    #[arg(long, help_heading = "More figures")]
    pub(crate) diagnose: bool,
    /// Annotations that the diagnosis counts as number of instances
    #[arg(
        long,
        value_name = "WHICH",
        default_value = "recording",
        requires = "diagnose",
        help_heading = "More figures"
    )]
    pub(crate) count_instances: CountArg,
    /// Order of equal scores and equal tIoUs in the diagnosis
    #[arg(
        long,
        value_name = "RULE",
        default_value = "clean",
        requires = "diagnose",
        help_heading = "More figures"
    )]
    pub(crate) diagnosis_ties: DiagnosisTiesArg,
    /// Print 95 % confidence intervals, from N draws of the recordings with replacement
    #[arg(long, value_name = "N", value_parser = at_least_one, help_heading = "More figures")]
    pub(crate) bootstrap: Option<usize>,
    /// Test whether OTHER is better than DETECTIONS, on the draws of --bootstrap [default: 1000 draws]
    #[arg(long, value_name = "OTHER", help_heading = "More figures")]
    pub(crate) compare: Option<PathBuf>,
    /// Seed of the draws
    #[arg(
        long,
        value_name = "N",
        default_value_t = 1,
        help_heading = "More figures"
    )]
    pub(crate) seed: u64,
    /// Write the figures as JSON, with fractions from 0 to 1
    #[arg(long, value_name = "FILE", help_heading = "Output")]
    pub(crate) json: Option<PathBuf>,
    /// Draw the figures as SVG files into this folder
    #[arg(long, value_name = "DIR", help_heading = "Output")]
    pub(crate) plots: Option<PathBuf>,
}

/// Rules that were chosen before.
#[derive(Debug, Args)]
#[command(next_help_heading = "Thresholds")]
pub(crate) struct TunedArgs {
    /// Apply the lowest scores and other rules of this YAML or JSON file first, see `tal tune`
    #[arg(long, value_name = "FILE")]
    pub(crate) thresholds: Option<PathBuf>,
    /// Report figures on recordings that the thresholds were tuned on; the output says so
    #[arg(long, requires = "thresholds")]
    pub(crate) tuned_here: bool,
}

/// Rules of the comparison.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Rules")]
pub(crate) struct RulesArgs {
    /// Subset of the annotations; can be given several times [default: all recordings]
    #[arg(long, value_name = "NAME")]
    pub(crate) subset: Vec<String>,
    /// tIoU thresholds: FIRST:STEP:LAST or a list with commas [default: those of --dataset, else 0.3:0.1:0.7]
    #[arg(long, value_name = "T")]
    pub(crate) tiou: Option<Thresholds>,
    /// Use the usual thresholds of a data set, such as thumos14 or activitynet, and its buckets for --diagnose
    #[arg(long, value_name = "NAME", value_parser = known_dataset)]
    pub(crate) dataset: Option<KnownDataset>,
    /// Program whose rules decide the details
    #[arg(long, default_value = "clean", value_parser = dialects())]
    pub(crate) dialect: EvaluationDialect,
    /// Class that marks unclear passages (THUMOS14: Ambiguous)
    ///
    /// It has no AP of its own, and false positives on it do not count.
    #[arg(long, value_name = "CLASS")]
    pub(crate) ambiguous: Option<String>,
    /// File with the ids of recordings to leave out: one per line, or a JSON list
    #[arg(long, value_name = "FILE")]
    pub(crate) blocked: Option<PathBuf>,
    /// Count detections of recordings without annotations as false positives instead of stopping
    #[arg(long)]
    pub(crate) allow_unknown: bool,
    /// Stop at annotations that end before they start or have no length
    ///
    /// Otherwise reversed ones are left out, with a warning, and those without length follow the rules of the dialect.
    #[arg(long)]
    pub(crate) strict: bool,
}

/// Scores of whole recordings, which give class-agnostic proposals their classes.
#[derive(Debug, Args)]
#[command(next_help_heading = "Scores of whole recordings")]
pub(crate) struct FusionArgs {
    /// Class scores of each recording (JSON)
    ///
    /// {"results": {ID: [score, …]}, "class": [name, …]} (CUHK), {"results": {ID: [{"label": name, "score": score}, …]}}
    /// (ActivityNet's classification challenge) or {ID: {name: score}}.
    #[arg(long, value_name = "FILE")]
    pub(crate) class_scores: Option<PathBuf>,
    /// Number of classes per recording: the best ones
    #[arg(long, value_name = "K", default_value = "2", value_parser = at_least_one, requires = "class_scores")]
    pub(crate) top_k: usize,
    /// Combination of the score of a class with that of a detection
    #[arg(long, default_value = "product-root", requires = "class_scores")]
    pub(crate) combine: CombineArg,
    /// Number of detections per recording: the best ones
    #[arg(long, value_name = "N", default_value = "200", value_parser = at_least_one, requires = "class_scores")]
    pub(crate) max_segments: usize,
}

/// Combination of two scores.
#[derive(Debug, Clone, Copy, ValueEnum)]
pub(crate) enum CombineArg {
    /// Square root of the product (ActionFormer, TriDet, CLTDR-GMG)
    ProductRoot,
    /// Product (OpenTAD)
    Product,
}

/// Annotations that count as instances.
#[derive(Debug, Clone, Copy, ValueEnum)]
pub(crate) enum CountArg {
    /// All annotations of the recording (DETAD's data)
    Recording,
    /// Those of the same class (DETAD's paper)
    Class,
}

/// Order of equal values in a diagnosis.
#[derive(Debug, Clone, Copy, ValueEnum)]
pub(crate) enum DiagnosisTiesArg {
    /// Earlier first; of equal best tIoUs, an annotation of the own class
    Clean,
    /// Later first; of equal best tIoUs, the first annotation of the recording
    Detad,
}

impl From<CountArg> for CountedInstances {
    fn from(count: CountArg) -> Self {
        match count {
            CountArg::Recording => Self::Recording,
            CountArg::Class => Self::Class,
        }
    }
}

impl From<DiagnosisTiesArg> for DiagnosisTies {
    fn from(ties: DiagnosisTiesArg) -> Self {
        match ties {
            DiagnosisTiesArg::Clean => Self::Clean,
            DiagnosisTiesArg::Detad => Self::Detad,
        }
    }
}

/// Parser of the names of dialects.
pub(super) fn dialects() -> impl TypedValueParser<Value = EvaluationDialect> {
    let values = EvaluationDialect::ALL.map(|dialect| {
        let help = match dialect {
            EvaluationDialect::ActivityNet => "The official ActivityNet evaluator, BackTAL",
            EvaluationDialect::ActionFormer => "ActionFormer, TemporalMaxer",
            EvaluationDialect::TriDet => "TriDet and the released CLTDR-GMG",
            EvaluationDialect::OpenTad => "OpenTAD",
            EvaluationDialect::Clean => "Our recommendation",
        };
        PossibleValue::new(dialect.name()).help(help)
    });
    PossibleValuesParser::new(values).try_map(|name| name.parse())
}

/// tIoU thresholds from the command line.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Thresholds(pub(crate) Vec<f64>);

impl FromStr for Thresholds {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let number = |part: &str| {
            part.trim()
                .parse::<f64>()
                .ok()
                .filter(|value| (0.0..=1.0).contains(value))
                .ok_or_else(|| format!("{part:?} is not a number from 0 to 1"))
        };
        let parts: Vec<&str> = text.split(':').collect();
        let values = match parts[..] {
            [list] => list.split(',').map(number).collect::<Result<Vec<_>, _>>()?,
            [first, step, last] => {
                let (first, step, last) = (number(first)?, number(step)?, number(last)?);
                if step <= 0.0 || last < first {
                    return Err("needs FIRST ≤ LAST and STEP above 0".to_owned());
                }
                let count = ((last - first) / step + 1e-9).floor() as usize + 1;
                if count > 1000 {
                    return Err(format!("{count} thresholds; at most 1000"));
                }
                // Whole multiples, so that 0.3:0.1:0.7 gives 0.7 and not 0.7000000000000001.
                (0..count)
                    .map(|index| ((first + step * index as f64) * 1e9).round() / 1e9)
                    .collect()
            }
            _ => return Err("must be FIRST:STEP:LAST or a list with commas".to_owned()),
        };
        Ok(Self(values))
    }
}

/// A data set and its usual thresholds.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct KnownDataset {
    pub(crate) name: String,
    pub(crate) thresholds: Vec<f64>,
}

fn known_dataset(name: &str) -> Result<KnownDataset, String> {
    let thresholds = default_thresholds(name)
        .ok_or_else(|| format!("must be one of {}", KNOWN_DATASETS.join(", ")))?;
    let name = name.to_lowercase();
    Ok(KnownDataset { name, thresholds })
}

impl RulesArgs {
    /// Whether a rule is given that a configuration has, too.
    pub(crate) fn are_given(&self) -> bool {
        let is_default = self.tiou.is_none() && self.dataset.is_none() && self.ambiguous.is_none();
        !is_default || self.blocked.is_some() || self.dialect != EvaluationDialect::Clean
    }

    /// The chosen thresholds.
    pub(crate) fn thresholds(&self) -> Vec<f64> {
        match (&self.tiou, &self.dataset) {
            (Some(tiou), _) => tiou.0.clone(),
            (None, Some(dataset)) => dataset.thresholds.clone(),
            (None, None) => vec![0.3, 0.4, 0.5, 0.6, 0.7],
        }
    }
}

impl From<CombineArg> for ScoreCombination {
    fn from(combine: CombineArg) -> Self {
        match combine {
            CombineArg::ProductRoot => ScoreCombination::ProductRoot,
            CombineArg::Product => ScoreCombination::Product,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thresholds_come_as_ranges_and_lists() {
        let values = |text: &str| text.parse::<Thresholds>().map(|t| t.0);
        assert_eq!(values("0.3:0.1:0.7").unwrap(), [0.3, 0.4, 0.5, 0.6, 0.7]);
        assert_eq!(values("0.5:0.05:0.95").unwrap().len(), 10);
        assert_eq!(values("0.5").unwrap(), [0.5]);
        assert_eq!(values("0.5, 0.75").unwrap(), [0.5, 0.75]);
        for text in [
            "",
            "2",
            "0.1:0.2",
            "0.5:0:0.7",
            "0.7:0.1:0.3",
            "a",
            "0:1e-9:1",
        ] {
            assert!(values(text).is_err(), "{text}");
        }
    }

    #[test]
    fn unknown_data_sets_are_answered_with_the_known_ones() {
        assert!(known_dataset("thumos").unwrap_err().contains("thumos14"));
        assert_eq!(
            known_dataset("thumos14").unwrap().thresholds,
            [0.3, 0.4, 0.5, 0.6, 0.7]
        );
    }
}
