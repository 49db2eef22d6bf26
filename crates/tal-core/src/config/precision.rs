//! How exactly a network multiplies.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// How exactly convolutions multiply. Everything else (norms, Fourier transforms, losses, the optimiser) is float32 in
/// any case, and so are the weights that are kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Precision {
    /// float32.
    #[default]
    Float32,
    /// float32 of which CUDA's tensor cores read 10 bits of the fraction; on the CPU the same as `float32`.
    Tf32,
    /// bfloat16, which has 8 bits of the fraction. Faster on CUDA and on processors with AVX512-BF16 or AMX, slower on
    /// others.
    Bfloat16,
}
