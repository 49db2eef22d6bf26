//! The choice of instructions.

/// Runs `body` compiled for AVX2 if the processor has it. Results are the same: no operation is fused or reordered.
///
/// `body` must be inlined, so the loops in it belong into functions that are always inlined.
#[inline]
pub(super) fn vectorised<R>(body: impl FnOnce() -> R) -> R {
    #[cfg(target_arch = "x86_64")]
    if std::arch::is_x86_feature_detected!("avx2") {
        #[target_feature(enable = "avx2")]
        fn avx2<R>(body: impl FnOnce() -> R) -> R {
            body()
        }
        // SAFETY: the processor has AVX2.
        return unsafe { avx2(body) };
    }
    body()
}
