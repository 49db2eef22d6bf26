//! Arguments of `tal evaluate --measure`.

use clap::{Args, ValueEnum};
use tal_postprocess::measures::{EventMatching, Labelling};

use super::values::{from_zero_to_one, not_negative, positive};

/// Measures of other fields, and their rules.
#[derive(Debug, Args)]
#[command(next_help_heading = "Measures")]
pub(crate) struct MeasureArgs {
    /// Measures to print instead of the mAP table; can be given several times, or with commas
    #[arg(
        long = "measure",
        value_name = "NAME",
        value_delimiter = ',',
        conflicts_with_all = ["recall", "diagnose", "bootstrap", "compare", "plots", "ambiguous"]
    )]
    pub(crate) measures: Vec<MeasureName>,
    /// Frames per second in which time is counted [default: the frame rate of the annotations]
    #[arg(long, value_name = "HZ", value_parser = positive::<f64>, requires = "measures")]
    pub(crate) frame_rate: Option<f64>,
    /// Length of a frame, instead of --frame-rate
    #[arg(
        long,
        value_name = "SECONDS",
        value_parser = positive::<f64>,
        requires = "measures",
        conflicts_with = "frame_rate"
    )]
    pub(crate) bin: Option<f64>,
    /// Leave out detections below this score
    #[arg(long, value_name = "SCORE", requires = "measures")]
    pub(crate) min_score: Option<f64>,
    /// How detections become labels
    #[arg(
        long,
        value_name = "RULE",
        default_value = "single",
        requires = "measures"
    )]
    pub(crate) labelling: LabellingArg,
    /// Class that means background: neither its annotations nor its detections count
    #[arg(long, value_name = "CLASS", requires = "measures")]
    pub(crate) background: Option<String>,
    /// event: largest distance of two starts or ends
    #[arg(
        long,
        value_name = "SECONDS",
        default_value_t = 0.2,
        value_parser = not_negative,
        requires = "measures"
    )]
    pub(crate) collar: f64,
    /// event: largest distance of two ends, in percent of the annotation's length, if that is more
    #[arg(
        long,
        value_name = "PERCENT",
        default_value_t = 50.0,
        value_parser = percentage,
        requires = "measures"
    )]
    pub(crate) percentage: f64,
    /// event: which ends are compared
    #[arg(
        long,
        value_name = "WHICH",
        default_value = "both",
        requires = "measures"
    )]
    pub(crate) ends: EndsArg,
    /// event: how pairs of an annotation and a detection are chosen
    #[arg(
        long,
        value_name = "RULE",
        default_value = "optimal",
        requires = "measures"
    )]
    pub(crate) matching: MatchingArg,
    /// event: leave a class that was never found out of the mean, instead of counting 0
    #[arg(long, requires = "measures")]
    pub(crate) skip_missed: bool,
    /// segment: least tIoU of a hit, in percent
    #[arg(
        long,
        value_name = "PERCENT",
        default_value = "10,25,50",
        value_delimiter = ',',
        value_parser = percentage,
        requires = "measures"
    )]
    pub(crate) overlap: Vec<f64>,
    /// spotting: widths of the window around an annotation
    #[arg(
        long,
        value_name = "SECONDS",
        default_value = "1,2,3,4,5",
        value_delimiter = ',',
        value_parser = not_negative,
        requires = "measures"
    )]
    pub(crate) tolerance: Vec<f64>,
    /// spotting: points per second
    #[arg(
        long,
        value_name = "HZ",
        default_value_t = 2.0,
        value_parser = positive::<f64>,
        requires = "measures"
    )]
    pub(crate) spotting_rate: f64,
    /// mabe: weight of recall
    #[arg(
        long,
        value_name = "BETA",
        default_value_t = 1.0,
        value_parser = not_negative,
        requires = "measures"
    )]
    pub(crate) beta: f64,
}

/// A measure.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, ValueEnum)]
pub(crate) enum MeasureName {
    /// mAP over tIoU thresholds, by the rules of --dialect
    Map,
    /// Precision, recall and F1 of frames
    Frame,
    /// Mean average precision of frames
    FrameMap,
    /// Frame accuracy, Edit and F1@k of segments, with and without background
    Segment,
    /// Precision, recall and F1 of events, with collars
    Event,
    /// Mean average precision of points within a tolerance
    Spotting,
    /// F-beta of frames, as in the MABe challenge
    Mabe,
    /// Insertions, deletions, merges, fragmentations, overfill and underfill
    Misalignment,
    /// Number of bouts and time budget of each class
    Bouts,
    /// Cohen's kappa of frames
    Kappa,
}

/// How detections become labels.
#[derive(Debug, Clone, Copy, ValueEnum)]
pub(crate) enum LabellingArg {
    /// One class at a time: that of the detection with the highest score
    Single,
    /// Each class by itself: all its detections, those that touch as one
    Multiple,
}

/// Ends of an event.
#[derive(Debug, Clone, Copy, PartialEq, ValueEnum)]
pub(crate) enum EndsArg {
    /// Start and end
    Both,
    /// The start only
    Onset,
    /// The end only
    Offset,
}

/// How pairs are chosen.
#[derive(Debug, Clone, Copy, ValueEnum)]
pub(crate) enum MatchingArg {
    /// As many as possible
    Optimal,
    /// The annotations in their order, each with the first detection that fits
    Greedy,
}

impl From<LabellingArg> for Labelling {
    fn from(rule: LabellingArg) -> Self {
        match rule {
            LabellingArg::Single => Self::Single,
            LabellingArg::Multiple => Self::Multiple,
        }
    }
}

impl From<MatchingArg> for EventMatching {
    fn from(rule: MatchingArg) -> Self {
        match rule {
            MatchingArg::Optimal => Self::Optimal,
            MatchingArg::Greedy => Self::Greedy,
        }
    }
}

pub(super) fn percentage(text: &str) -> Result<f64, String> {
    let percent = not_negative(text)?;
    from_zero_to_one(&(percent / 100.0).to_string())
        .map_err(|_| "must be from 0 to 100".to_owned())?;
    Ok(percent)
}
