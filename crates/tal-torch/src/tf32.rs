//! TensorFloat-32 on CUDA.
//!
//! With TF32, tensor cores read only 10 bits of the fraction of a float32 number. By default LibTorch allows it for
//! convolutions and not for matrix products. The setting holds for the whole process; it has no effect on the CPU.

use std::ffi::c_int;

unsafe extern "C" {
    /// Bits: 1 matrix products, 2 convolutions; negative if LibTorch refuses.
    fn tal_torch_tf32() -> c_int;
    /// Returns a number other than zero if LibTorch refuses.
    fn tal_torch_set_tf32(matmul: c_int, convolution: c_int) -> c_int;
}

/// Operations that may use TF32.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Tf32 {
    /// Matrix products (cuBLAS).
    pub matmul: bool,
    /// Convolutions (cuDNN).
    pub convolution: bool,
}

impl Tf32 {
    /// One setting for both.
    pub fn all(allowed: bool) -> Self {
        Tf32 {
            matmul: allowed,
            convolution: allowed,
        }
    }

    /// The current setting.
    ///
    /// # Panics
    /// If LibTorch cannot tell, because its old and new settings were mixed.
    pub fn current() -> Self {
        // SAFETY: takes no argument, and turns exceptions into a number.
        let bits = unsafe { tal_torch_tf32() };
        assert!(bits >= 0, "LibTorch cannot tell whether TF32 is allowed");
        Tf32 {
            matmul: bits & 1 != 0,
            convolution: bits & 2 != 0,
        }
    }

    /// Makes this the setting of the process. No other thread may compute on CUDA or change the setting meanwhile.
    ///
    /// # Panics
    /// If LibTorch refuses.
    pub fn apply(self) {
        // SAFETY: any number is allowed, and exceptions become a number.
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
