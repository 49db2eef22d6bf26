//! Dealing recordings to subsets: groups stay together, shares and classes are met.

use std::collections::BTreeMap;

use tal_core::{Instance, Recording, Segment};
use tal_corpus::split::{self, SplitError};

fn recording(id: String, labels: &[u32]) -> Recording {
    Recording {
        id,
        subset: "training".into(),
        duration: None,
        fps: None,
        instances: labels
            .iter()
            .map(|label| Instance {
                segment: Segment::new(0.0, 1.0),
                label: *label,
            })
            .collect(),
    }
}

/// 40 subjects of 1 to 5 recordings; common class 0 everywhere, rare class 1 with every fifth subject, class 2 with a few.
fn corpus() -> (Vec<Recording>, Vec<String>) {
    let (mut recordings, mut groups) = (Vec::new(), Vec::new());
    for subject in 0..40 {
        for take in 0..1 + subject % 5 {
            let mut labels = vec![0; 3 + (subject + take) % 4];
            if subject % 5 == 0 {
                labels.push(1);
            }
            labels.extend(vec![2; subject % 3]);
            recordings.push(recording(format!("s{subject}_t{take}"), &labels));
            groups.push(format!("s{subject}"));
        }
    }
    (recordings, groups)
}

fn assign(shares: &[f64], seed: u64) -> (Vec<Recording>, Vec<String>, Vec<usize>) {
    let (recordings, groups) = corpus();
    let all: Vec<&Recording> = recordings.iter().collect();
    let parts = split::assign(&all, &groups, shares, seed).unwrap();
    (recordings, groups, parts)
}

/// The largest deviation of a part from its share: of the recordings, and of a class's annotations.
fn deviation(recordings: &[Recording], parts: &[usize], shares: &[f64]) -> f64 {
    let mut worst: f64 = 0.0;
    for (part, share) in shares.iter().enumerate() {
        let mine = || recordings.iter().zip(parts).filter(|(_, p)| **p == part);
        let fraction = mine().count() as f64 / recordings.len() as f64;
        worst = worst.max((fraction - share).abs());
        for class in 0..3 {
            let count = |recording: &Recording| {
                recording
                    .instances
                    .iter()
                    .filter(|i| i.label == class)
                    .count()
            };
            let all: usize = recordings.iter().map(count).sum();
            let found: usize = mine().map(|(recording, _)| count(recording)).sum();
            worst = worst.max((found as f64 / all as f64 - share).abs());
        }
    }
    worst
}

#[test]
fn groups_stay_together_and_classes_are_spread() {
    for shares in [&[0.8, 0.2][..], &[0.2; 5], &[0.6, 0.2, 0.2]] {
        for seed in 0..5 {
            let (recordings, groups, parts) = assign(shares, seed);
            let mut part_of = BTreeMap::new();
            for (group, part) in groups.iter().zip(&parts) {
                assert_eq!(part_of.entry(group).or_insert(part), &part);
            }
            // 8 subjects have the rare class: each is an eighth of it.
            let worst = deviation(&recordings, &parts, shares);
            assert!(worst <= 0.08, "{shares:?}, seed {seed}: {worst}");
        }
    }
}

#[test]
fn the_seed_decides_and_nothing_else() {
    let (_, _, first) = assign(&[0.8, 0.2], 1);
    let (_, _, again) = assign(&[0.8, 0.2], 1);
    let (_, _, other) = assign(&[0.8, 0.2], 2);
    assert_eq!(first, again);
    assert_ne!(first, other);
}

#[test]
fn no_part_is_empty() {
    let recordings: Vec<Recording> = (0..4).map(|n| recording(n.to_string(), &[])).collect();
    let all: Vec<&Recording> = recordings.iter().collect();
    let groups: Vec<String> = (0..4).map(|n| n.to_string()).collect();
    for seed in 0..20 {
        let mut parts = split::assign(&all, &groups, &[0.97, 0.01, 0.01, 0.01], seed).unwrap();
        parts.sort_unstable();
        assert_eq!(parts, [0, 1, 2, 3]);
    }
}

#[test]
fn one_recording_per_group_meets_a_share_exactly() {
    let recordings: Vec<Recording> = (0..100)
        .map(|n| recording(n.to_string(), &[n % 4]))
        .collect();
    let all: Vec<&Recording> = recordings.iter().collect();
    let groups: Vec<String> = recordings.iter().map(|r| r.id.clone()).collect();
    let parts = split::assign(&all, &groups, &[0.8, 0.2], 3).unwrap();
    for class in 0..4 {
        let test = parts
            .iter()
            .enumerate()
            .filter(|(n, p)| n % 4 == class && **p == 1);
        assert_eq!(test.count(), 5, "class {class}");
    }
}

#[test]
fn what_cannot_be_split_is_said() {
    let one = recording("a".into(), &[]);
    let two = recording("b".into(), &[]);
    let same = ["x".to_owned(), "x".to_owned()];
    let few = SplitError::TooFewGroups {
        num_groups: 1,
        num_parts: 2,
    };
    assert_eq!(
        split::assign(&[&one, &two], &same, &[0.5, 0.5], 0),
        Err(few)
    );
    for shares in [[0.0, 1.0], [0.5, 0.4], [f64::NAN, 0.5]] {
        let error = split::assign(&[&one, &two], &same, &shares, 0).unwrap_err();
        assert!(matches!(error, SplitError::Share(_)), "{error}");
    }
}
