//! Configurations, recorded networks, pyramids and what else the tests share.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde_json::Value;
use tal_core::config::{Config, LossConfig};
use tal_core::nn::{FeaturePyramid, PyramidLevel, named_variables};
use tal_core::weights::{load_strict, read_safetensors};
use tal_core::{PointGrid, Segment};
use tal_decoder::{
    Action, BoundaryOutput, Criterion, Decoder, LevelOutput, Losses, Targets, TridentOutput,
    assign, released_key_map,
};
use tch::nn::VarStore;
use tch::{Device, Kind, Tensor};

/// Switches of heads on the pyramid itself: one term of the loss, one update of the normaliser per step.
pub(crate) const PLAIN: [&str; 7] = [
    "decoder.dcm.neighbors=none",
    "decoder.drm.neighbors=none",
    "decoder.refinement.classification=false",
    "decoder.refinement.regression=false",
    "loss.refined.weight=0",
    "loss.unrefined.weight=1",
    "loss.normalizer.update_per_term=false",
];

/// Small tensors are not worth a second thread, and tests already run in parallel.
pub(crate) fn single_threaded() {
    tch::set_num_threads(1);
}

/// The preset `released` for a small network, with `changes` (`key.path=value`).
pub(crate) fn config(changes: &[&str]) -> Config {
    preset("released", changes)
}

/// A preset for a small network, with `changes` (`key.path=value`).
pub(crate) fn preset(name: &str, changes: &[&str]) -> Config {
    const FILE: &str = "dataset:
  annotations: annotations.json
  features: {dir: features, format: {type: npy}}
  num_classes: 2
  input_dim: 8
  feat_stride: 1
  num_frames: 1
  max_seq_len: 16384
encoder: {dim: 32}
";
    let overrides: Vec<String> = changes.iter().map(|text| (*text).to_owned()).collect();
    let text = format!("preset: {name}\n{FILE}");
    tal_config::from_yaml(&text, "test", Path::new("/"), &overrides).unwrap()
}

/// A recorded network: its configuration and tensors by name.
pub(crate) struct Golden {
    pub(crate) name: &'static str,
    pub(crate) config: Config,
    pub(crate) dim: usize,
    pub(crate) num_classes: usize,
    tensors: BTreeMap<String, Tensor>,
}

/// A decoder with the recorded weights, and its variables.
pub(crate) struct Network {
    pub(crate) vs: VarStore,
    pub(crate) decoder: Decoder,
}

impl Golden {
    /// Files of `tests/fixtures`, taken as one, with `changes` of values that their metadata lacks.
    pub(crate) fn load(name: &'static str, files: &[&str], changes: &[&str]) -> Golden {
        single_threaded();
        let mut tensors = BTreeMap::new();
        let mut meta = Value::Null;
        for file in files {
            let path = PathBuf::from(env!("CARGO_MANIFEST_DIR"))
                .join("tests/fixtures")
                .join(file);
            let (part, metadata) = read_safetensors(&path).unwrap();
            tensors.extend(part);
            meta = serde_json::from_str(&metadata["config"]).unwrap();
        }
        let (model, train, test) = (&meta["model"], &meta["train_cfg"], &meta["test_cfg"]);
        let num_levels = model["regression_range"].as_array().unwrap().len();
        let mut overrides = vec![format!("encoder.num_levels={num_levels}")];
        overrides.extend(
            [
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
                (
                    "loss.assignment.center_radius",
                    &train["center_sample_radius"],
                ),
                ("loss.label_smoothing", &train["label_smoothing"]),
                ("loss.regression_weight", &train["loss_weight"]),
                ("loss.normalizer.initial", &train["init_loss_norm"]),
                ("inference.pre_nms_thresh", &test["pre_nms_thresh"]),
                ("inference.pre_nms_topk", &test["pre_nms_topk"]),
                ("inference.duration_thresh", &test["duration_thresh"]),
            ]
            .into_iter()
            .filter(|(_, value)| !value.is_null())
            .map(|(key, value)| format!("{key}={value}")),
        );
        let overrides = overrides.iter().map(String::as_str);
        let overrides: Vec<&str> = overrides.chain(changes.iter().copied()).collect();
        Golden {
            name,
            config: config(&overrides),
            dim: model["fpn_dim"].as_u64().unwrap() as usize,
            num_classes: model["num_classes"].as_u64().unwrap() as usize,
            tensors,
        }
    }

    /// All recorded networks.
    pub(crate) fn all() -> Vec<Golden> {
        vec![
            Golden::load("tiny", &["tiny.safetensors"], &[]),
            Golden::load(
                "wide",
                &["wide_weights.safetensors", "wide_outputs.safetensors"],
                &[],
            ),
            Golden::load(
                "hacs_like",
                &["hacs_like.safetensors", "hacs_like_train.safetensors"],
                &[],
            ),
        ]
    }

    /// Whether there is a tensor of this name.
    pub(crate) fn has(&self, name: &str) -> bool {
        self.tensors.contains_key(name)
    }

    /// The tensor of this name.
    pub(crate) fn get(&self, name: &str) -> &Tensor {
        self.tensors
            .get(name)
            .unwrap_or_else(|| panic!("{} has no tensor {name}", self.name))
    }

    /// Number of levels.
    pub(crate) fn num_levels(&self) -> usize {
        self.config.decoder.regression_range.len()
    }

    /// Tensors whose released names start with `prefix`, under our names.
    pub(crate) fn renamed(&self, prefix: &str) -> BTreeMap<String, Tensor> {
        let part = self.tensors.iter().filter_map(|(name, tensor)| {
            Some((
                name.strip_prefix(prefix)?.to_owned(),
                tensor.shallow_clone(),
            ))
        });
        released_key_map().rename(part.collect()).unwrap()
    }

    /// The decoder with the recorded weights.
    pub(crate) fn network(&self) -> Network {
        let vs = VarStore::new(Device::Cpu);
        let decoder = Decoder::new(
            &(vs.root() / "decoder"),
            self.dim,
            self.num_classes,
            &[],
            self.num_levels(),
            &self.config.decoder,
        )
        .unwrap();
        let report = load_strict(vs.variables(), &self.renamed("weight.")).unwrap();
        assert_eq!(report.loaded.len(), vs.variables().len());
        Network { vs, decoder }
    }

    /// The pyramid of a training step; that of evaluation if no other is recorded.
    pub(crate) fn training_pyramid(&self) -> FeaturePyramid {
        let is_recorded = self.has("train.0.pyramid.level0");
        self.stack(if is_recorded { "train" } else { "eval" }, &[0, 1])
    }

    /// The pyramid of some recordings as one batch.
    pub(crate) fn pyramid(&self, recordings: &[usize]) -> FeaturePyramid {
        self.stack("eval", recordings)
    }

    fn stack(&self, mode: &str, recordings: &[usize]) -> FeaturePyramid {
        let level = |l: usize| {
            let stack = |what: &str| {
                let parts: Vec<&Tensor> = recordings
                    .iter()
                    .map(|r| self.get(&format!("{mode}.{r}.{what}.level{l}")))
                    .collect();
                Tensor::stack(&parts, 0)
            };
            let mask = stack("mask").to_kind(Kind::Int64);
            let lens = Vec::<i64>::try_from(mask.sum_dim_intlist(1i64, false, None)).unwrap();
            let lens = lens.into_iter().map(|len| len as usize).collect();
            let level = PyramidLevel::new(stack("pyramid"), lens);
            assert!(level.mask.squeeze_dim(1).equal(&mask.to_kind(Kind::Bool)));
            level
        };
        FeaturePyramid {
            levels: (0..self.num_levels()).map(level).collect(),
        }
    }

    /// The points of a pyramid.
    pub(crate) fn grid(&self, pyramid: &FeaturePyramid) -> PointGrid {
        grid_of(pyramid, &self.config)
    }

    /// Assigned targets of a recording.
    pub(crate) fn targets(&self, recording: usize, grid: &PointGrid) -> Targets {
        let segments = Vec::<Vec<f32>>::try_from(self.get(&format!("input.{recording}.segments")));
        let labels = Vec::<i64>::try_from(self.get(&format!("input.{recording}.labels"))).unwrap();
        let rows = segments.unwrap().into_iter().zip(labels);
        let actions: Vec<Action> = rows
            .map(|(s, label)| action(s[0], s[1], label as u32))
            .collect();
        assign(grid, &actions, &self.config.loss.assignment)
    }

    /// A criterion after the recorded training step of a network, and the losses of the step.
    pub(crate) fn step(&self, network: &Network, config: &LossConfig) -> (Criterion, Losses) {
        let pyramid = self.training_pyramid();
        let grid = self.grid(&pyramid);
        let targets = [self.targets(0, &grid), self.targets(1, &grid)];
        let mut criterion = Criterion::new(config);
        let losses = criterion.forward(&network.decoder.forward(&pyramid), &grid, &targets);
        (criterion, losses)
    }

    /// Compares a loss with the recorded one, as far as it is recorded.
    pub(crate) fn assert_loss(&self, what: &str, ours: &Tensor) {
        let name = format!("train.{what}");
        if !self.has(&name) {
            return;
        }
        let expected = self.get(&name).double_value(&[0]);
        let diff = (ours.double_value(&[]) - expected).abs() / expected.abs();
        println!(
            "{}: {what} {expected} differs by {diff:e} (relative)",
            self.name
        );
        assert!(diff < 1e-5, "{} {what}", self.name);
    }

    /// Compares the three losses of a step with the recorded ones.
    pub(crate) fn assert_losses(&self, losses: &Losses) {
        for (what, ours) in [
            ("cls_loss", &losses.cls),
            ("reg_loss", &losses.reg),
            ("final_loss", &losses.total),
        ] {
            assert!(self.has(&format!("train.{what}")));
            self.assert_loss(what, ours);
        }
    }

    /// Compares the gradients of a network's variables with the recorded ones; unused scales have none.
    pub(crate) fn assert_gradients(&self, network: &Network) {
        let expected = self.renamed("grad.");
        let mut worst = (0f64, String::new());
        for (name, variable) in named_variables(&network.vs) {
            let Some(expected) = expected.get(&name) else {
                assert!(name.starts_with("decoder.refinement.scale."), "{name}");
                assert!(!variable.grad().defined(), "{name} has a gradient");
                continue;
            };
            let diff = (variable.grad() - expected).norm().double_value(&[]);
            let norm = expected.norm().double_value(&[]);
            assert!(
                diff <= (1e-3 * norm).max(1e-6),
                "{} {name}: {diff} of {norm}",
                self.name
            );
            if norm > 0.0 && diff / norm > worst.0 {
                worst = (diff / norm, name);
            }
        }
        println!(
            "{}: gradients differ by at most {:e} (relative, {})",
            self.name, worst.0, worst.1
        );
    }
}

/// An action of a class.
pub(crate) fn action(start: f32, end: f32, class: u32) -> Action {
    Action {
        segment: Segment::new(start, end),
        class,
    }
}

/// Logits of trident regression on a level.
pub(crate) fn trident_of(level: &LevelOutput) -> &TridentOutput {
    match &level.boundaries {
        BoundaryOutput::Trident(output) => output,
        BoundaryOutput::Distances(_) => panic!("the level has no bins"),
    }
}

/// The points of a pyramid.
pub(crate) fn grid_of(pyramid: &FeaturePyramid, config: &Config) -> PointGrid {
    let len = pyramid.levels[0].features.size()[2] as usize;
    PointGrid::new(len, &config.decoder.regression_range)
}

/// Greatest absolute difference.
pub(crate) fn max_diff(a: &Tensor, b: &Tensor) -> f64 {
    assert_eq!(a.size(), b.size());
    if a.numel() == 0 {
        0.0
    } else {
        (a - b).abs().max().double_value(&[])
    }
}

/// A random pyramid; recording i of the batch has `lens[i]` features.
pub(crate) fn random_pyramid(
    dim: i64,
    padded_len: i64,
    lens: &[usize],
    num_levels: usize,
    kind: Kind,
) -> FeaturePyramid {
    let levels = (0..num_levels).map(|l| {
        let size = [lens.len() as i64, dim, padded_len >> l];
        let lens = lens.iter().map(|len| len.div_ceil(1 << l)).collect();
        PyramidLevel::new(Tensor::randn(size, (kind, Device::Cpu)), lens)
    });
    FeaturePyramid {
        levels: levels.collect(),
    }
}
