//! Plots of the figures of an evaluation.

use std::path::Path;

use tal_core::ClassMap;
use tal_postprocess::{
    BucketDiagnosis, CharacteristicDiagnosis, ClassCurves, Diagnosis, ErrorType,
};

use crate::error::PlotError;
use crate::figures::Figures;
use crate::plots::{
    self, PrecisionRecallSeries, SensitivityBucket, SensitivityPanel, TiouPoint, TiouSeries,
};
use crate::words::{characteristic_name, error_name};

/// Largest number of classes whose curves fit into one plot.
const MAX_CURVES: usize = 20;

impl Figures {
    /// Draws all figures as SVG files into an existing folder.
    ///
    /// `curves` are the precision-recall curves of the classes; with more than 20 classes they are not drawn.
    ///
    /// # Errors
    /// If a file cannot be written.
    pub fn draw(
        &self,
        folder: &Path,
        classes: &ClassMap,
        curves: &[ClassCurves],
    ) -> Result<(), PlotError> {
        let evaluation = &self.evaluation;
        let thresholds = &evaluation.tiou_thresholds;
        plots::map_over_thresholds(&folder.join("map.svg"), &self.map_series())?;
        let ap = evaluation.classes.iter();
        let ap = ap.map(|class| (classes.display_name(class.label), class.ap.clone()));
        let ap: Vec<_> = ap.collect();
        plots::ap_per_class(&folder.join("ap_per_class.svg"), thresholds, &ap)?;
        if (1..=MAX_CURVES).contains(&curves.len()) {
            for (t, tiou) in thresholds.iter().enumerate() {
                let series = curves.iter().map(|class| curve(class, t, classes));
                let series: Vec<_> = series.collect();
                let file = folder.join(format!("precision_recall_{tiou:.2}.svg"));
                let title = format!("Precision and recall at tIoU {tiou:.2}");
                plots::precision_recall(&file, &title, &series)?;
            }
        }
        if let Some(recall) = &self.average_recall {
            let numbers = recall.num_proposals.iter().copied();
            let points: Vec<_> = numbers.zip(recall.average_recall.iter().copied()).collect();
            plots::recall_curve(&folder.join("average_recall.svg"), &points, recall.area)?;
        }
        match &self.diagnosis {
            Some(diagnosis) => draw_diagnosis(folder, diagnosis),
            None => Ok(()),
        }
    }

    /// mAP of the detections and, in a comparison, of the others.
    fn map_series(&self) -> Vec<TiouSeries> {
        let thresholds = &self.evaluation.tiou_thresholds;
        let series = |name: &str, map: &dyn Fn(usize) -> (f64, Option<(f64, f64)>)| {
            let points = thresholds.iter().enumerate().map(|(t, &tiou)| {
                let (map, interval) = map(t);
                TiouPoint {
                    tiou,
                    map,
                    interval,
                }
            });
            TiouSeries {
                name: name.to_owned(),
                points: points.collect(),
            }
        };
        let intervals = self.confidence.as_ref().map(|confidence| &confidence.map);
        let interval = |t: usize| intervals.map(|all| (all[t].low, all[t].high));
        let own = |t: usize| (self.evaluation.map[t], interval(t));
        match &self.comparison {
            None => vec![series("mAP", &own)],
            Some(comparison) => vec![
                series("mAP of DETECTIONS", &own),
                series("mAP of OTHER", &|t| (comparison.map[t].b, None)),
            ],
        }
    }
}

/// The curve of a class at one threshold.
fn curve(class: &ClassCurves, threshold: usize, classes: &ClassMap) -> PrecisionRecallSeries {
    let curve = &class.curves[threshold];
    let (recall, envelope) = (curve.recall.iter(), curve.envelope.iter());
    let points = recall.copied().zip(envelope.copied());
    PrecisionRecallSeries {
        name: classes.display_name(class.label),
        points: points.collect(),
    }
}

fn draw_diagnosis(folder: &Path, diagnosis: &Diagnosis) -> Result<(), PlotError> {
    let types: Vec<&str> = std::iter::once("true positive")
        .chain(ErrorType::ALL.into_iter().map(error_name))
        .collect();
    let counts = diagnosis.profile.mean_counts();
    let groups = counts.iter().enumerate().map(|(group, counts)| {
        let total: f64 = counts.iter().sum::<f64>().max(f64::MIN_POSITIVE);
        let shares: Vec<f64> = counts.iter().map(|count| count / total).collect();
        (format!("{}N", group + 1), shares)
    });
    let groups: Vec<_> = groups.collect();
    let impact = diagnosis.impact.errors.iter();
    let impact = impact.map(|impact| (error_name(impact.error).to_owned(), impact.gain));
    let impact: Vec<_> = impact.collect();
    let file = folder.join("false_positives.svg");
    plots::false_positive_profile(&file, &types, &groups, &impact)?;

    let num_ground_truth = diagnosis.counts.num_ground_truth.max(1) as f64;
    let num_thresholds = diagnosis.num_missed.len().max(1) as f64;
    let missed = diagnosis.num_missed.iter().sum::<usize>() as f64;
    let panels = |overall: f64, value: &dyn Fn(&BucketDiagnosis) -> Option<f64>| {
        let bucket = |bucket: &BucketDiagnosis| SensitivityBucket {
            name: bucket.name.clone(),
            count: bucket.num_instances,
            value: value(bucket),
        };
        let panel = |all: &CharacteristicDiagnosis| SensitivityPanel {
            characteristic: characteristic_name(all.characteristic).to_owned(),
            overall,
            buckets: all.buckets.iter().map(bucket).collect(),
        };
        let all = diagnosis.characteristics.iter();
        all.map(panel).collect::<Vec<_>>()
    };
    let file = folder.join("sensitivity.svg");
    let map = panels(diagnosis.normalized_map.average_map, &|bucket| {
        Some(bucket.normalized_map.as_ref()?.average_map)
    });
    plots::sensitivity(&file, "Sensitivity", "normalised mAP", &map)?;
    let file = folder.join("false_negatives.svg");
    let overall = missed / num_ground_truth / num_thresholds;
    let rate = panels(overall, &|bucket| bucket.false_negative_rate);
    plots::sensitivity(&file, "Missed annotations", "false negative rate", &rate)
}
