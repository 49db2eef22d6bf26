//! A small data set without any fault, to be damaged.

use std::collections::BTreeMap;
use std::sync::atomic::AtomicBool;

use serde_json::{Map, Value, json};
use tal_core::config::Config;
use tal_corpus::audit::{self, Audit, Watch};
use tal_data::features::npy;
use tempfile::TempDir;

const CONFIG: &str = "
dataset:
  annotations: annotations.json
  features: { dir: features, format: { type: npy } }
  train_subsets: [training]
  test_subsets: [test]
  num_classes: 3
  input_dim: 4
  feat_stride: 4
  num_frames: 16
  max_seq_len: 192
";

/// Seconds of each recording, and its number of features at 30 frames per second.
pub(crate) const DURATION: f64 = 20.0;
pub(crate) const LEN: usize = 147;

pub(crate) struct Corpus {
    pub(crate) folder: TempDir,
    pub(crate) database: Map<String, Value>,
    /// Values and shape of the features of each recording.
    pub(crate) features: BTreeMap<String, (Vec<f32>, Vec<usize>)>,
    pub(crate) overrides: Vec<String>,
    /// Written instead of the database.
    pub(crate) text: Option<String>,
}

impl Corpus {
    /// Four training recordings (a, b, c, d) and two to test (t, u), each with an action of every class.
    pub(crate) fn new() -> Self {
        let mut database = Map::new();
        let mut features = BTreeMap::new();
        for (number, id) in ["a", "b", "c", "d", "t", "u"].into_iter().enumerate() {
            let subset = if number < 4 { "training" } else { "test" };
            let annotations = json!([
                {"segment": [2.0, 4.0], "label": "run", "label_id": 0},
                {"segment": [6.0, 9.0], "label": "jump", "label_id": 1},
                {"segment": [12.0, 13.0], "label": "fall", "label_id": 2},
            ]);
            let recording = json!({"subset": subset, "duration": DURATION, "fps": 30, "annotations": annotations});
            database.insert(id.to_owned(), recording);
            let values = (0..LEN * 4).map(|i| (i as f32 * 0.37 + number as f32).sin());
            features.insert(id.to_owned(), (values.collect(), vec![LEN, 4]));
        }
        Self {
            folder: tempfile::tempdir().unwrap(),
            database,
            features,
            overrides: Vec::new(),
            text: None,
        }
    }

    pub(crate) fn set(&mut self, text: &str) {
        self.overrides.push(text.to_owned());
    }

    pub(crate) fn annotation(&mut self, id: &str, index: usize) -> &mut Value {
        &mut self.database[id]["annotations"][index]
    }

    pub(crate) fn add(&mut self, id: &str, start: f64, end: f64, label: &str, label_id: u32) {
        let annotations = self.database[id]["annotations"].as_array_mut().unwrap();
        annotations.push(json!({"segment": [start, end], "label": label, "label_id": label_id}));
    }

    /// Writes everything.
    pub(crate) fn config(&self) -> Config {
        let folder = self.folder.path();
        let text = match &self.text {
            Some(text) => text.clone(),
            None => json!({"database": self.database}).to_string(),
        };
        std::fs::write(folder.join("annotations.json"), text).unwrap();
        std::fs::create_dir_all(folder.join("features")).unwrap();
        for (id, (values, shape)) in &self.features {
            let path = folder.join("features").join(format!("{id}.npy"));
            npy::write(&path, values, shape).unwrap();
        }
        tal_config::from_yaml(CONFIG, "test", folder, &self.overrides).unwrap()
    }

    pub(crate) fn check(&self, quick: bool) -> Audit {
        check(&self.config(), quick)
    }
}

pub(crate) fn check(config: &Config, quick: bool) -> Audit {
    let stop = AtomicBool::new(false);
    let watch = Watch {
        progress: &|_, _| {},
        stop: &stop,
    };
    audit::check(config, quick, &watch)
}
