//! The transforms of F(4, 3): four outputs of a kernel with three taps from six products instead of twelve.
//!
//! Polynomials are multiplied by their values at six points: 0, ±A, ±B and ∞. With A = 3/4 and B = 3/2 rounding errors are
//! about a third larger than those of the plain sum; the usual points 1 and 2 double them. All constants are exact in float32,
//! but for those of kernels.

/// Products of a group of outputs.
pub(super) const PRODUCTS: usize = 6;
/// Outputs of a group.
pub(super) const GROUP: usize = 4;

const A: f32 = 0.75;
const B: f32 = 1.5;
const A2: f32 = A * A;
const B2: f32 = B * B;

/// Factors of the taps in a transformed kernel, by product: a point's powers over the product of its differences from the
/// other finite points.
const KERNEL: [[f32; 3]; PRODUCTS] = {
    const fn powers(point: f32, difference: f64) -> [f32; 3] {
        let point = point as f64;
        let first = 1.0 / difference;
        [
            first as f32,
            (first * point) as f32,
            (first * point * point) as f32,
        ]
    }
    let (a2, b2) = (A2 as f64, B2 as f64);
    [
        powers(0.0, a2 * b2),
        powers(A, 2.0 * a2 * (a2 - b2)),
        powers(-A, 2.0 * a2 * (a2 - b2)),
        powers(B, 2.0 * b2 * (b2 - a2)),
        powers(-B, 2.0 * b2 * (b2 - a2)),
        [0.0, 0.0, 1.0],
    ]
};

/// Numbers that are transformed at a time.
pub(super) trait Lanes: Copy {
    /// `factor` · `self` + `other`
    ///
    /// # Safety
    /// The processor must have the instructions of this type.
    unsafe fn scaled(self, factor: f32, other: Self) -> Self;

    /// The sum.
    ///
    /// # Safety
    /// As [`Lanes::scaled`].
    unsafe fn plus(self, other: Self) -> Self;

    /// `factor` · `self`
    ///
    /// # Safety
    /// As [`Lanes::scaled`].
    unsafe fn times(self, factor: f32) -> Self;
}

/// Without special instructions.
impl Lanes for f32 {
    unsafe fn scaled(self, factor: f32, other: Self) -> Self {
        factor * self + other
    }

    unsafe fn plus(self, other: Self) -> Self {
        self + other
    }

    unsafe fn times(self, factor: f32) -> Self {
        factor * self
    }
}

/// Transforms six neighbouring inputs, the first of them one before the first output.
///
/// # Safety
/// As [`Lanes::scaled`].
#[inline(always)]
pub(super) unsafe fn input<V: Lanes>(d: [V; PRODUCTS]) -> [V; PRODUCTS] {
    // SAFETY: the caller's promise.
    unsafe {
        let (even_a, odd_a) = (d[2].scaled(-B2, d[4]), d[1].scaled(-B2, d[3]));
        let (even_b, odd_b) = (d[2].scaled(-A2, d[4]), d[1].scaled(-A2, d[3]));
        [
            d[0].scaled(A2 * B2, d[2].scaled(-(A2 + B2), d[4])),
            odd_a.scaled(A, even_a),
            odd_a.scaled(-A, even_a),
            odd_b.scaled(B, even_b),
            odd_b.scaled(-B, even_b),
            d[1].scaled(A2 * B2, d[3].scaled(-(A2 + B2), d[5])),
        ]
    }
}

/// Four neighbouring outputs from the sums of their products, each added to `start`.
///
/// # Safety
/// As [`Lanes::scaled`].
#[inline(always)]
pub(super) unsafe fn output<V: Lanes>(m: [V; PRODUCTS], start: V) -> [V; GROUP] {
    // SAFETY: the caller's promise.
    unsafe {
        let (even_a, odd_a) = (m[1].plus(m[2]), m[2].scaled(-1.0, m[1]));
        let (even_b, odd_b) = (m[3].plus(m[4]), m[4].scaled(-1.0, m[3]));
        [
            even_a.plus(even_b).plus(m[0].plus(start)),
            odd_a.scaled(A, odd_b.scaled(B, start)),
            even_a.scaled(A2, even_b.scaled(B2, start)),
            odd_a.scaled(A2 * A, odd_b.scaled(B2 * B, m[5].plus(start))),
        ]
    }
}

/// Transforms the gradients of four neighbouring outputs: [`output`] transposed.
///
/// # Safety
/// As [`Lanes::scaled`].
#[inline(always)]
pub(super) unsafe fn gradient<V: Lanes>(g: [V; GROUP]) -> [V; PRODUCTS] {
    // SAFETY: the caller's promise.
    unsafe {
        let (even_a, odd_a) = (g[2].scaled(A2, g[0]), g[3].scaled(A2, g[1]));
        let (even_b, odd_b) = (g[2].scaled(B2, g[0]), g[3].scaled(B2, g[1]));
        [
            g[0],
            odd_a.scaled(A, even_a),
            odd_a.scaled(-A, even_a),
            odd_b.scaled(B, even_b),
            odd_b.scaled(-B, even_b),
            g[3],
        ]
    }
}

/// Transforms kernels.
///
/// # Safety
/// As [`Lanes::scaled`].
#[inline(always)]
pub(super) unsafe fn kernel<V: Lanes>(taps: [V; 3]) -> [V; PRODUCTS] {
    // SAFETY: the caller's promise.
    unsafe {
        let even = |p: usize| taps[2].scaled(KERNEL[p][2], taps[0].times(KERNEL[p][0]));
        let (even_a, even_b) = (even(1), even(3));
        [
            taps[0].times(KERNEL[0][0]),
            taps[1].scaled(KERNEL[1][1], even_a),
            taps[1].scaled(KERNEL[2][1], even_a),
            taps[1].scaled(KERNEL[3][1], even_b),
            taps[1].scaled(KERNEL[4][1], even_b),
            taps[2],
        ]
    }
}

/// Gradients of kernels from those of their products: [`kernel`] transposed.
///
/// # Safety
/// As [`Lanes::scaled`].
#[inline(always)]
pub(super) unsafe fn kernel_gradient<V: Lanes>(sums: [V; PRODUCTS]) -> [V; 3] {
    // SAFETY: the caller's promise.
    unsafe {
        let (even_a, odd_a) = (sums[1].plus(sums[2]), sums[2].scaled(-1.0, sums[1]));
        let (even_b, odd_b) = (sums[3].plus(sums[4]), sums[4].scaled(-1.0, sums[3]));
        let even = |tap: usize| even_a.scaled(KERNEL[1][tap], even_b.times(KERNEL[3][tap]));
        [
            sums[0].scaled(KERNEL[0][0], even(0)),
            odd_a.scaled(KERNEL[1][1], odd_b.times(KERNEL[3][1])),
            even(2).plus(sums[5]),
        ]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tests::noise;

    #[test]
    fn six_products_give_four_outputs_and_their_gradients() {
        let values = noise(1, 13);
        let (d, rest) = values.split_first_chunk::<6>().unwrap();
        let (g, rest) = rest.split_first_chunk::<3>().unwrap();
        let dy = rest.first_chunk::<4>().unwrap();
        // SAFETY: no special instructions.
        let (transformed, kernel) = unsafe { (input(*d), kernel(*g)) };
        let products = std::array::from_fn(|i| transformed[i] * kernel[i]);
        // SAFETY: no special instructions.
        let y = unsafe { output(products, 0.5) };
        for (t, y) in y.into_iter().enumerate() {
            let expected: f32 = (0..3).map(|tap| g[tap] * d[t + tap]).sum();
            assert!((y - 0.5 - expected).abs() < 1e-5, "{y} {expected}");
        }
        // SAFETY: no special instructions.
        let back = unsafe { gradient(*dy) };
        let products = std::array::from_fn(|i| back[i] * transformed[i]);
        // SAFETY: no special instructions.
        let dg = unsafe { kernel_gradient(products) };
        for (tap, dg) in dg.into_iter().enumerate() {
            let expected: f32 = (0..4).map(|t| dy[t] * d[t + tap]).sum();
            assert!((dg - expected).abs() < 1e-5, "{dg} {expected}");
        }
    }
}
