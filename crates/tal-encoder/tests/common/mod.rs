//! Fixtures and configurations that several tests share.

use std::path::PathBuf;

use serde_json::Value;
use tal_core::config::{
    Downsampling, EncoderConfig, FftNorm, GateActivation, GmgConfig, MixerConfig, NeckConfig,
    PerLevel, PositionEncoding, ProjectionConfig,
};

/// Path of a fixture.
#[allow(dead_code, reason = "not every test reads fixtures")]
pub(crate) fn fixture(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join("tests/fixtures")
        .join(name)
}

/// The released encoder for THUMOS14.
pub(crate) fn thumos() -> EncoderConfig {
    EncoderConfig {
        dim: 512,
        projection: ProjectionConfig {
            num_layers: 2,
            kernel_size: 3,
            norm: true,
        },
        position: PositionEncoding::None,
        num_stem_blocks: 2,
        num_levels: 6,
        downsampling: Downsampling::Max,
        mixer: MixerConfig::Gmg(GmgConfig {
            mlp_dim: 768,
            local_kernel_size: PerLevel::Same(1),
            gate_activation: GateActivation::Identity,
            soft_shrink: 0.001,
            fft_norm: FftNorm::Ortho,
            init_std: 0.0,
            drop_path: 0.1,
        }),
        neck: NeckConfig { norm: true },
    }
}

/// An encoder's settings under their released names, as a fixture's metadata holds them.
#[allow(dead_code, reason = "not every test reads fixtures")]
pub(crate) struct Released {
    pub(crate) encoder: EncoderConfig,
    pub(crate) input_dim: usize,
    pub(crate) max_seq_len: usize,
}

#[allow(dead_code, reason = "not every test reads fixtures")]
impl Released {
    pub(crate) fn parse(json: &str) -> Released {
        let json: Value = serde_json::from_str(json).unwrap();
        let number = |value: &Value| usize::try_from(value.as_u64().unwrap()).unwrap();
        let windows = &json["n_sgp_win_size"];
        let local_kernel_size = match windows.as_array() {
            Some(each) => PerLevel::Each(each.iter().map(number).collect()),
            None => PerLevel::Same(number(windows)),
        };
        assert_eq!(json["downsample_type"], "max");
        let encoder = EncoderConfig {
            dim: number(&json["embd_dim"]),
            projection: ProjectionConfig {
                num_layers: number(&json["backbone_arch"][0]),
                kernel_size: number(&json["embd_kernel_size"]),
                norm: json["embd_with_ln"].as_bool().unwrap(),
            },
            position: match json["use_abs_pe"].as_bool() {
                Some(true) => PositionEncoding::Sinusoidal,
                _ => PositionEncoding::None,
            },
            num_stem_blocks: number(&json["backbone_arch"][1]),
            num_levels: number(&json["backbone_arch"][2]) + 1,
            mixer: MixerConfig::Gmg(GmgConfig {
                mlp_dim: number(&json["sgp_mlp_dim"]),
                local_kernel_size,
                drop_path: json["droppath"].as_f64().unwrap(),
                init_std: json["init_conv_vars"].as_f64().unwrap_or(0.0),
                ..gmg(&thumos()).clone()
            }),
            ..thumos()
        };
        Released {
            encoder,
            input_dim: number(&json["input_dim"]),
            max_seq_len: number(&json["max_seq_len"]),
        }
    }
}

/// The block's settings.
pub(crate) fn gmg(config: &EncoderConfig) -> &GmgConfig {
    let MixerConfig::Gmg(gmg) = &config.mixer;
    gmg
}
