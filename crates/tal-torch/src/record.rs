//! Operations computed in Rust that take part in LibTorch's backward pass.
//!
//! LibTorch remembers for each of its own operations how the gradient goes back through it. A loop in Rust is invisible to it;
//! [`record`] enters one into the same graph, with a closure for its backward pass.

use std::ffi::{c_int, c_void};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::{ptr, slice};

use tch::Tensor;
use torch_sys::C_tensor;

/// The backward pass of an operation: the gradient of the output and, for each input, whether its own is asked for, to the
/// gradients of the inputs, each of its input's size and kind.
type Operation = dyn Fn(&Tensor, &[bool]) -> Vec<Option<Tensor>> + Send;

unsafe extern "C" {
    fn tal_torch_record(
        output: *mut C_tensor,
        inputs: *const *const C_tensor,
        num_inputs: usize,
        state: *mut c_void,
        backward: unsafe extern "C" fn(
            *const c_void,
            *mut C_tensor,
            *const u8,
            *mut *mut C_tensor,
            usize,
        ) -> c_int,
        release: unsafe extern "C" fn(*mut c_void),
    ) -> c_int;
}

/// Makes `output` the result of an operation on `inputs` in LibTorch's graph, and returns it.
///
/// `backward` runs within the backward pass, with gradients switched off, and once for each; what it keeps is given back
/// after the last one, and so are the inputs, which live as long. It must keep neither the output nor another tensor with a
/// graph, which would then never be freed: [`Tensor::detach`] what it needs. An input that is written to between the forward
/// and the backward pass makes an error of the latter. There are no second derivatives: LibTorch reports an error where a
/// backward pass is recorded itself.
///
/// # Panics
/// Where `output` is the result of another operation that records a gradient, or of a kind without gradients. A panic of
/// `backward` becomes an error of LibTorch's backward pass, as does a number of gradients that is not that of the inputs.
pub fn record(
    mut output: Tensor,
    inputs: &[&Tensor],
    backward: impl Fn(&Tensor, &[bool]) -> Vec<Option<Tensor>> + Send + 'static,
) -> Tensor {
    assert!(
        !output.requires_grad(),
        "the output has a gradient of its own"
    );
    let inputs: Vec<*const C_tensor> = inputs.iter().map(|input| input.as_ptr()).collect();
    let operation: Box<Operation> = Box::new(backward);
    let state = Box::into_raw(Box::new(operation)).cast::<c_void>();
    // SAFETY: all handles live through the call, which copies them; `state` is what the two functions expect, and is released
    // once, by the node or by its failing constructor.
    let failed = unsafe {
        tal_torch_record(
            output.as_mut_ptr(),
            inputs.as_ptr(),
            inputs.len(),
            state,
            call,
            release,
        )
    };
    assert_eq!(failed, 0, "{:?} has no gradient", output.kind());
    output
}

/// Calls an operation.
///
/// # Safety
/// `state` is that of [`record`]; `gradient` is a handle to be taken; both lists have `num_inputs` entries.
unsafe extern "C" fn call(
    state: *const c_void,
    gradient: *mut C_tensor,
    needed: *const u8,
    inputs: *mut *mut C_tensor,
    num_inputs: usize,
) -> c_int {
    let outcome = catch_unwind(AssertUnwindSafe(|| {
        // SAFETY: the caller's promises. The handle belongs to the tensor from here on.
        let (gradient, operation, needed) = unsafe {
            (
                Tensor::from_ptr(gradient),
                &*state.cast::<Box<Operation>>(),
                slice::from_raw_parts(needed, num_inputs),
            )
        };
        let needed: Vec<bool> = needed.iter().map(|&needed| needed != 0).collect();
        let gradients = operation(&gradient, &needed);
        assert_eq!(gradients.len(), num_inputs, "one gradient per input");
        for (index, gradient) in gradients.into_iter().enumerate() {
            let handle = match gradient {
                // LibTorch takes and deletes a handle of its own.
                Some(gradient) => into_handle(gradient),
                None => ptr::null_mut(),
            };
            // SAFETY: the list has room for each input.
            unsafe { inputs.add(index).write(handle) };
        }
    }));
    c_int::from(outcome.is_err())
}

/// Leaves a tensor's handle to whoever takes the pointer.
fn into_handle(tensor: Tensor) -> *mut C_tensor {
    let mut tensor = std::mem::ManuallyDrop::new(tensor);
    tensor.as_mut_ptr()
}

/// Drops what an operation keeps.
///
/// # Safety
/// `state` is that of [`record`], and is not used again.
unsafe extern "C" fn release(state: *mut c_void) {
    // A panic while dropping must not reach C++.
    let _ = catch_unwind(AssertUnwindSafe(|| {
        // SAFETY: the caller's promise.
        drop(unsafe { Box::from_raw(state.cast::<Box<Operation>>()) });
    }));
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use tch::{Device, Kind};

    use super::*;

    /// a · b², in Rust.
    fn product(a: &Tensor, b: &Tensor, kept: Arc<()>) -> Tensor {
        let output = tch::no_grad(|| a * b * b);
        let (a_kept, b_kept) = (a.detach(), b.detach());
        record(output, &[a, b], move |gradient, needed| {
            let _ = &kept;
            assert!(!(gradient * 1.0).requires_grad());
            vec![
                needed[0].then(|| gradient * &b_kept * &b_kept),
                needed[1].then(|| gradient * &a_kept * &b_kept * 2.0),
            ]
        })
    }

    fn random(requires_grad: bool) -> Tensor {
        Tensor::randn([3], (Kind::Double, Device::Cpu)).set_requires_grad(requires_grad)
    }

    #[test]
    fn gradients_go_through_in_both_directions() {
        for flags in [[true, true], [true, false], [false, true]] {
            let [values, others] = [0; 2].map(|_| [0; 2].map(|_| random(false)));
            let run = |operation: &dyn Fn(&Tensor, &Tensor) -> Tensor| {
                let inputs = [0, 1].map(|i| values[i].copy().set_requires_grad(flags[i]));
                let [a, b] = [0, 1].map(|i| &inputs[i] * &others[i]);
                (operation(&a, &b) * &others[0])
                    .sum(Kind::Double)
                    .backward();
                inputs.each_ref().map(|input| {
                    let gradient = input.grad();
                    gradient.defined().then(|| gradient.copy())
                })
            };
            let expected = run(&|a, b| a * b * b);
            let gradients = run(&|a, b| product(a, b, Arc::new(())));
            for ((gradient, expected), flag) in gradients.iter().zip(&expected).zip(flags) {
                assert_eq!(gradient.is_some(), flag);
                let pair = gradient.as_ref().zip(expected.as_ref());
                assert!(pair.is_none_or(|(a, b)| a.allclose(b, 1e-12, 1e-12, false)));
            }
        }
    }

    #[test]
    fn what_is_kept_is_given_back() {
        let kept = Arc::new(());
        let (a, b) = (random(true), random(true));
        drop(product(&a, &b, kept.clone()));
        assert_eq!(Arc::strong_count(&kept), 1, "without a backward pass");
        let output = product(&a, &b, kept.clone());
        assert_eq!(Arc::strong_count(&kept), 2);
        let sum = output.sum(Kind::Double);
        sum.backward();
        assert_eq!(Arc::strong_count(&kept), 1, "after one");
        let error = sum.f_backward().unwrap_err();
        assert!(error.to_string().contains("second time"), "{error}");
    }

    #[test]
    fn an_input_that_was_changed_is_an_error() {
        let (a, b) = (random(true), random(true));
        let output = product(&a, &b, Arc::new(()));
        let _ = tch::no_grad(|| b.shallow_clone().fill_(1.0));
        let error = output.sum(Kind::Double).f_backward().unwrap_err();
        assert!(error.to_string().contains("was changed"), "{error}");
    }

    #[test]
    fn a_panic_is_an_error_of_the_backward_pass() {
        let a = random(true);
        let output = record(tch::no_grad(|| &a * 2.0), &[&a], |_, _| Vec::new());
        let error = output.sum(Kind::Double).f_backward().unwrap_err();
        assert!(error.to_string().contains("panicked"), "{error}");
    }

    #[test]
    #[should_panic(expected = "gradient of its own")]
    fn an_output_with_a_graph_is_refused() {
        let a = random(true);
        let _ = record(&a * 2.0, &[&a], |_, _| Vec::new());
    }

    #[test]
    #[should_panic(expected = "has no gradient")]
    fn an_output_of_whole_numbers_is_refused() {
        let a = random(true);
        let _ = record(
            Tensor::ones([2], (Kind::Int64, Device::Cpu)),
            &[&a],
            |_, _| Vec::new(),
        );
    }
}
