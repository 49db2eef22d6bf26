//! Largest matching of a bipartite graph.

/// Number of pairs of the largest matching; `neighbours` has the right sides that each left side may take.
pub(super) fn largest_matching(neighbours: &[Vec<usize>], num_right: usize) -> usize {
    let mut taken_by: Vec<Option<usize>> = vec![None; num_right];
    // Left side from which a right side was reached, and the search in which that happened.
    let mut reached_from = vec![(0, usize::MAX); num_right];
    (0..neighbours.len())
        .filter(|left| grow(*left, neighbours, &mut taken_by, &mut reached_from))
        .count()
}

/// Finds a path of alternating pairs from a left side without partner to a right side without one, and swaps the pairs on it.
fn grow(
    root: usize,
    neighbours: &[Vec<usize>],
    taken_by: &mut [Option<usize>],
    reached_from: &mut [(usize, usize)],
) -> bool {
    let mut waiting = vec![root];
    while let Some(left) = waiting.pop() {
        for &right in &neighbours[left] {
            if reached_from[right].1 == root {
                continue;
            }
            reached_from[right] = (left, root);
            if let Some(other) = taken_by[right] {
                waiting.push(other);
                continue;
            }
            let mut free = right;
            loop {
                let left = reached_from[free].0;
                let before = (left != root).then(|| pair_of(left, taken_by, &neighbours[left]));
                taken_by[free] = Some(left);
                match before.flatten() {
                    Some(next) => free = next,
                    None => return true,
                }
            }
        }
    }
    false
}

fn pair_of(left: usize, taken_by: &[Option<usize>], neighbours: &[usize]) -> Option<usize> {
    let mut rights = neighbours.iter().copied();
    rights.find(|right| taken_by[*right] == Some(left))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Tries every partner of every left side.
    fn exhaustive(neighbours: &[Vec<usize>], taken: &mut [bool]) -> usize {
        let Some((first, rest)) = neighbours.split_first() else {
            return 0;
        };
        let mut best = exhaustive(rest, taken);
        for &right in first {
            if !std::mem::replace(&mut taken[right], true) {
                best = best.max(1 + exhaustive(rest, taken));
                taken[right] = false;
            }
        }
        best
    }

    proptest! {
        #[test]
        fn the_matching_is_the_largest(
            neighbours in prop::collection::vec(prop::collection::btree_set(0..6usize, 0..5), 0..7),
        ) {
            let lists: Vec<Vec<usize>> =
                neighbours.into_iter().map(|set| set.into_iter().collect()).collect();
            let expected = exhaustive(&lists, &mut [false; 6]);
            prop_assert_eq!(largest_matching(&lists, 6), expected);
        }
    }

    #[test]
    fn long_paths_are_found() {
        // Left i may take right i or i + 1; the last left can only have the first right.
        let num = 20_000;
        let mut neighbours: Vec<Vec<usize>> = (0..num).map(|i| vec![i, i + 1]).collect();
        neighbours.push(vec![0]);
        assert_eq!(largest_matching(&neighbours, num + 1), num + 1);
    }
}
