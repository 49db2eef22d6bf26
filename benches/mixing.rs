//! Blocks that mix along time, side by side: 512 channels, one recording, no padding.

use std::fs;

use tal_core::config::{
    AttentionConfig, Downsampling, MaxPoolingConfig, MixerConfig, PerLevel, SgpConfig,
};
use tal_core::nn::{dim, length_mask, num_parameters};
use tal_encoder::{BlockConfig, TemporalMixer, build_mixer};
use tal_engine::memory::{peak_resident_bytes, resident_bytes};
use tch::nn::VarStore;
use tch::{Device, Kind, Tensor};

/// Channels of every block.
pub const DIM: usize = 512;

/// Lengths of the input: powers of two, and the training length of THUMOS14.
pub const LENGTHS: [usize; 8] = [256, 512, 1024, 2048, 2304, 4096, 8192, 16384];

/// Heads of attention.
const NUM_HEADS: usize = 4;

/// A block to measure.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Block {
    /// Gated Multi-Granularity block, THUMOS14 sizes, at full length.
    Gmg,
    /// ActionFormer's block over all positions, at full length.
    Attention,
    /// ActionFormer's block in windows of 19, at full length.
    WindowedAttention,
    /// TriDet's block with kernel 1 and k = 5 as for THUMOS14, at full length.
    Sgp,
    /// TemporalMaxer's block, which halves the length.
    MaxPooling,
}

impl Block {
    /// All blocks.
    pub const ALL: [Block; 5] = [
        Block::Gmg,
        Block::Attention,
        Block::WindowedAttention,
        Block::Sgp,
        Block::MaxPooling,
    ];

    /// Name in the results.
    pub fn name(self) -> &'static str {
        match self {
            Block::Gmg => "gmg",
            Block::Attention => "attention",
            Block::WindowedAttention => "windowed_attention",
            Block::Sgp => "sgp",
            Block::MaxPooling => "max_pooling",
        }
    }

    /// Block of a name.
    pub fn named(name: &str) -> Option<Block> {
        Block::ALL.into_iter().find(|block| block.name() == name)
    }

    fn config(self) -> MixerConfig {
        let attention = |window| {
            MixerConfig::Attention(AttentionConfig {
                num_heads: NUM_HEADS,
                window,
                relative_position: false,
                kernel_size: 3,
                mlp_dim: None,
                drop_path: 0.1,
            })
        };
        match self {
            Block::Gmg => crate::config("thumos14_i3d", &[]).encoder.mixer,
            Block::Attention => attention(None),
            Block::WindowedAttention => attention(Some(19)),
            Block::Sgp => MixerConfig::Sgp(SgpConfig {
                mlp_dim: 768,
                kernel_size: PerLevel::Same(1),
                k: 5.0,
                init_std: 0.1,
                drop_path: 0.1,
            }),
            Block::MaxPooling => MixerConfig::MaxPooling(MaxPoolingConfig::default()),
        }
    }

    /// Rough size in bytes of the scores of all heads, with their copies; 0 for blocks without scores (T²).
    fn score_bytes(self, len: usize, pass: Pass) -> usize {
        let copies = match pass {
            Pass::Forward => 3,
            Pass::Training => 5,
        };
        match self {
            Block::Attention => copies * NUM_HEADS * len * len * size_of::<f32>(),
            _ => 0,
        }
    }
}

/// Pass to measure.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pass {
    /// Output, without a graph.
    Forward,
    /// Output, then gradients of all parameters and the input.
    Training,
}

impl Pass {
    /// Both passes.
    pub const ALL: [Pass; 2] = [Pass::Forward, Pass::Training];

    /// Name in the results.
    pub fn name(self) -> &'static str {
        match self {
            Pass::Forward => "forward",
            Pass::Training => "training",
        }
    }

    /// Pass of a name.
    pub fn named(name: &str) -> Option<Pass> {
        Pass::ALL.into_iter().find(|pass| pass.name() == name)
    }
}

/// A block with an input.
#[derive(Debug)]
pub struct Case {
    variables: VarStore,
    block: Box<dyn TemporalMixer>,
    features: Tensor,
    mask: Tensor,
}

impl Case {
    /// Block with random weights and an input of `len` positions.
    ///
    /// # Panics
    /// If the block cannot be built.
    pub fn new(block: Block, len: usize) -> Self {
        tch::manual_seed(1);
        let variables = VarStore::new(Device::Cpu);
        let halves = block == Block::MaxPooling;
        let place = BlockConfig {
            dim: DIM,
            level: usize::from(halves),
            downsampling: halves.then_some(Downsampling::Max),
        };
        let block = build_mixer(&variables.root(), &block.config(), place).expect("a block");
        let mut case = Case {
            variables,
            block,
            features: Tensor::new(),
            mask: Tensor::new(),
        };
        case.resize(len);
        case
    }

    /// Replaces the input by one of `len` positions.
    pub fn resize(&mut self, len: usize) {
        let size = [1, dim(DIM), dim(len)];
        self.features = Tensor::randn(size, (Kind::Float, Device::Cpu)).set_requires_grad(true);
        self.mask = length_mask(&[len], len, Device::Cpu);
    }

    /// Number of trained values.
    pub fn num_parameters(&self) -> usize {
        num_parameters(&self.variables)
    }

    /// Runs once; returns the sum of the output, so that nothing is optimised away.
    pub fn run(&mut self, pass: Pass) -> f64 {
        match pass {
            Pass::Forward => tch::no_grad(|| {
                let (y, _) = self.block.forward_t(&self.features, &self.mask, false);
                y.sum(None).double_value(&[])
            }),
            Pass::Training => {
                for mut tensor in self.variables.trainable_variables() {
                    tensor.zero_grad();
                }
                self.features.zero_grad();
                let (y, _) = self.block.forward_t(&self.features, &self.mask, true);
                let sum = y.sum(None);
                sum.backward();
                sum.double_value(&[])
            }
        }
    }
}

/// Whether the machine has enough memory for a case; other cases must be skipped.
pub fn fits(block: Block, len: usize, pass: Pass) -> bool {
    available_bytes().is_none_or(|bytes| block.score_bytes(len, pass) < bytes / 10 * 9)
}

/// Peak memory of one run in bytes, beyond the memory that was resident before: outputs and gradients, without weights and
/// input. `None` if the system is not Linux.
///
/// LibTorch allocates in C++, where a hook in Rust's allocator does not reach, so the system is asked for the peak of the
/// resident memory, which is reset before the run. Call it once in a process of its own: memory that an earlier run freed
/// may still be resident.
pub fn peak_memory(block: Block, len: usize, pass: Pass) -> Option<usize> {
    let mut case = Case::new(block, 64);
    // A small run sets up threads and kernels.
    case.run(pass);
    case.resize(len);
    fs::write("/proc/self/clear_refs", "5").ok()?;
    let before = resident_bytes()?;
    case.run(pass);
    let peak = peak_resident_bytes()?;
    usize::try_from(peak.saturating_sub(before)).ok()
}

/// Available memory of the machine, in bytes.
fn available_bytes() -> Option<usize> {
    let text = fs::read_to_string("/proc/meminfo").ok()?;
    let line = text
        .lines()
        .find_map(|line| line.strip_prefix("MemAvailable:"))?;
    let kilobytes: usize = line.split_whitespace().next()?.parse().ok()?;
    Some(kilobytes * 1024)
}

/// Exponent p of the power law `y = c · x^p` fitted to the points, by least squares of the logarithms; `None` for fewer
/// than two points.
pub fn growth_exponent(points: &[(f64, f64)]) -> Option<f64> {
    let logarithms: Vec<_> = points.iter().map(|(x, y)| (x.ln(), y.ln())).collect();
    let count = logarithms.len() as f64;
    let mean_x = logarithms.iter().map(|(x, _)| x).sum::<f64>() / count;
    let mean_y = logarithms.iter().map(|(_, y)| y).sum::<f64>() / count;
    let spread: f64 = logarithms.iter().map(|(x, _)| (x - mean_x).powi(2)).sum();
    let joint: f64 = logarithms
        .iter()
        .map(|(x, y)| (x - mean_x) * (y - mean_y))
        .sum();
    (points.len() > 1 && spread > 0.0).then(|| joint / spread)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exponents_of_power_laws() {
        let points = |power: f64| {
            let points = [256.0f64, 1024.0, 4096.0].map(|x| (x, 3.0 * x.powf(power)));
            growth_exponent(&points).unwrap()
        };
        assert!((points(2.0) - 2.0).abs() < 1e-9);
        assert!((points(1.25) - 1.25).abs() < 1e-9);
        assert_eq!(growth_exponent(&[(2.0, 1.0)]), None);
    }

    #[test]
    fn every_block_runs() {
        for block in Block::ALL {
            assert_eq!(Block::named(block.name()), Some(block));
            let mut case = Case::new(block, 32);
            for pass in Pass::ALL {
                assert!(case.run(pass).is_finite(), "{block:?} {pass:?}");
            }
            let parameters = case.num_parameters();
            assert_eq!(parameters == 0, block == Block::MaxPooling, "{block:?}");
        }
    }
}
