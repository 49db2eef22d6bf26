//! A checkpoint of `tal`.

use std::path::Path;

use serde::Serialize;
use serde_json::Value;
use tal_runs::files::SUMMARY;
use tal_runs::{TensorEntry, data, method};

use crate::section::{Section, facts};
use crate::tree::tree;
use tal_core::grouped;

/// Names that are shown in a line.
const MAX_NAMES: usize = 12;
/// Groups of tensors by what their names begin with, and their meaning.
const GROUPS: [(&str, &str); 3] = [
    ("ema", "moving average of the weights"),
    ("model", "trained weights"),
    ("optimizer", "state of the optimiser"),
];

/// What a checkpoint says about itself.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct CheckpointFacts {
    /// Its manifest: program, configuration, classes, progress of the run, origin.
    pub manifest: Value,
    /// Values of the network.
    pub num_parameters: usize,
    /// Mean of mAP over the thresholds at the end of the run whose folder the file lies in, 0 to 1.
    pub average_map: Option<f64>,
    /// The tensors.
    pub tensors: Vec<TensorEntry>,
    #[serde(skip)]
    depth: usize,
}

impl CheckpointFacts {
    pub(crate) fn of(
        path: &Path,
        manifest: Value,
        tensors: Vec<TensorEntry>,
        depth: usize,
    ) -> Self {
        let summary = std::fs::read_to_string(path.with_file_name(SUMMARY)).ok();
        let summary = summary.and_then(|text| serde_json::from_str::<Value>(&text).ok());
        let mut facts = Self {
            manifest,
            num_parameters: 0,
            average_map: summary.and_then(|summary| summary["average_map"].as_f64()),
            tensors,
            depth,
        };
        let sizes = facts.parameters().map(TensorEntry::num_values);
        facts.num_parameters = sizes.fold(0, usize::saturating_add);
        facts
    }

    /// The tensors of one kind of weights: the trained ones, else the moving average.
    fn parameters(&self) -> impl Iterator<Item = &TensorEntry> {
        let has = |prefix: &str| {
            self.tensors
                .iter()
                .any(|entry| entry.name.starts_with(prefix))
        };
        let prefix = if has("model.") { "model." } else { "ema." };
        self.tensors
            .iter()
            .filter(move |entry| entry.name.starts_with(prefix))
    }

    pub(crate) fn sections(&self) -> Vec<Section> {
        let manifest = &self.manifest;
        let config = &manifest["config"];
        let text = |value: &Value| value.as_str().map(str::to_owned);
        let percent = |map: f64| format!("{:.2} %", 100.0 * map);
        let run = &manifest["run"];
        let progress = run["step"].as_u64().map(|step| {
            let epoch = run["epoch"].as_u64().unwrap_or(0);
            format!(
                "{} steps, {epoch} epochs; the run can continue from here (--resume)",
                grouped(step as usize)
            )
        });
        let best = run["best"]["average_map"]
            .as_f64()
            .map(|map| format!("mAP {} after epoch {}", percent(map), run["best"]["epoch"]));
        let train = &config["train"];
        let training = format!(
            "{} + {} epochs of warm-up, batches of {}, learning rate {}, seed {}",
            train["epochs"],
            train["warmup_epochs"],
            train["batch_size"],
            train["learning_rate"],
            train["seed"]
        );
        let dataset = &config["dataset"];
        let grid = format!(
            "{} channels, a feature every {} frames, windows of {} frames",
            dataset["input_dim"], dataset["feat_stride"], dataset["num_frames"]
        );
        let fps = manifest["trained_on"]["fps"]
            .as_array()
            .map(|fps| match fps.as_slice() {
                [low, high] if low == high => format!("{low} frames per second"),
                [low, high] => format!("{low} to {high} frames per second"),
                _ => String::new(),
            });
        let sensitivity = config["loss"]["action_sensitivity"].is_object().then(|| {
            "of actions is learned; `tal inspect --action-sensitivity RUN` shows it".to_owned()
        });
        let mut sections = vec![
            facts([
                ("written by", text(&manifest["code"])),
                ("origin", text(&manifest["origin"])),
                ("method", Some(method(config).to_owned())),
                ("preset", text(&config["preset"])),
                ("data", Some(data(config))),
                ("features", Some(grid)),
                ("recordings", fps),
                ("classes", Some(self.classes())),
                ("training", Some(training)),
                ("progress", progress.or(Some("weights only".to_owned()))),
                ("best", best),
                (
                    "last",
                    self.average_map
                        .map(|map| format!("mAP {} at the end of its run", percent(map))),
                ),
                ("used by default", text(&manifest["weights"])),
                ("sensitivity", sensitivity),
                ("parameters", Some(grouped(self.num_parameters))),
            ]),
            self.groups(),
        ];
        let prefix = |name: &str| {
            name.split_once('.')
                .map_or(String::new(), |(_, rest)| rest.to_owned())
        };
        let network: Vec<TensorEntry> = self
            .parameters()
            .map(|entry| TensorEntry {
                name: prefix(&entry.name),
                ..entry.clone()
            })
            .collect();
        sections.push(Section::Text {
            title: "Parameters of the network".to_owned(),
            text: tree(&network, self.depth),
        });
        sections
    }

    fn classes(&self) -> String {
        let names = self.manifest["classes"].as_object();
        let names: Vec<&str> = names
            .into_iter()
            .flatten()
            .filter_map(|(_, name)| name.as_str())
            .collect();
        let more = match names.len().saturating_sub(MAX_NAMES) {
            0 => String::new(),
            more => format!(" and {more} more"),
        };
        let shown: Vec<&str> = names.iter().take(MAX_NAMES).copied().collect();
        format!("{}: {}{more}", names.len(), shown.join(", "))
    }

    fn groups(&self) -> Section {
        let rows = GROUPS.iter().filter_map(|(group, meaning)| {
            let prefix = format!("{group}.");
            let members = self
                .tensors
                .iter()
                .filter(|entry| entry.name.starts_with(&prefix));
            let (mut tensors, mut values) = (0, 0_usize);
            for entry in members {
                tensors += 1;
                values = values.saturating_add(entry.num_values());
            }
            (tensors > 0).then(|| {
                vec![
                    format!("{group} ({meaning})"),
                    grouped(tensors),
                    grouped(values),
                ]
            })
        });
        Section::Table {
            header: vec!["part", "tensors", "values"],
            rows: rows.collect(),
        }
    }
}
