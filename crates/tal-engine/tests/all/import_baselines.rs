//! Import of checkpoints of the compared methods, in the layout and under the names of their released code.

use std::path::Path;

use crate::support::pth::{self, Value};
use crate::support::{Golden, baselines};
use tal_core::ClassMap;
use tal_core::config::Weights;
use tal_core::weights::NamedTensors;
use tal_engine::decays;
use tal_engine::import::{ReleasedCheckpoint, released_name_map};
use tch::{Kind, Tensor};

/// The moving average is the golden case's; the trained weights are 0.25 above it.
fn write(path: &Path, golden: &Golden, others: Vec<(&'static str, Value)>) {
    let average = golden.section("weight");
    let trained = average
        .iter()
        .map(|(name, tensor)| (name.clone(), tensor + 0.25))
        .collect();
    let mut entries = vec![
        ("epoch", Value::Int(2)),
        ("state_dict", Value::State(trained)),
        ("state_dict_ema", Value::State(average)),
    ];
    entries.extend(others);
    pth::write(path, entries);
}

fn equal(found: &NamedTensors, expected: &NamedTensors) {
    assert!(found.keys().eq(expected.keys()));
    for (name, tensor) in found {
        assert!(tensor.equal(&expected[name]), "{name}");
    }
}

#[test]
fn weights_of_all_methods() {
    let dir = tempfile::tempdir().unwrap();
    for (name, num_tensors) in baselines::NAMES.into_iter().zip([192, 236, 229, 28]) {
        let golden = baselines::read(name);
        let path = dir.path().join(format!("{name}.pth.tar"));
        write(&path, &golden, Vec::new());
        let file = ReleasedCheckpoint::open(&path).unwrap();
        let contents = file.contents();
        assert_eq!(contents.num_ema, Some(num_tensors));
        assert_eq!(contents.epoch, Some(2));
        let expected = released_name_map()
            .rename(golden.section("weight"))
            .unwrap();
        for (kind, section, shift) in [(Weights::Ema, "ema", 0.0), (Weights::Raw, "model", 0.25)] {
            let (checkpoint, report) = file
                .weights(&golden.config, &ClassMap::default(), kind)
                .unwrap();
            assert!(report.is_complete());
            assert_eq!(report.loaded.len(), num_tensors, "{name}");
            let expected = expected
                .iter()
                .map(|(name, tensor)| (name.clone(), tensor + shift))
                .collect();
            equal(&checkpoint.section(section), &expected);
        }
    }
}

/// Whether the released optimisers let a parameter decay: weights of convolutions do; biases, norms, scales and relative
/// positions do not.
fn decays_there(released: &str) -> bool {
    let (module, parameter) = released.rsplit_once('.').unwrap();
    let is_norm = module.split('.').any(|part| {
        part.ends_with("norm")
            || part.ends_with("norms")
            || ["ln", "ln1", "ln2", "gn"].contains(&part)
    });
    parameter == "weight" && !is_norm
}

/// The moments of a run are numbered by decay group and released name.
#[test]
fn runs_of_all_methods() {
    const STEPS: usize = 4;
    let dir = tempfile::tempdir().unwrap();
    for name in baselines::NAMES {
        let golden = baselines::read(name);
        let weights = golden.section("weight");
        let train = &golden.config.train;
        let (mut groups, mut state, mut number) = (Vec::new(), Vec::new(), 0);
        for decay in [true, false] {
            // A sorted map.
            let members = weights
                .iter()
                .filter(|(name, _)| decays_there(name) == decay);
            let mut numbers = Vec::new();
            for (_, tensor) in members {
                let moments = Value::Dict(vec![
                    ("step", Value::Tensor(Tensor::from(2.0 * STEPS as f32))),
                    ("exp_avg", Value::Tensor(tensor * 2.0)),
                    ("exp_avg_sq", Value::Tensor(tensor.square())),
                ]);
                state.push((number, moments));
                numbers.push(Value::Int(number));
                number += 1;
            }
            assert!(!numbers.is_empty());
            groups.push(Value::Dict(vec![
                (
                    "betas",
                    Value::List(vec![Value::Float(0.9), Value::Float(0.999)]),
                ),
                ("eps", Value::Float(1e-8)),
                ("amsgrad", Value::Bool(false)),
                (
                    "weight_decay",
                    Value::Float(if decay { train.weight_decay } else { 0.0 }),
                ),
                ("params", Value::List(numbers)),
            ]));
        }
        let optimizer = vec![
            ("state", Value::Numbered(state)),
            ("param_groups", Value::List(groups)),
        ];
        let steps = |epochs: usize| Value::Int((epochs * STEPS) as i32);
        let scheduler = vec![
            ("last_epoch", steps(2)),
            ("warmup_epochs", steps(train.warmup_epochs)),
            ("max_epochs", steps(train.scheduled_epochs())),
            ("eta_min", Value::Float(1e-8)),
        ];
        let path = dir.path().join(format!("{name}.pth.tar"));
        write(
            &path,
            &golden,
            vec![
                ("optimizer", Value::Dict(optimizer)),
                ("scheduler", Value::Dict(scheduler)),
            ],
        );
        let (checkpoint, report) = ReleasedCheckpoint::open(&path)
            .unwrap()
            .run(&golden.config, &ClassMap::default(), Some(STEPS))
            .unwrap();
        assert_eq!(report.differences, [], "{name}");
        assert_eq!((report.epoch, report.step), (2, 2 * STEPS as u64));
        assert_eq!(report.num_moments, weights.len(), "{name}");
        let map = released_name_map();
        for (released, tensor) in &weights {
            let ours = map.map(released).unwrap();
            assert_eq!(decays(&ours), decays_there(released), "{released}");
            let moment = |kind: &str| &checkpoint.tensors[&format!("optimizer.{kind}.{ours}")];
            assert!(moment("mean").equal(&(tensor * 2.0)), "{name} {ours}");
            assert!(moment("square").equal(&tensor.square()), "{name} {ours}");
        }
    }
}

/// None of the released codes stores its buffers (position table, points), so a tensor that is no parameter belongs to
/// another network.
#[test]
fn what_is_no_parameter_is_refused_by_name() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("checkpoint.pth.tar");
    let golden = baselines::read("actionformer_global");
    for (name, shape) in [
        ("backbone.pos_embd", [1, 32, 256]),
        ("backbone.proj.0.conv.weight", [32, 20, 1]),
        ("neck.lateral_convs.0.conv.weight", [32, 32, 1]),
    ] {
        let mut state = golden.section("weight");
        state.insert(
            name.to_owned(),
            Tensor::zeros(shape, (Kind::Float, tch::Device::Cpu)),
        );
        pth::write(&path, vec![("state_dict_ema", Value::State(state))]);
        let error = ReleasedCheckpoint::open(&path)
            .unwrap()
            .weights(&golden.config, &ClassMap::default(), Weights::Ema)
            .unwrap_err()
            .to_string();
        assert!(
            error.contains("229 loaded, 0 missing, 1 unexpected"),
            "{error}"
        );
        assert!(error.contains(&format!("unexpected: {name}")), "{error}");
    }
}

#[test]
fn another_methods_checkpoint_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    for (file, config, missing) in [
        (
            "tridet",
            "temporalmaxer",
            "unexpected: encoder.branch.0.instant.weight",
        ),
        (
            "temporalmaxer",
            "actionformer",
            "missing: encoder.branch.0.attention.key.conv.weight",
        ),
        (
            "actionformer_global",
            "actionformer",
            "missing: encoder.stem.0.attention.relative_bias",
        ),
        (
            "actionformer",
            "tridet",
            "missing: decoder.start.output.weight",
        ),
    ] {
        let path = dir.path().join(format!("{file}.pth.tar"));
        write(&path, &baselines::read(file), Vec::new());
        let error = ReleasedCheckpoint::open(&path)
            .unwrap()
            .weights(
                &baselines::read(config).config,
                &ClassMap::default(),
                Weights::Ema,
            )
            .unwrap_err()
            .to_string();
        assert!(error.contains(missing), "{file} as {config}: {error}");
    }
}
