//! Values of tensors in main memory, for loops in Rust.
//!
//! With `nn::direct`, whose loops get their values here, the only place of the layers that goes around LibTorch's operations. A
//! tensor is a counted handle: whoever else holds one may write to the same values, which no type of Rust shows, so reading
//! them in place is `unsafe` and has a contract. Layers keep it by borrowing within one forward pass; a thread that writes to
//! weights meanwhile would race with LibTorch's own operations, too.

use std::mem::MaybeUninit;
use std::slice;

pub use tal_torch::parallel;
use tch::kind::Element;
use tch::{Device, Kind, Tensor};

use super::dim;

/// Below this many values, waking other threads takes longer than the work.
const MIN_PARALLEL: usize = 1 << 14;

/// Whether LibTorch would remember an operation on one of these tensors for a backward pass: one of them requires a gradient,
/// and gradients are not switched off.
pub fn records_gradient<'a>(tensors: impl IntoIterator<Item = &'a Tensor>) -> bool {
    // The switch itself cannot be read, but what is computed while it is off requires no gradient.
    thread_local! {
        static TRAINED: Tensor = Tensor::zeros([1], (Kind::Float, Device::Cpu)).set_requires_grad(true);
    }
    tensors.into_iter().any(Tensor::requires_grad)
        && TRAINED.with(|trained| trained.neg().requires_grad())
}

/// The values of a contiguous float32 tensor in main memory, in place; `None` for any other.
///
/// # Safety
/// Nobody may write to these values while the slice lives, neither through `tensor` nor through another handle, view or
/// thread.
pub unsafe fn values(tensor: &Tensor) -> Option<&[f32]> {
    if !is_plain(tensor) || !tensor.is_contiguous() {
        return None;
    }
    let count = tensor.numel();
    if count == 0 {
        return Some(&[]);
    }
    let start = tensor.data_ptr().cast::<f32>();
    if start.is_null() || !start.is_aligned() {
        return None;
    }
    // SAFETY: a dense contiguous float32 tensor has `numel` values from `data_ptr` on, which live as long as the handle that
    // the slice borrows; every bit pattern is an f32. That nobody writes is the caller's promise.
    Some(unsafe { slice::from_raw_parts(start, count) })
}

/// [`values`] of a tensor that is known to have them.
///
/// # Safety
/// That of [`values`].
///
/// # Panics
/// Where they cannot be read in place.
pub(super) unsafe fn known_values(tensor: &Tensor) -> &[f32] {
    // SAFETY: the caller's promise.
    unsafe { values(tensor) }.expect("a contiguous float32 tensor in main memory")
}

/// Whether all tensors are float32 in main memory: once contiguous, they have [`values`].
pub(super) fn are_plain<'a>(tensors: impl IntoIterator<Item = &'a Tensor>) -> bool {
    tensors.into_iter().all(is_plain)
}

/// Whether a tensor's values lie as float32 in main memory, in any order.
fn is_plain(tensor: &Tensor) -> bool {
    tensor.defined()
        && tensor.device() == Device::Cpu
        && tensor.kind() == Kind::Float
        && !tensor.is_sparse()
        && !tensor.is_mkldnn()
        && !tensor.is_neg()
}

/// The values of any tensor as a list, row by row, converted where they are of another kind. On a GPU this waits for it.
pub fn copy<T: Element + Copy>(tensor: &Tensor) -> Vec<T> {
    let tensor = tensor
        .detach()
        .to_device(Device::Cpu)
        .to_kind(T::KIND)
        .contiguous();
    let mut values = vec![T::ZERO; tensor.numel()];
    tensor.copy_data(&mut values, tensor.numel());
    values
}

/// The values of a contiguous float32 tensor in main memory, in place and to be changed; `None` for any other.
///
/// # Safety
/// Nobody else may read or write these values while the slice lives, neither through another handle or view nor through
/// another thread, and no graph may still need the old ones for a backward pass.
pub unsafe fn values_mut(tensor: &mut Tensor) -> Option<&mut [f32]> {
    // SAFETY: nobody reads or writes the values meanwhile, the caller promises.
    let count = unsafe { values(tensor) }?.len();
    if count == 0 {
        return Some(&mut []);
    }
    let start = tensor.data_ptr().cast::<f32>();
    // SAFETY: as above; the slice borrows the handle mutably, and the caller promises that it is the only access.
    Some(unsafe { slice::from_raw_parts_mut(start, count) })
}

/// A new contiguous float32 tensor in main memory, its values written by `fill` in row-major order.
///
/// # Safety
/// `fill` must write every value.
///
/// # Panics
/// Where there is no memory for it.
pub unsafe fn build(size: &[usize], fill: impl FnOnce(&mut [MaybeUninit<f32>])) -> Tensor {
    let sizes: Vec<i64> = size.iter().map(|&size| dim(size)).collect();
    let tensor = Tensor::empty(&sizes, (Kind::Float, Device::Cpu));
    let count = size.iter().product();
    if count > 0 {
        let start = tensor.data_ptr().cast::<MaybeUninit<f32>>();
        // SAFETY: LibTorch allocates room for all values, aligned for any number, and a new tensor is contiguous. This is its
        // only handle, so nobody else reads or writes it.
        fill(unsafe { slice::from_raw_parts_mut(start, count) });
    }
    tensor
}

/// Fills a list with zeros.
pub fn zeroed(values: &mut [MaybeUninit<f32>]) -> &mut [f32] {
    for value in &mut *values {
        value.write(0.0);
    }
    // SAFETY: all values were just written, and both types have the same layout.
    unsafe { &mut *(std::ptr::from_mut(values) as *mut [f32]) }
}

/// Calls `work` with the number and the values of every row, on all of LibTorch's threads where there is enough to do; `state`
/// makes what a thread reuses from row to row.
///
/// # Panics
/// Where `row_len` is 0.
pub fn for_each_row<S>(
    rows: &mut [MaybeUninit<f32>],
    row_len: usize,
    state: impl Fn() -> S + Sync,
    work: impl Fn(&mut S, usize, &mut [MaybeUninit<f32>]) + Sync,
) {
    // Nothing takes no memory.
    let mut nothing = vec![(); rows.len() / row_len];
    for_each_row_with(
        rows,
        row_len,
        &mut nothing,
        state,
        |state, number, row, ()| {
            work(state, number, row);
        },
    );
}

/// [`for_each_row`] with an answer per row, which `work` gets to change.
///
/// # Panics
/// Where `row_len` is 0, or there are more rows than answers.
pub fn for_each_row_with<A: Send, S>(
    rows: &mut [MaybeUninit<f32>],
    row_len: usize,
    answers: &mut [A],
    state: impl Fn() -> S + Sync,
    work: impl Fn(&mut S, usize, &mut [MaybeUninit<f32>], &mut A) + Sync,
) {
    let num_rows = rows.len() / row_len;
    let answers = &mut answers[..num_rows];
    let num_threads = num_threads(rows.len());
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
    parallel::for_each(num_threads, blocks, state, block);
}

/// Threads for loops over `count` values: LibTorch's, or this one alone.
pub(super) fn num_threads(count: usize) -> usize {
    if count < MIN_PARALLEL {
        1
    } else {
        parallel::num_threads()
    }
}

/// Tasks to cut work into: a few for each of several threads, so that one that is held up leaves the others something to take
/// over.
pub(super) fn num_tasks(num_threads: usize) -> usize {
    if num_threads > 1 { 4 * num_threads } else { 1 }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The values as a list.
    fn read(tensor: &Tensor) -> Option<Vec<f32>> {
        // SAFETY: nothing writes to it before the list is made.
        unsafe { values(tensor) }.map(<[f32]>::to_vec)
    }

    #[test]
    fn only_plain_float32_is_read_in_place() {
        let x = Tensor::from_slice(&[1f32, 2., 3., 4., 5., 6.]).view([2, 3]);
        assert_eq!(read(&x).unwrap(), [1., 2., 3., 4., 5., 6.]);
        assert_eq!(read(&x.get(1)).unwrap(), [4., 5., 6.]);
        assert_eq!(read(&x.narrow(0, 1, 0)).unwrap(), [0f32; 0]);
        assert_eq!(read(&x.transpose(0, 1)), None);
        assert_eq!(read(&x.to_kind(Kind::Double)), None);
        assert_eq!(read(&x.to_sparse_sparse_dim(2)), None);
        assert_eq!(read(&x.internal_neg_view()), None);
        assert_eq!(read(&Tensor::new()), None);
        assert!(are_plain([&x, &x.transpose(0, 1)]));
        assert!(!are_plain([&x, &x.internal_neg_view()]));
    }

    #[test]
    fn any_tensor_is_copied_row_by_row() {
        let x = Tensor::from_slice(&[1f32, 2., 3., 4.]).view([2, 2]);
        assert_eq!(copy::<f32>(&x.transpose(0, 1)), [1., 3., 2., 4.]);
        assert_eq!(copy::<i64>(&x), [1, 2, 3, 4]);
        assert_eq!(copy::<f64>(&x.gt(2.0)), [0., 0., 1., 1.]);
        assert_eq!(copy::<f32>(&x.narrow(0, 0, 0)), [0f32; 0]);
        assert_eq!(copy::<f32>(&x.set_requires_grad(true)), [1., 2., 3., 4.]);
    }

    #[test]
    fn built_tensors_hold_what_was_written() {
        let write = |values: &mut [MaybeUninit<f32>]| {
            for (number, value) in values.iter_mut().enumerate() {
                value.write(number as f32);
            }
        };
        // SAFETY: all values are written.
        let x = unsafe { build(&[2, 3], write) };
        assert_eq!(x.size(), [2, 3]);
        assert_eq!(read(&x).unwrap(), [0., 1., 2., 3., 4., 5.]);
        // SAFETY: there is nothing to write.
        let empty = unsafe { build(&[0, 3], |_| unreachable!()) };
        assert_eq!(empty.size(), [0, 3]);
    }

    #[test]
    fn every_row_once_with_its_number() {
        for (num_rows, row_len) in [(0, 3), (1, 1), (5, 4), (1000, 37), (3, 20_000)] {
            let mut numbers = vec![usize::MAX; num_rows];
            let fill = |rows: &mut [MaybeUninit<f32>]| {
                for_each_row_with(
                    rows,
                    row_len,
                    &mut numbers,
                    || (),
                    |(), number, row, answer| {
                        assert_eq!(row.len(), row_len);
                        *answer = number;
                        for value in row {
                            value.write(number as f32);
                        }
                    },
                );
            };
            // SAFETY: every value belongs to a row, and all values of a row are written.
            let x = unsafe { build(&[num_rows, row_len], fill) };
            let expected: Vec<f32> = (0..num_rows * row_len)
                .map(|i| (i / row_len) as f32)
                .collect();
            assert_eq!(read(&x).unwrap(), expected);
            assert!(numbers.into_iter().eq(0..num_rows));
        }
    }

    #[test]
    fn gradients_are_recorded_unless_switched_off() {
        let plain = Tensor::from_slice(&[1f32]);
        let trained = Tensor::from_slice(&[1f32]).set_requires_grad(true);
        assert!(!records_gradient([&plain]));
        assert!(records_gradient([&plain, &trained]));
        assert!(!tch::no_grad(|| records_gradient([&plain, &trained])));
        assert!(records_gradient([&(&trained + 1.0)]));
    }
}
