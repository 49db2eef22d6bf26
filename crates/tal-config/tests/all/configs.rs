//! The configurations that come with the project.

use std::path::{Path, PathBuf};

use tal_config::Layers;
use tal_core::config::{Config, EvaluationDialect, OptimizerMethod, ScheduleConfig, Weights};

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../configs")
}

/// The configurations of a folder, by name.
fn names(folder: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(folder).unwrap();
    let mut names: Vec<String> = entries
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|found| found == "yaml"))
        .map(|path| path.file_stem().unwrap().to_str().unwrap().to_owned())
        .collect();
    names.sort();
    names
}

/// Loads a configuration; its data need not be there.
fn load(name: &str) -> Config {
    let data = ["dataset.annotations=/a.json", "dataset.features.dir=/f"].map(str::to_owned);
    tal_config::load(&folder().join(format!("{name}.yaml")), &data)
        .unwrap_or_else(|error| panic!("{error}"))
}

#[test]
fn all_load() {
    let names = names(&folder());
    assert!(names.len() >= 15, "{names:?}");
    for name in names {
        load(&name);
    }
}

#[test]
fn the_data_of_a_released_configuration_have_a_place_without_any_setting() {
    for name in ["thumos14_internvideo2", "epic_kitchens100_verb", "hacs_i3d"] {
        let text = std::fs::read_to_string(folder().join(format!("{name}.yaml"))).unwrap();
        // As on a machine where the variable is not set.
        let text = text.replace("${", "${TAL_TEST_NO_SUCH_");
        let config = tal_config::from_yaml(&text, name, Path::new("/p/configs"), &[]).unwrap();
        let annotations = config.dataset.annotations.to_string_lossy().into_owned();
        assert!(
            annotations.starts_with("/p/configs/../data/"),
            "{annotations}"
        );
        assert!(
            config
                .dataset
                .features
                .dir
                .starts_with("/p/configs/../data")
        );
    }
}

#[test]
fn released_configurations_train_and_select_as_their_authors_did() {
    // Epochs, first epoch that is evaluated, padding unit of recordings beyond max_seq_len, mean of the thresholds.
    let expected = [
        ("thumos14_i3d", 40, 18, 32, 0.5),
        ("thumos14_videomaev2", 62, 29, 32, 0.5),
        ("thumos14_internvideo2", 57, 27, 32, 0.5),
        ("multithumos_i3d_rgb", 60, 28, 32, 0.5),
        ("multithumos_i3d", 60, 28, 32, 0.5),
        ("multithumos_videomaev2", 60, 28, 32, 0.5),
        ("epic_kitchens100_verb", 28, 12, 160, 0.3),
        ("epic_kitchens100_noun", 25, 11, 160, 0.3),
        ("activitynet_tsp", 15, 6, 480, 0.725),
        ("hacs_i3d", 17, 7, 960, 0.725),
        ("hacs_slowfast", 15, 6, 192, 0.725),
    ];
    for (name, epochs, eval_from, unit, mean) in expected {
        let config = load(name);
        assert_eq!(config.train.num_epochs(), epochs, "{name}");
        assert_eq!(config.train.checkpoint.eval_every, 1, "{name}");
        assert_eq!(config.train.checkpoint.eval_from, eval_from, "{name}");
        assert_eq!(config.train.checkpoint.weights, Weights::Ema, "{name}");
        assert_eq!(config.train.ema.decay, 0.999, "{name}");
        assert_eq!(config.encoder.length_unit(), unit, "{name}");
        assert_eq!(config.evaluation.dialect, EvaluationDialect::TriDet);
        let thresholds = &config.evaluation.tiou_thresholds;
        let found = thresholds.iter().sum::<f64>() / thresholds.len() as f64;
        assert!((found - mean).abs() < 1e-9, "{name}: {found}");
    }
}

/// An overlay over a configuration.
fn laid(name: &str, overlay: &Path) -> Config {
    Layers::read(&folder().join(format!("{name}.yaml")))
        .and_then(|layers| layers.overlay(overlay))
        .and_then(|layers| layers.set("dataset.annotations=/a.json"))
        .and_then(|layers| layers.set("dataset.features.dir=/f"))
        .and_then(|layers| layers.resolve())
        .unwrap_or_else(|error| panic!("{error}"))
        .config
}

#[test]
fn overlays_lie_over_configurations_and_change_them() {
    for (kind, least) in [
        ("baselines", 3),
        ("ablations", 19),
        ("action_sensitivity", 4),
        ("clips", 2),
    ] {
        let overlays = folder().join(kind);
        let names = names(&overlays);
        assert!(names.len() >= least, "{names:?}");
        for base in ["gtea", "thumos14_i3d"] {
            let mut seen = vec![load(base)];
            for name in &names {
                let config = laid(base, &overlays.join(format!("{name}.yaml")));
                assert!(
                    !seen.contains(&config),
                    "{kind}/{name} over {base} is another one"
                );
                seen.push(config);
            }
        }
    }
}

#[test]
fn baselines_keep_the_sizes_of_the_configuration() {
    for name in names(&folder().join("baselines")) {
        let overlay = folder().join("baselines").join(format!("{name}.yaml"));
        let (plain, config) = (load("gtea"), laid("gtea", &overlay));
        assert_eq!(config.encoder.dim, plain.encoder.dim);
        assert_eq!(config.decoder.head, plain.decoder.head);
        assert_eq!(config.train.epochs, plain.train.epochs);
        assert!(!config.decoder.refinement.is_active());
    }
}

#[test]
fn sensitivity_is_refused_beside_backtal() {
    let base = folder().join("backtal/gtea_clips.yaml");
    let overrides = ["loss.action_sensitivity={normalize: batch}".to_owned()];
    let error = tal_config::load(&base, &overrides).unwrap_err().to_string();
    let expected = "loss.action_sensitivity is set, must be null beside a section backtal:";
    assert!(error.contains(expected), "{error}");
}

#[test]
fn backtal_is_configured_as_published() {
    // Classes, snippets, batch, epochs, rate, recording score's share, class threshold, suppression.
    let expected = [
        ("thumos14", 20, 750, 16, 40, 1e-4, 0.125, 0.25, 0.55),
        ("activitynet12", 100, 100, 128, 25, 2e-4, 0.6, 0.1, 0.7),
        ("hacs", 200, 200, 64, 8, 1e-4, 0.6, 0.075, 0.71),
    ];
    // Ours besides: the same method on clips of recordings at hand.
    let clips = ["gtea_clips", "sbhar_clips"].map(|name| load(&format!("backtal/{name}")));
    assert!(clips.iter().all(|config| config.backtal.is_some()));
    let num_files = expected.len() + clips.len();
    assert_eq!(names(&folder().join("backtal")).len(), num_files);
    for (name, classes, snippets, batch, epochs, rate, share, class, iou) in expected {
        let config = load(&format!("backtal/{name}"));
        let backtal = config.backtal.as_ref().unwrap();
        assert_eq!(config.dataset.num_classes, classes, "{name}");
        assert_eq!(config.dataset.input_dim, 2048, "{name}");
        assert_eq!(backtal.num_snippets, snippets, "{name}");
        assert_eq!(backtal.topk_ratio, share, "{name}");
        let thumos = name == "thumos14";
        let separation = (
            backtal.loss.separation_weight,
            backtal.loss.separation_topk_ratio,
        );
        assert_eq!(separation, if thumos { (1.0, 0.125) } else { (0.1, 0.2) });
        let proposals = &backtal.proposals;
        assert_eq!(
            (proposals.class_threshold, proposals.iou_threshold),
            (class, iou)
        );
        assert_eq!(proposals.norm_thresholds.is_some(), thumos);
        assert_eq!(proposals.whole_recording_score.is_none(), thumos);
        let train = &config.train;
        assert_eq!((train.batch_size, train.num_epochs()), (batch, epochs));
        assert_eq!((train.learning_rate, train.weight_decay), (rate, 5e-4));
        assert_eq!(train.optimizer, OptimizerMethod::Adam);
        assert_eq!(train.schedule, ScheduleConfig::Constant {});
        assert_eq!(config.evaluation.dialect, EvaluationDialect::ActivityNet);
    }
}
