//! The released configurations, each from made-up data to figures, with small networks.

use std::path::Path;

use crate::support::{Place, words};

/// What makes the networks small; everything else is as released.
const SMALL: [&str; 14] = [
    "dataset.input_dim=16",
    "dataset.max_seq_len=64",
    "encoder.dim=16",
    "encoder.mixer.mlp_dim=16",
    "decoder.head.dim=16",
    // Two steps: two recordings are one batch.
    "train.batch_size=2",
    "train.warmup_epochs=1",
    "train.epochs=1",
    "train.num_workers=1",
    "train.checkpoint.eval_every=0",
    "train.checkpoint.eval_from=1",
    "inference.pre_nms_topk=200",
    "inference.suppression.max_detections=50",
    "train.seed=1",
];

struct Released<'a> {
    /// The file in `configs`.
    name: &'a str,
    /// Further overrides.
    more: &'a [&'a str],
    /// Files that must be there, below the folder of the data.
    files: &'a [&'a str],
}

impl Released<'_> {
    /// Makes data, checks them, trains two steps and evaluates.
    fn works(&self) {
        let place = Place::without_data();
        let config = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../configs");
        let config = config.join(format!("{}.yaml", self.name));
        let config = config.to_str().unwrap();
        let mut sets = Vec::new();
        for set in SMALL.iter().chain(self.more) {
            sets.extend(["--set", *set]);
        }

        let made = [
            "data", "synth", "--like", config, "--out", "data", "--count", "2",
        ];
        let made = place.ok(&[&made[..], &sets].concat());
        assert!(made.contains("4 recordings"), "{made}");
        let overlay = ["--overlay", "data/dataset.yaml"];
        assert!(made.contains(&overlay.join(" ")), "{made}");
        for file in self.files {
            let path = place.path("data").join(file);
            assert!(path.is_file(), "{file}: {:?}", place.files());
        }

        let check = ["data", "check", config];
        place.ok(&[&check[..], &overlay, &sets].concat());

        let train = ["--quiet", "train", config, "--out", "run"];
        place.ok(&[&train[..], &overlay, &sets].concat());
        let metrics = place.read("run/metrics.jsonl");
        let steps = metrics
            .lines()
            .filter(|line| line.contains(r#""event":"step""#));
        assert_eq!(steps.count(), 2, "{metrics}");

        let evaluated = words("test run --json figures.json --detections found.json");
        let printed = place.ok(&evaluated);
        assert!(printed.contains("2 recordings"), "{printed}");
        let average = &place.json("figures.json")["average_map"];
        assert!(
            average
                .as_f64()
                .is_some_and(|map| (0.0..=1.0).contains(&map)),
            "{average}"
        );
        let found = place.json("found.json");
        let recordings = found["results"].as_object().unwrap();
        assert_eq!(recordings.len(), 2, "{recordings:?}");
        assert!(
            recordings
                .values()
                .all(|list| !list.as_array().unwrap().is_empty())
        );
    }
}

#[test]
fn thumos14_i3d() {
    Released {
        name: "thumos14_i3d",
        more: &[],
        files: &[
            "annotations/thumos14.json",
            "i3d_features/synth_train_0001.npy",
        ],
    }
    .works();
}

#[test]
fn thumos14_videomaev2() {
    Released {
        name: "thumos14_videomaev2",
        more: &[],
        files: &["annotations/thumos14.json"],
    }
    .works();
}

#[test]
fn thumos14_internvideo2() {
    Released {
        name: "thumos14_internvideo2",
        more: &[],
        files: &["internvideo2_features/synth_test_0002_spatial_feature.pt"],
    }
    .works();
}

#[test]
fn multithumos_i3d_rgb() {
    Released {
        name: "multithumos_i3d_rgb",
        more: &["dataset.features.columns=[0, 16]"],
        files: &[
            "annotations/multithumos.json",
            "i3d_features/synth_train_0001.npy",
        ],
    }
    .works();
}

#[test]
fn multithumos_i3d() {
    Released {
        name: "multithumos_i3d",
        more: &[],
        files: &["annotations/multithumos.json"],
    }
    .works();
}

#[test]
fn multithumos_videomaev2() {
    Released {
        name: "multithumos_videomaev2",
        more: &[],
        files: &["annotations/multithumos.json"],
    }
    .works();
}

#[test]
fn epic_kitchens100_verb() {
    Released {
        name: "epic_kitchens100_verb",
        more: &[],
        files: &[
            "annotations/epic_kitchens_100_verb.json",
            "features/synth_train_0001.npz",
        ],
    }
    .works();
}

#[test]
fn epic_kitchens100_noun() {
    Released {
        name: "epic_kitchens100_noun",
        more: &[],
        files: &["annotations/epic_kitchens_100_noun.json"],
    }
    .works();
}

#[test]
fn activitynet_tsp() {
    Released {
        name: "activitynet_tsp",
        more: &[],
        files: &[
            "annotations/anet1.3_tsp_filtered.json",
            "annotations/cuhk_val_simp_share.json",
            "tsp_features/v_synth_test_0001.npy",
        ],
    }
    .works();
}

#[test]
fn hacs_i3d() {
    Released {
        name: "hacs_i3d",
        more: &[],
        files: &["annotations/HACS_segments_v1.1.1.json"],
    }
    .works();
}

#[test]
fn hacs_slowfast() {
    Released {
        name: "hacs_slowfast",
        more: &[],
        files: &[
            "annotations/HACS_segments_v1.1.1_slowfast.json",
            "slowfast_features/training/synth_train_0001.pkl",
            "slowfast_features/validation/synth_test_0002.pkl",
        ],
    }
    .works();
}
