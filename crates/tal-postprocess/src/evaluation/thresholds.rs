//! tIoU thresholds of well-known data sets.

/// Data sets that [`default_thresholds`] knows.
pub const KNOWN_DATASETS: [&str; 8] = [
    "thumos14",
    "multithumos",
    "charades",
    "epic_kitchens_100",
    "ego4d",
    "activitynet",
    "hacs",
    "fineaction",
];

/// Thresholds at which results on a data set are compared; `None` for an unknown data set.
///
/// `thumos14` has 0.3:0.1:0.7, `multithumos` and `charades` 0.1:0.1:0.9, `epic_kitchens_100` and `ego4d` 0.1:0.1:0.5,
/// `activitynet`, `hacs` and `fineaction` 0.5:0.05:0.95. Each threshold is the nearest number to its decimal fraction, not
/// a sum of steps.
pub fn default_thresholds(dataset: &str) -> Option<Vec<f64>> {
    let (first, step, last) = match dataset {
        "thumos14" => (30, 10, 70),
        "multithumos" | "charades" => (10, 10, 90),
        "epic_kitchens_100" | "ego4d" => (10, 10, 50),
        "activitynet" | "hacs" | "fineaction" => (50, 5, 95),
        _ => return None,
    };
    let hundredths = (first..=last).step_by(step);
    Some(hundredths.map(|value| f64::from(value) / 100.0).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thresholds_are_exact_decimals() {
        let of = |name| default_thresholds(name).unwrap();
        assert_eq!(of("thumos14"), [0.3, 0.4, 0.5, 0.6, 0.7]);
        assert_eq!(of("ego4d"), [0.1, 0.2, 0.3, 0.4, 0.5]);
        assert_eq!(of("epic_kitchens_100"), of("ego4d"));
        let nine = [0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9];
        assert_eq!(of("multithumos"), nine);
        assert_eq!(of("charades"), nine);
        let ten = [0.5, 0.55, 0.6, 0.65, 0.7, 0.75, 0.8, 0.85, 0.9, 0.95];
        for name in ["activitynet", "hacs", "fineaction"] {
            assert_eq!(of(name), ten);
        }
        assert!(
            KNOWN_DATASETS
                .iter()
                .all(|name| default_thresholds(name).is_some())
        );
        assert_eq!(default_thresholds("imagenet"), None);
    }
}
