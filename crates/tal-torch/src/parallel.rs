//! Work on LibTorch's own threads.
//!
//! Loops in Rust that stand between operations of LibTorch run on the threads of these: another pool of threads would have to
//! be woken up for each loop, while LibTorch's still look for work on the same processors.

use std::any::Any;
use std::ffi::{c_int, c_void};
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::{Mutex, MutexGuard, PoisonError};

unsafe extern "C" {
    fn tal_torch_num_threads() -> c_int;
    /// Calls `work(data)` `times` times, on threads of LibTorch. Not zero where it failed.
    fn tal_torch_on_threads(
        times: i64,
        work: unsafe extern "C" fn(*const c_void),
        data: *const c_void,
    ) -> c_int;
}

/// Threads that LibTorch's loops run on: one within such a loop.
pub fn num_threads() -> usize {
    // SAFETY: takes nothing.
    let count = unsafe { tal_torch_num_threads() };
    usize::try_from(count).unwrap_or(1).max(1)
}

/// Calls `work` with each of the tasks, on at most `num_threads` of LibTorch's threads; which of them does what is not fixed.
/// `state` makes what a thread reuses from task to task.
///
/// # Panics
/// Where `state` or `work` panics; tasks that were not begun are dropped then.
pub fn for_each<T: Send, S>(
    num_threads: usize,
    tasks: impl IntoIterator<Item = T, IntoIter: ExactSizeIterator + Send>,
    state: impl Fn() -> S + Sync,
    work: impl Fn(&mut S, T) + Sync,
) {
    let tasks = tasks.into_iter();
    let num_threads = num_threads.min(tasks.len());
    if num_threads <= 1 {
        let mut state = state();
        return tasks.for_each(|task| work(&mut state, task));
    }
    let tasks = Mutex::new(tasks.fuse());
    let panic: Mutex<Option<Box<dyn Any + Send>>> = Mutex::new(None);
    let next = || lock(&tasks).next();
    let run = || {
        let outcome = catch_unwind(AssertUnwindSafe(|| {
            let Some(mut task) = next() else { return };
            let mut state = state();
            loop {
                work(&mut state, task);
                match next() {
                    Some(next) => task = next,
                    None => return,
                }
            }
        }));
        if let Err(payload) = outcome {
            while next().is_some() {}
            lock(&panic).get_or_insert(payload);
        }
    };
    on_threads(num_threads, &run);
    if let Some(payload) = panic.into_inner().unwrap_or_else(PoisonError::into_inner) {
        resume_unwind(payload);
    }
}

/// What a panic leaves behind is a task less, which is as it should be.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Calls `run`, which does not unwind, as many times, on threads of LibTorch.
fn on_threads<F: Fn() + Sync>(times: usize, run: &F) {
    unsafe extern "C" fn call<F: Fn()>(run: *const c_void) {
        // SAFETY: `on_threads` gives a reference that lives until all calls have returned.
        let run = unsafe { &*run.cast::<F>() };
        run();
    }
    // SAFETY: `call` gets the reference that it expects, which may be shared among threads, and does not unwind.
    let failed =
        unsafe { tal_torch_on_threads(times as i64, call::<F>, std::ptr::from_ref(run).cast()) };
    if failed != 0 {
        // What was not begun elsewhere is done here.
        run();
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    #[test]
    fn every_task_is_done_once() {
        let mut done = vec![0u32; 1000];
        for num_threads in [1, num_threads(), 3] {
            for_each(
                num_threads,
                done.iter_mut().enumerate(),
                || (),
                |(), (number, place)| *place += number as u32 + 1,
            );
        }
        let expected: Vec<u32> = (1..=1000).map(|number| 3 * number).collect();
        assert_eq!(done, expected);
        for_each(2, Vec::<u32>::new(), || (), |(), _| unreachable!());
    }

    #[test]
    fn loops_within_loops_stay_on_their_thread() {
        let count = AtomicUsize::new(0);
        for_each(
            3,
            0..8,
            || (),
            |(), _| {
                for_each(
                    num_threads(),
                    0..8,
                    || (),
                    |(), _| {
                        count.fetch_add(1, Ordering::Relaxed);
                    },
                );
            },
        );
        assert_eq!(count.into_inner(), 64);
    }

    #[test]
    fn a_panic_comes_back() {
        let outcome = catch_unwind(|| {
            for_each(
                3,
                0..100,
                || (),
                |(), task| assert!(task != 41, "task {task}"),
            );
        });
        let payload = outcome.unwrap_err();
        assert_eq!(payload.downcast_ref::<String>().unwrap(), "task 41");
        every_task_is_done_once();
    }
}
