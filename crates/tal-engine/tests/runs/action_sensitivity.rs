//! Runs with action sensitivity learning: they learn, resume exactly, and leave the detector alone.

use std::path::Path;

use tal_core::ClassMap;
use tal_core::config::Config;
use tal_engine::action_sensitivity::{SENSITIVITY, learned};
use tal_engine::metrics::{ActionSensitivityMetrics, StepMetrics, StepTerms};
use tal_engine::run::{self, BEST, LAST, METRICS};
use tal_engine::{Checkpoint, Detector, EngineError, Pyramid, Trainer, decays};
use tch::Device;

use crate::corpus;
use crate::support::{StopAfter, alone, options, steps};

const CLASS: &str = "loss.action_sensitivity.class_level={classification: true, localization: true, combine: mean, \
                     distance: length, min_sigma: 0.1}";
const INSTANCE: &str = "loss.action_sensitivity.instance_level={classification: true, localization: true, kernel_size: 3, \
                        weight: 1, detach_features: false, detach_quality: true}";
const CONTRASTIVE: &str = "loss.action_sensitivity.contrastive={weight: 0.2, width: 0.2, temperature: 0.07, level: 0, \
                           background: unlabelled}";
const NONE: [&str; 4] = [
    "loss.action_sensitivity.class_level=null",
    "loss.action_sensitivity.instance_level=null",
    "loss.action_sensitivity.contrastive=null",
    "loss.action_sensitivity.normalize=batch",
];

/// With all parts over the corpus of `dir`, and changes.
fn config(dir: &Path, changes: &[&str]) -> Config {
    let all = [&NONE[..], &[CLASS, INSTANCE, CONTRASTIVE], changes].concat();
    corpus::config(dir, &all)
}

fn action_sensitivity(step: StepMetrics) -> Option<Box<ActionSensitivityMetrics>> {
    match step.terms {
        StepTerms::Pyramid(terms) => terms.action_sensitivity,
        StepTerms::BackTal { .. } => None,
    }
}

#[test]
fn runs_resume_exactly_and_detectors_stay_what_they_are() {
    let _alone = alone();
    let dir = tempfile::tempdir().unwrap();
    corpus::write(dir.path());
    let config = config(dir.path(), &["train.checkpoint.eval_every=1"]);
    let (whole, broken) = (dir.path().join("whole"), dir.path().join("broken"));
    run::train(&config, &options(whole.clone(), false), &mut ()).unwrap();
    for (resume, after) in [(false, 2), (true, 4)] {
        let outcome = run::train(
            &config,
            &options(broken.clone(), resume),
            &mut StopAfter(after),
        );
        assert!(matches!(outcome, Err(EngineError::Interrupted { .. })));
    }
    run::train(&config, &options(broken.clone(), true), &mut ()).unwrap();
    assert_eq!(steps(&whole), steps(&broken));
    let last = |run: &Path| Checkpoint::read(&run.join(LAST)).unwrap();
    let (a, b) = (last(&whole), last(&broken));
    assert_eq!(a.tensors.len(), b.tensors.len());
    for (name, tensor) in &a.tensors {
        assert!(tensor.equal(&b.tensors[name]), "{name} differs");
    }
    // Two pairs of variables of Gaussians, four of evaluators, and the moments of all.
    assert_eq!(a.section(SENSITIVITY).len(), 12);
    assert_eq!(a.section("optimizer.mean.sensitivity").len(), 12);
    assert!(
        a.section("ema")
            .keys()
            .all(|name| !name.contains("gaussians"))
    );

    // The last step of each epoch says what has been learned, and all stays in bounds.
    let learned_after: Vec<_> = steps(&whole)
        .into_iter()
        .filter_map(|step| Some((step.step, action_sensitivity(step)?.classes?)))
        .collect();
    let at: Vec<u64> = learned_after.iter().map(|(step, _)| *step).collect();
    assert_eq!(at, [3, 7, 11]);
    let now = learned(&a, &whole.join(LAST)).unwrap();
    assert_eq!(now, learned_after[2].1);
    assert_ne!(now, learned_after[0].1);
    for part in [&now.classification, &now.start, &now.end] {
        let part = part.as_ref().unwrap();
        assert_eq!(part.mean.len(), 3);
        assert!(part.mean.iter().all(|mean| mean.abs() < 1.0));
        assert!(part.sigma.iter().all(|sigma| *sigma > 0.1 && *sigma < 2.0));
    }
    for step in steps(&whole) {
        let sensitivity = action_sensitivity(step).unwrap();
        assert!(sensitivity.contrastive_loss.unwrap() > 0.0);
        assert!(sensitivity.quality_loss.unwrap() > 0.0);
        assert!((0.5..2.0).contains(&sensitivity.cls_weight.unwrap()));
    }

    // What detects has none of it.
    let best = Checkpoint::read(&whole.join(BEST)).unwrap();
    assert!(best.tensors.keys().all(|name| !name.contains(SENSITIVITY)));
    Detector::load(&whole.join(BEST), None, Device::Cpu).unwrap();
    let error = learned(&best, &whole.join(BEST)).unwrap_err().to_string();
    assert!(error.contains("last.safetensors"), "{error}");

    // A state without it is refused, not continued with fresh weights.
    let mut cut = last(&whole);
    cut.tensors.retain(|name, _| !name.starts_with(SENSITIVITY));
    cut.write(&broken.join(LAST)).unwrap();
    let error = run::train(&config, &options(broken, true), &mut ()).unwrap_err();
    assert!(
        error
            .to_string()
            .contains("gaussians.classification.raw_mean"),
        "{error}"
    );
}

#[test]
fn each_part_works_alone_and_without_all_nothing_is_written() {
    let _alone = alone();
    let dir = tempfile::tempdir().unwrap();
    corpus::write(dir.path());
    for (part, num_variables) in [(CLASS, 4), (INSTANCE, 8), (CONTRASTIVE, 0)] {
        let changes = [
            &NONE[..],
            &[part, "train.epochs=1", "train.warmup_epochs=0"],
        ]
        .concat();
        let out = dir.path().join(num_variables.to_string());
        let config = corpus::config(dir.path(), &changes);
        run::train(&config, &options(out.clone(), false), &mut ()).unwrap();
        let last = Checkpoint::read(&out.join(LAST)).unwrap();
        assert_eq!(last.section(SENSITIVITY).len(), num_variables);
        let step = action_sensitivity(steps(&out).remove(3)).unwrap();
        assert_eq!(step.classes.is_some(), part == CLASS);
        assert_eq!(step.cls_weight.is_some(), part != CONTRASTIVE);
        assert_eq!(step.quality_loss.is_some(), part == INSTANCE);
        assert_eq!(step.contrastive_loss.is_some(), part == CONTRASTIVE);
        assert_eq!(learned(&last, &out).is_ok(), part == CLASS);
    }
    let out = dir.path().join("off");
    let config = corpus::config(dir.path(), &["train.epochs=1", "train.warmup_epochs=0"]);
    run::train(&config, &options(out.clone(), false), &mut ()).unwrap();
    let last = Checkpoint::read(&out.join(LAST)).unwrap();
    assert!(last.tensors.keys().all(|name| !name.contains(SENSITIVITY)));
    let text = std::fs::read_to_string(out.join(METRICS)).unwrap();
    assert!(!text.contains(SENSITIVITY), "{text}");
    let error = learned(&last, &out).unwrap_err().to_string();
    assert!(error.contains("without loss.action_sensitivity"), "{error}");
}

#[test]
fn the_network_begins_as_without_and_gaussians_do_not_decay() {
    let _alone = alone();
    let dir = tempfile::tempdir().unwrap();
    let classes = ClassMap::from_names(["a", "b", "c"]).unwrap();
    let begin = |config: &Config| {
        let trainer = Trainer::<Pyramid>::new(config, &classes, 4, Device::Cpu).unwrap();
        trainer.model().parameters()
    };
    let with = begin(&config(dir.path(), &[]));
    let without = begin(&corpus::config(dir.path(), &[]));
    assert_eq!(with.len(), without.len());
    for (name, value) in &with {
        assert!(value.equal(&without[name]), "{name} differs");
    }
    let name = |part: &str| format!("{SENSITIVITY}.{part}");
    for part in ["raw_mean", "raw_sigma"] {
        assert!(!decays(&name(&format!("gaussians.localization.{part}"))));
    }
    assert!(decays(&name("evaluators.classification.conv.weight")));
    assert!(!decays(&name("evaluators.classification.conv.bias")));
}
