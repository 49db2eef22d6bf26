//! What a lane multiplies.

use tal_torch::parallel;

use super::kernel::Tile;
#[cfg(target_arch = "x86_64")]
use super::kernel::{avx2, avx512, avx512_bfloat16};
use crate::nn::host;

/// The value of an input channel, or those of two side by side, at one position or tap.
pub(super) trait Operand: Copy + Default + Send + Sync {
    /// Input channels that an operand holds.
    const CHANNELS: usize;

    /// Operands of so many input channels.
    fn count(channels: usize) -> usize {
        channels.div_ceil(Self::CHANNELS)
    }

    /// The operand of these channels; where it holds one, the second is not looked at.
    fn join(first: f32, second: f32) -> Self;

    /// The kernels of a layer with so many inputs as operands, in `buffer` if they are not so already.
    ///
    /// # Shapes
    /// `weight` (out, in, K) → (out, ⌈in / CHANNELS⌉, K).
    fn kernels<'a, const K: usize>(
        weight: &'a [f32],
        inputs: usize,
        buffer: &'a mut Vec<[Self; K]>,
    ) -> &'a [[Self; K]];

    /// [`super::kernel::accumulate`] of such operands.
    ///
    /// # Safety
    /// The processor must have the instructions, and no row of `weights` may be shorter than `inputs`.
    unsafe fn accumulate<
        const K: usize,
        const PANEL: usize,
        const LANES: usize,
        const VECTORS: usize,
        const ROWS: usize,
    >(
        weights: [&[[Self; K]]; ROWS],
        inputs: &[[Self; PANEL]],
        start: Option<[f32; ROWS]>,
        tile: &mut Tile<LANES, VECTORS, ROWS>,
    );
}

impl Operand for f32 {
    const CHANNELS: usize = 1;

    fn join(first: f32, _: f32) -> Self {
        first
    }

    fn kernels<'a, const K: usize>(
        weight: &'a [f32],
        _: usize,
        _: &'a mut Vec<[Self; K]>,
    ) -> &'a [[Self; K]] {
        weight.as_chunks().0
    }

    unsafe fn accumulate<
        const K: usize,
        const PANEL: usize,
        const LANES: usize,
        const VECTORS: usize,
        const ROWS: usize,
    >(
        weights: [&[[Self; K]]; ROWS],
        inputs: &[[Self; PANEL]],
        start: Option<[f32; ROWS]>,
        tile: &mut Tile<LANES, VECTORS, ROWS>,
    ) {
        #[cfg(target_arch = "x86_64")]
        // SAFETY: the caller's promise.
        unsafe {
            match LANES {
                8 => avx2::accumulate(weights, inputs, start, tile),
                _ => avx512::accumulate(weights, inputs, start, tile),
            }
        }
        #[cfg(not(target_arch = "x86_64"))]
        no_instructions(weights, inputs, start, tile);
    }
}

/// Two input channels in bfloat16, the first one in the lower half.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[repr(transparent)]
pub(super) struct Pair(u32);

/// The nearest bfloat16, the even one of two; not a number stays so.
#[inline(always)]
fn round(value: f32) -> u32 {
    let bits = value.to_bits();
    // A quiet one keeps a bit that is not cut off.
    let nan = (bits >> 16) | 0x40;
    let nearest = bits.wrapping_add(0x7fff + ((bits >> 16) & 1)) >> 16;
    if value.is_nan() { nan } else { nearest }
}

impl Operand for Pair {
    const CHANNELS: usize = 2;

    #[inline(always)]
    fn join(first: f32, second: f32) -> Self {
        Pair(round(first) | round(second) << 16)
    }

    fn kernels<'a, const K: usize>(
        weight: &'a [f32],
        inputs: usize,
        buffer: &'a mut Vec<[Self; K]>,
    ) -> &'a [[Self; K]] {
        let kernels = weight.as_chunks::<K>().0;
        let depth = Self::count(inputs);
        buffer.clear();
        buffer.resize(kernels.len() / inputs * depth, [Pair::default(); K]);
        let rows = buffer.chunks_mut(depth).zip(kernels.chunks_exact(inputs));
        parallel::for_each(
            host::num_threads(weight.len()),
            rows,
            || (),
            |(), (row, kernels)| {
                for (pair, kernels) in row.iter_mut().zip(kernels.chunks(Self::CHANNELS)) {
                    let (first, second) = (kernels[0], kernels.get(1).copied().unwrap_or([0.0; K]));
                    *pair = std::array::from_fn(|tap| Pair::join(first[tap], second[tap]));
                }
            },
        );
        buffer
    }

    unsafe fn accumulate<
        const K: usize,
        const PANEL: usize,
        const LANES: usize,
        const VECTORS: usize,
        const ROWS: usize,
    >(
        weights: [&[[Self; K]]; ROWS],
        inputs: &[[Self; PANEL]],
        start: Option<[f32; ROWS]>,
        tile: &mut Tile<LANES, VECTORS, ROWS>,
    ) {
        #[cfg(target_arch = "x86_64")]
        // SAFETY: the caller's promise.
        unsafe {
            avx512_bfloat16::accumulate(weights, inputs, start, tile);
        }
        #[cfg(not(target_arch = "x86_64"))]
        no_instructions(weights, inputs, start, tile);
    }
}

/// Never called.
#[cfg(not(target_arch = "x86_64"))]
fn no_instructions<W, I, S, T>(_: W, _: I, _: S, _: T) {
    unreachable!("this processor has no such instructions");
}

#[cfg(test)]
mod tests {
    use tch::{Device, Kind, Tensor};

    use super::*;

    #[test]
    fn rounds_as_libtorch_does() {
        let mut values = vec![
            0.0,
            -0.0,
            1.0,
            // In the middle between two.
            1.0 + 1.0 / 256.0,
            1.0 + 3.0 / 256.0,
            -3.4e38,
            f32::MAX,
            f32::INFINITY,
            f32::NEG_INFINITY,
            1e-40,
        ];
        let random = Tensor::randn([1000], (Kind::Float, Device::Cpu));
        values.extend(Vec::<f32>::try_from(random).unwrap());
        let rounded = Tensor::from_slice(&values)
            .to_kind(Kind::BFloat16)
            .to_kind(Kind::Float);
        let rounded = Vec::<f32>::try_from(rounded).unwrap();
        for (value, expected) in values.into_iter().zip(rounded) {
            assert_eq!(round(value) << 16, expected.to_bits(), "{value}");
        }
        assert!(f32::from_bits(round(f32::NAN) << 16).is_nan());
        assert!(f32::from_bits(round(f32::from_bits(0x7f80_0001)) << 16).is_nan());
        assert_eq!(Pair::join(1.0, 2.0), Pair(0x4000_3f80));
    }

    #[test]
    fn kernels_lie_side_by_side() {
        let mut buffer = Vec::new();
        let weight: Vec<f32> = (1..=12).map(|value| value as f32).collect();
        let pairs = Pair::kernels::<2>(&weight, 3, &mut buffer);
        let pair = |first, second| Pair::join(first, second);
        assert_eq!(
            pairs,
            [
                [pair(1.0, 3.0), pair(2.0, 4.0)],
                [pair(5.0, 0.0), pair(6.0, 0.0)],
                [pair(7.0, 9.0), pair(8.0, 10.0)],
                [pair(11.0, 0.0), pair(12.0, 0.0)],
            ]
        );
    }
}
