//! Threads for loops, lent by the caller.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Below this many values, waking other threads takes longer than the work.
const MIN_VALUES: usize = 1 << 14;

/// Below this many multiplications, waking other threads takes longer than the work.
const MIN_PRODUCTS: usize = 1 << 23;

/// Threads that a loop may use.
///
/// Loops between another library's operations should run on that library's threads: those of a second pool would have to be
/// woken up, while the first ones still look for work on the same processors.
pub trait Threads: Sync {
    /// Number of threads, the caller's included; 1 if the caller is one of these threads itself.
    fn count(&self) -> usize;

    /// Calls `work` up to `times` times, as far as possible at the same time, and returns after the last call has ended.
    ///
    /// `work` does not panic. Calls that are left out cost speed, not results.
    fn run(&self, times: usize, work: &(dyn Fn() + Sync));
}

/// New threads of the standard library for every loop, this many with the caller's own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ScopedThreads(pub usize);

impl Threads for ScopedThreads {
    fn count(&self) -> usize {
        self.0
    }

    fn run(&self, times: usize, work: &(dyn Fn() + Sync)) {
        std::thread::scope(|scope| {
            for _ in 1..times {
                scope.spawn(work);
            }
            work();
        });
    }
}

/// Calls `work` with every task, on at most `num_threads` threads; any thread may take any task. `state` makes what a thread
/// reuses from task to task.
///
/// # Panics
/// If `state` or `work` panics. Tasks that had not begun are dropped.
pub fn for_each<T: Send, S>(
    threads: &dyn Threads,
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
    threads.run(num_threads, &run);
    // Every task is done, even if no thread was lent.
    run();
    if let Some(payload) = panic.into_inner().unwrap_or_else(PoisonError::into_inner) {
        resume_unwind(payload);
    }
}

/// A panic leaves one task less behind, as it should be.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Threads for a loop over `count` values.
pub(crate) fn for_values(threads: &dyn Threads, count: usize) -> usize {
    if count < MIN_VALUES {
        1
    } else {
        threads.count()
    }
}

/// Threads for `count` multiplications.
pub(crate) fn for_products(threads: &dyn Threads, count: usize) -> usize {
    if count < MIN_PRODUCTS {
        1
    } else {
        threads.count()
    }
}

/// Number of tasks to cut work into: a few for each of several threads, so that the others take over from one that is held up.
pub(crate) fn num_tasks(num_threads: usize) -> usize {
    if num_threads > 1 { 4 * num_threads } else { 1 }
}

#[cfg(test)]
mod tests {
    use super::*;

    const THREADS: ScopedThreads = ScopedThreads(3);

    /// Lends no thread at all.
    struct Broken;

    impl Threads for Broken {
        fn count(&self) -> usize {
            3
        }

        fn run(&self, _: usize, _: &(dyn Fn() + Sync)) {}
    }

    #[test]
    fn every_task_is_done_once() {
        let mut done = vec![0u32; 1000];
        let lenders: [&dyn Threads; 3] = [&ScopedThreads(1), &THREADS, &Broken];
        for threads in lenders {
            for_each(
                threads,
                threads.count(),
                done.iter_mut().enumerate(),
                || (),
                |(), (number, place)| *place += number as u32 + 1,
            );
        }
        let expected: Vec<u32> = (1..=1000).map(|number| 3 * number).collect();
        assert_eq!(done, expected);
        for_each(
            &THREADS,
            2,
            Vec::<u32>::new(),
            || (),
            |(), _| unreachable!(),
        );
    }

    #[test]
    fn a_panic_comes_back() {
        let outcome = catch_unwind(|| {
            for_each(
                &THREADS,
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
