//! A configuration.

use std::path::Path;

use serde::Serialize;
use serde_json::Value;
use tal_config::Layers;
use tal_core::FileError;
use tal_runs::{data, method};

use crate::error::InspectError;
use crate::section::{Section, facts};

/// A configuration, or a fragment of one that is laid over others.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ConfigurationFacts {
    /// Why the file alone is no configuration; `None` if it is.
    pub fault: Option<String>,
    /// The configuration with all values; of a fragment, what it sets.
    pub config: Value,
    /// YAML of what differs from the preset, with the origin of every value; of a fragment, what it sets.
    #[serde(skip)]
    changed: String,
}

pub(crate) fn read(path: &Path) -> Result<ConfigurationFacts, InspectError> {
    match Layers::read(path).and_then(|layers| layers.resolve()) {
        Ok(resolved) => Ok(ConfigurationFacts {
            fault: None,
            config: as_json(&tal_config::to_yaml(&resolved.config)),
            changed: resolved.to_annotated_yaml(true),
        }),
        Err(error) => {
            let text = std::fs::read_to_string(path).map_err(FileError::at("read", path))?;
            Ok(ConfigurationFacts {
                fault: Some(error.to_string()),
                config: as_json(&text),
                changed: text,
            })
        }
    }
}

fn as_json(yaml: &str) -> Value {
    serde_yaml::from_str(yaml).unwrap_or_default()
}

impl ConfigurationFacts {
    pub(crate) fn sections(&self) -> Vec<Section> {
        let config = &self.config;
        if let Some(fault) = &self.fault {
            return vec![
                facts([
                    ("alone", Some(fault.clone())),
                    (
                        "as overlay",
                        Some("`--overlay FILE` lays it over a configuration".to_owned()),
                    ),
                ]),
                Section::Text {
                    title: "It sets".to_owned(),
                    text: self.changed.trim_end().to_owned(),
                },
            ];
        }
        let text = |value: &Value| value.as_str().map(str::to_owned);
        let dataset = &config["dataset"];
        let train = &config["train"];
        vec![
            facts([
                ("preset", text(&config["preset"])),
                ("method", Some(method(config).to_owned())),
                ("data", Some(data(config))),
                ("features", text(&dataset["features"]["dir"])),
                (
                    "grid",
                    Some(format!(
                        "{} classes, {} channels, a feature every {} frames",
                        dataset["num_classes"], dataset["input_dim"], dataset["feat_stride"]
                    )),
                ),
                (
                    "training",
                    Some(format!(
                        "{} + {} epochs of warm-up, batches of {}, learning rate {}",
                        train["epochs"],
                        train["warmup_epochs"],
                        train["batch_size"],
                        train["learning_rate"]
                    )),
                ),
            ]),
            Section::Text {
                title: "Differs from the preset in".to_owned(),
                text: self.changed.trim_end().to_owned(),
            },
        ]
    }
}
