//! Data of a page, as its script reads them.

use serde::Serialize;
use tal_postprocess::ReliabilityCurve;

use super::curves::{Course, Thinned, rounded};
use super::tracks::{self, RecordingTracks};
use super::{Detector, Parts, Report};
use crate::{Figures, characteristic_name, error_name};
use tal_postprocess::{Characteristic, ErrorType};

/// A training run.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Run {
    /// Name in the report.
    pub name: String,
    /// Names and values, such as the number of parameters.
    pub facts: Vec<(String, String)>,
    /// Courses of the loss and its parts, over the steps.
    pub steps: Vec<Course>,
    /// Courses of mAP, over the epochs.
    pub epochs: Vec<Course>,
    /// The resolved configuration, as text.
    pub configuration: String,
}

/// All data of a page.
#[derive(Debug, Serialize)]
pub(super) struct Model<'a> {
    title: &'a str,
    program: &'static str,
    is_whole: bool,
    facts: &'a [(String, String)],
    /// Ids and names of the classes.
    classes: Vec<(u32, String)>,
    tiou_thresholds: &'a [f64],
    error_names: Vec<&'static str>,
    characteristic_names: Vec<&'static str>,
    detectors: Vec<DetectorModel<'a>>,
    recordings: Vec<RecordingTracks<'a>>,
    runs: &'a [Run],
}

#[derive(Debug, Serialize)]
struct DetectorModel<'a> {
    name: &'a str,
    figures: &'a Figures,
    curves: Vec<ClassCurve>,
    /// Over all classes, then by class.
    reliability: Vec<ClassReliability>,
}

/// Precision-recall curves of a class, per threshold.
#[derive(Debug, Serialize)]
struct ClassCurve {
    class: u32,
    curves: Vec<Thinned>,
}

/// Reliability curves of a class, per threshold.
#[derive(Debug, Serialize)]
struct ClassReliability {
    class: Option<u32>,
    curves: Vec<ReliabilityPoints>,
}

#[derive(Debug, Serialize)]
struct ReliabilityPoints {
    /// Bins: mean score, precision (null for an empty bin), number of detections.
    bins: Vec<(f64, Option<f64>, usize)>,
    calibration_error: Option<f64>,
}

impl<'a> Model<'a> {
    pub(super) fn new(report: &'a Report<'_>) -> Self {
        let is_whole = report.parts == Parts::All;
        let detectors = report.detectors.iter();
        let first = report.detectors.first();
        Self {
            title: &report.title,
            program: concat!("tal ", env!("CARGO_PKG_VERSION")),
            is_whole,
            facts: &report.facts,
            classes: shown_classes(report),
            tiou_thresholds: first.map_or(&[], |d| &d.figures.evaluation.tiou_thresholds),
            error_names: ErrorType::ALL.map(error_name).to_vec(),
            characteristic_names: Characteristic::ALL.map(characteristic_name).to_vec(),
            detectors: detectors
                .map(|detector| DetectorModel::new(detector, is_whole))
                .collect(),
            recordings: tracks::all(report),
            runs: if is_whole { &report.runs } else { &[] },
        }
    }
}

/// Classes with a name, or that an annotation or a detection has.
fn shown_classes(report: &Report<'_>) -> Vec<(u32, String)> {
    let annotated = report.recordings.iter().flat_map(|r| &r.instances);
    let detected = report
        .detectors
        .iter()
        .flat_map(|d| d.detections.values().flatten());
    let ids: std::collections::BTreeSet<u32> = report
        .classes
        .iter()
        .map(|(id, _)| id)
        .chain(annotated.map(|instance| instance.label))
        .chain(detected.map(|detection| detection.label))
        .collect();
    let named = ids
        .into_iter()
        .map(|id| (id, report.classes.display_name(id)));
    named.collect()
}

impl<'a> DetectorModel<'a> {
    fn new(detector: &'a Detector<'_>, is_whole: bool) -> Self {
        let mut model = Self {
            name: &detector.name,
            figures: &detector.figures,
            curves: Vec::new(),
            reliability: Vec::new(),
        };
        if is_whole {
            let curves = detector.curves.iter().map(|class| ClassCurve {
                class: class.label,
                curves: class.curves.iter().map(Thinned::new).collect(),
            });
            model.curves = curves.collect();
            let all = std::iter::once((None, &detector.reliability.all));
            let classes = detector.reliability.classes.iter();
            let classes = classes.map(|(class, curves)| (Some(*class), curves));
            let reliability = all.chain(classes).map(|(class, curves)| ClassReliability {
                class,
                curves: curves.iter().map(points).collect(),
            });
            model.reliability = reliability.collect();
        }
        model
    }
}

fn points(curve: &ReliabilityCurve) -> ReliabilityPoints {
    let bins = curve.bins.iter().map(|bin| {
        let precision = bin.precision().map(rounded);
        (rounded(bin.mean_score), precision, bin.num_detections)
    });
    ReliabilityPoints {
        bins: bins.collect(),
        calibration_error: curve.calibration_error,
    }
}
