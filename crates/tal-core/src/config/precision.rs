//! Precision of a network's products.

sections! {
    /// Precision of convolutions and of the products of attention. Norms, Fourier transforms, the optimiser and the stored weights
    /// are float32 in any case.
    #[derive(Default)]
    pub enum Precision {
        /// float32. On the CPU, large convolutions with kernel 3 take half the products (after Winograd), with rounding errors
        /// about a third larger than those of `float32-exact`.
        #[default]
        Float32,
        /// float32, every product of a convolution added up as its formula says; slower than `float32` on the CPU, and the same
        /// on CUDA.
        #[serde(rename = "float32-exact")]
        Float32Exact,
        /// float32 whose fraction CUDA's tensor cores shorten to 10 bits, in the matrix products of attention too; the same as
        /// `float32` on the CPU.
        Tf32,
        /// bfloat16 (7 bits of fraction) in all convolutions except depth-wise ones. For CUDA, and for processors that multiply
        /// bfloat16 fast (not all of those with AVX512-BF16, see `docs/performance.md`); slower on others.
        Bfloat16,
    }
}
