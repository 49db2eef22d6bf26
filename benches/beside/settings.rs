//! A configuration under the released names of its settings.

use serde_json::{Value, json};
use tal_core::config::{
    AssignmentConfig, Config, DecoderConfig, EncoderConfig, GmgConfig, HeadConfig, LossConfig,
    MixerConfig, NormalizerConfig, PositionEncoding, TrainConfig, TridentConfig,
};

use super::Result;

/// Settings for the Python files of `benches/beside`.
///
/// # Errors
/// If a section of the configuration is not the released network or loss in some size.
pub fn released_settings(config: &Config) -> Result<Value> {
    let Config {
        dataset,
        encoder,
        decoder,
        loss,
        train,
        inference,
        ..
    } = config;
    let refuse = |section: &str| {
        format!(
            "the section `{section}` is not that of the released code in some size, which is all that PyTorch computes here"
        )
    };
    let MixerConfig::Gmg(gmg) = &encoder.mixer else {
        return Err(refuse("encoder.mixer").into());
    };
    let (Some(trident), Some(radius)) = (&decoder.trident, loss.assignment.center_radius) else {
        return Err(refuse("decoder.trident or loss.assignment").into());
    };
    let Some(clip) = train.clip_grad_l2norm else {
        return Err(refuse("train.clip_grad_l2norm").into());
    };
    if *encoder != encoder_of(encoder, gmg) {
        return Err(refuse("encoder").into());
    }
    if *decoder != decoder_of(decoder, trident) {
        return Err(refuse("decoder").into());
    }
    if *loss != loss_of(loss) {
        return Err(refuse("loss").into());
    }
    let TrainConfig {
        optimizer,
        betas,
        eps,
        ema,
        ..
    } = TrainConfig::default();
    if (train.optimizer, train.betas, train.eps, &train.ema) != (optimizer, betas, eps, &ema) {
        return Err(refuse("train").into());
    }
    let kernels = (0..encoder.num_levels).map(|level| gmg.local_kernel_size.get(level));
    Ok(json!({
        "model": {
            "input_dim": dataset.input_dim,
            "num_classes": dataset.num_classes,
            "max_seq_len": dataset.max_seq_len,
            "backbone_arch": [encoder.projection.num_layers, encoder.num_stem_blocks, encoder.num_levels - 1],
            "embd_dim": encoder.dim,
            "embd_kernel_size": encoder.projection.kernel_size,
            "use_abs_pe": encoder.position == PositionEncoding::Sinusoidal,
            "sgp_mlp_dim": gmg.mlp_dim,
            "n_sgp_win_size": kernels.collect::<Option<Vec<_>>>(),
            "head_dim": decoder.head.dim,
            "head_num_layers": decoder.head.num_layers,
            "head_kernel_size": decoder.head.kernel_size,
            "boudary_kernel_size": decoder.head.boundary_kernel_size,
            "num_bins": trident.num_bins,
            "regression_range": decoder.regression_range,
            "iou_weight_power": loss.iou_weight_power,
            "input_noise": train.input_noise,
        },
        "train_cfg": {
            "init_loss_norm": loss.normalizer.initial,
            "clip_grad_l2norm": clip,
            "center_sample_radius": radius,
            "loss_weight": loss.regression_weight,
            "droppath": gmg.drop_path,
            "label_smoothing": loss.label_smoothing,
        },
        "test_cfg": {
            "pre_nms_thresh": inference.pre_nms_thresh,
            "pre_nms_topk": inference.pre_nms_topk,
            "duration_thresh": inference.duration_thresh,
        },
        "optimizer": { "lr": train.learning_rate, "weight_decay": train.weight_decay },
    }))
}

/// The released encoder of the same sizes; defaults are the released values.
fn encoder_of(encoder: &EncoderConfig, gmg: &GmgConfig) -> EncoderConfig {
    EncoderConfig {
        dim: encoder.dim,
        position: encoder.position,
        num_levels: encoder.num_levels,
        mixer: MixerConfig::Gmg(GmgConfig {
            mlp_dim: gmg.mlp_dim,
            local_kernel_size: gmg.local_kernel_size.clone(),
            init_std: gmg.init_std,
            drop_path: gmg.drop_path,
            ..GmgConfig::default()
        }),
        ..EncoderConfig::default()
    }
}

fn decoder_of(decoder: &DecoderConfig, trident: &TridentConfig) -> DecoderConfig {
    DecoderConfig {
        regression_range: decoder.regression_range.clone(),
        head: HeadConfig {
            dim: decoder.head.dim,
            kernel_size: decoder.head.kernel_size,
            boundary_kernel_size: decoder.head.boundary_kernel_size,
            ..HeadConfig::default()
        },
        trident: Some(TridentConfig {
            num_bins: trident.num_bins,
            ..TridentConfig::default()
        }),
        ..DecoderConfig::default()
    }
}

fn loss_of(loss: &LossConfig) -> LossConfig {
    LossConfig {
        assignment: AssignmentConfig {
            center_radius: loss.assignment.center_radius,
            ..AssignmentConfig::default()
        },
        iou_weight_power: loss.iou_weight_power,
        label_smoothing: loss.label_smoothing,
        normalizer: NormalizerConfig {
            initial: loss.normalizer.initial,
            ..NormalizerConfig::default()
        },
        ..LossConfig::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config;

    #[test]
    fn sizes_under_their_released_names() {
        let settings = released_settings(&config("activitynet_tsp", &[])).unwrap();
        for (place, expected) in [
            ("/model/input_dim", json!(512)),
            ("/model/num_classes", json!(1)),
            ("/model/max_seq_len", json!(768)),
            ("/model/backbone_arch", json!([2, 2, 5])),
            ("/model/embd_dim", json!(256)),
            ("/model/use_abs_pe", json!(true)),
            ("/model/sgp_mlp_dim", json!(2048)),
            ("/model/n_sgp_win_size", json!([15, 15, 15, 15, 15, 15])),
            ("/model/head_dim", json!(512)),
            ("/model/num_bins", json!(12)),
            ("/model/input_noise", json!(0.5)),
            ("/train_cfg/label_smoothing", json!(0.1)),
            ("/train_cfg/clip_grad_l2norm", json!(0.4)),
            ("/test_cfg/pre_nms_topk", json!(2000)),
            ("/optimizer/weight_decay", json!(0.045)),
        ] {
            assert_eq!(settings.pointer(place), Some(&expected), "{place}");
        }
    }

    #[test]
    fn other_networks_are_refused() {
        for (change, section) in [
            ("encoder.mixer={type: max_pooling}", "encoder.mixer"),
            ("encoder.projection.norm=false", "encoder"),
            ("decoder.dcm.neighbors=both", "decoder"),
            ("decoder.refinement.score=probability_root", "decoder"),
            ("loss.refined.weight=1", "loss"),
            ("loss.focal_gamma=1", "loss"),
            ("train.ema.decay=0.9", "train"),
            ("train.clip_grad_l2norm=null", "train.clip_grad_l2norm"),
        ] {
            let mut changes = vec![change];
            if section == "encoder.mixer" {
                changes.push("encoder.num_stem_blocks=0");
            }
            let error = released_settings(&config("thumos14_i3d", &changes)).unwrap_err();
            let expected = format!("the section `{section}` ");
            assert!(
                error.to_string().starts_with(&expected),
                "{change}: {error}"
            );
        }
    }
}
