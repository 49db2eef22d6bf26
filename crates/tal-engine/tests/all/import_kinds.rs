//! Import of files with other kinds of weights than the released ones, and of weights that no network can work with.

use std::path::{Path, PathBuf};

use tal_core::ClassMap;
use tal_core::config::Weights;
use tal_core::weights::NamedTensors;
use tal_engine::import::ReleasedCheckpoint;
use tal_engine::{Checkpoint, Detector, EngineError};
use tch::Device;

use crate::support::Golden;
use crate::support::pth::{self, Value};

struct Place {
    golden: Golden,
    folder: tempfile::TempDir,
}

impl Place {
    fn new() -> Self {
        Self {
            golden: Golden::read("tiny"),
            folder: tempfile::tempdir().unwrap(),
        }
    }

    /// Weights by their released names, each behind `prefix`.
    fn weights(&self, prefix: &str) -> NamedTensors {
        let all = self.golden.section("stepped").into_iter();
        all.map(|(name, tensor)| (format!("{prefix}{name}"), tensor))
            .collect()
    }

    fn write(&self, entries: Vec<(&'static str, Value)>) -> PathBuf {
        let path = self.folder.path().join("file.pth.tar");
        pth::write(&path, entries);
        path
    }

    fn import(&self, path: &Path, kind: Weights) -> Result<Checkpoint, EngineError> {
        let file = ReleasedCheckpoint::open(path)?;
        let config = &self.golden.config;
        let (checkpoint, _) = file.weights(config, &ClassMap::default(), kind)?;
        Ok(checkpoint)
    }

    fn refused(&self, path: &Path, kind: Weights) -> String {
        self.import(path, kind).unwrap_err().to_string()
    }
}

/// Names are static in the writer; a test leaks the few that it makes.
fn bare(tensors: NamedTensors) -> Vec<(&'static str, Value)> {
    let entries = tensors.into_iter();
    entries
        .map(|(name, tensor)| (&*name.leak(), Value::Tensor(tensor)))
        .collect()
}

#[test]
fn files_without_an_average_say_raw_and_import_with_it() {
    let place = Place::new();
    for key in ["state_dict", "model_state_dict", "model"] {
        let path = place.write(vec![
            ("epoch", Value::Int(3)),
            (key, Value::State(place.weights(""))),
        ]);
        let message = place.refused(&path, Weights::Ema);
        assert!(
            message.contains("no moving average of the weights (state_dict_ema)"),
            "{message}"
        );
        assert!(
            message.contains(&format!("({key}); add --raw")),
            "{message}"
        );
        let checkpoint = place.import(&path, Weights::Raw).unwrap();
        assert_eq!(checkpoint.manifest.weights, Weights::Raw);
        assert_eq!(checkpoint.section("model").len(), 212);
    }
    let path = place.write(vec![("state_dict_ema", Value::State(place.weights("")))]);
    let message = place.refused(&path, Weights::Raw);
    assert!(message.contains("leave out --raw"), "{message}");
    let path = place.write(vec![("epoch", Value::Int(3))]);
    let message = place.refused(&path, Weights::Ema);
    assert!(
        message.contains("holds no weights") && message.contains("\"epoch\""),
        "{message}"
    );
}

#[test]
fn bare_dictionaries_and_repeated_prefixes_import() {
    let place = Place::new();
    for prefix in ["", "module.", "module.module.", "module.module.module."] {
        let path = place.write(bare(place.weights(prefix)));
        let contents = ReleasedCheckpoint::open(&path)
            .unwrap()
            .contents()
            .to_string();
        assert_eq!(contents, "trained weights (212 tensors)");
        for kind in [Weights::Ema, Weights::Raw] {
            let checkpoint = place.import(&path, kind).unwrap();
            assert_eq!(checkpoint.manifest.weights, Weights::Raw);
            assert_eq!(checkpoint.section("model").len(), 212);
        }
    }
    // One more than the writer's own.
    let path = place.write(vec![(
        "state_dict_ema",
        Value::State(place.weights("module.")),
    )]);
    let checkpoint = place.import(&path, Weights::Ema).unwrap();
    assert_eq!(checkpoint.section("ema").len(), 212);
}

#[test]
fn weights_that_are_not_finite_are_refused_with_their_name() {
    let place = Place::new();
    for value in [f64::NAN, f64::INFINITY] {
        let mut weights = place.weights("");
        let (name, tensor) = weights.iter().nth(17).unwrap();
        let (name, damaged) = (name.clone(), tensor.copy());
        let _ = damaged.flatten(0, -1).narrow(0, 0, 1).fill_(value);
        weights.insert(name.clone(), damaged);
        let path = place.write(vec![("state_dict_ema", Value::State(weights))]);
        let message = place.refused(&path, Weights::Ema);
        assert!(message.contains("state_dict_ema: the tensor"), "{message}");
        assert!(
            message.contains(&name) && message.contains("holds 1 of"),
            "{message}"
        );
    }
    // A checkpoint of ours.
    let path = place.write(vec![("state_dict_ema", Value::State(place.weights("")))]);
    let mut checkpoint = place.import(&path, Weights::Ema).unwrap();
    let name = checkpoint.tensors.keys().next_back().unwrap().clone();
    let _ = checkpoint.tensors.get_mut(&name).unwrap().fill_(f64::NAN);
    let path = place.folder.path().join("ours.safetensors");
    checkpoint.write(&path).unwrap();
    let message = match Detector::load(&path, None, Device::Cpu) {
        Err(error) => error.to_string(),
        Ok(_) => panic!("loaded"),
    };
    assert!(
        message.contains("ours.safetensors: the tensor"),
        "{message}"
    );
    assert!(
        message.contains(name.strip_prefix("ema.").unwrap()),
        "{message}"
    );
}
