//! Golden cases: the released implementation's numbers, and our configuration of the same network.

pub(crate) mod baselines;
pub(crate) mod compare;
pub(crate) mod pth;

use std::path::{Path, PathBuf};

use serde_json::Value;
use tal_core::config::Config;
use tal_core::weights::{NamedTensors, read_safetensors};
use tch::Tensor;

/// A fixture and its configuration.
pub(crate) struct Golden {
    pub(crate) tensors: NamedTensors,
    pub(crate) config: Config,
}

pub(crate) fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/fixtures")
        .join(name)
}

impl Golden {
    pub(crate) fn read(name: &str) -> Self {
        let (tensors, metadata) =
            read_safetensors(&fixture(&format!("{name}.safetensors"))).unwrap();
        let meta: Value = serde_json::from_str(&metadata["golden"]).unwrap();
        let config = config(&meta);
        Self { tensors, config }
    }

    pub(crate) fn get(&self, name: &str) -> &Tensor {
        self.tensors
            .get(name)
            .unwrap_or_else(|| panic!("no tensor {name}"))
    }

    pub(crate) fn number(&self, name: &str) -> f64 {
        self.get(name).double_value(&[0])
    }

    /// The tensors under `prefix`, without it, by released name.
    pub(crate) fn section(&self, prefix: &str) -> NamedTensors {
        self.tensors
            .iter()
            .filter_map(|(name, tensor)| {
                let name = name.strip_prefix(prefix)?.strip_prefix('.')?;
                Some((name.to_owned(), tensor.shallow_clone()))
            })
            .collect()
    }
}

/// Our configuration of the network that the released keys describe.
fn config(meta: &Value) -> Config {
    let (model, train, test) = (&meta["model"], &meta["train_cfg"], &meta["test_cfg"]);
    let position = if model["use_abs_pe"] == true {
        "sinusoidal"
    } else {
        "none"
    };
    let voting = if test["multiclass_nms"] == false {
        format!(
            "{{ iou_threshold: {}, weight: score }}",
            test["voting_thresh"]
        )
    } else {
        "null".to_owned()
    };
    let optimizer = &meta["optimizer"];
    let number = |value: &Value, default: f64| value.as_f64().unwrap_or(default);
    let text = format!(
        "
preset: released
dataset:
  annotations: none.json
  features: {{ dir: none, format: {{ type: npy }} }}
  num_classes: {classes}
  input_dim: {input}
  feat_stride: 4
  num_frames: 16
  max_seq_len: {max_seq_len}
encoder:
  dim: {dim}
  position: {position}
  num_levels: {num_levels}
  mixer: {{ type: gmg, mlp_dim: {mlp}, local_kernel_size: {window}, drop_path: 0.1 }}
decoder:
  regression_range: {ranges}
  head: {{ dim: {head}, kernel_size: {kernel}, boundary_kernel_size: {boundary} }}
  trident: {{ num_bins: {bins} }}
loss:
  iou_weight_power: {power}
  label_smoothing: {smoothing}
  normalizer: {{ initial: {norm} }}
train:
  learning_rate: {rate}
  weight_decay: {decay}
  clip_grad_l2norm: {clip}
inference:
  pre_nms_topk: {topk}
  suppression: {{ sigma: {sigma}, per_class: {per_class}, max_detections: {max}, voting: {voting} }}
",
        classes = model["num_classes"],
        input = model["input_dim"],
        max_seq_len = model["max_seq_len"],
        dim = model["embd_dim"],
        num_levels = model["backbone_arch"][2].as_u64().unwrap() + 1,
        mlp = model["sgp_mlp_dim"],
        window = model["n_sgp_win_size"],
        ranges = model["regression_range"],
        head = model["head_dim"],
        kernel = model["head_kernel_size"],
        boundary = model["boudary_kernel_size"],
        bins = model["num_bins"],
        power = model["iou_weight_power"],
        smoothing = train["label_smoothing"],
        norm = train["init_loss_norm"],
        rate = number(&optimizer["lr"], 1e-3),
        decay = number(&optimizer["weight_decay"], 0.03),
        clip = number(&optimizer["clip_grad_l2norm"], 1.0),
        topk = test["pre_nms_topk"],
        sigma = test["nms_sigma"],
        per_class = test["multiclass_nms"],
        max = test["max_seg_num"],
    );
    tal_config::from_yaml(&text, "golden", Path::new("/"), &[]).unwrap()
}
