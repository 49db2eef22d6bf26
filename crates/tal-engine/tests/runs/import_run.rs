//! Import of a released run: one more step here equals one more step there.

use std::io::{Cursor, Read, Write};
use std::path::{Path, PathBuf};

use tal_core::ClassMap;
use tal_core::config::Config;
use tal_core::weights::{NamedTensors, read_safetensors};
use tal_engine::Schedule;
use tal_engine::import::{ReleasedCheckpoint, RunReport, released_name_map};
use tal_engine::run::{self, LAST};
use tal_engine::{AdamW, Ema};
use tal_engine::{Checkpoint, EngineError, Model, Pyramid};
use tch::{Device, Kind, Tensor};

use crate::corpus;
use crate::support::{alone, options};

/// Steps per epoch of the run in the fixture, and of the corpus.
const STEPS: usize = 4;

fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/fixtures")
        .join(name)
}

fn config(overrides: &[&str]) -> Config {
    corpus::config(
        Path::new("/"),
        &[&["train.weight_decay=0.035"], overrides].concat(),
    )
}

fn import(path: &Path, config: &Config) -> Result<(Checkpoint, RunReport), EngineError> {
    ReleasedCheckpoint::open(path)?.run(config, &ClassMap::default(), Some(STEPS))
}

fn fixture_run(overrides: &[&str]) -> (Checkpoint, RunReport) {
    import(&fixture("run_checkpoint.pth.tar"), &config(overrides)).unwrap()
}

/// The tensors under `prefix` by our names.
fn section(tensors: &NamedTensors, prefix: &str) -> NamedTensors {
    let released = tensors.iter().filter_map(|(name, tensor)| {
        let name = name.strip_prefix(prefix)?.strip_prefix('.')?;
        Some((name.to_owned(), tensor.shallow_clone()))
    });
    released_name_map().rename(released.collect()).unwrap()
}

fn largest_difference(found: &NamedTensors, expected: &NamedTensors) -> f64 {
    assert!(found.keys().eq(expected.keys()));
    let difference = |(name, tensor): (&String, &Tensor)| {
        let difference = (tensor - &expected[name]).abs().max();
        difference.double_value(&[])
    };
    found.iter().map(difference).fold(0.0, f64::max)
}

/// Gives every parameter of `gradients` its gradient.
fn set_gradients(parameters: &NamedTensors, gradients: &NamedTensors) {
    for (name, gradient) in gradients {
        (&parameters[name] * gradient).sum(Kind::Float).backward();
        assert!(parameters[name].grad().equal(gradient), "{name}");
    }
}

#[test]
fn one_more_step_equals_pytorchs() {
    let _alone = alone();
    let (checkpoint, report) = fixture_run(&[]);
    assert!(report.differences.is_empty(), "{:?}", report.differences);
    let config = &checkpoint.manifest.config;
    let state = checkpoint.manifest.run.as_ref().unwrap();
    assert_eq!((state.step, state.epoch, state.batch), (8, 2, 0));
    let (expected, _) = read_safetensors(&fixture("run_step.safetensors")).unwrap();
    let number = |name: &str| expected[name].double_value(&[0]);

    let mut model = Model::<Pyramid>::new(config, &[], Device::Cpu).unwrap();
    let path = Path::new("imported");
    model.load(&checkpoint.section("ema"), path).unwrap();
    let mut ema = Ema::new(&model.parameters(), &config.train.ema);
    model.load(&checkpoint.section("model"), path).unwrap();
    let parameters = model.parameters();
    let mut optimizer = AdamW::new(&parameters, &config.train);
    optimizer
        .load_state(&checkpoint.section("optimizer"))
        .unwrap();
    let before: NamedTensors = parameters
        .iter()
        .map(|(name, value)| (name.clone(), value.detach().copy()))
        .collect();

    set_gradients(&parameters, &section(&expected, "grad"));
    let norm = optimizer.clip_grad_norm(1.0).double_value(&[]);
    assert!((norm - number("grad_norm")).abs() < 1e-6 * norm, "{norm}");
    let rate = Schedule::new(&config.train, STEPS).rate(state.step);
    assert!(
        (rate - number("rate")).abs() < 1e-15,
        "{rate} {}",
        number("rate")
    );
    optimizer.step(rate);
    ema.update(&parameters, state.step);

    let stepped = section(&expected, "stepped");
    let moved = largest_difference(&parameters, &before);
    let off = largest_difference(&parameters, &stepped);
    let average_off = largest_difference(ema.average(), &section(&expected, "ema"));
    println!("moved by up to {moved:.1e}, off by {off:.1e}, average by {average_off:.1e}");
    assert!(moved > 3e-4, "{moved}");
    // One unit in the last place of a value near 2 is 2.4e-7.
    assert!(off <= 2.4e-7, "{off}");
    assert!(average_off <= 2.4e-7, "{average_off}");
}

#[test]
fn what_the_file_holds_is_said() {
    let _alone = alone();
    let contents = ReleasedCheckpoint::open(&fixture("run_checkpoint.pth.tar"))
        .unwrap()
        .contents();
    assert_eq!(
        contents.to_string(),
        "trained weights (168 tensors), averaged weights (168 tensors), an optimiser (moments of 164 parameters), a \
         schedule (after 8 steps), epoch 2, mAP 0.25"
    );
    assert_eq!((contents.epoch, contents.map), (Some(2), Some(0.25)));
}

#[test]
fn parameters_without_a_gradient_start_at_zero() {
    let _alone = alone();
    let (checkpoint, report) = fixture_run(&[]);
    assert_eq!(report.num_moments, 164);
    let without: Vec<String> = (0..4)
        .map(|level| format!("decoder.refinement.scale.{level}"))
        .collect();
    assert_eq!(report.without_moments, without);
    for name in without {
        let entry = |kind: &str| &checkpoint.tensors[&format!("optimizer.{kind}.{name}")];
        assert_eq!(entry("steps").int64_value(&[]), 0);
        assert_eq!(entry("square").double_value(&[]), 0.0);
    }
    assert_eq!(report.normalizer, 100.0);
    let normalizer = checkpoint.manifest.run.unwrap().criterion.normalizer;
    assert_eq!(normalizer, 100.0);
}

#[test]
fn without_data_the_file_tells_the_steps_of_an_epoch() {
    let _alone = alone();
    let file = ReleasedCheckpoint::open(&fixture("run_checkpoint.pth.tar")).unwrap();
    let (_, report) = file.run(&config(&[]), &ClassMap::default(), None).unwrap();
    assert_eq!(report.steps_per_epoch, Some(STEPS));
    assert!(report.differences.is_empty());
    // Five epochs and twelve steps do not go together.
    let other = config(&["train.epochs=4"]);
    let (_, report) = file.run(&other, &ClassMap::default(), None).unwrap();
    let found: Vec<String> = report.differences.iter().map(|d| d.to_string()).collect();
    assert!(
        found[0].contains("12 steps in the file, 20 steps (5 epochs of 4) here"),
        "{found:?}"
    );
}

#[test]
fn other_settings_are_reported_with_both_values() {
    let _alone = alone();
    for (set, expected) in [
        (
            "train.weight_decay=0.05",
            "train.weight_decay (parameters with weight decay) is 0.035 in the file, 0.05 here",
        ),
        (
            "train.eps=1.0e-7",
            "train.eps (parameters without weight decay) is 0.00000001 in the file, 0.0000001 here",
        ),
        (
            "train.betas=[0.9, 0.99]",
            "train.betas (parameters with weight decay) is [0.9, 0.999] in the file, [0.9, 0.99] here",
        ),
        (
            "train.learning_rate=0.002",
            "train.learning_rate is 0.001 in the file, 0.002 here",
        ),
        (
            "train.learning_rate=0.002",
            "the learning rate of step 8 (from 0) is 0.000500005",
        ),
        (
            "train.schedule.eta_min=0",
            "train.schedule.eta_min is 0.00000001 in the file, 0 here",
        ),
        (
            "train.schedule={type: multistep, milestones: [1], gamma: 0.1}",
            "train.schedule.gamma is missing in the file, 0.1 here",
        ),
        (
            "train.warmup_epochs=2",
            "train.warmup_epochs is 4 steps in the file, 8 steps (2 epochs of 4) here",
        ),
    ] {
        let (_, report) = fixture_run(&[set]);
        let found: Vec<String> = report.differences.iter().map(|d| d.to_string()).collect();
        let found = found.join("\n");
        assert!(found.contains(expected), "{set}: {found}");
    }
}

/// The released layout with numbers that do not belong together: one step, epoch 7.
#[test]
fn step_and_epoch_that_disagree_are_reported() {
    let _alone = alone();
    let overrides = [
        "dataset.num_classes=5",
        "dataset.input_dim=24",
        "encoder.dim=32",
        "encoder.num_levels=6",
        "encoder.mixer.mlp_dim=48",
        "encoder.mixer.local_kernel_size=1",
        "decoder.head.dim=32",
        "decoder.trident.num_bins=8",
        "decoder.regression_range=[[0, 4], [4, 8], [8, 16], [16, 32], [32, 64], [64, 10000]]",
        "train.warmup_epochs=20",
        "train.epochs=20",
    ];
    let file = ReleasedCheckpoint::open(&fixture("tiny_checkpoint.pth.tar")).unwrap();
    let config = config(&overrides);
    let (checkpoint, report) = file.run(&config, &ClassMap::default(), Some(10)).unwrap();
    assert_eq!(report.num_moments, 212);
    assert_eq!(report.raw.loaded.len(), 212);
    let found: Vec<String> = report.differences.iter().map(|d| d.to_string()).collect();
    assert_eq!(found.len(), 1, "{found:?}");
    assert!(
        found[0].ends_with("is 1 in the file, 70 (7 epochs of 10) here"),
        "{found:?}"
    );
    let state = checkpoint.manifest.run.as_ref().unwrap();
    assert_eq!((state.step, state.epoch), (1, 7));
    let optimizer = checkpoint.section("optimizer");
    assert_eq!(optimizer.len(), 3 * 212);
    for (name, tensor) in &optimizer {
        let expected = match name.split('.').next().unwrap() {
            "mean" => 1e-4,
            "square" => 1e-9,
            _ => 1.0,
        };
        let off = (tensor.to_kind(Kind::Double) - expected).abs().max();
        assert!(off.double_value(&[]) < 1e-6 * expected, "{name}");
    }
}

#[test]
fn an_imported_run_goes_on() {
    let _alone = alone();
    let dir = tempfile::tempdir().unwrap();
    corpus::write(dir.path());
    let config = corpus::config(dir.path(), &["train.weight_decay=0.035"]);
    let (checkpoint, _) = import(&fixture("run_checkpoint.pth.tar"), &config).unwrap();
    let out = dir.path().join("run");
    run::write_resumable(&out, &checkpoint).unwrap();
    let again = run::write_resumable(&out, &checkpoint).unwrap_err();
    assert!(again.to_string().contains("is not empty"), "{again}");

    let summary = run::train(&config, &options(out.clone(), true), &mut ()).unwrap();
    assert_eq!(summary.num_steps, 3 * STEPS as u64);
    let last = Checkpoint::read(&out.join(LAST)).unwrap();
    // Only the one epoch that was left is in the log.
    let log = std::fs::read_to_string(out.join(run::METRICS)).unwrap();
    let steps: Vec<serde_json::Value> = log
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .filter(|line: &serde_json::Value| line["event"] == "step")
        .collect();
    assert_eq!(steps.len(), STEPS);
    assert_eq!(
        (&steps[0]["epoch"], &steps[0]["step"]),
        (&3.into(), &8.into())
    );
    let counts = last.section("optimizer.steps");
    assert_eq!(counts["encoder.stem.0.filter.w1"].int64_value(&[]), 12);

    let weights = ReleasedCheckpoint::open(&fixture("run_checkpoint.pth.tar"))
        .unwrap()
        .weights(
            &config,
            &ClassMap::default(),
            tal_core::config::Weights::Ema,
        );
    let error = run::write_resumable(&dir.path().join("b"), &weights.unwrap().0).unwrap_err();
    assert!(error.to_string().contains("weights only"), "{error}");
}

/// The fixture with `old` in its pickle replaced by `new`, as often as it occurs.
fn edited(folder: &Path, old: &[u8], new: &[u8]) -> PathBuf {
    let bytes = std::fs::read(fixture("run_checkpoint.pth.tar")).unwrap();
    let mut archive = zip::ZipArchive::new(Cursor::new(bytes)).unwrap();
    let path = folder.join("edited.pth.tar");
    let mut writer = zip::ZipWriter::new(std::fs::File::create(&path).unwrap());
    let options =
        zip::write::SimpleFileOptions::default().compression_method(zip::CompressionMethod::Stored);
    let mut found = false;
    for index in 0..archive.len() {
        let mut entry = archive.by_index(index).unwrap();
        let name = entry.name().unwrap().into_owned();
        let mut bytes = Vec::new();
        entry.read_to_end(&mut bytes).unwrap();
        if name.ends_with("data.pkl") {
            let mut place = 0;
            while place + old.len() <= bytes.len() {
                if bytes[place..].starts_with(old) {
                    bytes.splice(place..place + old.len(), new.iter().copied());
                    found = true;
                    place += new.len();
                } else {
                    place += 1;
                }
            }
        }
        writer.start_file(name, options).unwrap();
        writer.write_all(&bytes).unwrap();
    }
    writer.finish().unwrap();
    assert!(found);
    path
}

#[test]
fn an_optimiser_that_does_not_fit_is_refused() {
    let _alone = alone();
    let dir = tempfile::tempdir().unwrap();
    for (old, new, expected) in [
        (&b"betas"[..], &b"bexas"[..], "is not AdamW"),
        (b"exp_avg_sq", b"exp_avg_sx", "exp_avg_sq of parameter 0 ("),
        (b"last_epoch", b"lost_epoch", "no \"scheduler.last_epoch\""),
        (b"optimizer", b"optimized", "no \"optimizer\""),
        (b"param_groups", b"param_groupx", "has no param_groups"),
        (
            b"state_dict_ema",
            b"state_dict_emu",
            "no \"state_dict_ema\"",
        ),
        // Numbers of two parameters with other shapes, swapped; K is one byte of number.
        (
            b"(K\x00K\x01K\x02",
            b"(K\x02K\x01K\x00",
            "number 0 has shape [16, 1, 3], encoder.branch.0.mlp.expand.weight has [16, 16, 1]",
        ),
        // One number twice.
        (
            b"(K\x00K\x01K\x02",
            b"(K\x00K\x01K\x00",
            "to two parameters",
        ),
        // A group that lost a member.
        (
            b"(K\x00K\x01K\x02",
            b"(K\x01K\x02",
            "parameters, expected the",
        ),
    ] {
        let path = edited(dir.path(), old, new);
        let error = import(&path, &config(&[])).unwrap_err().to_string();
        assert!(error.contains(expected), "{expected}: {error}");
        assert!(error.contains("edited.pth.tar"), "{error}");
    }
}

#[test]
fn a_released_run_has_no_sensitivity_to_go_on_with() {
    let _alone = alone();
    let class = "{classification: true, localization: true, combine: mean, distance: length, min_sigma: 0.1}";
    let contrastive = "{weight: 0.2, width: 0.2, temperature: 0.07, level: 0, background: all}";
    let run = |class: &str| {
        let set = format!(
            "loss.action_sensitivity={{class_level: {class}, instance_level: null, normalize: batch, contrastive: {contrastive}}}"
        );
        import(&fixture("run_checkpoint.pth.tar"), &config(&[&set]))
    };
    let error = run(class).unwrap_err().to_string();
    assert!(error.contains("loss.action_sensitivity"), "{error}");
    // The contrastive loss has no variables.
    run("null").unwrap();
}
