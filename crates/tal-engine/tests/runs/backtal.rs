//! BackTAL in runs: it learns, continues to the same weights, imports released files and refuses bad input.

use std::fmt::Write as _;
use std::path::Path;
use std::sync::Arc;

use tal_core::ClassMap;
use tal_core::config::{Config, Weights};
use tal_core::weights::{NamedTensors, read_safetensors};
use tal_data::{Dataset, FeatureArray, WeakSample};
use tal_engine::import::ReleasedCheckpoint;
use tal_engine::metrics::{BackTalMetrics, StepMetrics, StepTerms};
use tal_engine::profile::{Phase, StepProfile};
use tal_engine::run::{self, BEST, LAST, PROFILE, RunOptions};
use tal_engine::{BackTal, Checkpoint, Detector, EngineError, Evaluator, Trainer, WeakBatch};
use tch::Device;

use crate::pth;
use crate::support::{StopAfter, alone, options, steps, train};

const NUM_FEATURES: usize = 40;
const NUM_TRAIN: usize = 16;

/// Actions of a recording as (first feature, last feature, class): one or two of class `index % 3`.
fn actions(index: usize) -> Vec<(usize, usize, usize)> {
    let class = index % 3;
    let first = 2 + (index * 5) % 9;
    let mut actions = vec![(first, first + 6 + index % 4, class)];
    if index.is_multiple_of(2) {
        actions.push((25, 30 + index % 5, class));
    }
    actions
}

/// 20 s in features of half a second. Class k shows in channel k. Channel 3 is context: in every recording of class 0 and
/// never within its action, so that labels alone do not tell the two apart.
fn write_corpus(dir: &Path) {
    std::fs::create_dir_all(dir.join("features")).unwrap();
    let mut database = String::new();
    let mut clicks = String::new();
    for index in 0..NUM_TRAIN + 6 {
        let subset = if index < NUM_TRAIN {
            "training"
        } else {
            "test"
        };
        let mut rows = [[0f64; 4]; NUM_FEATURES];
        let mut annotations = Vec::new();
        for (first, last, class) in actions(index) {
            for row in &mut rows[first..=last] {
                row[class] = 2.0;
            }
            let (start, end) = (first as f64 * 0.5, (last + 1) as f64 * 0.5);
            annotations.push(format!(
                r#"{{"segment": [{start}, {end}], "label": "class_{class}", "label_id": {class}}}"#
            ));
        }
        if index.is_multiple_of(3) {
            for row in &mut rows[35..] {
                row[3] = 2.0;
            }
        }
        let mut text = String::new();
        for (time, row) in rows.iter().enumerate() {
            let noisy = row.iter().enumerate().map(|(channel, value)| {
                let phase = (index * 977 + time * 131 + channel * 37) as f64;
                format!("{:.4}", value + 0.2 * phase.sin())
            });
            writeln!(text, "{}", noisy.collect::<Vec<_>>().join(",")).unwrap();
        }
        std::fs::write(dir.join(format!("features/r{index:02}.csv")), text).unwrap();
        let comma = if index == 0 { "" } else { "," };
        write!(
            database,
            r#"{comma}"r{index:02}": {{"subset": "{subset}", "duration": 20.0, "fps": 10, "annotations": [{}]}}"#,
            annotations.join(",")
        )
        .unwrap();
        write!(clicks, r#"{comma}"r{index:02}": [0.6, 18.3, 19.1]"#).unwrap();
    }
    let database = format!(r#"{{"database": {{{database}}}}}"#);
    std::fs::write(dir.join("annotations.json"), database).unwrap();
    let clicks = format!(r#"{{"version": 1, "clicks": {{{clicks}}}}}"#);
    std::fs::write(dir.join("clicks.json"), clicks).unwrap();
}

fn config(dir: &Path, overrides: &[&str]) -> Config {
    const TEXT: &str = "
preset: backtal_thumos14
dataset:
  annotations: annotations.json
  features: { dir: features, suffix: .csv, format: { type: csv } }
  num_classes: 3
  input_dim: 4
  feat_stride: 5
  num_frames: 5
backtal:
  num_snippets: 40
  clicks: clicks.json
  dim: 16
  hidden_dim: 8
  embedding_dim: 4
train:
  batch_size: 4
  epochs: 2
  learning_rate: 0.005
  num_workers: 0
  checkpoint: { save_every_steps: 1 }
";
    let overrides: Vec<_> = overrides.iter().map(|text| (*text).to_owned()).collect();
    tal_config::from_yaml(TEXT, "test", dir, &overrides).unwrap()
}

/// Losses and number of clicks.
fn terms(step: &StepMetrics) -> (&BackTalMetrics, u64) {
    match &step.terms {
        StepTerms::BackTal { losses, num_clicks } => (losses, *num_clicks),
        StepTerms::Pyramid(_) => panic!("{step:?}"),
    }
}

fn corpus() -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    write_corpus(dir.path());
    dir
}

#[test]
fn it_learns_where_actions_are_from_labels_and_clicks() {
    let _alone = alone();
    let dir = corpus();
    let epochs = ["train.epochs=25", "train.checkpoint.eval_every=25"];
    let config = config(dir.path(), &epochs);
    let out = dir.path().join("run");
    let summary = train(&config, &out);
    let map = &summary.last.evaluation.map;
    println!("mAP {map:?}");
    // tIoU 0.3 and 0.5: classes and places are separable.
    assert!(map[0] > 0.9 && map[2] > 0.6, "{map:?}");
    let steps = steps(&out);
    let (first, last) = (&steps[0], steps.last().unwrap());
    assert!(last.loss < 0.5 * first.loss, "{} {}", first.loss, last.loss);
    assert!(terms(last).0.click_loss < terms(first).0.click_loss);
    assert_eq!(terms(first).1, 12);
    let detector = Detector::load(&out.join(BEST), None, Device::Cpu).unwrap();
    assert_eq!(detector.weights(), Weights::Raw);
    assert_eq!(detector.classes().display_name(2), "class_2");
    assert_eq!(summary.last.detections.len(), 6);

    // Recordings together are as one by one.
    let dataset = Arc::new(Dataset::open(&config.dataset, &config.dataset.test_subsets).unwrap());
    let recordings: Vec<_> = dataset
        .features_in_order(1, 1)
        .unwrap()
        .map(Result::unwrap)
        .collect();
    let together = detector
        .detect_all(&recordings.iter().collect::<Vec<_>>())
        .unwrap();
    assert_eq!(together.len(), recordings.len());
    for (recording, found) in recordings.iter().zip(&together) {
        let alone = detector.detect(recording).unwrap();
        assert!(!found.is_empty() && found.len() == alone.len());
        for (together, alone) in found.iter().zip(&alone).take(3) {
            assert!(
                (together.score - alone.score).abs() < 1e-4,
                "{}",
                recording.id
            );
        }
    }
    assert!(detector.detect_all(&[]).unwrap().is_empty());
}

#[test]
fn clicks_are_optional() {
    let _alone = alone();
    let dir = corpus();
    let out = dir.path().join("run");
    train(&config(dir.path(), &["backtal.clicks=null"]), &out);
    for step in steps(&out) {
        let (terms, num_clicks) = terms(&step);
        assert_eq!(num_clicks, 0);
        let of_clicks = [
            terms.click_loss,
            terms.separation_loss,
            terms.embedding_loss,
        ];
        assert_eq!(of_clicks, [0.0; 3]);
        assert!(step.loss.is_finite() && step.grad_norm > 0.0);
    }
}

#[test]
fn a_profile_has_one_forward_pass() {
    let _alone = alone();
    let dir = corpus();
    let out = dir.path().join("run");
    let with_profile = RunOptions {
        profile: true,
        ..options(out.clone(), false)
    };
    run::train(&config(dir.path(), &[]), &with_profile, &mut ()).unwrap();
    let text = std::fs::read_to_string(out.join(PROFILE)).unwrap();
    let profile: StepProfile = serde_json::from_str(&text).unwrap();
    assert_eq!(profile.num_steps as usize, steps(&out).len());
    let phases: Vec<Phase> = profile.phases.iter().map(|time| time.phase).collect();
    // Nothing is evaluated between the epochs.
    let other = [
        Phase::Encoder,
        Phase::Decoder,
        Phase::Reduce,
        Phase::Evaluation,
    ];
    let expected: Vec<Phase> = Phase::all()
        .into_iter()
        .filter(|phase| !other.contains(phase))
        .collect();
    assert_eq!(phases, expected);
}

#[test]
fn an_interrupted_run_continues_to_the_same_weights() {
    let _alone = alone();
    let dir = corpus();
    let config = config(dir.path(), &[]);
    let (whole, broken) = (dir.path().join("whole"), dir.path().join("broken"));
    train(&config, &whole);
    let stopped = run::train(&config, &options(broken.clone(), false), &mut StopAfter(3));
    assert!(matches!(stopped, Err(EngineError::Interrupted { .. })));
    run::train(&config, &options(broken.clone(), true), &mut ()).unwrap();
    assert_eq!(steps(&whole), steps(&broken));
    assert_eq!(steps(&whole).len(), 8);
    let read = |out: &Path| Checkpoint::read(&out.join(LAST)).unwrap().tensors;
    let (whole, broken) = (read(&whole), read(&broken));
    assert_eq!(whole.len(), broken.len());
    for (name, tensor) in &whole {
        assert!(tensor.equal(&broken[name]), "{name} differs");
    }
}

#[test]
fn bad_input_is_refused_before_a_step() {
    let _alone = alone();
    let dir = corpus();
    let out = dir.path().join("run");
    let message = |overrides: &[&str]| {
        let config = config(dir.path(), overrides);
        let outcome = run::train(&config, &options(out.clone(), false), &mut ());
        outcome.unwrap_err().to_string()
    };
    let write = |name: &str, text: &str| std::fs::write(dir.path().join(name), text).unwrap();
    write("late.json", r#"{"version": 1, "clicks": {"r03": [20.5]}}"#);
    let error = message(&["backtal.clicks=late.json"]);
    assert!(error.contains("r03") && error.contains("20.5"), "{error}");
    let text = std::fs::read_to_string(dir.path().join("annotations.json")).unwrap();
    let labelled = |labels: &str| {
        text.replacen(
            r#""r05": {"#,
            &format!(r#""r05": {{"labels": {labels}, "#),
            1,
        )
    };
    write("unknown.json", &labelled(r#"["clas_2"]"#));
    let error = message(&["dataset.annotations=unknown.json"]);
    assert!(error.contains("r05") && error.contains("clas_2"), "{error}");
    write("none.json", &labelled("[]"));
    let error = message(&["dataset.annotations=none.json"]);
    assert!(
        error.contains("r05") && error.contains("no label"),
        "{error}"
    );
}

fn sample(labels: &[u32], clicks: &[usize], len: usize) -> WeakSample {
    WeakSample {
        id: "r".to_owned(),
        features: Arc::new(FeatureArray::from_channel_first(vec![0.5; 4 * len], 4, len)),
        labels: labels.to_vec(),
        clicks: clicks.to_vec(),
        duration: 20.0,
    }
}

#[test]
fn samples_that_do_not_fit_are_refused() {
    let config = config(Path::new("/"), &[]);
    for (sample, part) in [
        (sample(&[3], &[], 40), "class 3"),
        (sample(&[0], &[40], 40), "snippet 40"),
        (sample(&[0], &[], 39), "39 snippets"),
    ] {
        let batch = WeakBatch::new(&[sample], &config, Device::Cpu);
        let error = batch.err().unwrap().to_string();
        assert!(error.contains(part), "{error}");
    }
    let _alone = alone();
    let mut trainer =
        Trainer::<BackTal>::new(&config, &ClassMap::default(), 1, Device::Cpu).unwrap();
    let samples = [sample(&[], &[], 40), sample(&[], &[3], 40)];
    let mut batch = WeakBatch::new(&samples, &config, Device::Cpu).unwrap();
    // Nothing but background: defined, and a step like any other.
    let metrics = trainer.step(&mut batch, 0).unwrap();
    assert!(metrics.loss.is_finite());
    assert_eq!(terms(&metrics).0.supp_loss, 0.0);
}

#[test]
fn released_checkpoints_are_imported() {
    let _alone = alone();
    let dir = tempfile::tempdir().unwrap();
    let fixture =
        Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/backtal_anet.safetensors");
    let (tensors, _) = read_safetensors(&fixture).unwrap();
    let released: NamedTensors = tensors
        .iter()
        .filter_map(|(name, tensor)| {
            let name = name.strip_prefix("weight.")?;
            Some((name.to_owned(), tensor.shallow_clone()))
        })
        .collect();
    let path = dir.path().join("THUMOS14_best.pth");
    let entries = vec![
        ("epoch", pth::Value::Int(17)),
        ("state_dict", pth::Value::State(released)),
    ];
    pth::write(&path, entries);
    let sizes = [
        "dataset.input_dim=20",
        "dataset.num_classes=5",
        "backtal.dim=24",
        "backtal.hidden_dim=16",
        "backtal.embedding_dim=8",
        "backtal.num_snippets=48",
        "backtal.affinity=released",
    ];
    let file = ReleasedCheckpoint::open(&path).unwrap();
    let right = config(dir.path(), &sizes);
    let (checkpoint, _) = file
        .weights(&right, &ClassMap::default(), Weights::Ema)
        .unwrap();
    assert_eq!(checkpoint.manifest.weights, Weights::Raw);
    assert_eq!(checkpoint.section("model").len(), 11);
    let ours = dir.path().join("ours.safetensors");
    checkpoint.write(&ours).unwrap();
    let detector = Detector::load(&ours, None, Device::Cpu).unwrap();
    let network = &detector.model::<BackTal>().unwrap().network().layers;
    let x = tensors["input.feats"].narrow(0, 1, 1);
    let cas = tch::no_grad(|| network.forward(&x)).cas.get(0);
    let difference = (cas - &tensors["eval.1.cas"]).abs().max().double_value(&[]);
    assert!(difference < 1e-4, "{difference}");

    let mut per_tap = sizes;
    per_tap[6] = "backtal.affinity=per_tap";
    let other = config(dir.path(), &per_tap);
    let error = file
        .weights(&other, &ClassMap::default(), Weights::Raw)
        .unwrap_err();
    assert!(error.to_string().contains("backtal.affinity"), "{error}");
    let error = file.run(&right, &ClassMap::default(), None).unwrap_err();
    assert!(error.to_string().contains("weights only"), "{error}");
}

#[test]
fn classes_of_other_names_are_refused() {
    let _alone = alone();
    let dir = tempfile::tempdir().unwrap();
    write_corpus(dir.path());
    let config = config(dir.path(), &["train.epochs=1"]);
    let subsets = &config.dataset.test_subsets;
    let test = Arc::new(Dataset::open(&config.dataset, subsets).unwrap());
    let evaluator = Evaluator::new(test, subsets, 0);
    let other = ClassMap::from_names(["class_0", "class_2", "class_1"]).unwrap();
    let error = evaluator
        .check(&config, &other, None)
        .unwrap_err()
        .to_string();
    assert!(
        error.contains("annotations.json: subset test: the class with id 1 is \"class_1\" here, \"class_2\" in the network"),
        "{error}"
    );
    // A network from elsewhere may have no names.
    evaluator
        .check(&config, &ClassMap::default(), None)
        .unwrap();

    let out = dir.path().join("run");
    run::train(&config, &options(out.clone(), false), &mut ()).unwrap();
    let last = out.join(LAST);
    let checkpoint = Checkpoint::read(&last).unwrap();
    let mut trainer = Trainer::<BackTal>::new(&config, &other, 4, Device::Cpu).unwrap();
    let error = trainer.restore(&checkpoint, &last).unwrap_err().to_string();
    assert!(
        error.contains("last.safetensors: was trained with \"class_1\" as class 1, the annotations have \"class_2\" there now"),
        "{error}"
    );
}

#[test]
fn what_cannot_be_tested_is_told_before_training() {
    let _alone = alone();
    let dir = tempfile::tempdir().unwrap();
    write_corpus(dir.path());
    let out = dir.path().join("run");
    let annotations = dir.path().join("annotations.json");
    let text = std::fs::read_to_string(&annotations).unwrap();
    let whole: serde_json::Value = serde_json::from_str(&text).unwrap();
    let fails = |change: &dyn Fn(&str, &mut serde_json::Map<String, serde_json::Value>),
                 overrides: &[&str]| {
        let mut changed = whole.clone();
        for (id, recording) in changed["database"].as_object_mut().unwrap() {
            change(id, recording.as_object_mut().unwrap());
        }
        std::fs::write(&annotations, changed.to_string()).unwrap();
        let config = config(dir.path(), overrides);
        let error = run::train(&config, &options(out.clone(), true), &mut ()).unwrap_err();
        // The run has not begun.
        assert!(!out.join(LAST).exists());
        error.to_string()
    };
    let is_test =
        |recording: &serde_json::Map<String, serde_json::Value>| recording["subset"] == "test";

    let error = fails(
        &|_, recording| {
            if is_test(recording) {
                let actions = recording["annotations"].as_array_mut().unwrap();
                actions.retain(|action| action["label"] != "class_1");
            }
        },
        &[],
    );
    let expected = "annotations.json: subset test: no annotation of the class \"class_1\", which the network may find and the \
                    dialect activitynet refuses; annotate it, or choose another evaluation.dialect, such as clean";
    assert!(error.ends_with(expected), "{error}");

    let error = fails(
        &|_, recording| {
            if is_test(recording) {
                recording.remove("annotations");
            }
        },
        &[],
    );
    assert!(
        error.contains("annotations.json: subset test: none of the 6 recordings has an annotation"),
        "{error}"
    );

    // Frames are counted also where features share out the duration.
    let error = fails(
        &|id, recording| {
            if id == "r17" {
                recording.remove("fps");
            }
        },
        &["dataset.feat_stride=null"],
    );
    assert!(error.contains("\"r17\""), "{error}");
    assert!(error.contains("fps"), "{error}");
}
