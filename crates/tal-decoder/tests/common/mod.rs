//! What the tests share: configurations, networks of known weights, pyramids.

#![allow(dead_code)] // every test file uses a part

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde_json::Value;
use tal_core::config::Config;
use tal_core::nn::{FeaturePyramid, PyramidLevel};
use tal_core::weights::{load_strict, read_safetensors};
use tal_core::{PointGrid, Segment};
use tal_decoder::{
    BoundaryOutput, Decoder, LevelOutput, Targets, TridentOutput, assign, released_key_map,
};
use tch::nn::VarStore;
use tch::{Device, Kind, Tensor};

/// Small tensors are not worth a second thread, and the tests of a file already run beside one another.
pub(crate) fn single_threaded() {
    tch::set_num_threads(1);
}

/// The preset `released` for a small network, with `overrides` (`key.path=value`).
pub(crate) fn config(overrides: &[String]) -> Config {
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
    tal_config::from_yaml(FILE, "test", Path::new("/"), overrides).unwrap()
}

/// Overrides from string literals.
pub(crate) fn overrides(list: &[&str]) -> Vec<String> {
    list.iter().map(|text| (*text).to_owned()).collect()
}

/// A recorded network: its configuration and tensors by name.
pub(crate) struct Golden {
    pub(crate) name: &'static str,
    pub(crate) config: Config,
    pub(crate) dim: usize,
    pub(crate) num_classes: usize,
    tensors: BTreeMap<String, Tensor>,
}

/// A decoder with the recorded weights; the variables live as long as the store.
pub(crate) struct Network {
    pub(crate) vs: VarStore,
    pub(crate) decoder: Decoder,
}

impl Golden {
    /// Files of `tests/fixtures`, taken as one.
    pub(crate) fn load(name: &'static str, files: &[&str]) -> Golden {
        Golden::load_with(name, files, &[])
    }

    /// Files of `tests/fixtures`, taken as one, with `changes` for what their metadata does not say.
    pub(crate) fn load_with(name: &'static str, files: &[&str], changes: &[&str]) -> Golden {
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
        overrides.extend(changes.iter().map(|change| (*change).to_owned()));
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
            Golden::load("tiny", &["tiny.safetensors"]),
            Golden::load(
                "wide",
                &["wide_weights.safetensors", "wide_outputs.safetensors"],
            ),
            Golden::load(
                "hacs_like",
                &["hacs_like.safetensors", "hacs_like_train.safetensors"],
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

    /// The pyramid of a training step, which where nothing else is recorded is the one of evaluation.
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
        let segments: Vec<Segment<f32>> = segments
            .unwrap()
            .iter()
            .map(|s| Segment::new(s[0], s[1]))
            .collect();
        let labels = Vec::<i64>::try_from(self.get(&format!("input.{recording}.labels"))).unwrap();
        let labels: Vec<u32> = labels.iter().map(|label| *label as u32).collect();
        assign(grid, &segments, &labels, &self.config.loss.assignment)
    }
}

/// What trident regression reads on a level.
pub(crate) fn trident_of(level: &LevelOutput) -> &TridentOutput {
    match &level.boundaries {
        BoundaryOutput::Trident(output) => output,
        BoundaryOutput::Distances(_) => panic!("distances are regressed themselves"),
    }
}

/// The variables of a store by name, in order.
pub(crate) fn variables(vs: &VarStore) -> BTreeMap<String, Tensor> {
    vs.variables().into_iter().collect()
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
