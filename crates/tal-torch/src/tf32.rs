//! TensorFloat-32 on CUDA.
//!
//! Tensor cores multiply float32 numbers of which they read 10 bits of the fraction. Unless told otherwise, LibTorch allows
//! that to convolutions and not to products of matrices. The setting is the whole process's; the CPU takes no notice.

use std::ffi::c_int;

unsafe extern "C" {
    /// Bits: 1 products of matrices, 2 convolutions; negative where LibTorch refuses.
    fn tal_torch_tf32() -> c_int;
    /// Not zero where LibTorch refuses.
    fn tal_torch_set_tf32(matmul: c_int, convolution: c_int) -> c_int;
}

/// What may use TF32.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Tf32 {
    /// Products of matrices (cuBLAS).
    pub matmul: bool,
    /// Convolutions (cuDNN).
    pub convolution: bool,
}

impl Tf32 {
    /// The same for both.
    pub fn all(allowed: bool) -> Self {
        Tf32 {
            matmul: allowed,
            convolution: allowed,
        }
    }

    /// The present setting.
    ///
    /// # Panics
    /// Where LibTorch cannot tell, because somebody mixed its old and new settings.
    pub fn current() -> Self {
        // SAFETY: takes nothing, and turns exceptions into a number.
        let bits = unsafe { tal_torch_tf32() };
        assert!(bits >= 0, "LibTorch does not tell whether TF32 is allowed");
        Tf32 {
            matmul: bits & 1 != 0,
            convolution: bits & 2 != 0,
        }
    }

    /// Makes this the setting of the process. No other thread may compute on CUDA or change the setting meanwhile.
    ///
    /// # Panics
    /// Where LibTorch refuses.
    pub fn apply(self) {
        // SAFETY: any numbers will do, and exceptions become a number.
        let failed = unsafe { tal_torch_set_tf32(self.matmul.into(), self.convolution.into()) };
        assert_eq!(failed, 0, "LibTorch refuses {self:?}");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_are_switched_apart() {
        let before = Tf32::current();
        for (matmul, convolution) in [(true, false), (false, true), (true, true), (false, false)] {
            let tf32 = Tf32 {
                matmul,
                convolution,
            };
            tf32.apply();
            assert_eq!(Tf32::current(), tf32);
        }
        before.apply();
    }
}
