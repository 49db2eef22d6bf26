//! Processes that share a batch.

use tal_core::nn::host;
use tch::Tensor;

/// The processes that share a batch: each has some of its recordings, in the order of their numbers. All of them call the same
/// functions in the same order, whatever their recordings hold.
pub trait Processes {
    /// Number of this process, from 0.
    fn index(&self) -> usize;

    /// Puts into each number its sum over all processes.
    fn sum(&self, numbers: &mut [f64]);

    /// The numbers that each process gives, by process.
    fn gather(&self, numbers: &[f64]) -> Vec<Vec<f64>>;
}

/// A sum over all processes, whose gradient reaches the variables of all of them.
///
/// A process can only differentiate its own losses, but its addend stands in those of all others, too: see [`with_gradient`].
#[derive(Debug)]
pub(crate) struct SharedSum {
    /// The addend of this process.
    own: Tensor,
    /// The sum, as a variable of its own.
    pub(crate) all: Tensor,
}

impl SharedSum {
    /// The sum of addends of any shape, and of `counts`.
    pub(crate) fn new(own: Tensor, counts: &mut [f64], processes: &dyn Processes) -> Self {
        let mut numbers: Vec<f64> = host::copy(&own);
        let num_values = numbers.len();
        numbers.extend_from_slice(counts);
        processes.sum(&mut numbers);
        counts.copy_from_slice(&numbers[num_values..]);
        let all = Tensor::from_slice(&numbers[..num_values])
            .view(&own.size()[..])
            .to_kind(own.kind())
            .to_device(own.device())
            .set_requires_grad(own.requires_grad());
        Self { own, all }
    }
}

/// `loss`, with the gradient that the losses of all processes have by way of the addends of this one.
pub(crate) fn with_gradient(
    loss: &Tensor,
    sums: &[SharedSum],
    processes: &dyn Processes,
) -> Tensor {
    let sums: Vec<&SharedSum> = sums.iter().filter(|sum| sum.all.requires_grad()).collect();
    if sums.is_empty() {
        return loss.shallow_clone();
    }
    let all: Vec<&Tensor> = sums.iter().map(|sum| &sum.all).collect();
    let own = Tensor::run_backward(&[loss], &all, true, false);
    let mut numbers: Vec<f64> = Vec::new();
    for (sum, gradient) in sums.iter().zip(own) {
        match gradient.defined() {
            true => numbers.extend(host::copy::<f64>(&gradient)),
            false => numbers.resize(numbers.len() + sum.all.numel(), 0.0),
        }
    }
    processes.sum(&mut numbers);
    let mut rest = &numbers[..];
    let addends = sums.into_iter().map(|sum| {
        let (gradient, behind) = rest.split_at(sum.all.numel());
        rest = behind;
        let gradient = Tensor::from_slice(gradient)
            .view(&sum.own.size()[..])
            .to_kind(sum.own.kind())
            .to_device(sum.own.device());
        // Nothing but a gradient.
        ((&sum.own - sum.own.detach()) * gradient).sum(None)
    });
    addends.fold(loss.shallow_clone(), |loss, addend| loss + addend)
}
