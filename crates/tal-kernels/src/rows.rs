//! Loops over the rows of an output.

use std::mem::MaybeUninit;

use crate::threads::{self, Threads, for_each, num_tasks};

/// The values of a list that was written from end to end.
///
/// # Safety
/// Every value must have been written.
pub(crate) unsafe fn written(values: &mut [MaybeUninit<f32>]) -> &mut [f32] {
    // SAFETY: all values have been written, the caller promises, and both types have the same layout.
    unsafe { &mut *(std::ptr::from_mut(values) as *mut [f32]) }
}

/// The list filled with zeros.
pub(crate) fn zeroed(values: &mut [MaybeUninit<f32>]) -> &mut [f32] {
    values.fill(MaybeUninit::new(0.0));
    // SAFETY: all values were just written.
    unsafe { written(values) }
}

/// Calls `work` with the number and the values of every row, on several threads if there is enough to do; `state` makes what a
/// thread reuses from row to row.
///
/// # Panics
/// If `row_len` is 0.
pub(crate) fn for_each_row<S>(
    threads: &dyn Threads,
    rows: &mut [MaybeUninit<f32>],
    row_len: usize,
    state: impl Fn() -> S + Sync,
    work: impl Fn(&mut S, usize, &mut [MaybeUninit<f32>]) + Sync,
) {
    // Takes no memory.
    let mut nothing = vec![(); rows.len() / row_len];
    let work = |state: &mut S, number, row: &mut [_], (): &mut ()| work(state, number, row);
    for_each_row_with(threads, rows, row_len, &mut nothing, state, work);
}

/// [`for_each_row`] with an answer for every row, which `work` may change.
///
/// # Panics
/// If `row_len` is 0, or there are more rows than answers.
pub(crate) fn for_each_row_with<A: Send, S>(
    threads: &dyn Threads,
    rows: &mut [MaybeUninit<f32>],
    row_len: usize,
    answers: &mut [A],
    state: impl Fn() -> S + Sync,
    work: impl Fn(&mut S, usize, &mut [MaybeUninit<f32>], &mut A) + Sync,
) {
    let num_rows = rows.len() / row_len;
    let answers = &mut answers[..num_rows];
    let num_threads = threads::for_values(threads, rows.len());
    let block = |state: &mut S, (first, rows, answers): (usize, &mut [_], &mut [A])| {
        let rows = rows.chunks_exact_mut(row_len).zip(answers);
        for (number, (row, answer)) in (first..).zip(rows) {
            work(state, number, row, answer);
        }
    };
    let num_rows = num_rows.div_ceil(num_tasks(num_threads)).max(1);
    let blocks = rows
        .chunks_mut(num_rows * row_len)
        .zip(answers.chunks_mut(num_rows))
        .enumerate()
        .map(|(index, (rows, answers))| (index * num_rows, rows, answers));
    for_each(threads, num_threads, blocks, state, block);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tests::{build, cases};
    use crate::threads::ScopedThreads;

    #[test]
    fn every_row_once_with_its_number() {
        let sizes = cases(&[(0, 3), (1, 1), (5, 4), (1000, 37), (3, 20_000)]);
        for &(num_rows, row_len) in sizes {
            let mut numbers = vec![usize::MAX; num_rows];
            let values = build(num_rows * row_len, |rows| {
                for_each_row_with(
                    &ScopedThreads(2),
                    rows,
                    row_len,
                    &mut numbers,
                    || (),
                    |(), number, row, answer| {
                        assert_eq!(row.len(), row_len);
                        *answer = number;
                        row.fill(MaybeUninit::new(number as f32));
                    },
                );
                // SAFETY: every value belongs to a row, and all values of a row were written.
                unsafe { written(rows) }
            });
            let expected = (0..num_rows * row_len).map(|i| (i / row_len) as f32);
            assert!(values.into_iter().eq(expected));
            assert!(numbers.into_iter().eq(0..num_rows));
        }
    }
}
