//! Every combination of switches: what the validation admits can be built and runs, what it refuses cannot.

mod common;

use std::path::Path;
use std::sync::{Mutex, PoisonError};

use common::{filter, gmg, thumos};
use tal_core::config::{
    AttentionConfig, Config, Downsampling, EncoderConfig, FilterConfig, GateActivation,
    GlobalConfig, GmgConfig, InstantMixing, MaxPoolingConfig, MixerConfig, NeckConfig, NeckNorm,
    PerLevel, PositionEncoding, SgpConfig,
};
use tal_core::nn::{duplicate_names, length_mask, named_variables};
use tal_encoder::{Encoder, Neck};
use tch::{Device, Kind, Tensor, nn::VarStore};

const INPUT_DIM: usize = 3;

/// LibTorch has one random generator in a process: tests that seed it must not draw at the same time.
static RANDOM: Mutex<()> = Mutex::new(());

const LENS: [usize; 2] = [24, 10];

fn base() -> Config {
    let text = "
dataset:
  annotations: a.json
  features: { dir: features, format: { type: npy } }
  num_classes: 3
  input_dim: 3
  feat_stride: 4
  num_frames: 16
  max_seq_len: 24
encoder: { num_levels: 3 }
decoder: { regression_range: [[0, 4], [4, 8], [8, 10000]] }
";
    tal_config::from_yaml(text, "test.yaml", Path::new("/"), &[]).unwrap()
}

fn encoder(mixer: MixerConfig) -> EncoderConfig {
    EncoderConfig {
        dim: 16,
        num_levels: 3,
        mixer,
        ..thumos()
    }
}

fn gmg_mixers() -> Vec<MixerConfig> {
    let filter = |kernel_size| {
        GlobalConfig::Fft(FilterConfig {
            kernel_size,
            ..filter()
        })
    };
    let globals = [
        GlobalConfig::None {},
        filter(1),
        filter(3),
        GlobalConfig::SelfAttention { num_heads: 2 },
        GlobalConfig::SelfAttention { num_heads: 3 },
    ];
    let gates = [
        (false, GateActivation::Identity),
        (true, GateActivation::Identity),
        (true, GateActivation::Relu),
    ];
    let mut all = Vec::new();
    for branches in 0..4 {
        for global in &globals {
            for (gate, gate_activation) in gates {
                for instant_mixing in [InstantMixing::Depthwise, InstantMixing::Dense] {
                    for (local_in_stem, drop_path) in [(false, 0.1), (true, 0.0)] {
                        all.push(MixerConfig::Gmg(GmgConfig {
                            mlp_dim: 4,
                            instant: branches & 1 > 0,
                            local: branches & 2 > 0,
                            global: global.clone(),
                            gate,
                            gate_activation,
                            instant_mixing,
                            local_kernel_size: PerLevel::Each(vec![3, 1, 5]),
                            local_in_stem,
                            init_std: 0.3,
                            drop_path,
                        }));
                    }
                }
            }
        }
    }
    all
}

fn other_mixers() -> Vec<MixerConfig> {
    let mut all = vec![MixerConfig::MaxPooling(MaxPoolingConfig::default())];
    for window in [None, Some(2), Some(3), Some(9), Some(61)] {
        for relative_position in [false, true] {
            for num_heads in [1, 4, 5] {
                all.push(MixerConfig::Attention(AttentionConfig {
                    num_heads,
                    window,
                    relative_position,
                    kernel_size: 3,
                    mlp_dim: (num_heads == 4).then_some(7),
                    drop_path: if num_heads == 1 { 0.0 } else { 0.1 },
                }));
            }
        }
    }
    for kernel_size in [
        PerLevel::Same(1),
        PerLevel::Each(vec![1, 3, 5]),
        PerLevel::Same(2),
    ] {
        all.push(MixerConfig::Sgp(SgpConfig {
            mlp_dim: 4,
            kernel_size,
            k: 1.5,
            init_std: 0.3,
            drop_path: 0.1,
        }));
    }
    all
}

/// Builds, runs and checks; the output of both samples at all levels.
fn run(config: &EncoderConfig) {
    let vs = VarStore::new(Device::Cpu);
    let encoder = Encoder::new(&(vs.root() / "encoder"), config, INPUT_DIM, LENS[0])
        .unwrap_or_else(|error| panic!("{config:?}: {error}"));
    let neck = Neck::new(
        &(vs.root() / "neck"),
        &config.neck,
        config.dim,
        config.num_levels,
    );
    assert!(duplicate_names(&vs).is_empty());
    let mask = length_mask(&LENS, LENS[0], Device::Cpu);
    let features = Tensor::randn([2, INPUT_DIM as i64, 24], (Kind::Float, Device::Cpu)) * &mask;
    let forward =
        |features: &Tensor, lens: &[usize]| neck.forward(&encoder.forward_t(features, lens, false));
    let pyramid = forward(&features, &LENS);
    let alone = forward(&features.narrow(0, 1, 1), &LENS[1..]);
    assert_eq!(pyramid.num_levels(), config.num_levels);
    for (l, (level, alone)) in pyramid.levels.iter().zip(&alone.levels).enumerate() {
        let len = LENS[0] >> l;
        let lens = LENS.map(|len| len.div_ceil(1 << l));
        assert_eq!(level.features.size(), [2, 16, len as i64], "{config:?}");
        assert!(level.mask.equal(&length_mask(&lens, len, Device::Cpu)));
        assert!(
            level.features.isfinite().all().int64_value(&[]) == 1,
            "{config:?}"
        );
        // A recording does not see what else is in its batch.
        let error = (level.features.narrow(0, 1, 1) - &alone.features)
            .abs()
            .max();
        assert!(error.double_value(&[]) < 1e-4, "{config:?}: {error:?}");
    }
    // The last variable set is reached in training, and all gradients are finite.
    let trained = encoder.forward_t(&features, &LENS, true);
    let loss: Tensor = neck
        .forward(&trained)
        .levels
        .iter()
        .map(|level| (&level.features * &level.mask).square().mean(None))
        .sum();
    loss.backward();
    for (name, variable) in named_variables(&vs) {
        let gradient = variable.grad();
        assert!(gradient.defined(), "{config:?}: {name} takes no part");
        assert!(
            gradient.isfinite().all().int64_value(&[]) == 1,
            "{config:?}: {name}"
        );
    }
}

/// Counts what the validation admits and what it refuses; the constructors agree.
fn run_all(
    mixers: Vec<MixerConfig>,
    vary: impl Fn(EncoderConfig) -> Vec<EncoderConfig>,
) -> [usize; 2] {
    tch::manual_seed(51);
    tch::set_num_threads(1);
    let mut config = base();
    let mut counts = [0, 0];
    for encoder_config in mixers.into_iter().flat_map(|mixer| vary(encoder(mixer))) {
        config.encoder = encoder_config;
        match config.validate() {
            Ok(()) => {
                run(&config.encoder);
                counts[0] += 1;
            }
            Err(errors) => {
                assert!(
                    errors.iter().all(|e| e.path.starts_with("encoder.")),
                    "{errors:?}"
                );
                let vs = VarStore::new(Device::Cpu);
                let built = Encoder::new(&vs.root(), &config.encoder, INPUT_DIM, LENS[0]);
                assert!(built.is_err(), "refused but built: {:?}", config.encoder);
                counts[1] += 1;
            }
        }
    }
    counts
}

#[test]
fn switches_of_gmg() {
    let _alone = RANDOM.lock().unwrap_or_else(PoisonError::into_inner);
    let both = |config: EncoderConfig| {
        let average = EncoderConfig {
            downsampling: Downsampling::Average,
            num_stem_blocks: 0,
            position: PositionEncoding::Sinusoidal,
            ..config.clone()
        };
        vec![config, average]
    };
    // Of 4 · 5 branches, 4 with three heads and the one with nothing are refused; 3 gates, 2 mixings, 2 kernels, 2 variants.
    assert_eq!(run_all(gmg_mixers(), both), [15 * 24, 5 * 24]);
    assert!(gmg(&thumos()).gate);
}

#[test]
fn switches_of_the_others() {
    let _alone = RANDOM.lock().unwrap_or_else(PoisonError::into_inner);
    let all = |config: EncoderConfig| {
        let mut all = Vec::new();
        for num_stem_blocks in [0, 2] {
            for downsampling in [Downsampling::Max, Downsampling::Average] {
                for norm in [NeckNorm::None, NeckNorm::Layer, NeckNorm::Group] {
                    all.push(EncoderConfig {
                        num_stem_blocks,
                        downsampling,
                        neck: NeckConfig { norm },
                        ..config.clone()
                    });
                }
            }
        }
        all
    };
    // Max-pooling without stem and average: 3 necks. Attention: windows null, 3, 9, 61 with a bias but for null, one or four
    // heads. SGP: two odd kernels.
    assert_eq!(
        run_all(other_mixers(), all),
        [3 + 7 * 2 * 12 + 2 * 12, 9 + (30 - 14) * 12 + 12]
    );
}

/// A block with all three branches.
fn whole_block() -> MixerConfig {
    let is_whole = |mixer: &MixerConfig| match mixer {
        MixerConfig::Gmg(gmg) => {
            gmg.instant && gmg.local && matches!(gmg.global, GlobalConfig::Fft(_))
        }
        _ => false,
    };
    gmg_mixers().into_iter().find(is_whole).unwrap()
}

#[test]
fn dropout_acts_in_training_only() {
    let _alone = RANDOM.lock().unwrap_or_else(PoisonError::into_inner);
    tch::manual_seed(4);
    let encoder = |dropout| {
        tch::manual_seed(1);
        let variables = VarStore::new(Device::Cpu);
        let config = EncoderConfig {
            dropout,
            ..encoder(whole_block())
        };
        Encoder::new(&variables.root(), &config, INPUT_DIM, 24).unwrap()
    };
    let (plain, dropping) = (encoder(0.0), encoder(0.5));
    let input = Tensor::randn([2, INPUT_DIM as i64, 24], (Kind::Float, Device::Cpu));
    let level = |encoder: &Encoder, train| {
        tch::manual_seed(2);
        let levels = encoder.forward_t(&input, &LENS, train).levels;
        levels[0].features.shallow_clone()
    };
    assert!(level(&plain, false).equal(&level(&dropping, false)));
    let dropped = level(&dropping, true);
    // The same seed drops the same values.
    assert!(dropped.equal(&level(&dropping, true)));
    let share = dropped
        .eq(0.0)
        .to_kind(Kind::Float)
        .mean(Kind::Float)
        .double_value(&[]);
    assert!((0.4..0.6).contains(&share), "{share}");
}
