//! The figures of `tal evaluate --measure` on the terminal.

use std::collections::BTreeMap;

use anyhow::Result;
use tal_core::ClassMap;
use tal_postprocess::measures::{
    Agreement, ClassBouts, ClassMisalignment, Figures, Labelling, MisalignedEvents, MisalignedTime,
    Segmentation,
};

use super::measured::{Compared, Measured};
use crate::args::MeasureArgs;
use crate::console::print;
use crate::tables::{percent, table};

/// Prints one table of single figures, one table for each measure that has figures of classes only, and what was compared.
pub(super) fn show(
    measured: &Measured,
    compared: &Compared,
    rules: &MeasureArgs,
    classes: &ClassMap,
    per_class: bool,
) -> Result<()> {
    let rows = single_figures(measured, rules);
    if !rows.is_empty() {
        let mut table = table(["measure", "[%]"].map(str::to_owned));
        for (name, value) in rows {
            table.add_row([name, percent_or_dash(value)]);
        }
        print(&table.to_string())?;
    }
    let each = figures_by_class(measured);
    if per_class && !each.columns.is_empty() {
        print(&each.table(classes))?;
    }
    if let Some(found) = &measured.misalignment {
        print(&misaligned_time(found, classes))?;
        print(&misaligned_events(found, classes))?;
    }
    if let Some(found) = &measured.bouts {
        print(&bouts(found, classes))?;
    }
    if let Some(found) = &measured.kappa {
        print(&kappa(found, classes))?;
    }
    print(&counted(compared))
}

fn percent_or_dash(value: f64) -> String {
    if value.is_nan() {
        return "–".to_owned();
    }
    percent(value)
}

fn single_figures(measured: &Measured, rules: &MeasureArgs) -> Vec<(String, f64)> {
    let mut rows: Vec<(String, f64)> = Vec::new();
    if let Some(found) = &measured.map {
        let thresholds = found.tiou_thresholds.iter().zip(&found.map);
        rows.extend(thresholds.map(|(tiou, map)| (format!("mAP, tIoU {tiou:.2}"), *map)));
        rows.push(("mAP, average".to_owned(), found.average_map));
    }
    if let Some(found) = &measured.frame {
        fractions("frame", found, &mut rows);
    }
    if let Some(found) = &measured.frame_map {
        rows.push(("frame mAP".to_owned(), found.map));
    }
    if let Some(found) = &measured.segment {
        rows.push((
            "frame accuracy".to_owned(),
            found.without_background.accuracy,
        ));
        segments("segment", &found.without_background, &mut rows);
        segments("segment with background", &found.with_background, &mut rows);
    }
    if let Some(found) = &measured.event {
        fractions("event", found, &mut rows);
    }
    if let Some(found) = &measured.spotting {
        let tolerances = found.tolerances.iter().zip(&found.map);
        rows.extend(tolerances.map(|(width, map)| (format!("spotting mAP, {width} s"), *map)));
        rows.push(("spotting mAP, average".to_owned(), found.average_map));
    }
    if let Some(found) = &measured.mabe {
        rows.push((format!("MABe F-beta, beta {}", rules.beta), found.f_beta));
    }
    rows
}

fn fractions(name: &str, figures: &Figures, rows: &mut Vec<(String, f64)>) {
    for (kind, one) in [("micro", &figures.micro), ("macro", &figures.macro_average)] {
        rows.push((format!("{name} precision, {kind}"), one.precision));
        rows.push((format!("{name} recall, {kind}"), one.recall));
        rows.push((format!("{name} F1, {kind}"), one.f1));
    }
}

fn segments(name: &str, found: &Segmentation, rows: &mut Vec<(String, f64)>) {
    rows.push((format!("{name} Edit"), found.edit));
    for (overlap, f1) in found.overlaps.iter().zip(&found.f1) {
        rows.push((format!("{name} F1@{}", 100.0 * overlap), *f1));
    }
}

/// Figures of classes as a table: columns of values by class id.
#[derive(Default)]
struct ByClass {
    columns: Vec<(String, BTreeMap<u32, f64>)>,
}

impl ByClass {
    fn add(&mut self, name: impl Into<String>, values: impl Iterator<Item = (u32, f64)>) {
        self.columns.push((name.into(), values.collect()));
    }

    fn add_fractions(&mut self, name: &str, figures: &Figures) {
        let classes = || figures.classes.iter();
        self.add(
            format!("{name} precision"),
            classes().map(|one| (one.label, one.fractions.precision)),
        );
        self.add(
            format!("{name} recall"),
            classes().map(|one| (one.label, one.fractions.recall)),
        );
        self.add(
            format!("{name} F1"),
            classes().map(|one| (one.label, one.fractions.f1)),
        );
    }

    fn table(&self, classes: &ClassMap) -> String {
        let names = self.columns.iter().map(|(name, _)| format!("{name} [%]"));
        let header: Vec<String> = std::iter::once("class".to_owned()).chain(names).collect();
        let mut table = table(&header);
        let labels: std::collections::BTreeSet<u32> = self
            .columns
            .iter()
            .flat_map(|(_, values)| values.keys().copied())
            .collect();
        for label in labels {
            let mut row = vec![classes.display_name(label)];
            row.extend(self.columns.iter().map(|(_, values)| {
                percent_or_dash(values.get(&label).copied().unwrap_or(f64::NAN))
            }));
            table.add_row(row);
        }
        table.to_string()
    }
}

fn figures_by_class(measured: &Measured) -> ByClass {
    let mean = |values: &[f64]| values.iter().sum::<f64>() / values.len() as f64;
    let mut all = ByClass::default();
    if let Some(found) = &measured.map {
        let classes = found.classes.iter();
        all.add("AP", classes.map(|one| (one.label, mean(&one.ap))));
    }
    if let Some(found) = &measured.frame {
        all.add_fractions("frame", found);
    }
    if let Some(found) = &measured.frame_map {
        let classes = found.classes.iter();
        all.add(
            "frame AP",
            classes.map(|one| (one.label, one.average_precision)),
        );
    }
    if let Some(found) = &measured.event {
        all.add_fractions("event", found);
    }
    if let Some(found) = &measured.spotting {
        let classes = found.classes.iter();
        all.add("spotting AP", classes.map(|one| (one.label, mean(&one.ap))));
    }
    if let Some(found) = &measured.mabe {
        let classes = found.labs.iter().flat_map(|lab| &lab.classes);
        all.add("F-beta", classes.map(|one| (one.label, one.f_beta)));
    }
    all
}

fn misaligned_time(found: &[ClassMisalignment], classes: &ClassMap) -> String {
    let header = [
        "time [%]",
        "found",
        "deleted",
        "fragmented",
        "underfill start",
        "underfill end",
        "inserted",
        "merged",
        "overfill start",
        "overfill end",
    ];
    let mut table = table(header.map(str::to_owned));
    let mut add = |name: String, time: &MisalignedTime| {
        let rates = time.rates();
        let values = [
            rates.true_positive,
            rates.deletion,
            rates.fragmentation,
            rates.underfill_start,
            rates.underfill_end,
            rates.insertion,
            rates.merge,
            rates.overfill_start,
            rates.overfill_end,
        ];
        let mut row = vec![name];
        row.extend(values.map(percent));
        table.add_row(row);
    };
    for class in found {
        add(classes.display_name(class.label), &class.time);
    }
    let none = MisalignedTime::default();
    add(
        "all".to_owned(),
        &found.iter().fold(none, |sum, class| sum.plus(&class.time)),
    );
    format!(
        "{table}\nThe first five are shares of the annotated time of the class, the others of the rest."
    )
}

fn misaligned_events(found: &[ClassMisalignment], classes: &ClassMap) -> String {
    let header = [
        "events",
        "annotated",
        "correct",
        "deleted",
        "fragmented",
        "merged",
        "both",
        "found",
        "inserted",
        "fragmenting",
        "merging",
        "both",
    ];
    let mut table = table(header.map(str::to_owned));
    let mut add = |name: String, events: &MisalignedEvents| {
        let values = [
            events.num_truth,
            events.correct,
            events.deleted,
            events.fragmented,
            events.merged,
            events.fragmented_and_merged,
            events.num_found,
            events.inserted,
            events.fragmenting,
            events.merging,
            events.fragmenting_and_merging,
        ];
        let mut row = vec![name];
        row.extend(values.map(|value| value.to_string()));
        table.add_row(row);
    };
    for class in found {
        add(classes.display_name(class.label), &class.events);
    }
    let none = MisalignedEvents::default();
    add(
        "all".to_owned(),
        &found
            .iter()
            .fold(none, |sum, class| sum.plus(&class.events)),
    );
    table.to_string()
}

fn bouts(found: &[ClassBouts], classes: &ClassMap) -> String {
    let header = [
        "bouts",
        "annotated",
        "found",
        "time [s]",
        "found",
        "share [%]",
        "found",
        "mean [s]",
        "found",
        "median [s]",
        "found",
    ];
    let mut table = table(header.map(str::to_owned));
    let seconds = |value: f64| match value.is_nan() {
        true => "–".to_owned(),
        false => format!("{value:.2}"),
    };
    for class in found {
        let (truth, found) = (&class.truth, &class.found);
        table.add_row([
            classes.display_name(class.label),
            truth.num.to_string(),
            found.num.to_string(),
            seconds(truth.total),
            seconds(found.total),
            percent_or_dash(truth.share),
            percent_or_dash(found.share),
            seconds(truth.mean),
            seconds(found.mean),
            seconds(truth.median),
            seconds(found.median),
        ]);
    }
    table.to_string()
}

fn kappa(found: &Agreement, classes: &ClassMap) -> String {
    let header = ["agreement", "frames [%]", "by chance [%]", "kappa"];
    let mut table = table(header.map(str::to_owned));
    let each = found.classes.iter();
    let named = each.map(|class| (classes.display_name(class.label), &class.kappa));
    for (name, kappa) in named.chain([("all".to_owned(), &found.all)]) {
        let value = match kappa.kappa.is_nan() {
            true => "–".to_owned(),
            false => format!("{:.3}", kappa.kappa),
        };
        table.add_row([
            name,
            percent(kappa.observed),
            percent(kappa.expected),
            value,
        ]);
    }
    table.to_string()
}

fn counted(compared: &Compared) -> String {
    let kept = match compared.min_score {
        Some(score) => format!(
            "{} of {} detections (score at least {score})",
            compared.num_kept_detections, compared.num_detections
        ),
        None => format!("{} detections of any score", compared.num_kept_detections),
    };
    let labelling = match compared.labelling {
        Labelling::Single => "one class at a time",
        Labelling::Multiple => "each class by itself",
    };
    let frames = compared
        .frame_rate
        .map_or_else(String::new, |rate| format!(", {rate} frames per second"));
    format!(
        "{kept}, {} annotations, {} recordings of {}; {labelling}{frames}.",
        compared.num_annotations,
        compared.num_recordings,
        compared.subsets.join(", "),
    )
}
