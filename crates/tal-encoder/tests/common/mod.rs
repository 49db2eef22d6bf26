//! Fixtures and configurations that several tests share.

pub(crate) mod blocks;

use std::path::PathBuf;

use serde_json::Value;
use tal_core::config::{
    AttentionConfig, Downsampling, EncoderConfig, FftNorm, FilterConfig, GateActivation,
    GlobalConfig, GmgConfig, InstantMixing, MaxPoolingConfig, MixerConfig, NeckConfig, NeckNorm,
    PerLevel, PositionEncoding, ProjectionConfig, SgpConfig,
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
        dropout: 0.0,
        mixer: MixerConfig::Gmg(GmgConfig {
            mlp_dim: 768,
            instant: true,
            local: true,
            global: GlobalConfig::Fft(FilterConfig {
                kernel_size: 1,
                soft_shrink: 0.001,
                fft_norm: FftNorm::Ortho,
            }),
            gate: true,
            gate_activation: GateActivation::Identity,
            instant_mixing: InstantMixing::Depthwise,
            local_kernel_size: PerLevel::Same(1),
            local_in_stem: false,
            init_std: 0.0,
            drop_path: 0.1,
        }),
        neck: NeckConfig {
            norm: NeckNorm::Layer,
        },
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
        let kernels = || {
            let windows = &json["n_sgp_win_size"];
            match windows.as_array() {
                Some(each) => PerLevel::Each(each.iter().map(number).collect()),
                None => PerLevel::Same(number(windows)),
            }
        };
        if let Some(downsampling) = json["downsample_type"].as_str() {
            assert_eq!(downsampling, "max");
        }
        let drop_path = json["droppath"].as_f64().unwrap();
        let init_std = json["init_conv_vars"].as_f64().unwrap_or(0.0);
        let mixer = match json["backbone_type"].as_str() {
            Some("convTransformer") => MixerConfig::Attention(AttentionConfig {
                num_heads: number(&json["n_head"]),
                window: json["n_mha_win_size"].as_u64().map(|w| w as usize),
                relative_position: json["use_rel_pe"].as_bool().unwrap(),
                kernel_size: 3,
                mlp_dim: None,
                drop_path,
            }),
            Some("convPooler") => MixerConfig::MaxPooling(MaxPoolingConfig::default()),
            // TriDet and the paper's authors call their blocks the same.
            _ if json["method"] == "tridet" => MixerConfig::Sgp(SgpConfig {
                mlp_dim: number(&json["sgp_mlp_dim"]),
                kernel_size: kernels(),
                k: json["k"].as_f64().unwrap(),
                init_std,
                drop_path,
            }),
            _ => MixerConfig::Gmg(GmgConfig {
                mlp_dim: number(&json["sgp_mlp_dim"]),
                local_kernel_size: kernels(),
                drop_path,
                init_std,
                ..gmg(&thumos()).clone()
            }),
        };
        let arch: Vec<usize> = json["backbone_arch"]
            .as_array()
            .unwrap()
            .iter()
            .map(number)
            .collect();
        // TemporalMaxer has no stem, and another norm in its neck.
        let is_pooling = matches!(mixer, MixerConfig::MaxPooling(_));
        let encoder = EncoderConfig {
            dim: number(&json["embd_dim"]),
            projection: ProjectionConfig {
                num_layers: arch[0],
                kernel_size: number(&json["embd_kernel_size"]),
                norm: json["embd_with_ln"].as_bool().unwrap(),
            },
            position: match json["use_abs_pe"].as_bool() {
                Some(true) => PositionEncoding::Sinusoidal,
                _ => PositionEncoding::None,
            },
            num_stem_blocks: if is_pooling { 0 } else { arch[1] },
            num_levels: arch[arch.len() - 1] + 1,
            mixer,
            neck: NeckConfig {
                norm: if is_pooling {
                    NeckNorm::Group
                } else {
                    NeckNorm::Layer
                },
            },
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
#[allow(dead_code, reason = "not every test is about the block")]
pub(crate) fn gmg(config: &EncoderConfig) -> &GmgConfig {
    let MixerConfig::Gmg(gmg) = &config.mixer else {
        panic!("not a Gated Multi-Granularity encoder")
    };
    gmg
}

/// The released filter's settings.
#[allow(dead_code, reason = "not every test is about the filter")]
pub(crate) fn filter() -> FilterConfig {
    let GlobalConfig::Fft(filter) = gmg(&thumos()).global.clone() else {
        panic!("the released global branch is a filter")
    };
    filter
}
