//! Dealing recordings to subsets, such that classes are spread evenly and groups stay together.
//!
//! A part p with share w_p should get w_p of all recordings and of every class's annotations. With R recordings, N_c
//! annotations of class c, and R_p and n_pc of them in part p, the following is made small:
//!
//! ```text
//! J = Σ_p [ K·((R_p − w_p·R) / R)² + Σ_c ((n_pc − w_p·N_c) / N_c)² ]        c over the K classes that occur
//! ```
//!
//! Groups are shuffled by the seed and dealt one by one to the part where J grows least; then single groups are moved, and
//! pairs of groups swapped, as long as J falls. The result is good, not the best: finding that is not feasible.

use std::collections::BTreeMap;

use tal_core::Recording;

use tal_data::rng::{self, Purpose};

/// Swapping looks at all pairs of groups; above this number only moves are tried.
const MAX_GROUPS_TO_SWAP: usize = 500;
/// Rounds of improvement; in practice a few are enough.
const MAX_ROUNDS: usize = 20;
/// Smaller gains are rounding.
const LEAST_GAIN: f64 = 1e-12;

/// Reason why recordings cannot be split.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum SplitError {
    /// A share makes no sense.
    #[error(
        "a share of {0} for a subset; expected more than 0 and less than 1, all shares together 1"
    )]
    Share(f64),
    /// There are fewer groups than parts.
    #[error(
        "{num_groups} group(s) of recordings cannot fill {num_parts} subsets; expected at least one group for each"
    )]
    TooFewGroups {
        /// Groups of the recordings.
        num_groups: usize,
        /// Subsets that are wanted.
        num_parts: usize,
    },
}

/// Counts of a group.
struct Group {
    recordings: Vec<usize>,
    /// Annotations by class, classes counted from 0 in the order of their ids.
    counts: Vec<(usize, f64)>,
}

/// Deals recordings to `shares.len()` parts; returns the part of each. `groups` names the group of each recording: all
/// recordings of a group come to the same part.
///
/// The same arguments give the same parts, whatever the order of groups by name or of equal recordings.
///
/// # Errors
/// Fewer groups than parts; shares outside (0, 1) or with another sum than 1.
///
/// # Panics
/// If `groups` has another length than `recordings`.
pub fn assign(
    recordings: &[&Recording],
    groups: &[String],
    shares: &[f64],
    seed: u64,
) -> Result<Vec<usize>, SplitError> {
    assert_eq!(recordings.len(), groups.len(), "one group per recording");
    let sum: f64 = shares.iter().sum();
    for share in shares {
        if !(*share > 0.0 && *share < 1.0) || (sum - 1.0).abs() > 1e-9 {
            return Err(SplitError::Share(*share));
        }
    }
    let mut groups = collect(recordings, groups);
    if groups.len() < shares.len() {
        return Err(SplitError::TooFewGroups {
            num_groups: groups.len(),
            num_parts: shares.len(),
        });
    }
    let mut rng = rng::stream(seed, 0, 0, Purpose::Split);
    for last in (1..groups.len()).rev() {
        let other = rng::uniform_inclusive(&mut rng, 0, last as u64) as usize;
        groups.swap(last, other);
    }
    let mut deal = Deal::new(&groups, shares, recordings.len());
    deal.greedy();
    for _ in 0..MAX_ROUNDS {
        let moved = deal.move_groups();
        let swapped = groups.len() <= MAX_GROUPS_TO_SWAP && deal.swap_groups();
        if !moved && !swapped {
            break;
        }
    }
    let mut parts = vec![0; recordings.len()];
    for (group, part) in groups.iter().zip(&deal.part_of) {
        for index in &group.recordings {
            parts[*index] = *part;
        }
    }
    Ok(parts)
}

fn collect(recordings: &[&Recording], names: &[String]) -> Vec<Group> {
    let mut classes: BTreeMap<u32, usize> = BTreeMap::new();
    for instance in recordings.iter().flat_map(|recording| &recording.instances) {
        classes.insert(instance.label, 0);
    }
    for (index, place) in classes.values_mut().enumerate() {
        *place = index;
    }
    let mut members: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
    for (index, name) in names.iter().enumerate() {
        members.entry(name).or_default().push(index);
    }
    members
        .into_values()
        .map(|members| {
            let mut counts: BTreeMap<usize, f64> = BTreeMap::new();
            for instance in members
                .iter()
                .flat_map(|index| &recordings[*index].instances)
            {
                *counts.entry(classes[&instance.label]).or_default() += 1.0;
            }
            Group {
                recordings: members,
                counts: counts.into_iter().collect(),
            }
        })
        .collect()
}

struct Deal<'a> {
    groups: &'a [Group],
    part_of: Vec<usize>,
    num_groups: Vec<usize>,
    /// How many recordings a part has beyond its share, as a fraction of all recordings.
    recordings: Vec<f64>,
    /// The same for each part and class, as a fraction of the class's annotations.
    classes: Vec<Vec<f64>>,
    num_recordings: f64,
    totals: Vec<f64>,
}

impl<'a> Deal<'a> {
    fn new(groups: &'a [Group], shares: &[f64], num_recordings: usize) -> Self {
        let mut totals = Vec::new();
        for (class, count) in groups.iter().flat_map(|group| &group.counts) {
            if totals.len() <= *class {
                totals.resize(class + 1, 0.0);
            }
            totals[*class] += count;
        }
        Self {
            groups,
            part_of: Vec::with_capacity(groups.len()),
            num_groups: vec![0; shares.len()],
            recordings: shares.iter().map(|share| -share).collect(),
            classes: shares
                .iter()
                .map(|share| vec![-share; totals.len()])
                .collect(),
            num_recordings: num_recordings as f64,
            totals,
        }
    }

    /// What J gains where `sign` times the group comes to a part, and, with `apply`, does so.
    fn change(&mut self, group: usize, part: usize, sign: f64, apply: bool) -> f64 {
        let group = &self.groups[group];
        let step = sign * group.recordings.len() as f64 / self.num_recordings;
        let before = self.recordings[part];
        let mut gain = self.totals.len().max(1) as f64 * step * (2.0 * before + step);
        for (class, count) in &group.counts {
            let step = sign * count / self.totals[*class];
            let before = self.classes[part][*class];
            gain += step * (2.0 * before + step);
            if apply {
                self.classes[part][*class] += step;
            }
        }
        if apply {
            self.recordings[part] += step;
        }
        gain
    }

    fn put(&mut self, group: usize, part: usize) -> f64 {
        self.num_groups[part] += 1;
        self.change(group, part, 1.0, true)
    }

    fn take(&mut self, group: usize, part: usize) -> f64 {
        self.num_groups[part] -= 1;
        self.change(group, part, -1.0, true)
    }

    /// The part in which a group costs least.
    fn best(&mut self, group: usize, parts: impl Iterator<Item = usize>) -> Option<(usize, f64)> {
        parts
            .map(|part| (part, self.change(group, part, 1.0, false)))
            .min_by(|a, b| a.1.total_cmp(&b.1))
    }

    fn greedy(&mut self) {
        let num_parts = self.num_groups.len();
        for group in 0..self.groups.len() {
            // The last groups fill the parts that still have none.
            let empty = self.num_groups.iter().filter(|count| **count == 0).count();
            let only_empty = self.groups.len() - group <= empty;
            let allowed: Vec<usize> = (0..num_parts)
                .filter(|part| !only_empty || self.num_groups[*part] == 0)
                .collect();
            let part = self
                .best(group, allowed.into_iter())
                .map_or(0, |best| best.0);
            self.put(group, part);
            self.part_of.push(part);
        }
    }

    fn move_groups(&mut self) -> bool {
        let mut changed = false;
        for group in 0..self.groups.len() {
            let from = self.part_of[group];
            if self.num_groups[from] == 1 {
                continue;
            }
            let freed = self.take(group, from);
            let others = (0..self.num_groups.len()).filter(|part| *part != from);
            let to = match self.best(group, others) {
                Some((part, cost)) if freed + cost < -LEAST_GAIN => part,
                _ => from,
            };
            self.put(group, to);
            self.part_of[group] = to;
            changed |= to != from;
        }
        changed
    }

    fn swap_groups(&mut self) -> bool {
        let mut changed = false;
        for first in 0..self.groups.len() {
            for second in first + 1..self.groups.len() {
                let (a, b) = (self.part_of[first], self.part_of[second]);
                if a == b {
                    continue;
                }
                let mut gain = self.take(first, a) + self.take(second, b);
                gain += self.put(first, b) + self.put(second, a);
                if gain < -LEAST_GAIN {
                    self.part_of.swap(first, second);
                    changed = true;
                } else {
                    self.take(first, b);
                    self.take(second, a);
                    self.put(first, a);
                    self.put(second, b);
                }
            }
        }
        changed
    }
}
