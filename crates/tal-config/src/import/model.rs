//! Their section `model`.

use serde_yaml::Value;

use super::theirs::Theirs;
use super::{ImportError, ReleasedCode};

pub(super) fn translate(theirs: &mut Theirs) -> Result<(), ImportError> {
    encoder(theirs)?;
    decoder(theirs)?;
    theirs.ignore(
        "model.max_buffer_len_factor",
        "points are made as needed, so that nothing limits the length",
    );
    Ok(())
}

fn encoder(theirs: &mut Theirs) -> Result<(), ImportError> {
    theirs.carry("model.embd_dim", "encoder.dim");
    if theirs.count("model.fpn_dim")? == theirs.count("model.embd_dim")? {
        theirs.note("model.fpn_dim", "encoder.dim");
    } else {
        theirs.unsupported(
            "model.fpn_dim",
            "our pyramid is as wide as the blocks: model.embd_dim",
        );
    }
    let [projections, stem, branches] = arch(theirs)?;
    theirs.put("encoder.projection.num_layers", projections);
    theirs.put("encoder.num_stem_blocks", stem);
    theirs.put("encoder.num_levels", branches + 1);
    theirs.note(
        "model.backbone_arch",
        "encoder.projection.num_layers, encoder.num_stem_blocks, encoder.num_levels − 1",
    );
    theirs.carry("model.embd_kernel_size", "encoder.projection.kernel_size");
    theirs.carry_flag("model.embd_with_ln", "encoder.projection.norm")?;
    let has_position = theirs.flag("model.use_abs_pe")?;
    let position = if has_position { "sinusoidal" } else { "none" };
    theirs.convert("model.use_abs_pe", "encoder.position", position);
    let no_top_down = "there is no top-down path between the levels";
    expect(
        theirs,
        "model.scale_factor",
        2,
        "levels always halve the length",
    );
    expect(theirs, "model.fpn_type", "identity", no_top_down);
    if theirs.code != ReleasedCode::ActionFormer {
        let key = "model.downsample_type";
        let downsampling = theirs.choice(key, &[("max", "max"), ("avg", "average")])?;
        theirs.convert(key, "encoder.downsampling", downsampling);
    }
    let has_norm = theirs.flag("model.fpn_with_ln")?;
    let norm = if has_norm { "layer" } else { "none" };
    theirs.convert("model.fpn_with_ln", "encoder.neck.norm", norm);
    mixer(theirs, branches + 1)
}

fn arch(theirs: &mut Theirs) -> Result<[usize; 3], ImportError> {
    let key = "model.backbone_arch";
    let value = theirs.get(key);
    let counts = value.as_sequence().map(|all| {
        all.iter()
            .map(|one| one.as_u64().and_then(|one| usize::try_from(one).ok()))
            .collect::<Option<Vec<usize>>>()
    });
    match counts.flatten().as_deref() {
        Some(&[projections, stem, branches]) => Ok([projections, stem, branches]),
        _ => Err(theirs.wrong(key, "three counts: projections, stem blocks, branch blocks")),
    }
}

fn mixer(theirs: &mut Theirs, num_levels: usize) -> Result<(), ImportError> {
    let expected = match theirs.code {
        ReleasedCode::ActionFormer => "convTransformer",
        ReleasedCode::CltdrGmg | ReleasedCode::TriDet => "SGP",
    };
    let no_block = "there is no block of this kind";
    expect(theirs, "model.backbone_type", expected, no_block);
    match theirs.code {
        ReleasedCode::CltdrGmg => {
            theirs.put("encoder.mixer.type", "gmg");
            theirs.carry("model.n_sgp_win_size", "encoder.mixer.local_kernel_size");
            theirs.ignore("model.k", "their code computes only an unused size from it");
        }
        ReleasedCode::TriDet => {
            theirs.put("encoder.mixer.type", "sgp");
            theirs.carry("model.n_sgp_win_size", "encoder.mixer.kernel_size");
            theirs.carry("model.k", "encoder.mixer.k");
        }
        ReleasedCode::ActionFormer => attention(theirs, num_levels)?,
    }
    if theirs.code != ReleasedCode::ActionFormer {
        let hidden = theirs.count("model.sgp_mlp_dim")?;
        theirs.convert("model.sgp_mlp_dim", "encoder.mixer.mlp_dim", hidden);
        theirs.carry("model.init_conv_vars", "encoder.mixer.init_std");
        theirs.ignore("train_cfg.dropout", "their blocks have no dropout");
    }
    theirs.carry("train_cfg.droppath", "encoder.mixer.drop_path");
    Ok(())
}

/// Windowed or global attention. A window of 1 or less is global.
fn attention(theirs: &mut Theirs, num_levels: usize) -> Result<(), ImportError> {
    theirs.put("encoder.mixer.type", "attention");
    theirs.carry("model.n_head", "encoder.mixer.num_heads");
    let key = "model.n_mha_win_size";
    let value = theirs.get(key);
    let windows: Option<Vec<i64>> = match &value {
        Value::Sequence(all) => all.iter().map(Value::as_i64).collect(),
        one => one.as_i64().map(|one| vec![one; num_levels]),
    };
    let Some(windows) = windows.filter(|windows| windows.len() == num_levels) else {
        let allowed = format!("a whole number, or one per level ({num_levels})");
        return Err(theirs.wrong(key, &allowed));
    };
    let first = windows.first().copied().unwrap_or(-1);
    let window = match first {
        ..=1 => Value::Null,
        window => window.into(),
    };
    if windows.iter().all(|window| *window == first) {
        theirs.convert(key, "encoder.mixer.window", window);
    } else {
        theirs.put("encoder.mixer.window", window);
        theirs.unsupported(
            key,
            "all levels share one window here: that of level 0 is taken",
        );
    }
    theirs.carry_flag("model.use_rel_pe", "encoder.mixer.relative_position")?;
    theirs.put("encoder.mixer.kernel_size", 3);
    theirs.put("encoder.mixer.mlp_dim", Value::Null);
    if theirs.number("train_cfg.dropout")? > 0.0 {
        theirs.unsupported("train_cfg.dropout", "our blocks have no dropout");
    } else {
        theirs.ignore("train_cfg.dropout", "no dropout, as here");
    }
    if theirs.names("model.fpn_start_level") {
        expect(theirs, "model.fpn_start_level", 0, "all levels are used");
    }
    Ok(())
}

fn decoder(theirs: &mut Theirs) -> Result<(), ImportError> {
    theirs.carry("model.regression_range", "decoder.regression_range");
    theirs.carry("model.head_dim", "decoder.head.dim");
    theirs.carry("model.head_num_layers", "decoder.head.num_layers");
    theirs.carry("model.head_kernel_size", "decoder.head.kernel_size");
    theirs.carry_flag("model.head_with_ln", "decoder.head.norm")?;
    theirs.carry("train_cfg.cls_prior_prob", "decoder.head.cls_prior_prob");
    let trident =
        theirs.code != ReleasedCode::ActionFormer && theirs.flag("model.use_trident_head")?;
    if theirs.code != ReleasedCode::ActionFormer {
        theirs.carry(
            "model.boudary_kernel_size",
            "decoder.head.boundary_kernel_size",
        );
        theirs.note("model.use_trident_head", "decoder.trident");
    }
    if trident {
        theirs.carry("model.num_bins", "decoder.trident.num_bins");
        theirs.put("decoder.trident.boundary_input", "neck");
    } else {
        theirs.put("decoder.trident", Value::Null);
        theirs.ignore(
            "model.num_bins",
            "there are no bins without the trident head",
        );
    }
    match theirs.code {
        ReleasedCode::CltdrGmg if !trident => {
            // Their offsets are computed in this case, but not used.
            theirs.put("decoder.refinement.regression", false);
        }
        ReleasedCode::CltdrGmg => {}
        ReleasedCode::TriDet | ReleasedCode::ActionFormer => {
            theirs.put("decoder.dcm.neighbors", "none");
            theirs.put("decoder.drm.neighbors", "none");
            theirs.put("decoder.refinement.classification", false);
            theirs.put("decoder.refinement.regression", false);
        }
    }
    Ok(())
}

/// Translates a key that can have only one value here.
fn expect(theirs: &mut Theirs, key: &str, expected: impl Into<Value>, reason: &str) {
    if theirs.get(key) == expected.into() {
        theirs.ignore(key, "always so here");
    } else {
        theirs.unsupported(key, reason);
    }
}
