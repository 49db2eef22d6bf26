//! Values of tensors in main memory, for loops in Rust.
//!
//! Only here do layers go around LibTorch's operations; the loops themselves are `tal_kernels`. A tensor is a counted handle:
//! another holder may write to the same values, which no type of Rust shows, so reading them in place is `unsafe` and has a
//! contract. Layers keep it by borrowing within one forward pass; a thread that writes to weights meanwhile would race with
//! LibTorch's own operations, too.

use std::mem::MaybeUninit;
use std::slice;

use tal_kernels::{Layer, Threads};
use tal_torch::parallel;
use tch::kind::Element;
use tch::{Device, Kind, Tensor};

use super::dim;

/// LibTorch's threads.
pub const THREADS: &dyn Threads = &LibTorchThreads;

struct LibTorchThreads;

impl Threads for LibTorchThreads {
    fn count(&self) -> usize {
        parallel::num_threads()
    }

    fn run(&self, times: usize, work: &(dyn Fn() + Sync)) {
        parallel::run(times, work);
    }
}

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
/// As [`values`].
///
/// # Panics
/// If they cannot be read in place.
pub unsafe fn known_values(tensor: &Tensor) -> &[f32] {
    // SAFETY: the caller's promise.
    unsafe { values(tensor) }.expect("a contiguous float32 tensor in main memory")
}

/// Weight and bias of a layer for `tal_kernels`, contiguous float32 tensors in main memory.
///
/// # Safety
/// As [`values`].
///
/// # Panics
/// If they cannot be read in place.
pub(super) unsafe fn layer<'a>(weight: &'a Tensor, bias: Option<&'a Tensor>) -> Layer<'a> {
    // SAFETY: the caller's promise.
    unsafe {
        Layer {
            weight: known_values(weight),
            bias: bias.map(|bias| known_values(bias)),
        }
    }
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

/// The values of any tensor as a list, row by row, converted if they are of another kind. On a GPU this waits for it.
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

/// A new contiguous float32 tensor in main memory; `fill` writes every value in row-major order and returns them all.
///
/// # Panics
/// If there is no memory for it, or `fill` returns other values.
pub fn build(size: &[usize], fill: impl FnOnce(&mut [MaybeUninit<f32>]) -> &mut [f32]) -> Tensor {
    let sizes: Vec<i64> = size.iter().map(|&size| dim(size)).collect();
    let tensor = Tensor::empty(&sizes, (Kind::Float, Device::Cpu));
    let count = size.iter().product();
    if count > 0 {
        let start = tensor.data_ptr().cast::<MaybeUninit<f32>>();
        // SAFETY: LibTorch allocates room for all values, aligned for any number, and a new tensor is contiguous. This is its
        // only handle, so nobody else reads or writes it.
        let values = fill(unsafe { slice::from_raw_parts_mut(start, count) });
        assert!(
            values.len() == count && values.as_ptr() == start.cast(),
            "a tensor's values are not those that were written"
        );
    }
    tensor
}

/// Calls `work` with every task on LibTorch's threads; any thread may take any task.
///
/// # Panics
/// If `work` panics.
pub fn for_each<T: Send>(
    tasks: impl IntoIterator<Item = T, IntoIter: ExactSizeIterator + Send>,
    work: impl Fn(T) + Sync,
) {
    let num_threads = THREADS.count();
    tal_kernels::for_each(THREADS, num_threads, tasks, || (), |(), task| work(task));
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
        let x = build(&[2, 3], |values| {
            for (number, value) in values.iter_mut().enumerate() {
                value.write(number as f32);
            }
            // SAFETY: all values were written.
            unsafe { &mut *(std::ptr::from_mut(values) as *mut [f32]) }
        });
        assert_eq!(x.size(), [2, 3]);
        assert_eq!(read(&x).unwrap(), [0., 1., 2., 3., 4., 5.]);
        let empty = build(&[0, 3], |_| unreachable!());
        assert_eq!(empty.size(), [0, 3]);
    }

    #[test]
    #[should_panic(expected = "not those that were written")]
    fn values_from_elsewhere_are_refused() {
        let _ = build(&[3], |_| Box::leak(Box::new([0.0; 3])));
    }

    #[test]
    fn loops_run_on_libtorchs_threads() {
        let mut done = vec![0u32; 1000];
        let tasks = done.iter_mut().enumerate();
        for_each(tasks, |(number, place)| *place = number as u32);
        assert!(done.into_iter().eq(0..1000));
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
