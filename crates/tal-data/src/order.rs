//! The order of an epoch.

use crate::rng::{Purpose, stream, uniform_inclusive};

/// Number of batches of an epoch, the incomplete last one dropped: ⌊n / batch size⌋.
///
/// # Panics
/// If `batch_size` is zero.
pub fn num_batches(num_recordings: usize, batch_size: usize) -> usize {
    num_recordings / batch_size
}

/// A permutation of `0 .. num_recordings` that depends on `seed` and `epoch` alone (Fisher–Yates).
pub fn epoch_order(seed: u64, epoch: u64, num_recordings: usize) -> Vec<usize> {
    let mut rng = stream(seed, epoch, 0, Purpose::Order);
    let mut order: Vec<usize> = (0..num_recordings).collect();
    for last in (1..num_recordings).rev() {
        let other = uniform_inclusive(&mut rng, 0, last as u64) as usize;
        order.swap(last, other);
    }
    order
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn incomplete_batches_are_dropped() {
        assert_eq!(num_batches(21, 2), 10);
        assert_eq!(num_batches(1, 2), 0);
    }

    #[test]
    fn the_order_is_pinned() {
        // Computed by an implementation that shares no code with this one; a change here changes every training run.
        assert_eq!(epoch_order(7, 1, 8), [7, 6, 2, 1, 0, 3, 5, 4]);
    }

    #[test]
    fn all_orders_are_equally_likely() {
        let mut counts = std::collections::BTreeMap::new();
        for epoch in 0..6000 {
            *counts.entry(epoch_order(9, epoch, 3)).or_insert(0usize) += 1;
        }
        assert_eq!(counts.len(), 6);
        // Five standard deviations of a binomial with n = 6000, p = 1/6.
        assert!(
            counts.values().all(|c| c.abs_diff(1000) < 145),
            "{counts:?}"
        );
    }

    proptest! {
        #[test]
        fn orders_are_permutations(seed: u64, epoch: u64, n in 0..50usize) {
            let order = epoch_order(seed, epoch, n);
            prop_assert_eq!(&order, &epoch_order(seed, epoch, n));
            let mut sorted = order;
            sorted.sort_unstable();
            prop_assert_eq!(sorted, (0..n).collect::<Vec<_>>());
        }
    }
}
