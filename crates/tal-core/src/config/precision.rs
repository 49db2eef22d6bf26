//! How exactly a network multiplies.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// How exactly convolutions multiply. Norms, Fourier transforms, the optimiser and the weights that are kept are float32 in
/// any case.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Precision {
    /// float32.
    #[default]
    Float32,
    /// float32 of which CUDA's tensor cores read 10 bits of the fraction, in products of matrices (attention), too; on the CPU
    /// the same as `float32`.
    Tf32,
    /// bfloat16, which has 7 bits of the fraction, in all but depth-wise convolutions. For CUDA and for processors with fast
    /// products of bfloat16 (of those with AVX512-BF16 not all, see `docs/performance.md`); slower on others.
    Bfloat16,
}
