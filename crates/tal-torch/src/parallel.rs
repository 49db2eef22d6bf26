//! LibTorch's own threads, lent to loops in Rust.
//!
//! Loops between LibTorch's operations should run on its threads: those of another pool would have to be woken up for each loop,
//! while LibTorch's still look for work on the same processors.

use std::ffi::{c_int, c_void};

unsafe extern "C" {
    fn tal_torch_num_threads() -> c_int;
    /// Calls `work(data)` `times` times, on LibTorch's threads. Not zero if it failed.
    fn tal_torch_on_threads(
        times: i64,
        work: unsafe extern "C" fn(*const c_void),
        data: *const c_void,
    ) -> c_int;
}

/// Number of threads that LibTorch's loops run on; 1 within such a loop.
pub fn num_threads() -> usize {
    // SAFETY: takes nothing.
    let count = unsafe { tal_torch_num_threads() };
    usize::try_from(count).unwrap_or(1).max(1)
}

/// Calls `work` `times` times, as far as possible at the same time on LibTorch's threads, and returns after the last call has
/// ended. If LibTorch has no thread to lend, calls are left out.
///
/// `work` must not panic: the program would end.
pub fn run(times: usize, work: &(dyn Fn() + Sync)) {
    type Work<'a> = &'a (dyn Fn() + Sync);
    unsafe extern "C" fn call(work: *const c_void) {
        // SAFETY: `run` gives a reference that lives until all calls have returned.
        let work = unsafe { *work.cast::<Work<'_>>() };
        work();
    }
    let times = i64::try_from(times).unwrap_or(i64::MAX);
    // SAFETY: `call` gets the reference that it expects, which may be shared among threads, and does not unwind.
    unsafe { tal_torch_on_threads(times, call, std::ptr::from_ref(&work).cast()) };
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    #[test]
    fn every_call_is_made() {
        for times in [0, 1, num_threads(), 7] {
            let count = AtomicUsize::new(0);
            run(times, &|| {
                count.fetch_add(1, Ordering::Relaxed);
            });
            assert_eq!(count.into_inner(), times);
        }
    }

    #[test]
    fn loops_within_loops_stay_on_their_thread() {
        let before = tch::get_num_threads();
        tch::set_num_threads(3);
        let [inner, threads] = [(); 2].map(|()| AtomicUsize::new(0));
        run(3, &|| {
            threads.fetch_max(num_threads(), Ordering::Relaxed);
            run(8, &|| {
                inner.fetch_add(1, Ordering::Relaxed);
            });
        });
        tch::set_num_threads(before);
        assert_eq!((inner.into_inner(), threads.into_inner()), (24, 1));
    }
}
