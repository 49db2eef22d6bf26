//! Random draws of recordings.

use chacha20::ChaCha8Rng;
use chacha20::rand_core::{Rng, SeedableRng};

/// Number of times that each recording is drawn, in as many draws with replacement as there are recordings.
///
/// A function of the seed, the numbers of the replicate and of the fold, and `annotated`, which says of each recording
/// whether it has ground truth. Draws without any ground truth leave nothing to evaluate and are repeated.
///
/// # Panics
/// If no recording has ground truth.
pub(super) fn draw(seed: u64, replicate: u64, fold: u64, annotated: &[bool]) -> Vec<u32> {
    assert!(annotated.contains(&true), "nothing to draw");
    let mut rng = stream(seed, replicate, 2 * fold);
    loop {
        let weights = with_replacement(&mut rng, annotated.len());
        let drawn = |(weight, annotated): (&u32, &bool)| *weight > 0 && *annotated;
        if weights.iter().zip(annotated).any(drawn) {
            return weights;
        }
    }
}

/// Number of times that each run of a fold is drawn, in as many draws with replacement as there are runs.
///
/// # Panics
/// If there is no run.
pub(super) fn draw_runs(seed: u64, replicate: u64, fold: u64, num_runs: usize) -> Vec<u32> {
    assert!(num_runs > 0, "nothing to draw");
    with_replacement(&mut stream(seed, replicate, 2 * fold + 1), num_runs)
}

fn with_replacement(rng: &mut ChaCha8Rng, count: usize) -> Vec<u32> {
    let mut weights = vec![0; count];
    for _ in 0..count {
        weights[below(rng, count as u64) as usize] += 1;
    }
    weights
}

fn stream(seed: u64, replicate: u64, item: u64) -> ChaCha8Rng {
    let words = [seed, replicate, item, u64::from_le_bytes(*b"tal.boot")];
    let mut key = [0; 32];
    for (bytes, word) in key.chunks_exact_mut(8).zip(words) {
        bytes.copy_from_slice(&word.to_le_bytes());
    }
    ChaCha8Rng::from_seed(key)
}

/// Uniform random number in 0 … bound − 1, by rejection.
fn below(rng: &mut ChaCha8Rng, bound: u64) -> u64 {
    // Words beyond the last whole multiple of the bound would favour small remainders.
    let limit = u64::MAX - (u64::MAX % bound + 1) % bound;
    loop {
        let word = rng.next_u64();
        if word <= limit {
            return word % bound;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_draw_takes_as_many_as_there_are() {
        for replicate in 0..50 {
            let weights = draw(3, replicate, 0, &[true; 17]);
            assert_eq!(weights.iter().sum::<u32>(), 17);
        }
    }

    #[test]
    fn seed_and_replicate_matter_and_nothing_else() {
        let all = [true; 17];
        assert_eq!(draw(1, 2, 0, &all), draw(1, 2, 0, &all));
        assert_ne!(draw(1, 2, 0, &all), draw(1, 3, 0, &all));
        assert_ne!(draw(1, 2, 0, &all), draw(2, 2, 0, &all));
        assert_ne!(draw(1, 2, 0, &all), draw(1, 2, 1, &all));
        assert_ne!(draw(1, 2, 0, &all), draw_runs(1, 2, 0, 17));
    }

    #[test]
    fn recordings_are_drawn_evenly() {
        let mut counts = [0u32; 7];
        for replicate in 0..10_000 {
            for (count, weight) in counts.iter_mut().zip(draw(5, replicate, 0, &[true; 7])) {
                *count += weight;
            }
        }
        // Five standard deviations of a binomial with n = 70000, p = 1/7.
        assert!(
            counts.iter().all(|c| c.abs_diff(10_000) < 470),
            "{counts:?}"
        );
    }

    #[test]
    fn there_is_always_ground_truth() {
        let mut annotated = [false; 5];
        annotated[3] = true;
        assert!((0..200).all(|replicate| draw(0, replicate, 0, &annotated)[3] > 0));
    }
}
