//! Recorded networks, and what else the tests share.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{Mutex, MutexGuard, PoisonError};

use serde_json::Value;
use sha2::{Digest, Sha256};
use tal_backbone::{Backbone, Network, Parameter, StateDict};
use tal_core::weights::{NamedTensors, read_safetensors};
use tch::{Kind, Tensor};

use crate::formula::{self, Levels};

pub(crate) fn fixture(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join("tests/networks/fixtures")
        .join(name)
}

/// Largest relative difference of a whole tensor, as a norm.
const NORM_BOUND: f64 = 1e-5;

/// The description of the recordings.
pub(crate) fn description() -> Value {
    let text = std::fs::read_to_string(fixture("golden.json")).unwrap();
    serde_json::from_str(&text).unwrap()
}

/// Lock for tests that hold a large network: one of them at a time fits into memory.
pub(crate) fn alone() -> MutexGuard<'static, ()> {
    static ALONE: Mutex<()> = Mutex::new(());
    ALONE.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A recorded network: its description, and its outputs on two clips.
pub(crate) struct Golden {
    name: &'static str,
    pub(crate) network: Network,
    description: Value,
    outputs: NamedTensors,
}

impl Golden {
    pub(crate) fn new(name: &'static str, network: Network) -> Self {
        let (outputs, _) = read_safetensors(&fixture("golden.safetensors")).unwrap();
        Self {
            name,
            network,
            description: description()["networks"][name].clone(),
            outputs,
        }
    }

    fn text(&self, key: &str) -> &str {
        self.description[key].as_str().unwrap()
    }

    fn numbers<const N: usize>(&self, key: &str) -> [u64; N] {
        let list = self.description[key].as_array().unwrap();
        std::array::from_fn(|place| list[place].as_u64().unwrap())
    }

    /// The weights by the formula, under the names that `rename` makes of ours; `first` and `last` are classifiers in the
    /// order of the released file, whose SHA-256 is checked.
    pub(crate) fn weights(
        &self,
        first: &[(&str, &[i64])],
        last: &[(&str, &[i64])],
        rename: impl Fn(&str) -> String,
    ) -> NamedTensors {
        let heads = |heads: &[(&str, &[i64])]| -> Vec<Parameter> {
            let parameters = heads.iter().map(|(name, shape)| Parameter {
                name: (*name).to_owned(),
                shape: shape.to_vec(),
            });
            parameters.collect()
        };
        let gain = self.description["gain"].as_f64().unwrap();
        let mut digest = Sha256::new();
        let mut tensors = NamedTensors::new();
        let body = self.network.parameters().unwrap();
        for Parameter { name, shape } in heads(first).into_iter().chain(body).chain(heads(last)) {
            let name = rename(&name);
            let values =
                formula::parameter(&format!("{}/{name}", self.text("prefix")), &shape, gain);
            let bytes: Vec<u8> = values
                .iter()
                .flat_map(|value| value.to_le_bytes())
                .collect();
            digest.update(&bytes);
            tensors.insert(name, Tensor::from_slice(&values).reshape(shape));
        }
        assert_eq!(
            hex(digest),
            self.text("weights_sha256"),
            "{}: weights",
            self.name
        );
        tensors
    }

    pub(crate) fn state(&self, tensors: NamedTensors) -> StateDict {
        StateDict::new(self.name, tensors)
    }

    /// A clip by the formula, (1, C, T, H, W).
    pub(crate) fn clip_of(&self, key: &str, shape: [u64; 4], levels: usize) -> Tensor {
        let key = format!("{}/{key}", self.text("prefix"));
        let value = |name: &str| self.description["levels"][levels][name].as_f64().unwrap();
        let levels = Levels {
            mid: value("mid"),
            coarse: value("coarse"),
            fine: value("fine"),
        };
        let values = formula::clip(&key, shape, self.numbers("block"), &levels);
        let size = shape.map(|size| size as i64);
        Tensor::from_slice(&values).reshape(size).unsqueeze(0)
    }

    /// Both clips as one batch; their SHA-256 is checked.
    pub(crate) fn clips(&self) -> Tensor {
        let shape = self.numbers("clip_shape");
        let clips = [0, 1].map(|number| {
            let clip = self.clip_of(&format!("clip{number}"), shape, number);
            let values = Vec::<f32>::try_from(clip.flatten(0, -1)).unwrap();
            let mut digest = Sha256::new();
            for value in values {
                digest.update(value.to_le_bytes());
            }
            let expected = self.description["clips_sha256"][number].as_str().unwrap();
            assert_eq!(hex(digest), expected, "{}: clip {number}", self.name);
            clip
        });
        Tensor::cat(&clips, 0)
    }

    pub(crate) fn output(&self, name: &str) -> Vec<f32> {
        let name = format!("{}/{name}", self.name);
        let tensor = self
            .outputs
            .get(&name)
            .unwrap_or_else(|| panic!("no {name}"));
        Vec::<f32>::try_from(tensor).unwrap()
    }

    /// Compares an output with the recordings of both clips: within `bound` of the stage's standard deviation, and as a norm
    /// where the whole is recorded.
    pub(crate) fn compare(&self, stage: &str, found: &Tensor, bound: f64) {
        for number in 0..2 {
            let clip = format!("clip{number}");
            let std = self.description["stages"][&clip][stage]["std"]
                .as_f64()
                .unwrap();
            self.compare_with(&format!("{clip}.{stage}"), &found.get(number), std, bound);
        }
    }

    pub(crate) fn compare_with(&self, name: &str, found: &Tensor, std: f64, bound: f64) {
        let found = Vec::<f32>::try_from(found.flatten(0, -1)).unwrap();
        let expected = self.output(name);
        let is_whole = found.len() == expected.len();
        let found: Vec<f32> = (0..expected.len())
            .map(|place| found[place * found.len() / expected.len()])
            .collect();
        let largest = largest_difference(&found, &expected) / std;
        let relative = relative_difference(&found, &expected);
        println!(
            "{} {name}: {largest:.1e} of the deviation, {relative:.1e} as a norm",
            self.name
        );
        assert!(
            largest <= bound,
            "{} {name}: {largest:e} of the deviation",
            self.name
        );
        if is_whole {
            assert!(
                relative <= NORM_BOUND,
                "{} {name}: {relative:e} as a norm",
                self.name
            );
        }
    }

    /// Compares all stages, features and class scores.
    pub(crate) fn compare_all(&self, backbone: &Backbone, prefix: &str, logits: &str, bound: f64) {
        let clips = self.clips();
        let clips = match backbone.input() {
            tal_backbone::InputLayout::Frame => clips.squeeze_dim(2),
            _ => clips,
        };
        let known = self.description["stages"]["clip0"].as_object().unwrap();
        let mut seen = 0;
        let features = backbone.forward_stages(&clips, &mut |name, stage| {
            let name = format!("{prefix}{name}");
            if known.contains_key(&name) {
                seen += 1;
                self.compare(&name, stage, bound);
            }
        });
        let features = features.unwrap();
        // Neither the features nor the class scores are stages.
        assert_eq!(seen, known.len() - 2, "{}: stages", self.name);
        assert_eq!(features.size(), [2, backbone.width()]);
        self.compare("feature", &features, bound);
        self.compare(logits, &backbone.logits(&features).unwrap(), bound);
    }
}

pub(crate) fn largest_difference(found: &[f32], expected: &[f32]) -> f64 {
    let pairs = found.iter().zip(expected);
    let differences = pairs.map(|(a, b)| (f64::from(*a) - f64::from(*b)).abs());
    differences.fold(0.0, |most, next| {
        if next > most || next.is_nan() {
            next
        } else {
            most
        }
    })
}

pub(crate) fn relative_difference(found: &[f32], expected: &[f32]) -> f64 {
    let norm = |values: &mut dyn Iterator<Item = f64>| values.map(|v| v * v).sum::<f64>().sqrt();
    let pairs = found.iter().zip(expected);
    let difference = norm(&mut pairs.map(|(a, b)| f64::from(*a) - f64::from(*b)));
    difference / norm(&mut expected.iter().map(|v| f64::from(*v)))
}

pub(crate) fn hex(digest: Sha256) -> String {
    format!("{:x}", digest.finalize())
}

/// Weights of ones, without any memory behind them, for tests of names and shapes.
pub(crate) fn ones(network: &Network) -> NamedTensors {
    let one = Tensor::ones([1], (Kind::Float, tch::Device::Cpu));
    let parameters = network.parameters().unwrap().into_iter();
    parameters
        .map(|parameter| {
            let shape = parameter.shape;
            let all_ones = one.reshape(vec![1; shape.len()]).expand(shape, false);
            (parameter.name, all_ones)
        })
        .collect::<BTreeMap<_, _>>()
}
