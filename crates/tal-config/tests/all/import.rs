//! Configuration files of released codes against ours.

use std::path::{Path, PathBuf};

use tal_config::import::{ImportOptions, Imported, ReleasedCode, import};
use tal_core::config::{Config, EvaluationDialect, MixerConfig, Neighbors, ScheduleConfig};

/// Their files and ours.
const RELEASED: [(&str, &str); 11] = [
    ("thumos_i3d_focalloss", "thumos14_i3d"),
    ("thumos_videomae", "thumos14_videomaev2"),
    ("thumos_intervideo_vflloss", "thumos14_internvideo2"),
    ("multithumos_i3d_rgb_only_focalloss", "multithumos_i3d_rgb"),
    ("multithumos_i3d", "multithumos_i3d"),
    ("multithumos_videomae_vflloss", "multithumos_videomaev2"),
    ("epic_slowfast_verb_vflloss", "epic_kitchens100_verb"),
    ("epic_slowfast_noun_focalloss", "epic_kitchens100_noun"),
    ("anet_tsp", "activitynet_tsp"),
    ("hacs_i3d_focalloss", "hacs_i3d"),
    ("hacs_slowfast_focalloss", "hacs_slowfast"),
];

/// THUMOS14 as TriDet has it.
const TRIDET: &str = "
dataset_name: thumos
train_split: [validation]
val_split: [test]
dataset:
  { json_file: ./data/a.json, feat_folder: ./data/f, file_prefix: ~, file_ext: .npy, num_classes: 20, input_dim: 2048,
    feat_stride: 4, num_frames: 16, trunc_thresh: 0.5, crop_ratio: [0.9, 1.0], max_seq_len: 2304 }
model:
  { fpn_type: identity, max_buffer_len_factor: 6.0, n_sgp_win_size: 1, num_bins: 16, k: 5, iou_weight_power: 0.2,
    use_trident_head: True, sgp_mlp_dim: 768, input_noise: 0.0005 }
opt: { learning_rate: 0.0001, warmup_epochs: 20, epochs: 20, weight_decay: 0.025 }
loader: { batch_size: 2 }
train_cfg: { init_loss_norm: 100, clip_grad_l2norm: 1.0 }
test_cfg: { voting_thresh: 0.7, pre_nms_topk: 2000, max_seg_num: 2000, min_score: 0.001, multiclass_nms: True }
output_folder: ./ckpt/
";

/// THUMOS14 as ActionFormer has it.
const ACTIONFORMER: &str = "
dataset_name: thumos
train_split: [validation]
val_split: [test]
dataset:
  { json_file: ./data/a.json, feat_folder: ./data/f, file_prefix: ~, file_ext: .npy, num_classes: 20, input_dim: 2048,
    feat_stride: 4, num_frames: 16, trunc_thresh: 0.5, crop_ratio: [0.9, 1.0], max_seq_len: 2304 }
model: { fpn_type: identity, max_buffer_len_factor: 6.0, n_mha_win_size: 19 }
opt: { learning_rate: 0.0001, epochs: 30, weight_decay: 0.05 }
loader: { batch_size: 2 }
train_cfg: { init_loss_norm: 100, clip_grad_l2norm: 1.0 }
test_cfg: { voting_thresh: 0.7, pre_nms_topk: 2000, max_seg_num: 200, min_score: 0.001, multiclass_nms: True }
output_folder: ./ckpt/
";

fn released(name: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/fixtures/released_configs")
        .join(format!("{name}.yaml"));
    std::fs::read_to_string(path).unwrap()
}

fn ours(name: &str) -> Config {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../configs")
        .join(format!("{name}.yaml"));
    tal_config::load(&path, &[]).unwrap_or_else(|error| panic!("{error}"))
}

fn run(text: &str, options: &ImportOptions) -> (Imported, Config) {
    let imported = import(text, "theirs.yaml", options).unwrap_or_else(|error| panic!("{error}"));
    let text = imported.to_yaml();
    let config = tal_config::from_yaml(&text, "imported", Path::new("/"), &[]);
    let config = config.unwrap_or_else(|error| panic!("{error}\n{text}"));
    (imported, config)
}

fn with(code: ReleasedCode) -> ImportOptions {
    ImportOptions {
        code: Some(code),
        ..ImportOptions::default()
    }
}

fn message(text: &str) -> String {
    let error = import(text, "theirs.yaml", &ImportOptions::default()).unwrap_err();
    error.to_string()
}

#[test]
fn all_released_files_become_our_configurations() {
    for (theirs, name) in RELEASED {
        let (imported, mut found) = run(&released(theirs), &ImportOptions::default());
        let mut expected = ours(name);
        assert_eq!(imported.code, ReleasedCode::CltdrGmg);
        assert!(
            imported.report.is_complete(),
            "{theirs}: {:?}",
            imported.report
        );
        // Where the data lie is a matter of taste, but not the part of the path that depends on the recording.
        let of_subset = |config: &Config| config.dataset.features.dir.ends_with("{subset}");
        assert_eq!(of_subset(&found), of_subset(&expected), "{theirs}");
        for config in [&mut found, &mut expected] {
            config.dataset.annotations = "/a".into();
            config.dataset.features.dir = "/f".into();
            if let Some(scores) = &mut config.inference.external_scores {
                scores.file = "/s".into();
            }
        }
        assert_eq!(found, expected, "{theirs}");
    }
}

#[test]
fn paths_are_kept_or_start_at_the_root() {
    let text = released("anet_tsp");
    let (_, kept) = run(&text, &ImportOptions::default());
    let expected = Path::new("/./anet_1.3/annotations/anet1.3_tsp_filtered.json");
    assert_eq!(kept.dataset.annotations, expected);
    let root = ImportOptions {
        root: Some(PathBuf::from("/data")),
        ..ImportOptions::default()
    };
    let (_, moved) = run(&text, &root);
    let dir = Path::new("/data/tal_data/anet_1.3/tsp_features");
    assert_eq!(moved.dataset.features.dir, dir);
    let scores = moved.inference.external_scores.unwrap();
    let expected = Path::new("/data/anet_1.3/annotations/cuhk_val_simp_share.json");
    assert_eq!(scores.file, expected);
}

#[test]
fn dead_and_default_keys_are_told_apart() {
    let (imported, _) = run(&released("thumos_i3d_focalloss"), &ImportOptions::default());
    let report = &imported.report;
    let keys: Vec<&str> = report.ignored.iter().map(|one| one.key.as_str()).collect();
    for key in [
        "model.k",
        "output_folder",
        "test_cfg.voting_thresh",
        "model.max_buffer_len_factor",
    ] {
        assert!(keys.contains(&key), "{key}: {keys:?}");
    }
    let translated: Vec<&str> = report
        .translated
        .iter()
        .map(|one| one.theirs.as_str())
        .collect();
    assert!(translated.contains(&"opt.learning_rate"));
    assert!(!translated.contains(&"opt.eta_min"));
    let default = report
        .defaults
        .iter()
        .find(|one| one.theirs == "opt.eta_min");
    assert_eq!(default.unwrap().ours, "train.schedule.eta_min");
    let text = report.to_text(true);
    assert!(
        text.contains("opt.learning_rate: 0.0001 → train.learning_rate"),
        "{text}"
    );
    assert!(text.contains("say --code tridet"), "{text}");
}

#[test]
fn tridet_is_sgp_with_a_trident_and_nothing_across_levels() {
    let (imported, config) = run(TRIDET, &with(ReleasedCode::TriDet));
    assert!(imported.report.is_complete(), "{:?}", imported.report);
    let MixerConfig::Sgp(sgp) = &config.encoder.mixer else {
        panic!("{:?}", config.encoder.mixer)
    };
    assert_eq!(
        (sgp.k, sgp.mlp_dim, sgp.wide_kernel_size(1)),
        (5.0, 768, 11)
    );
    assert_eq!(config.decoder.dcm.neighbors, Neighbors::None);
    assert_eq!(config.decoder.drm.neighbors, Neighbors::None);
    assert_eq!(config.decoder.trident.as_ref().unwrap().num_bins, 16);
    assert!(!config.decoder.refinement.is_active());
    assert_eq!(
        (config.loss.refined.weight, config.loss.unrefined.weight),
        (0.0, 1.0)
    );
    assert!(config.loss.unrefined.iou_weight);
    assert_eq!(config.loss.iou_weight_power, 0.2);
    assert!(!config.loss.normalizer.update_per_term);
    assert_eq!(config.evaluation.dialect, EvaluationDialect::TriDet);
    assert_eq!(config.train.checkpoint.eval_from, 18);
    // The same text is one of CLTDR-GMG unless told otherwise.
    let (guessed, config) = run(TRIDET, &ImportOptions::default());
    assert_eq!(guessed.code, ReleasedCode::CltdrGmg);
    assert!(matches!(config.encoder.mixer, MixerConfig::Gmg(_)));
}

#[test]
fn actionformer_is_found_by_its_keys() {
    let (imported, config) = run(ACTIONFORMER, &ImportOptions::default());
    assert_eq!(imported.code, ReleasedCode::ActionFormer);
    assert!(imported.report.is_complete(), "{:?}", imported.report);
    let MixerConfig::Attention(attention) = &config.encoder.mixer else {
        panic!("{:?}", config.encoder.mixer)
    };
    assert_eq!((attention.num_heads, attention.window), (4, Some(19)));
    assert_eq!(config.encoder.length_unit(), 576);
    assert!(config.decoder.trident.is_none());
    assert!(!config.decoder.refinement.is_active());
    assert!(!config.loss.unrefined.iou_weight);
    assert_eq!(config.inference.suppression.max_detections, 200);
    assert_eq!(config.evaluation.dialect, EvaluationDialect::ActionFormer);
    assert_eq!(config.train.num_epochs(), 35);
    assert_eq!(config.train.checkpoint.eval_every, 0);
    assert_eq!(
        config.train.schedule,
        ScheduleConfig::Cosine { eta_min: 1e-8 }
    );

    let mixed = ACTIONFORMER.replace("win_size: 19", "win_size: [19, 19, 19, 19, 19, -1]");
    let (imported, _) = run(&mixed, &ImportOptions::default());
    let key = &imported.report.unsupported[0].key;
    assert_eq!(key, "model.n_mha_win_size");
    let global = ACTIONFORMER.replace("win_size: 19", "win_size: -1, use_abs_pe: yes");
    let (_, config) = run(&global, &ImportOptions::default());
    assert!(matches!(&config.encoder.mixer, MixerConfig::Attention(one) if one.window.is_none()));
}

#[test]
fn what_cannot_be_expressed_or_is_unknown_is_listed() {
    let text = released("thumos_i3d_focalloss")
        .replace("fpn_type: identity", "fpn_type: fpn\n  colour: red")
        .replace("  epochs: 20", "  epochs: 20\n  type: SGD");
    let (imported, _) = run(&text, &ImportOptions::default());
    assert!(!imported.report.is_complete());
    let told = imported.report.to_text(false);
    assert!(
        told.contains("model.fpn_type: fpn (there is no top-down path"),
        "{told}"
    );
    assert!(
        told.contains("opt.type: SGD (only AdamW is translated)"),
        "{told}"
    );
    assert!(
        told.contains("model.colour: red (the code of cltdr-gmg does not read it)"),
        "{told}"
    );
}

#[test]
fn settings_of_other_data_sets() {
    let text = released("multithumos_i3d");
    let (imported, config) = run(&text, &ImportOptions::default());
    assert_eq!(config.dataset.features.columns, None);
    assert!(
        imported
            .report
            .notes
            .iter()
            .any(|note| note.contains("fails with input_dim 2048"))
    );
    let fixed = released("anet_tsp")
        .replace(
            "feat_stride: 16",
            "feat_stride: -1\n  force_upsampling: true",
        )
        .replace(
            "feat_folder: ./tal_data/anet_1.3/tsp_features",
            "feat_folder: ./f/tsp.hdf5",
        );
    let (_, config) = run(&fixed, &ImportOptions::default());
    assert_eq!(config.dataset.feat_stride, None);
    assert!(config.dataset.resize);
    assert_eq!(config.dataset.features.dir, Path::new("/./f"));
    let (imported, config) = run(
        &ACTIONFORMER
            .replace("dataset_name: thumos", "dataset_name: ego4d")
            .replace("feat_folder: ./data/f", "feat_folder: [./data/f, ./data/g]"),
        &ImportOptions::default(),
    );
    assert!(imported.report.is_complete());
    assert_eq!(
        config.dataset.features.append[0].dir,
        Path::new("/./data/g")
    );
    assert_eq!(config.evaluation.tiou_thresholds, [0.1, 0.2, 0.3, 0.4, 0.5]);
    let (imported, _) = run(
        &TRIDET.replace("dataset_name: thumos", "dataset_name: mine"),
        &ImportOptions::default(),
    );
    assert_eq!(imported.report.unsupported[0].key, "dataset_name");
}

#[test]
fn wrong_files_are_refused_with_the_reason() {
    let text = released("thumos_i3d_focalloss");
    assert_eq!(
        message(&text.replace("epochs: 20\n", "epochs: many\n")),
        "theirs.yaml: opt.epochs is many, must be a whole number of at least 0"
    );
    assert_eq!(
        message(&text.replace("  json_file", "  jsn_file")),
        "theirs.yaml: dataset.json_file is missing; it has no default in the code of cltdr-gmg"
    );
    assert!(message(&text.replace("file_ext: .npy", "file_ext: .mat")).contains(".npz, .pt"));
    assert!(message("model_name: TemporalMaxer").contains("model_name is \"TemporalMaxer\""));
    assert!(message("3").starts_with("theirs.yaml: must be a mapping"));
    assert!(message("a: [").starts_with("theirs.yaml: "));
    let soft = format!("{text}\n").replace("  min_score", "  nms_method: sof\n  min_score");
    assert!(message(&soft).ends_with("must be soft, hard or none"));
}
