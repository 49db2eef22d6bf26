//! Random numbers of a batch that several processes share.

use std::cell::Cell;
use std::marker::PhantomData;
use std::ops::Range;

use tch::Tensor;

use super::dim;

thread_local! {
    /// First row of this thread's tensors within the whole batch, and the size of that batch.
    static ROWS: Cell<Option<(i64, i64)>> = const { Cell::new(None) };
}

/// Scope in which the tensors of this thread are some rows of a larger batch: [`draw_rows`] then draws for the whole batch and
/// keeps these rows, so that a recording gets the same random numbers however many processes share the batch.
#[derive(Debug)]
#[must_use = "the scope ends as soon as it is dropped"]
pub struct BatchRowsScope {
    before: Option<(i64, i64)>,
    thread: PhantomData<*const ()>,
}

impl BatchRowsScope {
    /// Says that tensors have the rows `rows` of a batch of `batch_size`.
    pub fn new(rows: &Range<usize>, batch_size: usize) -> Self {
        Self {
            before: ROWS.replace(Some((dim(rows.start), dim(batch_size)))),
            thread: PhantomData,
        }
    }
}

impl Drop for BatchRowsScope {
    fn drop(&mut self) {
        ROWS.set(self.before);
    }
}

/// A random tensor of `size`, whose first dimension is the batch; `draw` draws one of the size that it is given.
pub fn draw_rows(size: &[i64], draw: impl Fn(&[i64]) -> Tensor) -> Tensor {
    let Some((first, batch_size)) = ROWS.get() else {
        return draw(size);
    };
    let mut whole = size.to_vec();
    whole[0] = batch_size;
    draw(&whole).narrow(0, first, size[0])
}

/// `x` with values set to 0 with `probability`, and the others scaled up to the same mean. The first dimension is the batch.
pub fn dropout(x: &Tensor, probability: f64) -> Tensor {
    // The operations and random numbers of LibTorch's own on the CPU.
    let keep = 1.0 - probability;
    let options = (x.kind(), x.device());
    let kept = draw_rows(&x.size(), |size| {
        Tensor::empty(size, options).bernoulli_float_(keep)
    });
    x * (kept / keep)
}

#[cfg(test)]
mod tests {
    use tch::{Device, Kind};

    use super::*;

    #[test]
    fn rows_are_those_of_the_whole_batch() {
        let draw = |size: &[i64]| {
            tch::manual_seed(4);
            draw_rows(size, |size| Tensor::randn(size, (Kind::Float, Device::Cpu)))
        };
        let whole = draw(&[5, 3, 7]);
        for rows in [0..2, 2..5] {
            let scope = BatchRowsScope::new(&rows, 5);
            let part = draw(&[dim(rows.len()), 3, 7]);
            assert_eq!(part, whole.narrow(0, dim(rows.start), dim(rows.len())));
            drop(scope);
        }
        assert_eq!(draw(&[5, 3, 7]), whole);
    }

    #[test]
    fn dropout_is_that_of_libtorch_and_of_the_whole_batch() {
        let x = Tensor::randn([5, 3, 7], (Kind::Float, Device::Cpu));
        tch::manual_seed(4);
        let whole = x.dropout(0.3, true);
        for rows in [0..5, 0..2, 2..5] {
            let scope = BatchRowsScope::new(&rows, 5);
            let of_rows = |all: &Tensor| all.narrow(0, dim(rows.start), dim(rows.len()));
            tch::manual_seed(4);
            assert_eq!(dropout(&of_rows(&x), 0.3), of_rows(&whole));
            drop(scope);
        }
    }
}
