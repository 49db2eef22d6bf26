//! The pyramid encoder.

use tal_core::config::{EncoderConfig, PositionEncoding};
use tal_core::nn::{FeaturePyramid, PyramidLevel, dropout, length_mask};
use tch::{Tensor, nn};

use crate::error::{EncoderError, zeros};
use crate::mixer::{BlockConfig, TemporalMixer, build_mixer};
use crate::position::SinusoidalEncoding;
use crate::projection::Projection;

/// The pyramid encoder: projection, positions, a stem at full length, and a branch block for each halving of the length.
///
/// # Shapes
/// Features (B, D_in, T) with B true lengths → L levels of (B, D, T / 2^l).
///
/// # Units
/// T counts grid units (features) and should be a multiple of 2^(L−1), as `EncoderConfig::padded_len` makes it. The amount of
/// padding changes the result, because filters, norms and pooling run over padded positions, too.
#[derive(Debug)]
pub struct Encoder {
    /// Convolutions before the first block.
    pub projection: Projection,
    /// Positions added after the projection.
    pub position: Option<SinusoidalEncoding>,
    /// Probability that training drops a value after the projection, and of each level.
    pub dropout: f64,
    /// Blocks at full length; the output of the last one is level 0.
    pub stem: Vec<Box<dyn TemporalMixer>>,
    /// Blocks after a halving; the output of number i is level i + 1.
    pub branch: Vec<Box<dyn TemporalMixer>>,
}

impl Encoder {
    /// Variables `projection.*`, `stem.I.*` and `branch.I.*` below `path`, for features of `input_dim` channels.
    ///
    /// The table of positions has the length `max_seq_len` (grid units).
    ///
    /// # Errors
    /// If no encoder can have these sizes.
    pub fn new(
        path: &nn::Path<'_>,
        config: &EncoderConfig,
        input_dim: usize,
        max_seq_len: usize,
    ) -> Result<Self, EncoderError> {
        let mut errors = config.errors();
        errors.extend(zeros([("input_dim", input_dim)]));
        let has_positions = config.position == PositionEncoding::Sinusoidal;
        if has_positions {
            errors.extend(zeros([("max_seq_len", max_seq_len)]));
        }
        EncoderError::unless_empty(errors)?;
        let dim = config.dim;
        let position =
            has_positions.then(|| SinusoidalEncoding::new(dim, max_seq_len, path.device()));
        let block = |name: &str, number: usize, level: usize| {
            let block = BlockConfig {
                dim,
                level,
                downsampling: (level > 0).then_some(config.downsampling),
            };
            build_mixer(&(path / name / number), &config.mixer, block)
        };
        let path = path / "projection";
        let projection = Projection::new(&path, &config.projection, input_dim, dim)?;
        Ok(Encoder {
            projection,
            position: position.transpose()?,
            dropout: config.dropout,
            stem: (0..config.num_stem_blocks)
                .map(|i| block("stem", i, 0))
                .collect::<Result<_, _>>()?,
            branch: (1..config.num_levels)
                .map(|level| block("branch", level - 1, level))
                .collect::<Result<_, _>>()?,
        })
    }

    /// Encodes; `train` skips branches and drops values at random.
    ///
    /// # Shapes
    /// Features (B, D_in, T) with B true lengths `lens` → L levels of (B, D, ⌈T / 2^l⌉).
    ///
    /// # Panics
    /// If the features do not have `input_dim` channels, or there is not one length of at most T for each sample.
    pub fn forward_t(&self, features: &Tensor, lens: &[usize], train: bool) -> FeaturePyramid {
        let padded_len = features.size()[2] as usize;
        let mut mask = length_mask(lens, padded_len, features.device());
        let longest = lens.iter().copied().max().unwrap_or(0);
        let mut features = self.projection.forward(features, &mask, longest);
        if let Some(position) = &self.position {
            features = position.forward(&features, &mask);
        }
        let drops = train && self.dropout > 0.0;
        if drops {
            features = dropout(&features, self.dropout);
        }
        for block in &self.stem {
            (features, mask) = block.forward_t(&features, &mask, train);
        }
        let mut levels = vec![PyramidLevel {
            features,
            mask,
            lens: lens.to_vec(),
        }];
        for block in &self.branch {
            let finer = &levels[levels.len() - 1];
            let (features, mask) = block.forward_t(&finer.features, &finer.mask, train);
            let lens = finer.lens.iter().map(|len| len.div_ceil(2)).collect();
            levels.push(PyramidLevel {
                features,
                mask,
                lens,
            });
        }
        if drops {
            for level in &mut levels {
                level.features = dropout(&level.features, self.dropout);
            }
        }
        FeaturePyramid { levels }
    }
}
