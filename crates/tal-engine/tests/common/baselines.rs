//! Golden cases of the compared methods: numbers of each method's released implementation, and our configuration of the
//! same network, which is that method's overlay with the case's sizes.

use std::path::{Path, PathBuf};

use serde_json::Value;
use tal_config::Layers;
use tal_core::config::Config;
use tal_core::weights::read_safetensors;

use super::{Golden, fixture};

/// The cases.
pub(crate) const NAMES: [&str; 4] = [
    "tridet",
    "actionformer",
    "actionformer_global",
    "temporalmaxer",
];

/// A path below the workspace's `crates`.
fn crates(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(path)
}

/// The overlay of a method.
pub(crate) fn overlay(method: &str) -> PathBuf {
    crates(&format!("../configs/baselines/{method}.yaml"))
}

/// A case over the preset `released`. Encoder and decoder have their parts of the same numbers; the rest is a fixture of
/// this crate.
pub(crate) fn read(name: &str) -> Golden {
    read_over("released", name)
}

/// A case whose overlay lies over a configuration with this preset.
pub(crate) fn read_over(preset: &str, name: &str) -> Golden {
    let file = format!("{name}.safetensors");
    let (mut tensors, metadata) = read_safetensors(&fixture("baselines").join(&file)).unwrap();
    for part in ["tal-encoder", "tal-decoder"] {
        let path = crates(part).join("tests/fixtures").join(&file);
        tensors.extend(read_safetensors(&path).unwrap().0);
    }
    let meta: Value = serde_json::from_str(&metadata["golden"]).unwrap();
    let config = config(name, &meta, preset);
    Golden { tensors, config }
}

/// Our configuration of the network that the released keys describe, over a preset.
fn config(name: &str, meta: &Value, preset: &str) -> Config {
    let (model, train, test) = (&meta["model"], &meta["train_cfg"], &meta["test_cfg"]);
    let base = format!(
        "
preset: {preset}
dataset:
  annotations: none.json
  features: {{ dir: none, format: {{ type: npy }} }}
  num_classes: {classes}
  input_dim: {input}
  feat_stride: {stride}
  num_frames: {frames}
  max_seq_len: {max_seq_len}
",
        classes = model["num_classes"],
        input = model["input_dim"],
        stride = meta["video"]["feat_stride"],
        frames = meta["video"]["feat_num_frames"],
        max_seq_len = model["max_seq_len"],
    );
    let method = name.strip_suffix("_global").unwrap_or(name);
    let layers = Layers::from_yaml(&base, "golden", Path::new("/"))
        .and_then(|layers| layers.overlay(&overlay(method)))
        .unwrap();

    let ranges = model["regression_range"].as_array().unwrap();
    let arch = model["backbone_arch"].as_array().unwrap();
    // Where there are two numbers there is no stem, which the overlay says.
    let stem = if arch.len() == 3 {
        &arch[1]
    } else {
        &Value::Null
    };
    // -1 stands for attention over all positions.
    let is_global = model["n_mha_win_size"].as_i64() == Some(-1);
    let window = if is_global {
        Value::from("null")
    } else {
        model["n_mha_win_size"].clone()
    };
    let position = match model["use_abs_pe"].as_bool() {
        Some(true) => "sinusoidal",
        _ => "none",
    };
    let radius = match &train["center_sample_radius"] {
        Value::Null => &model["assigner"]["center_radius"],
        radius => radius,
    };
    // A baseline that pools has no residual branch to drop.
    let drop_path = match model["backbone_type"].as_str() {
        Some("convPooler") => &Value::Null,
        _ => &train["droppath"],
    };
    let (num_levels, position) = (Value::from(ranges.len()), Value::from(position));
    let keys: [(&str, &Value); 31] = [
        ("encoder.dim", &model["embd_dim"]),
        ("encoder.projection.num_layers", &arch[0]),
        ("encoder.projection.kernel_size", &model["embd_kernel_size"]),
        ("encoder.position", &position),
        ("encoder.num_stem_blocks", stem),
        ("encoder.num_levels", &num_levels),
        ("encoder.mixer.mlp_dim", &model["sgp_mlp_dim"]),
        ("encoder.mixer.kernel_size", &model["n_sgp_win_size"]),
        ("encoder.mixer.k", &model["k"]),
        ("encoder.mixer.init_std", &model["init_conv_vars"]),
        ("encoder.mixer.num_heads", &model["n_head"]),
        ("encoder.mixer.window", &window),
        ("encoder.mixer.relative_position", &model["use_rel_pe"]),
        ("encoder.mixer.drop_path", drop_path),
        ("decoder.regression_range", &model["regression_range"]),
        ("decoder.head.dim", &model["head_dim"]),
        ("decoder.head.num_layers", &model["head_num_layers"]),
        ("decoder.head.kernel_size", &model["head_kernel_size"]),
        (
            "decoder.head.boundary_kernel_size",
            &model["boudary_kernel_size"],
        ),
        ("decoder.trident.num_bins", &model["num_bins"]),
        ("loss.iou_weight_power", &model["iou_weight_power"]),
        ("loss.assignment.center_radius", radius),
        ("loss.label_smoothing", &train["label_smoothing"]),
        ("loss.normalizer.initial", &train["init_loss_norm"]),
        ("train.clip_grad_l2norm", &train["clip_grad_l2norm"]),
        ("inference.pre_nms_thresh", &test["pre_nms_thresh"]),
        ("inference.pre_nms_topk", &test["pre_nms_topk"]),
        ("inference.duration_thresh", &test["duration_thresh"]),
        ("inference.suppression.sigma", &test["nms_sigma"]),
        ("inference.suppression.min_score", &test["min_score"]),
        ("inference.suppression.max_detections", &test["max_seg_num"]),
    ];
    let layers = keys
        .into_iter()
        .filter(|(_, value)| !value.is_null())
        .try_fold(layers, |layers, (key, value)| {
            let text = value
                .as_str()
                .map_or_else(|| value.to_string(), str::to_owned);
            layers.set(&format!("{key}={text}"))
        });
    layers
        .and_then(|layers| layers.resolve())
        .unwrap_or_else(|error| panic!("{name}: {error}"))
        .config
}
