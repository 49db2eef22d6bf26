//! Positional encoding.

use tal_core::config::FieldError;
use tal_core::nn;
use tch::{Device, Tensor};

use crate::error::{EncoderError, zeros};

/// Absolute positions as sines and cosines, added to features.
///
/// p(j, t) = sin(t / 10000^(2⌊j/2⌋/D)) / √D for even j, the cosine of the same angle for odd j; y = x + p · mask.
/// Sequences longer than the table get the table stretched linearly to their length.
///
/// # Shapes
/// (B, D, T), mask (B, 1, T) → (B, D, T). The table is computed, not learned, and no weight file holds it.
#[derive(Debug)]
pub struct SinusoidalEncoding {
    /// (1, D, max_seq_len)
    table: Tensor,
}

impl SinusoidalEncoding {
    /// A table for `dim` channels and `max_seq_len` positions.
    ///
    /// # Errors
    /// If `dim` is odd, or one of both is 0.
    pub fn new(dim: usize, max_seq_len: usize, device: Device) -> Result<Self, EncoderError> {
        let mut errors: Vec<_> = zeros([("dim", dim), ("max_seq_len", max_seq_len)]).collect();
        errors.extend((dim % 2 == 1).then(|| FieldError {
            path: "dim".to_owned(),
            value: dim.to_string(),
            allowed: "an even number".to_owned(),
        }));
        EncoderError::unless_empty(errors)?;
        // Angles in double precision: late positions times small steps lose digits in single precision.
        let root = (dim as f32).sqrt();
        let mut values = Vec::with_capacity(dim * max_seq_len);
        for j in 0..dim {
            let period = 10000f64.powf((2 * (j / 2)) as f64 / dim as f64);
            values.extend((0..max_seq_len).map(|t| {
                let angle = t as f64 / period;
                let value = if j % 2 == 0 { angle.sin() } else { angle.cos() };
                value as f32 / root
            }));
        }
        let size = [1, nn::dim(dim), nn::dim(max_seq_len)];
        let table = Tensor::from_slice(&values).view(size).to_device(device);
        Ok(SinusoidalEncoding { table })
    }

    /// Adds the positions.
    pub fn forward(&self, x: &Tensor, mask: &Tensor) -> Tensor {
        let len = x.size()[2];
        let table = if len <= self.table.size()[2] {
            self.table.narrow(2, 0, len)
        } else {
            self.table.upsample_linear1d(len, false, None::<f64>)
        };
        x + table.to_device(x.device()).to_kind(x.kind()) * mask
    }
}

#[cfg(test)]
mod tests {
    use tal_core::nn::length_mask;
    use tch::Kind;

    use super::*;

    fn positions(dim: usize, max_seq_len: usize, len: usize) -> Tensor {
        let encoding = SinusoidalEncoding::new(dim, max_seq_len, Device::Cpu).unwrap();
        let x = Tensor::zeros([1, dim as i64, len as i64], (Kind::Float, Device::Cpu));
        encoding.forward(&x, &length_mask(&[len], len, Device::Cpu))
    }

    #[test]
    fn first_channels_are_sine_and_cosine_of_the_position() {
        let p = positions(8, 40, 30);
        for t in 0..30 {
            let at = |j: i64| p.double_value(&[0, j, t]) * 8f64.sqrt();
            assert!((at(0) - (t as f64).sin()).abs() < 1e-6);
            assert!((at(1) - (t as f64).cos()).abs() < 1e-6);
            assert!((at(6) - (t as f64 / 1000.0).sin()).abs() < 1e-6);
        }
    }

    #[test]
    fn long_sequences_stretch_the_table() {
        let short = positions(4, 8, 8);
        let long = positions(4, 8, 16);
        // Position 1 of 16 lies at (1 + 0.5) / 2 − 0.5 = 0.25 of 8.
        for j in 0..4 {
            let at = |t: i64| short.double_value(&[0, j, t]);
            let expected = 0.75 * at(0) + 0.25 * at(1);
            assert!((long.double_value(&[0, j, 1]) - expected).abs() < 1e-6);
            assert_eq!(long.double_value(&[0, j, 0]), at(0));
        }
    }

    #[test]
    fn impossible_sizes_are_errors() {
        for (dim, max_seq_len) in [(0, 8), (3, 8), (2, 0)] {
            assert!(SinusoidalEncoding::new(dim, max_seq_len, Device::Cpu).is_err());
        }
    }

    #[test]
    fn padding_gets_no_position() {
        let encoding = SinusoidalEncoding::new(2, 8, Device::Cpu).unwrap();
        let x = Tensor::zeros([1, 2, 8], (Kind::Float, Device::Cpu));
        let y = encoding.forward(&x, &length_mask(&[3], 8, Device::Cpu));
        assert_eq!(y.narrow(2, 3, 5).abs().max().double_value(&[]), 0.0);
        assert!(y.double_value(&[0, 1, 2]).abs() > 0.0);
    }
}
