//! Their sections `train_cfg`, `opt`, `loader` and `test_cfg`.

use serde_yaml::{Mapping, Value};

use super::theirs::Theirs;
use super::{ImportError, ReleasedCode};

pub(super) fn translate(theirs: &mut Theirs) -> Result<(), ImportError> {
    loss(theirs)?;
    train(theirs)?;
    inference(theirs)?;
    theirs.ignore("output_folder", "tal train takes the run folder from --out");
    theirs.ignore("devices", "tal takes the device from --device");
    Ok(())
}

fn loss(theirs: &mut Theirs) -> Result<(), ImportError> {
    let (key, ours) = ("train_cfg.center_sample", "loss.assignment.center_radius");
    if theirs.choice(key, &[("radius", true), ("none", false)])? {
        theirs.note(key, ours);
        theirs.carry("train_cfg.center_sample_radius", ours);
    } else {
        theirs.convert(key, ours, Value::Null);
        theirs.ignore("train_cfg.center_sample_radius", "center_sample is none");
    }
    if theirs.code != ReleasedCode::CltdrGmg {
        // One loss, without refinement; only TriDet weighs it by IoU.
        let weighted = theirs.code == ReleasedCode::TriDet;
        theirs.put("loss.refined.weight", 0.0);
        theirs.put("loss.unrefined.weight", 1.0);
        theirs.put("loss.unrefined.classification", "focal");
        theirs.put("loss.unrefined.iou_weight", weighted);
    }
    theirs.carry("train_cfg.loss_weight", "loss.regression_weight");
    theirs.carry("train_cfg.label_smoothing", "loss.label_smoothing");
    if theirs.code != ReleasedCode::ActionFormer {
        theirs.carry("model.iou_weight_power", "loss.iou_weight_power");
    }
    theirs.carry("train_cfg.init_loss_norm", "loss.normalizer.initial");
    if theirs.code != ReleasedCode::CltdrGmg {
        theirs.put("loss.normalizer.update_per_term", false);
    }
    if theirs.get("train_cfg.head_empty_cls") == Value::Sequence(Vec::new()) {
        theirs.ignore(
            "train_cfg.head_empty_cls",
            "filled in from the annotations, as here",
        );
    } else {
        theirs.unsupported(
            "train_cfg.head_empty_cls",
            "classes without annotations are found in the annotations",
        );
    }
    Ok(())
}

fn train(theirs: &mut Theirs) -> Result<(), ImportError> {
    theirs.carry("init_rand_seed", "train.seed");
    theirs.carry("loader.batch_size", "train.batch_size");
    let warmup = theirs.flag("opt.warmup")?;
    if warmup {
        theirs.ignore("opt.warmup", "opt.warmup_epochs gives the length");
        theirs.carry("opt.warmup_epochs", "train.warmup_epochs");
    } else {
        theirs.convert("opt.warmup", "train.warmup_epochs", 0);
        theirs.ignore("opt.warmup_epochs", "opt.warmup is false");
    }
    theirs.carry("opt.epochs", "train.epochs");
    if theirs.names("opt.early_stop_epochs") {
        theirs.carry("opt.early_stop_epochs", "train.early_stop_epochs");
    }
    theirs.carry("opt.learning_rate", "train.learning_rate");
    schedule(theirs)?;
    theirs.carry("opt.weight_decay", "train.weight_decay");
    if theirs.text("opt.type")? == "AdamW" {
        theirs.ignore("opt.type", "always so here");
    } else {
        theirs.unsupported("opt.type", "only AdamW is translated");
    }
    theirs.ignore("opt.momentum", "AdamW does not use it");
    let (key, ours) = ("train_cfg.clip_grad_l2norm", "train.clip_grad_l2norm");
    if theirs.number(key)? > 0.0 {
        theirs.carry(key, ours);
    } else {
        theirs.convert(key, ours, Value::Null);
    }
    if theirs.code != ReleasedCode::ActionFormer {
        theirs.carry("model.input_noise", "train.input_noise");
    }
    theirs.carry("loader.num_workers", "train.num_workers");
    checkpoints(theirs)
}

fn schedule(theirs: &mut Theirs) -> Result<(), ImportError> {
    let key = "opt.schedule_type";
    let kind = theirs.choice(key, &[("cosine", "cosine"), ("multistep", "multistep")])?;
    theirs.convert(key, "train.schedule.type", kind);
    if kind == "cosine" {
        if theirs.code == ReleasedCode::ActionFormer {
            theirs.put("train.schedule.eta_min", 1e-8);
        } else {
            theirs.carry("opt.eta_min", "train.schedule.eta_min");
        }
        for key in ["opt.schedule_steps", "opt.schedule_gamma"] {
            theirs.ignore(key, "only multistep uses it");
        }
    } else {
        theirs.carry("opt.schedule_steps", "train.schedule.milestones");
        theirs.carry("opt.schedule_gamma", "train.schedule.gamma");
        theirs.ignore("opt.eta_min", "only cosine uses it");
    }
    Ok(())
}

/// TriDet and CLTDR-GMG evaluate every epoch from shortly before the middle on and keep the best one; ActionFormer evaluates the
/// last.
fn checkpoints(theirs: &mut Theirs) -> Result<(), ImportError> {
    if theirs.code == ReleasedCode::ActionFormer {
        return Ok(());
    }
    let mut epochs = theirs.count("opt.epochs")?;
    if theirs.flag("opt.warmup")? {
        epochs += theirs.count("opt.warmup_epochs")?;
    }
    if !theirs.get("opt.early_stop_epochs").is_null() {
        epochs = theirs.count("opt.early_stop_epochs")?;
    }
    theirs.put("train.checkpoint.eval_every", 1);
    theirs.put(
        "train.checkpoint.eval_from",
        epochs.saturating_sub(5) / 2 + 1,
    );
    theirs.report.notes.push(
        "their code keeps the best of the epochs from shortly before the middle on, selected on the recordings that are reported on: \
         train.checkpoint.eval_every and eval_from"
            .to_owned(),
    );
    Ok(())
}

fn inference(theirs: &mut Theirs) -> Result<(), ImportError> {
    theirs.carry("test_cfg.pre_nms_thresh", "inference.pre_nms_thresh");
    theirs.carry("test_cfg.pre_nms_topk", "inference.pre_nms_topk");
    theirs.carry("test_cfg.duration_thresh", "inference.duration_thresh");
    let key = "test_cfg.nms_method";
    let methods = [
        ("soft", ("gaussian", "test_cfg.iou_threshold")),
        ("hard", ("hard", "test_cfg.nms_sigma")),
        ("none", ("none", "test_cfg.nms_sigma")),
    ];
    let (method, unused) = theirs.choice(key, &methods)?;
    theirs.convert(key, "inference.suppression.method", method);
    for (key, ours) in [
        ("test_cfg.nms_sigma", "sigma"),
        ("test_cfg.iou_threshold", "iou_threshold"),
    ] {
        if key == unused {
            theirs.ignore(key, &format!("nms_method {method} does not use it"));
        } else {
            theirs.carry(key, &format!("inference.suppression.{ours}"));
        }
    }
    theirs.carry("test_cfg.min_score", "inference.suppression.min_score");
    let ours = "inference.suppression.per_class";
    let per_class = theirs.carry_flag("test_cfg.multiclass_nms", ours)?;
    let ours = "inference.suppression.max_detections";
    theirs.carry("test_cfg.max_seg_num", ours);
    let key = "test_cfg.voting_thresh";
    if per_class {
        theirs.ignore(key, "suppression per class does not vote");
    } else if theirs.number(key)? <= 0.0 {
        theirs.convert(key, "inference.suppression.voting", Value::Null);
    } else {
        let weight = match theirs.code {
            ReleasedCode::ActionFormer => "score_iou",
            ReleasedCode::CltdrGmg | ReleasedCode::TriDet => "score",
        };
        let voting = Mapping::from_iter([
            (Value::from("iou_threshold"), theirs.get(key)),
            (Value::from("weight"), weight.into()),
        ]);
        theirs.convert(key, "inference.suppression.voting", voting);
    }
    external_scores(theirs)
}

/// Their code combines scores in one way, and reads them from JSON and pickles.
fn external_scores(theirs: &mut Theirs) -> Result<(), ImportError> {
    let key = "test_cfg.ext_score_file";
    let Some(file) = theirs.optional_text(key)? else {
        theirs.ignore(key, "none, as here");
        return Ok(());
    };
    if !file.to_ascii_lowercase().ends_with(".json") {
        theirs.unsupported(key, "scores of whole recordings are read from JSON only");
        return Ok(());
    }
    let scores = Mapping::from_iter([
        (Value::from("file"), Value::from(theirs.path(&file))),
        ("top_k".into(), 2.into()),
        ("combine".into(), "product_root".into()),
        ("max_segments".into(), 200.into()),
    ]);
    theirs.convert(key, "inference.external_scores", scores);
    Ok(())
}
