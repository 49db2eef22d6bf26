//! Sums in registers: the innermost loops, in the instructions of some processors.

/// Sums that stay in registers: ROWS output channels at VECTORS times LANES positions.
pub(crate) type Tile<const LANES: usize, const VECTORS: usize, const ROWS: usize> =
    [[[f32; LANES]; VECTORS]; ROWS];

/// Instructions that the loops are written in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Instructions {
    /// AVX2 with fused multiply-add: 8 lanes, 16 registers.
    Avx2,
    /// AVX-512: 16 lanes, 32 registers.
    Avx512,
}

impl Instructions {
    /// All, the best first.
    pub(crate) const ALL: [Self; 2] = [Self::Avx512, Self::Avx2];

    /// The best of this processor.
    pub(crate) fn best() -> Option<Self> {
        Self::ALL.into_iter().find(|which| which.are_there())
    }

    /// Whether this processor has them.
    pub(crate) fn are_there(self) -> bool {
        #[cfg(target_arch = "x86_64")]
        if is_x86_feature_detected!("fma") {
            return match self {
                Self::Avx2 => is_x86_feature_detected!("avx2"),
                Self::Avx512 => is_x86_feature_detected!("avx512f"),
            };
        }
        false
    }
}

/// Adds the products of kernels and panels of input to `tile`, or to `start`, one number for each row, if given. A panel has all
/// columns of the tile and K − 1 more, as the taps read them.
///
/// # Safety
/// The processor must have the instructions with as many lanes.
///
/// # Panics
/// If a row of kernels is shorter than `inputs`.
pub(crate) unsafe fn accumulate<
    const K: usize,
    const PANEL: usize,
    const LANES: usize,
    const VECTORS: usize,
    const ROWS: usize,
>(
    weights: [&[[f32; K]]; ROWS],
    inputs: &[[f32; PANEL]],
    start: Option<[f32; ROWS]>,
    tile: &mut Tile<LANES, VECTORS, ROWS>,
) {
    const {
        assert!(
            PANEL + 1 == LANES * VECTORS + K,
            "a panel is what the taps read"
        )
    };
    assert!(weights.iter().all(|row| row.len() >= inputs.len()));
    #[cfg(target_arch = "x86_64")]
    // SAFETY: the caller's promise; no row is shorter than `inputs`.
    unsafe {
        match LANES {
            8 => avx2::accumulate(weights, inputs, start, tile),
            16 => avx512::accumulate(weights, inputs, start, tile),
            _ => unreachable!("no register has {LANES} lanes"),
        }
    }
    #[cfg(not(target_arch = "x86_64"))]
    unreachable!("there are no such registers: {start:?}, {}", tile.len());
}

/// Adds the products of kernels with one tap, ROWS output channels side by side, and a panel of input to `tile`, or to zero if it
/// is not `kept`.
///
/// # Safety
/// The processor must have the instructions with as many lanes.
///
/// # Panics
/// If there are fewer kernels than rows of `inputs`.
pub(crate) unsafe fn multiply<
    const COLUMNS: usize,
    const LANES: usize,
    const VECTORS: usize,
    const ROWS: usize,
>(
    weights: &[[f32; ROWS]],
    inputs: &[[f32; COLUMNS]],
    kept: bool,
    tile: &mut Tile<LANES, VECTORS, ROWS>,
) {
    const { assert!(COLUMNS == LANES * VECTORS, "a panel is as wide as the tile") };
    let weights = &weights[..inputs.len()];
    #[cfg(target_arch = "x86_64")]
    // SAFETY: the caller's promise.
    unsafe {
        match LANES {
            8 => avx2::multiply(weights, inputs, kept, tile),
            16 => avx512::multiply(weights, inputs, kept, tile),
            _ => unreachable!("no register has {LANES} lanes"),
        }
    }
    #[cfg(not(target_arch = "x86_64"))]
    unreachable!(
        "there are no such registers: {kept:?}, {}, {}",
        weights.len(),
        tile.len()
    );
}

/// The loop in one set of instructions; only their names differ.
#[cfg(target_arch = "x86_64")]
macro_rules! accumulate {
    ($features:literal, $lanes:literal, $load:ident, $store:ident, $set1:ident, $setzero:ident, $fmadd:ident) => {
        use std::arch::x86_64::{$fmadd, $load, $set1, $setzero, $store};

        /// See [`super::accumulate`].
        ///
        /// # Safety
        /// No row of `weights` may be shorter than `inputs`, and LANES must be that of the registers.
        #[target_feature(enable = $features)]
        pub(crate) unsafe fn accumulate<
            const K: usize,
            const PANEL: usize,
            const LANES: usize,
            const VECTORS: usize,
            const ROWS: usize,
        >(
            weights: [&[[f32; K]]; ROWS],
            inputs: &[[f32; PANEL]],
            start: Option<[f32; ROWS]>,
            tile: &mut super::Tile<LANES, VECTORS, ROWS>,
        ) {
            debug_assert_eq!(LANES, $lanes);
            let mut sums = [[$setzero(); VECTORS]; ROWS];
            for (row, sums) in sums.iter_mut().enumerate() {
                for (vector, sum) in sums.iter_mut().enumerate() {
                    *sum = match start {
                        Some(start) => $set1(start[row]),
                        // SAFETY: a register's values.
                        None => unsafe { $load(tile[row][vector].as_ptr()) },
                    };
                }
            }
            for (input, inputs) in inputs.iter().enumerate() {
                for tap in 0..K {
                    let mut values = [$setzero(); VECTORS];
                    for (vector, values) in values.iter_mut().enumerate() {
                        let values_read = &inputs[tap + vector * LANES..][..LANES];
                        // SAFETY: these are as many values as are read.
                        *values = unsafe { $load(values_read.as_ptr()) };
                    }
                    for (sums, weights) in sums.iter_mut().zip(&weights) {
                        // SAFETY: no row is shorter than `inputs`.
                        let weight = $set1(unsafe { weights.get_unchecked(input)[tap] });
                        for (sum, &values) in sums.iter_mut().zip(&values) {
                            *sum = $fmadd(weight, values, *sum);
                        }
                    }
                }
            }
            for (tile, sums) in tile.iter_mut().zip(sums) {
                for (tile, sum) in tile.iter_mut().zip(sums) {
                    // SAFETY: these are as many values as are written.
                    unsafe { $store(tile.as_mut_ptr(), sum) };
                }
            }
        }

        /// See [`super::multiply`].
        ///
        /// # Safety
        /// There must be as many weights as inputs, and LANES must be that of the registers.
        #[target_feature(enable = $features)]
        pub(crate) unsafe fn multiply<
            const COLUMNS: usize,
            const LANES: usize,
            const VECTORS: usize,
            const ROWS: usize,
        >(
            weights: &[[f32; ROWS]],
            inputs: &[[f32; COLUMNS]],
            kept: bool,
            tile: &mut super::Tile<LANES, VECTORS, ROWS>,
        ) {
            debug_assert_eq!(LANES, $lanes);
            let mut sums = [[$setzero(); VECTORS]; ROWS];
            if kept {
                for (sums, tile) in sums.iter_mut().zip(&*tile) {
                    for (sum, tile) in sums.iter_mut().zip(tile) {
                        // SAFETY: a register's values.
                        *sum = unsafe { $load(tile.as_ptr()) };
                    }
                }
            }
            let mut step = |weights: &[f32; ROWS], inputs: &[f32; COLUMNS]| {
                let mut values = [$setzero(); VECTORS];
                for (vector, values) in values.iter_mut().enumerate() {
                    let values_read = &inputs[vector * LANES..][..LANES];
                    // SAFETY: these are as many values as are read.
                    *values = unsafe { $load(values_read.as_ptr()) };
                }
                for (sums, &weight) in sums.iter_mut().zip(weights) {
                    let weight = $set1(weight);
                    for (sum, &values) in sums.iter_mut().zip(&values) {
                        *sum = $fmadd(weight, values, *sum);
                    }
                }
            };
            let (weights, last_weights) = weights.as_chunks::<4>();
            let (inputs, last_inputs) = inputs.as_chunks::<4>();
            for (weights, inputs) in weights.iter().zip(inputs) {
                for (weights, inputs) in weights.iter().zip(inputs) {
                    step(weights, inputs);
                }
            }
            for (weights, inputs) in last_weights.iter().zip(last_inputs) {
                step(weights, inputs);
            }
            for (tile, sums) in tile.iter_mut().zip(sums) {
                for (tile, sum) in tile.iter_mut().zip(sums) {
                    // SAFETY: these are as many values as are written.
                    unsafe { $store(tile.as_mut_ptr(), sum) };
                }
            }
        }
    };
}

#[cfg(target_arch = "x86_64")]
mod avx2 {
    accumulate!(
        "avx2,fma",
        8,
        _mm256_loadu_ps,
        _mm256_storeu_ps,
        _mm256_set1_ps,
        _mm256_setzero_ps,
        _mm256_fmadd_ps
    );
}

#[cfg(target_arch = "x86_64")]
mod avx512 {
    accumulate!(
        "avx512f",
        16,
        _mm512_loadu_ps,
        _mm512_storeu_ps,
        _mm512_set1_ps,
        _mm512_setzero_ps,
        _mm512_fmadd_ps
    );
}

#[cfg(test)]
pub(crate) mod tests {
    use super::Instructions;

    /// Calls `test` with each of the instructions that the processor has.
    pub(crate) fn each(test: impl Fn(Instructions)) {
        for instructions in Instructions::ALL {
            if instructions.are_there() {
                test(instructions);
            } else {
                eprintln!("skipped: this processor does not have {instructions:?}");
            }
        }
    }
}
