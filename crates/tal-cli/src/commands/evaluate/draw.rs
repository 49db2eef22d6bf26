//! The figures of `tal evaluate --plots`.

use std::path::Path;

use tal_postprocess::{Characteristic, Diagnosis, ErrorType, Matching};
use tal_report::PlotError;
use tal_report::plots::{
    self, PrecisionRecallSeries, SensitivityBucket, SensitivityPanel, TiouPoint, TiouSeries,
};

use super::input::Input;
use super::report::Report;

/// Classes whose curves go into one plot; with more, the plot of all classes is the only one that can be read.
const MAX_CURVES: usize = 20;

pub(super) fn all(
    folder: &Path,
    report: &Report,
    matched: &Matching,
    input: &Input,
) -> Result<(), PlotError> {
    let evaluation = &report.evaluation;
    let name = |label: u32| input.truth.classes.display_name(label);
    let thresholds = &evaluation.tiou_thresholds;

    let intervals = report.confidence.as_ref().map(|confidence| &confidence.map);
    let points = thresholds.iter().zip(&evaluation.map).enumerate();
    let mut series = vec![TiouSeries {
        name: "mAP".to_owned(),
        points: points
            .map(|(t, (tiou, map))| TiouPoint {
                tiou: *tiou,
                map: *map,
                interval: intervals.map(|all| (all[t].low, all[t].high)),
            })
            .collect(),
    }];
    if let Some(comparison) = &report.comparison {
        series[0].name = "mAP of DETECTIONS".to_owned();
        let points = thresholds.iter().zip(&comparison.map);
        series.push(TiouSeries {
            name: "mAP of OTHER".to_owned(),
            points: points
                .map(|(tiou, map)| TiouPoint {
                    tiou: *tiou,
                    map: map.b,
                    interval: None,
                })
                .collect(),
        });
    }
    plots::map_over_tiou(&folder.join("map.svg"), &series)?;

    let classes: Vec<(String, Vec<f64>)> = evaluation
        .classes
        .iter()
        .map(|class| (name(class.label), class.ap.clone()))
        .collect();
    plots::ap_per_class(&folder.join("ap_per_class.svg"), thresholds, &classes)?;

    let curves = matched.precision_recall();
    for (t, tiou) in thresholds.iter().enumerate() {
        let series: Vec<PrecisionRecallSeries> = curves
            .iter()
            .take(if curves.len() > MAX_CURVES {
                0
            } else {
                MAX_CURVES
            })
            .map(|class| {
                let curve = &class.curves[t];
                let points = curve.recall.iter().zip(&curve.envelope);
                PrecisionRecallSeries {
                    name: name(class.label),
                    points: points
                        .map(|(recall, precision)| (*recall, *precision))
                        .collect(),
                }
            })
            .collect();
        if !series.is_empty() {
            let file = folder.join(format!("precision_recall_{tiou:.2}.svg"));
            let title = format!("Precision and recall at tIoU {tiou:.2}");
            plots::precision_recall(&file, &title, &series)?;
        }
    }

    if let Some(recall) = &report.average_recall {
        let points = recall.num_proposals.iter().zip(&recall.average_recall);
        let points: Vec<(f64, f64)> = points.map(|(number, recall)| (*number, *recall)).collect();
        plots::recall_curve(&folder.join("average_recall.svg"), &points, recall.area)?;
    }
    if let Some(diagnosis) = &report.diagnosis {
        draw_diagnosis(folder, diagnosis)?;
    }
    Ok(())
}

fn draw_diagnosis(folder: &Path, diagnosis: &Diagnosis) -> Result<(), PlotError> {
    let types: Vec<&str> = std::iter::once("true positive")
        .chain(ErrorType::ALL.into_iter().map(error_name))
        .collect();
    let groups: Vec<(String, Vec<f64>)> = diagnosis
        .profile
        .mean_counts()
        .iter()
        .enumerate()
        .map(|(group, counts)| {
            let total: f64 = counts.iter().sum::<f64>().max(f64::MIN_POSITIVE);
            let shares = counts.iter().map(|count| count / total).collect();
            (format!("{}N", group + 1), shares)
        })
        .collect();
    let impact: Vec<(String, f64)> = diagnosis
        .impact
        .errors
        .iter()
        .map(|impact| (error_name(impact.error).to_owned(), impact.gain))
        .collect();
    let file = folder.join("false_positives.svg");
    plots::false_positive_profile(&file, &types, &groups, &impact)?;

    let num_ground_truth = diagnosis.counts.num_ground_truth.max(1) as f64;
    let num_thresholds = diagnosis.num_missed.len().max(1) as f64;
    let missed = diagnosis.num_missed.iter().sum::<usize>() as f64;
    let overall = [
        diagnosis.normalized_map.average_map,
        missed / num_ground_truth / num_thresholds,
    ];
    for (row, (file, title, measure)) in [
        ("sensitivity.svg", "Sensitivity", "normalised mAP"),
        (
            "false_negatives.svg",
            "Missed annotations",
            "false negative rate",
        ),
    ]
    .into_iter()
    .enumerate()
    {
        let panels: Vec<SensitivityPanel> = diagnosis
            .characteristics
            .iter()
            .map(|all| SensitivityPanel {
                characteristic: characteristic(all.characteristic).to_owned(),
                overall: overall[row],
                buckets: all
                    .buckets
                    .iter()
                    .map(|bucket| SensitivityBucket {
                        name: bucket.name.clone(),
                        count: bucket.num_instances,
                        value: if row == 0 {
                            bucket.normalized_map.as_ref().map(|map| map.average_map)
                        } else {
                            bucket.false_negative_rate
                        },
                    })
                    .collect(),
            })
            .collect();
        plots::sensitivity(&folder.join(file), title, measure, &panels)?;
    }
    Ok(())
}

/// The word for a characteristic.
pub(super) fn characteristic(characteristic: Characteristic) -> &'static str {
    match characteristic {
        Characteristic::Coverage => "coverage",
        Characteristic::Length => "length",
        Characteristic::NumInstances => "instances",
    }
}

/// The words for an error.
pub(super) fn error_name(error: ErrorType) -> &'static str {
    match error {
        ErrorType::DoubleDetection => "double detection",
        ErrorType::WrongLabel => "wrong label",
        ErrorType::Localization => "localization",
        ErrorType::Confusion => "confusion",
        ErrorType::Background => "background",
    }
}
