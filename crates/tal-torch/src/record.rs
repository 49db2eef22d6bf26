//! Operations computed in Rust that take part in LibTorch's backward pass.
//!
//! LibTorch remembers how the gradient goes back through each of its own operations. A loop in Rust is invisible to it:
//! [`record`] enters the loop into the same graph, with a closure for the backward pass.

use std::ffi::{c_int, c_void};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::{ptr, slice};

use tch::Tensor;
use torch_sys::C_tensor;

/// Backward pass of an operation: takes the gradient of the output and, for each input, whether its gradient is needed; gives
/// the gradients of the inputs, each with its input's size and kind.
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

/// The result `output` of an operation on `inputs`, entered into LibTorch's graph.
///
/// `backward` runs within the backward pass, with gradients switched off: once per pass, and never on two threads at a time.
/// LibTorch drops what it holds after the last pass, together with the inputs. It must hold neither the output nor another
/// tensor with a graph, which would then never be freed: call [`Tensor::detach`] on what it needs. A backward pass fails if an
/// input was written to after the forward pass. There are no second derivatives: LibTorch reports an error if a backward pass
/// is itself recorded.
///
/// # Panics
/// If there is no input, if `output` already has a gradient, or if its kind has none. A panic of `backward`, or a wrong number
/// of gradients, becomes an error of LibTorch's backward pass.
pub fn record(
    mut output: Tensor,
    inputs: &[&Tensor],
    backward: impl Fn(&Tensor, &[bool]) -> Vec<Option<Tensor>> + Send + 'static,
) -> Tensor {
    assert!(
        !output.requires_grad(),
        "the output has a gradient of its own"
    );
    assert!(!inputs.is_empty(), "the operation has no input");
    let inputs: Vec<*const C_tensor> = inputs.iter().map(|input| input.as_ptr()).collect();
    let operation: Box<Operation> = Box::new(backward);
    let state = Box::into_raw(Box::new(operation)).cast::<c_void>();
    // SAFETY: all handles live through the call, which copies them; `state` has the type that the two functions expect, and
    // is released once, by the node or by its failing constructor.
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
/// `state` comes from [`record`]; `gradient` is a handle to take over; both lists have `num_inputs` entries, at least one.
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

/// Gives up a tensor's handle: the owner of the pointer frees it.
fn into_handle(tensor: Tensor) -> *mut C_tensor {
    let mut tensor = std::mem::ManuallyDrop::new(tensor);
    tensor.as_mut_ptr()
}

/// Drops the closure of an operation.
///
/// # Safety
/// `state` comes from [`record`] and is not used again.
unsafe extern "C" fn release(state: *mut c_void) {
    // A panic while dropping must not reach C++.
    let _ = catch_unwind(AssertUnwindSafe(|| {
        // SAFETY: the caller's promise.
        drop(unsafe { Box::from_raw(state.cast::<Box<Operation>>()) });
    }));
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicBool, Ordering};
    use std::sync::{Arc, Barrier};
    use std::thread;
    use std::time::Duration;

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
    fn a_closure_is_dropped_after_the_last_pass() {
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

    /// 2 · a, whose backward pass takes a moment and fails if it runs twice at the same time.
    fn slow_double(a: &Tensor) -> Tensor {
        let running = AtomicBool::new(false);
        record(tch::no_grad(|| a * 2.0), &[a], move |gradient, _| {
            assert!(!running.swap(true, Ordering::SeqCst), "two at a time");
            thread::sleep(Duration::from_millis(20));
            running.store(false, Ordering::SeqCst);
            vec![Some(gradient * 2.0)]
        })
    }

    /// Outcomes of two threads that run a backward pass through one graph at the same time.
    fn on_two_threads(keep_graph: bool) -> [Result<Vec<Tensor>, tch::TchError>; 2] {
        let a = random(true);
        let sum = slow_double(&a).sum(Kind::Double);
        let start = Arc::new(Barrier::new(2));
        let threads = [(); 2].map(|()| {
            let (sum, a, start) = (sum.shallow_clone(), a.shallow_clone(), start.clone());
            thread::spawn(move || {
                start.wait();
                Tensor::f_run_backward(&[sum], &[a], keep_graph, false)
            })
        });
        threads.map(|thread| thread.join().unwrap())
    }

    #[test]
    fn two_threads_take_turns_on_one_graph() {
        for outcome in on_two_threads(true) {
            let gradient = outcome.unwrap().remove(0);
            assert_eq!(Vec::<f64>::try_from(gradient).unwrap(), [2.0; 3]);
        }
    }

    #[test]
    fn a_graph_that_another_thread_used_up_is_an_error() {
        for _ in 0..10 {
            let outcomes = on_two_threads(false);
            assert!(outcomes.iter().any(Result::is_ok));
            for error in outcomes.into_iter().filter_map(Result::err) {
                assert!(error.to_string().contains("second time"), "{error}");
            }
        }
    }

    #[test]
    #[should_panic(expected = "has no input")]
    fn an_operation_without_inputs_is_refused() {
        let _ = record(Tensor::from(1.0), &[], |_, _| Vec::new());
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
