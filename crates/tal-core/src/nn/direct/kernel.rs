//! The innermost loops, in the instructions of some processors.

use super::operand::Operand;

/// Sums that stay in registers: ROWS output channels at VECTORS times LANES positions.
pub(super) type Tile<const LANES: usize, const VECTORS: usize, const ROWS: usize> =
    [[[f32; LANES]; VECTORS]; ROWS];

/// Instructions that there are loops for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Instructions {
    /// AVX2 with fused multiply-add: 8 lanes, 16 registers, float32.
    Avx2,
    /// AVX-512: 16 lanes, 32 registers, float32.
    Avx512,
    /// The same with products of bfloat16, two for a lane at a time.
    Avx512Bfloat16,
}

impl Instructions {
    /// Those that multiply float32, the best first.
    pub(super) const FLOAT32: [Self; 2] = [Self::Avx512, Self::Avx2];

    /// The best of this processor for products of float32.
    pub(super) fn float32() -> Option<Self> {
        Self::FLOAT32.into_iter().find(|which| which.are_there())
    }

    /// Those for products of bfloat16, if this processor has them and none that are better still: AMX, which LibTorch uses.
    pub(super) fn bfloat16() -> Option<Self> {
        let instructions = Self::Avx512Bfloat16;
        (instructions.are_there() && !has_amx()).then_some(instructions)
    }

    /// Whether this processor has them.
    #[cfg(target_arch = "x86_64")]
    pub(super) fn are_there(self) -> bool {
        match self {
            Self::Avx2 => is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma"),
            Self::Avx512 => is_x86_feature_detected!("avx512f") && is_x86_feature_detected!("fma"),
            Self::Avx512Bfloat16 => {
                Self::Avx512.are_there()
                    && is_x86_feature_detected!("avx512bw")
                    && is_x86_feature_detected!("avx512bf16")
            }
        }
    }

    /// Whether this processor has them.
    #[cfg(not(target_arch = "x86_64"))]
    pub(super) fn are_there(self) -> bool {
        false
    }
}

/// Whether the processor multiplies tiles of bfloat16 (AMX).
#[cfg(target_arch = "x86_64")]
fn has_amx() -> bool {
    const AMX_BF16: u32 = 1 << 22;
    // Needless from the version on in which this function became safe; every processor with AVX-512 has leaf 7.
    #[allow(unused_unsafe)]
    // SAFETY: x86-64 has the instruction.
    let leaf = unsafe { std::arch::x86_64::__cpuid_count(7, 0) };
    leaf.edx & AMX_BF16 != 0
}

/// Whether the processor multiplies tiles of bfloat16 (AMX).
#[cfg(not(target_arch = "x86_64"))]
fn has_amx() -> bool {
    false
}

/// Adds the products of kernels and panels of input to `tile`, or to one number per row, where there is a `start`. A panel has
/// what the taps read: all columns of the tile, and K − 1 more.
///
/// # Safety
/// The processor must have the instructions for such operands with as many lanes.
///
/// # Panics
/// Where a row of kernels is shorter than `inputs`.
pub(super) unsafe fn accumulate<
    E: Operand,
    const K: usize,
    const PANEL: usize,
    const LANES: usize,
    const VECTORS: usize,
    const ROWS: usize,
>(
    weights: [&[[E; K]]; ROWS],
    inputs: &[[E; PANEL]],
    start: Option<[f32; ROWS]>,
    tile: &mut Tile<LANES, VECTORS, ROWS>,
) {
    const {
        assert!(
            PANEL + 1 == LANES * VECTORS + K,
            "a panel is what the taps read"
        );
    }
    assert!(weights.iter().all(|row| row.len() >= inputs.len()));
    // SAFETY: the caller's promise; no row is shorter than `inputs`.
    unsafe { E::accumulate(weights, inputs, start, tile) };
}

/// The loop in one set of instructions: all differ only in what the functions and types beside it are.
#[cfg(target_arch = "x86_64")]
macro_rules! accumulate {
    ($features:literal) => {
        /// See [`super::accumulate`].
        ///
        /// # Safety
        /// No row of `weights` may be shorter than `inputs`.
        #[target_feature(enable = $features)]
        pub(in super::super) unsafe fn accumulate<
            const K: usize,
            const PANEL: usize,
            const LANES: usize,
            const VECTORS: usize,
            const ROWS: usize,
        >(
            weights: [&[[Value; K]]; ROWS],
            inputs: &[[Value; PANEL]],
            start: Option<[f32; ROWS]>,
            tile: &mut super::Tile<LANES, VECTORS, ROWS>,
        ) {
            let mut sums = [[splat(0.0); VECTORS]; ROWS];
            for (row, sums) in sums.iter_mut().enumerate() {
                for (vector, sum) in sums.iter_mut().enumerate() {
                    *sum = match start {
                        Some(start) => splat(start[row]),
                        None => load_sums(tile[row][vector][..].try_into().expect(REGISTER)),
                    };
                }
            }
            for (input, inputs) in inputs.iter().enumerate() {
                for tap in 0..K {
                    let mut values = [broadcast(Value::default()); VECTORS];
                    for (vector, values) in values.iter_mut().enumerate() {
                        let places = &inputs[tap + vector * LANES..][..LANES];
                        *values = load(places.try_into().expect(REGISTER));
                    }
                    for (sums, weights) in sums.iter_mut().zip(&weights) {
                        // SAFETY: no row is shorter than `inputs`.
                        let weight = broadcast(unsafe { weights.get_unchecked(input)[tap] });
                        for (sum, &values) in sums.iter_mut().zip(&values) {
                            *sum = multiply_add(*sum, weight, values);
                        }
                    }
                }
            }
            for (tile, sums) in tile.iter_mut().zip(sums) {
                for (tile, sum) in tile.iter_mut().zip(sums) {
                    store_sums((&mut tile[..]).try_into().expect(REGISTER), sum);
                }
            }
        }
    };
}

/// What is wrong where a tile is not made for the instructions.
#[cfg(target_arch = "x86_64")]
const REGISTER: &str = "as many lanes as a register has";

#[cfg(target_arch = "x86_64")]
pub(super) mod avx2 {
    use std::arch::x86_64::{
        __m256, _mm256_fmadd_ps, _mm256_loadu_ps, _mm256_set1_ps, _mm256_storeu_ps,
    };

    use super::REGISTER;

    type Value = f32;

    #[inline]
    #[target_feature(enable = "avx2,fma")]
    fn splat(value: f32) -> __m256 {
        _mm256_set1_ps(value)
    }

    #[inline]
    #[target_feature(enable = "avx2,fma")]
    fn load_sums(values: &[f32; 8]) -> __m256 {
        // SAFETY: these are as many values as are read.
        unsafe { _mm256_loadu_ps(values.as_ptr()) }
    }

    #[inline]
    #[target_feature(enable = "avx2,fma")]
    fn store_sums(values: &mut [f32; 8], sums: __m256) {
        // SAFETY: these are as many values as are written.
        unsafe { _mm256_storeu_ps(values.as_mut_ptr(), sums) };
    }

    #[inline]
    #[target_feature(enable = "avx2,fma")]
    fn multiply_add(sums: __m256, weight: __m256, values: __m256) -> __m256 {
        _mm256_fmadd_ps(weight, values, sums)
    }

    use load_sums as load;
    use splat as broadcast;

    accumulate!("avx2,fma");
}

#[cfg(target_arch = "x86_64")]
pub(super) mod avx512 {
    use std::arch::x86_64::{
        __m512, _mm512_fmadd_ps, _mm512_loadu_ps, _mm512_set1_ps, _mm512_storeu_ps,
    };

    use super::REGISTER;

    type Value = f32;

    #[inline]
    #[target_feature(enable = "avx512f")]
    pub(super) fn splat(value: f32) -> __m512 {
        _mm512_set1_ps(value)
    }

    #[inline]
    #[target_feature(enable = "avx512f")]
    pub(super) fn load_sums(values: &[f32; 16]) -> __m512 {
        // SAFETY: these are as many values as are read.
        unsafe { _mm512_loadu_ps(values.as_ptr()) }
    }

    #[inline]
    #[target_feature(enable = "avx512f")]
    pub(super) fn store_sums(values: &mut [f32; 16], sums: __m512) {
        // SAFETY: these are as many values as are written.
        unsafe { _mm512_storeu_ps(values.as_mut_ptr(), sums) };
    }

    #[inline]
    #[target_feature(enable = "avx512f")]
    fn multiply_add(sums: __m512, weight: __m512, values: __m512) -> __m512 {
        _mm512_fmadd_ps(weight, values, sums)
    }

    use load_sums as load;
    use splat as broadcast;

    accumulate!("avx512f");
}

#[cfg(target_arch = "x86_64")]
pub(super) mod avx512_bfloat16 {
    use std::arch::x86_64::{__m512, __m512bh, _mm512_dpbf16_ps};

    use super::REGISTER;
    use super::avx512::{load_sums, splat, store_sums};
    use crate::nn::direct::operand::Pair;

    type Value = Pair;

    /// The same pair in every lane.
    #[inline]
    #[target_feature(enable = "avx512f,avx512bf16")]
    fn broadcast(pair: Pair) -> __m512bh {
        // SAFETY: both are 64 bytes, and every bit pattern is a bfloat16.
        unsafe { std::mem::transmute::<[Pair; 16], __m512bh>([pair; 16]) }
    }

    #[inline]
    #[target_feature(enable = "avx512f,avx512bf16")]
    fn load(pairs: &[Pair; 16]) -> __m512bh {
        // SAFETY: as above.
        unsafe { std::mem::transmute::<[Pair; 16], __m512bh>(*pairs) }
    }

    #[inline]
    #[target_feature(enable = "avx512f,avx512bf16")]
    fn multiply_add(sums: __m512, weight: __m512bh, values: __m512bh) -> __m512 {
        _mm512_dpbf16_ps(sums, weight, values)
    }

    accumulate!("avx512f,avx512bf16");
}

#[cfg(test)]
pub(super) mod tests {
    use super::Instructions;

    /// All instructions.
    pub(in super::super) const ALL: [Instructions; 3] = [
        Instructions::Avx2,
        Instructions::Avx512,
        Instructions::Avx512Bfloat16,
    ];

    /// Calls `test` with each of these that the processor has.
    pub(in super::super) fn each(
        of: impl IntoIterator<Item = Instructions>,
        test: impl Fn(Instructions),
    ) {
        for instructions in of {
            if instructions.are_there() {
                test(instructions);
            } else {
                eprintln!("skipped: this processor does not have {instructions:?}");
            }
        }
    }
}
