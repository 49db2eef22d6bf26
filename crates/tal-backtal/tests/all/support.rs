//! Recorded networks, small configurations and what else the tests share.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{Mutex, MutexGuard, PoisonError};

use serde_json::Value;
use tal_backtal::{BackTal, BackTalOutput, WeakTarget, released_key_map};
use tal_config::Layers;
use tal_core::config::BackTalConfig;
use tal_core::nn::named_variables;
use tal_core::weights::{load_strict, read_safetensors};
use tch::nn::VarStore;
use tch::{Device, Kind, Tensor};

/// Lock for tests that draw random numbers: LibTorch's generator belongs to the process.
pub(crate) fn alone() -> MutexGuard<'static, ()> {
    static ALONE: Mutex<()> = Mutex::new(());
    ALONE.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A network and its variables.
pub(crate) struct Network {
    pub(crate) vs: VarStore,
    pub(crate) backtal: BackTal,
}

/// Section `backtal` of a preset with `overrides` (`key=value`).
pub(crate) fn config(preset: &str, overrides: &[String]) -> BackTalConfig {
    let file = format!(
        "preset: {preset}
dataset:
  annotations: annotations.json
  features: {{dir: features, format: {{type: npy}}}}
  feat_stride: null
  num_frames: 1
"
    );
    let mut layers = Layers::from_yaml(&file, "test", "/".as_ref()).unwrap();
    for text in overrides {
        layers = layers.set(&format!("backtal.{text}")).unwrap();
    }
    layers.resolve().unwrap().config.backtal.unwrap()
}

/// A recorded network: its configuration and tensors by name.
pub(crate) struct Golden {
    pub(crate) name: &'static str,
    pub(crate) config: BackTalConfig,
    sizes: Value,
    tensors: BTreeMap<String, Tensor>,
}

impl Golden {
    /// All recorded networks.
    pub(crate) fn all() -> [Self; 2] {
        ["backtal_thumos", "backtal_anet"].map(Self::load)
    }

    fn load(name: &'static str) -> Self {
        // Small tensors are not worth a second thread, and tests already run in parallel.
        tch::set_num_threads(1);
        let path = PathBuf::from(env!("CARGO_MANIFEST_DIR"))
            .join(format!("tests/fixtures/{name}.safetensors"));
        let (tensors, metadata) = read_safetensors(&path).unwrap();
        let sizes: Value = serde_json::from_str(&metadata["sizes"]).unwrap();
        let theirs: Value = serde_json::from_str(&metadata["config"]).unwrap();
        let (network, train) = (&theirs["NETWORK"], &theirs["TRAIN"]);
        let preset = match metadata["dataset"].as_str() {
            "THUMOS14" => "backtal_thumos14",
            "ActivityNet1.2" => "backtal_activitynet12",
            other => panic!("no preset for {other}"),
        };
        let overrides = [
            ("num_snippets", sizes["length"].clone()),
            ("dim", sizes["hidden"].clone()),
            ("hidden_dim", 16.into()),
            ("embedding_dim", sizes["embedding"].clone()),
            ("affinity", "released".into()),
            ("dropout", 0.0.into()),
            ("topk_ratio", network["TOPK_K_R"].clone()),
            (
                "loss.separation_topk_ratio",
                network["TOPK_K_R_FOR_LOSS"].clone(),
            ),
            ("loss.similar_min", network["TH_SIMILAR_MIN"].clone()),
            ("loss.different_max", network["TH_DIFFERENT_MAX"].clone()),
            ("loss.norm_weight", train["C_LOSS_NORM"].clone()),
            ("loss.click_weight", train["LOSS_CAS_COEF"].clone()),
            ("loss.separation_weight", train["C_LOSS_TOPK_BG"].clone()),
            ("loss.embedding_weight", train["C_LOSS_EMBEDDING"].clone()),
        ]
        .map(|(key, value)| format!("{key}={value}"));
        Self {
            name,
            config: config(preset, &overrides),
            sizes,
            tensors,
        }
    }

    fn size(&self, name: &str) -> usize {
        self.sizes[name].as_u64().unwrap() as usize
    }

    pub(crate) fn get(&self, name: &str) -> &Tensor {
        let found = self.tensors.get(name);
        found.unwrap_or_else(|| panic!("no tensor {name}"))
    }

    /// Tensors whose names start with `prefix`, under our names.
    pub(crate) fn section(&self, prefix: &str) -> BTreeMap<String, Tensor> {
        let prefix = format!("{prefix}.");
        let tensors = self.tensors.iter().filter_map(|(name, tensor)| {
            Some((
                name.strip_prefix(&prefix)?.to_owned(),
                tensor.shallow_clone(),
            ))
        });
        released_key_map().rename(tensors.collect()).unwrap()
    }

    /// Network with the recorded weights.
    pub(crate) fn network(&self) -> Network {
        let vs = VarStore::new(Device::Cpu);
        let path = vs.root() / "backtal";
        let backtal = BackTal::new(
            &path,
            self.size("features"),
            self.size("classes"),
            &self.config,
        )
        .unwrap();
        load_strict(named_variables(&vs), &self.section("weight")).unwrap();
        Network { vs, backtal }
    }

    /// Answers of a network in the recorded training step.
    pub(crate) fn output(&self, network: &Network) -> BackTalOutput {
        let features = self.get("input.feats");
        network.backtal.forward_both(features, true)
    }

    /// Labels and clicks of the recorded batch.
    pub(crate) fn targets(&self) -> Vec<WeakTarget> {
        let labels = Vec::<Vec<f32>>::try_from(self.get("input.labels")).unwrap();
        let clicks = Vec::<Vec<i64>>::try_from(self.get("input.clicks")).unwrap();
        let positions =
            |row: &[bool]| -> Vec<usize> { (0..row.len()).filter(|i| row[*i]).collect() };
        labels
            .iter()
            .zip(&clicks)
            .map(|(labels, clicks)| {
                let labels: Vec<bool> = labels.iter().map(|value| *value > 0.0).collect();
                let clicks: Vec<bool> = clicks.iter().map(|class| *class >= 0).collect();
                WeakTarget {
                    labels: positions(&labels)
                        .into_iter()
                        .map(|label| label as u32)
                        .collect(),
                    clicks: positions(&clicks),
                }
            })
            .collect()
    }
}

pub(crate) fn max_diff(a: &Tensor, b: &Tensor) -> f64 {
    assert_eq!(a.size(), b.size());
    (a.to_kind(Kind::Double) - b.to_kind(Kind::Double))
        .abs()
        .max()
        .double_value(&[])
}
