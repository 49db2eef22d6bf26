//! Checks of subsets and classes.

use std::collections::BTreeSet;

use tal_core::config::{Config, DatasetConfig};
use tal_core::{GroundTruth, Recording, plain_list, quoted_list};

use super::annotations::is_in;
use super::finding::{Code, Findings, Severity};
use super::labels::Labels;
use super::spelling::Variants;

pub(super) fn check(
    config: &Config,
    truth: &GroundTruth,
    labels: &Labels,
    findings: &mut Findings,
) {
    names(&config.dataset, truth, labels, findings);
    let variants = Variants::of(&truth.classes);
    variants.check(findings);
    if findings.0.iter().any(|one| one.code == Code::SubsetEmpty) {
        // Every class would lack examples.
        return;
    }
    classes(config, truth, labels, &variants.ids(), findings);
}

fn names(config: &DatasetConfig, truth: &GroundTruth, labels: &Labels, findings: &mut Findings) {
    let present = truth.subset_names();
    let listed = quoted_list(&present);
    for (role, field, wanted, labels) in [
        (
            "train on",
            "dataset.train_subsets",
            &config.train_subsets,
            labels,
        ),
        (
            "test on",
            "dataset.test_subsets",
            &config.test_subsets,
            &Labels::Segments,
        ),
    ] {
        for name in wanted {
            if !present
                .iter()
                .any(|one| one.to_lowercase() == name.to_lowercase())
            {
                findings.add(
                    Severity::Error,
                    Code::SubsetEmpty,
                    None,
                    format!("no recording in the subset {name:?} to {role}"),
                    format!("{field} among the subsets of the file: {listed}"),
                );
            }
        }
        let of_role: Vec<&Recording> = truth.subset(wanted).collect();
        if !of_role.is_empty() && of_role.iter().all(|one| labels.of(one).is_empty()) {
            findings.add(
                Severity::Error,
                Code::SubsetWithoutAnnotations,
                None,
                format!("no recording of {} has an annotation", quoted_list(wanted)),
                format!("annotations to {role}, or another {field}"),
            );
        }
    }
    for name in &config.train_subsets {
        if is_in(name, &config.test_subsets) {
            findings.add(
                Severity::Error,
                Code::SplitOverlap,
                None,
                format!("the subset {name:?} is trained on and tested on"),
                "dataset.train_subsets and dataset.test_subsets without common names",
            );
        }
    }
    let used: Vec<&String> = config
        .train_subsets
        .iter()
        .chain(&config.test_subsets)
        .collect();
    for name in present {
        let lower = name.to_lowercase();
        if used.iter().any(|one| *one == name) {
            continue;
        }
        match used.iter().find(|one| one.to_lowercase() == lower) {
            Some(one) => findings.add(
                Severity::Note,
                Code::SubsetCase,
                None,
                format!("the file writes {name:?}, the configuration {one:?}"),
                "the same spelling; it is taken for the same subset",
            ),
            None => {
                let num = truth
                    .recordings
                    .iter()
                    .filter(|one| one.subset == name)
                    .count();
                findings.add(
                    Severity::Note,
                    Code::SubsetUnused,
                    None,
                    format!("{num} recordings are of the subset {name:?}"),
                    "nothing, if neither training nor test needs them",
                );
            }
        }
    }
}

/// Classes without examples. Those of `misspelt` are told of by their names.
fn classes(
    config: &Config,
    truth: &GroundTruth,
    labels: &Labels,
    misspelt: &BTreeSet<u32>,
    findings: &mut Findings,
) {
    let Config {
        dataset: config,
        evaluation,
        inference,
        ..
    } = config;
    let of = |wanted: &[String], labels: &Labels| -> BTreeSet<u32> {
        truth
            .subset(wanted)
            .flat_map(|recording| labels.of(recording))
            .collect()
    };
    let train = of(&config.train_subsets, labels);
    let test = of(&config.test_subsets, &Labels::Segments);
    for label in test
        .difference(&train)
        .filter(|label| !misspelt.contains(label))
    {
        let recording = truth.subset(&config.test_subsets).find(|recording| {
            recording
                .instances
                .iter()
                .any(|instance| instance.label == *label)
        });
        findings.add(
            Severity::Warning,
            Code::ClassOnlyInTest,
            recording.map(|recording| recording.id.as_str()),
            format!(
                "{:?} is a class of the test, but has no example in training",
                truth.classes.display_name(*label)
            ),
            "training examples of every class that is tested",
        );
    }
    let bound = u32::try_from(config.num_classes).unwrap_or(u32::MAX);
    let unused: Vec<String> = (0..bound)
        .filter(|label| {
            !train.contains(label) && !test.contains(label) && !misspelt.contains(label)
        })
        .map(|label| match truth.classes.name(label) {
            Some(name) => format!("{name:?}"),
            None => label.to_string(),
        })
        .collect();
    if !unused.is_empty() && !train.is_empty() {
        findings.add(
            Severity::Warning,
            Code::ClassWithoutExamples,
            None,
            format!("{} of {bound} classes have no annotation: {}", unused.len(), plain_list(&unused)),
            "dataset.num_classes without classes that do not occur, unless they are there for a reason",
        );
    }
    let quoted = |label: u32| format!("{:?}", truth.classes.display_name(label));
    let is_refused =
        evaluation.dialect.refuses_unknown_classes() && inference.external_scores.is_none();
    if is_refused && !test.is_empty() {
        let found = (0..bound).filter(|label| !test.contains(label));
        let found: Vec<String> = found.map(quoted).collect();
        if !found.is_empty() {
            findings.add(
                Severity::Error,
                Code::ClassWithoutExamples,
                None,
                format!(
                    "{} classes are not tested: {}; evaluation.dialect: activitynet refuses what is found of them",
                    found.len(),
                    plain_list(&found)
                ),
                "annotations of every class to test on, or another evaluation.dialect, such as clean",
            );
        }
        return;
    }
    let untested: Vec<String> = train
        .difference(&test)
        .filter(|label| !misspelt.contains(label))
        .map(|label| quoted(*label))
        .collect();
    if !untested.is_empty() && !test.is_empty() {
        findings.add(
            Severity::Note,
            Code::ClassWithoutExamples,
            None,
            format!(
                "{} classes are trained, but not tested: {}",
                untested.len(),
                plain_list(&untested)
            ),
            "nothing; they do not count in the mAP",
        );
    }
}
