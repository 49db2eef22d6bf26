//! The figures of `tal evaluate` on the terminal.

use anyhow::Result;
use tal_postprocess::{
    AverageRecall, Confidence, Diagnosis, ErrorType, Interval, PairedComparison, RecallAtK,
    TieReport, Verdict,
};
use tal_report::{Figures, characteristic_name, error_name};

use super::input::Input;
use crate::args::{CountArg, EvaluateArgs};
use crate::console::print;
use crate::tables::{self, percent, table};

pub(super) fn all(args: &EvaluateArgs, figures: &Figures, input: &Input) -> Result<()> {
    let evaluation = &figures.evaluation;
    let classes = args.per_class.then_some(&input.truth.classes);
    print(&tables::evaluation(evaluation, classes))?;
    if let Some(confidence) = &figures.confidence {
        print(&intervals(confidence))?;
    }
    if let Some(ties) = &figures.ties {
        print(&tied(ties))?;
    }
    if let (Some(recall), Some(average)) = (&figures.recall, &figures.average_recall) {
        print(&recall_table(recall))?;
        print(&average_recall_line(average))?;
    }
    if let Some(diagnosis) = &figures.diagnosis {
        print(&false_positives(diagnosis))?;
        print(&sensitivity(diagnosis, args))?;
    }
    if let Some(comparison) = &figures.comparison {
        print(&compared(comparison, args))?;
    }
    counted(figures, input)?;
    if let Some(note) = &input.note {
        print(note)?;
    }
    if input.is_class_agnostic {
        print(
            "The detections have no classes, so all annotations count as one class; --class-scores FILE gives them classes.",
        )?;
    }
    if let Some(folder) = &args.plots {
        print(&format!("Plots: {}", folder.display()))?;
    }
    Ok(())
}

fn counted(figures: &Figures, input: &Input) -> Result<()> {
    let counts = &figures.evaluation.counts;
    print(&format!(
        "{} detections, {} annotations, {} recordings of {}; rules of {}.",
        counts.num_detections,
        counts.num_ground_truth,
        counts.num_recordings,
        figures.subsets.join(", "),
        figures.evaluation.dialect,
    ))?;
    if counts.num_blocked_recordings > 0 {
        let num = counts.num_blocked_recordings;
        print(&format!("{num} blocked recordings were left out."))?;
    }
    let without = input
        .recordings()
        .filter(|recording| !input.config.blocked.contains(&recording.id))
        .filter(|recording| !input.detections.contains_key(&recording.id))
        .count();
    if without > 0 {
        print(&format!(
            "{without} of these recordings have no detection, so all their annotations count as missed. If they were not \
             searched, leave them out with --subset."
        ))?;
    }
    if counts.num_unmatched_recording_detections > 0 {
        print(&format!(
            "{} detections belong to other recordings and count as false positives.",
            counts.num_unmatched_recording_detections
        ))?;
    }
    if counts.num_ignored_detections > 0 {
        print(&format!(
            "{} detections have classes without annotations and do not count.",
            counts.num_ignored_detections
        ))?;
    }
    Ok(())
}

fn header(first: &str, rest: impl IntoIterator<Item = String>) -> Vec<String> {
    std::iter::once(first.to_owned()).chain(rest).collect()
}

fn range(interval: &Interval) -> String {
    format!("{} to {}", percent(interval.low), percent(interval.high))
}

fn intervals(confidence: &Confidence) -> String {
    let level = 100.0 * confidence.bootstrap.level;
    let thresholds = confidence.tiou_thresholds.iter().map(|t| format!("{t:.2}"));
    let columns = thresholds.chain(["average".to_owned()]);
    let mut table = table(header(&format!("{level:.0} % interval"), columns));
    let all = confidence.map.iter().chain([&confidence.average_map]);
    table.add_row(header("mAP [%]", all.map(range)));
    format!(
        "{table}\n{} draws of {} recordings.",
        confidence.bootstrap.num_replicates, confidence.num_recordings
    )
}

fn tied(ties: &TieReport) -> String {
    let thresholds = ties.tiou_thresholds.iter().map(|t| format!("{t:.2}"));
    let columns = thresholds.chain(["average".to_owned()]);
    let mut table = table(header("order of equal scores", columns));
    for (name, map, average) in [
        ("best mAP [%]", &ties.best, ties.average_best),
        ("as written", &ties.as_written, ties.average_as_written),
        ("worst", &ties.worst, ties.average_worst),
    ] {
        let values = map.iter().chain([&average]).map(|value| percent(*value));
        table.add_row(header(name, values));
    }
    if ties.num_groups == 0 {
        return format!("{table}\nNo two detections of a class have equal scores.");
    }
    format!(
        "{table}\n{} detections share their score with another one of their class, in {} groups of up to {}.",
        ties.num_tied, ties.num_groups, ties.largest_group
    )
}

fn recall_table(recall: &RecallAtK) -> String {
    let thresholds = recall.tiou_thresholds.iter().map(|t| format!("{t:.2}"));
    let mut table = table(header("tIoU", thresholds));
    for (position, k) in recall.k.iter().enumerate() {
        let values = recall.recall.iter().map(|row| percent(row[position]));
        table.add_row(header(&format!("Recall@{k}× [%]"), values));
    }
    table.to_string()
}

fn average_recall_line(recall: &AverageRecall) -> String {
    let last = recall
        .num_proposals
        .last()
        .zip(recall.average_recall.last());
    let (number, value) = last.map_or((0.0, 0.0), |(n, r)| (*n, *r));
    format!(
        "Average recall {} % with {number:.0} proposals per recording (AR@AN); area under the curve {} %.",
        percent(value),
        percent(recall.area)
    )
}

fn false_positives(diagnosis: &Diagnosis) -> String {
    let mut table = table(header(
        "detections by kind [%]",
        ["best N", "best 10 N", "mAP_N gained"].map(str::to_owned),
    ));
    let groups = diagnosis.profile.mean_counts();
    let share = |groups: &[[f64; 6]], kind: usize| {
        let sum = |kind: usize| groups.iter().map(|group| group[kind]).sum::<f64>();
        let total: f64 = (0..6).map(sum).sum();
        percent(if total > 0.0 { sum(kind) / total } else { 0.0 })
    };
    let first = &groups[..groups.len().min(1)];
    table.add_row([
        "true positive".to_owned(),
        share(first, 0),
        share(&groups, 0),
        String::new(),
    ]);
    for (position, error) in ErrorType::ALL.into_iter().enumerate() {
        let gain = diagnosis.impact.of(error).map_or(0.0, |impact| impact.gain);
        table.add_row([
            error_name(error).to_owned(),
            share(first, position + 1),
            share(&groups, position + 1),
            percent(gain),
        ]);
    }
    format!(
        "{table}\nN: number of annotations, class by class; mAP_N: normalised average mAP, here {} %.",
        percent(diagnosis.impact.base.average_map)
    )
}

fn sensitivity(diagnosis: &Diagnosis, args: &EvaluateArgs) -> String {
    let columns = ["bucket", "annotations", "missed [%]", "mAP_N [%]"].map(str::to_owned);
    let mut table = table(header("annotations by", columns));
    for all in &diagnosis.characteristics {
        for bucket in &all.buckets {
            let shown = |value: Option<f64>| value.map_or_else(|| "-".to_owned(), percent);
            let range = match bucket.max {
                Some(max) => format!("{} (to {max})", bucket.name),
                None => format!("{} (above {})", bucket.name, bucket.above),
            };
            table.add_row([
                characteristic_name(all.characteristic).to_owned(),
                range,
                bucket.num_instances.to_string(),
                shown(bucket.false_negative_rate),
                shown(bucket.normalized_map.as_ref().map(|map| map.average_map)),
            ]);
        }
    }
    let counted = match args.count_instances {
        CountArg::Recording => "annotations of the recording",
        CountArg::Class => "annotations of the class in the recording",
    };
    format!("{table}\nCoverage: share of the recording; length in seconds; instances: {counted}.")
}

fn compared(comparison: &PairedComparison, args: &EvaluateArgs) -> String {
    let names = ["DETECTIONS", "OTHER", "difference", "95 % interval", "p"].map(str::to_owned);
    let mut table = table(header("mAP [%] at tIoU", names));
    let thresholds = comparison.tiou_thresholds.iter().map(|t| format!("{t:.2}"));
    let rows = thresholds.zip(&comparison.map);
    let rows = rows.chain([("average".to_owned(), &comparison.average_map)]);
    for (name, row) in rows {
        table.add_row([
            name,
            percent(row.a),
            percent(row.b),
            format!("{:+.2}", 100.0 * row.difference.estimate),
            range(&row.difference),
            format!("{:.3}", row.p_value),
        ]);
    }
    let other = args
        .compare
        .as_deref()
        .unwrap_or(&args.detections)
        .display();
    let verdict = match comparison.verdict {
        Verdict::BBetter => format!("{other} is better"),
        Verdict::ABetter => format!("{other} is worse"),
        Verdict::Undecided => "These recordings do not show which is better".to_owned(),
    };
    format!(
        "{table}\n{verdict} ({} draws of {} recordings; the effect of other training seeds is not included).",
        comparison.bootstrap.num_replicates, comparison.num_recordings
    )
}
