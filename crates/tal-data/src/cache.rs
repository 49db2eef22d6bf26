//! Features that stay in memory.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tal_core::TimeGrid;

use crate::FeatureArray;

/// Keeps the first arrays that fit a budget. Nothing is evicted: with an order that is drawn anew each epoch, any fixed
/// part of a set that is too large is as good as any other.
#[derive(Debug, Default)]
pub(crate) struct Cache {
    budget: usize,
    held: Mutex<Held>,
}

#[derive(Debug, Default)]
struct Held {
    bytes: usize,
    arrays: HashMap<usize, (Arc<FeatureArray>, TimeGrid)>,
}

impl Cache {
    /// A cache of at most `budget` bytes.
    pub(crate) fn new(budget: usize) -> Self {
        Self {
            budget,
            held: Mutex::default(),
        }
    }

    pub(crate) fn get(&self, index: usize) -> Option<(Arc<FeatureArray>, TimeGrid)> {
        self.lock().arrays.get(&index).cloned()
    }

    /// Keeps the array if it fits and is not there yet.
    pub(crate) fn put(&self, index: usize, array: &Arc<FeatureArray>, grid: TimeGrid) {
        let bytes = size_of_val(array.data());
        let mut held = self.lock();
        if held.bytes + bytes <= self.budget && !held.arrays.contains_key(&index) {
            held.bytes += bytes;
            held.arrays.insert(index, (Arc::clone(array), grid));
        }
    }

    /// The map is consistent at every step, so a panic elsewhere does not spoil it.
    fn lock(&self) -> MutexGuard<'_, Held> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_budget_holds() {
        let array = Arc::new(FeatureArray::from_channel_first(vec![0.0; 4], 2, 2));
        let grid = TimeGrid {
            fps: 1.0,
            feat_stride: 1.0,
            num_frames: 1.0,
        };
        let cache = Cache::new(40);
        for index in [0, 0, 1, 2, 3] {
            cache.put(index, &array, grid);
        }
        let held: Vec<bool> = (0..4).map(|index| cache.get(index).is_some()).collect();
        // 16 bytes each, so two fit.
        assert_eq!(held, [true, true, false, false]);
        assert_eq!(cache.lock().bytes, 32);
    }
}
