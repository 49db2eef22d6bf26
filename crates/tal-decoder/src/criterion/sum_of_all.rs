//! Sums over all processes that share a batch.

/// Puts into each number its sum over all processes that share a batch; a process that is alone leaves them as they are.
pub type SumOfAll<'a> = &'a dyn Fn(&mut [f64]);
