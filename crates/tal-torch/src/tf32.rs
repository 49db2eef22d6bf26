//! TensorFloat-32 on CUDA.
//!
//! Tensor cores multiply float32 numbers of which they read 10 bits of the fraction. LibTorch allows that to convolutions
//! unless told otherwise. The setting is the process's; on the CPU it changes nothing.

use std::ffi::c_int;

unsafe extern "C" {
    fn tal_torch_tf32() -> c_int;
    fn tal_torch_set_tf32(allow: c_int);
}

/// Whether convolutions or products of matrices may use it.
pub fn is_allowed() -> bool {
    // SAFETY: a function without arguments.
    unsafe { tal_torch_tf32() != 0 }
}

/// Allows it to convolutions and products of matrices, or forbids it to both.
pub fn allow(allow: bool) {
    // SAFETY: any number will do.
    unsafe { tal_torch_set_tf32(c_int::from(allow)) }
}

#[cfg(test)]
mod tests {
    #[test]
    fn it_can_be_switched() {
        for allow in [true, false, true, false] {
            super::allow(allow);
            assert_eq!(super::is_allowed(), allow);
        }
    }
}
