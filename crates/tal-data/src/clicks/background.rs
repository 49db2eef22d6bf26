//! Stretches without an annotated action.

use tal_core::Segment;

/// The maximal stretches of `0 .. duration` that no action touches, in ascending order; only those that are longer than
/// zero.
///
/// # Units
/// Seconds.
pub fn background_stretches(
    duration: f64,
    actions: impl IntoIterator<Item = Segment>,
) -> Vec<Segment> {
    let mut actions: Vec<Segment> = actions.into_iter().collect();
    actions.sort_by(|a, b| a.start.total_cmp(&b.start));
    let mut stretches = Vec::new();
    let mut free_from = 0.0;
    for action in actions {
        let until = action.start.min(duration);
        if until > free_from {
            stretches.push(Segment::new(free_from, until));
        }
        free_from = action.end.max(free_from);
    }
    if duration > free_from {
        stretches.push(Segment::new(free_from, duration));
    }
    stretches
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn stretches(duration: f64, actions: &[(f64, f64)]) -> Vec<(f64, f64)> {
        let actions = actions
            .iter()
            .map(|(start, end)| Segment::new(*start, *end));
        let found = background_stretches(duration, actions);
        found.into_iter().map(|s| (s.start, s.end)).collect()
    }

    #[test]
    fn gaps_before_between_and_after() {
        let actions = [(5.0, 6.0), (1.0, 3.0), (2.0, 2.5), (6.0, 7.0)];
        assert_eq!(
            stretches(10.0, &actions),
            [(0.0, 1.0), (3.0, 5.0), (7.0, 10.0)]
        );
        assert_eq!(stretches(10.0, &[]), [(0.0, 10.0)]);
        assert!(stretches(10.0, &[(-1.0, 12.0)]).is_empty());
        assert!(stretches(10.0, &[(0.0, 4.0), (4.0, 10.0)]).is_empty());
        // What lies outside the recording changes nothing.
        assert_eq!(
            stretches(10.0, &[(11.0, 12.0), (-3.0, -2.0)]),
            [(0.0, 10.0)]
        );
    }

    proptest! {
        #[test]
        fn a_moment_is_background_or_within_an_action(
            actions in proptest::collection::vec((0..100u32, 1..30u32), 0..8), duration in 1..120u32,
        ) {
            let actions: Vec<Segment> = actions
                .iter()
                .map(|(start, length)| Segment::new(f64::from(*start), f64::from(start + length)))
                .collect();
            let found = background_stretches(f64::from(duration), actions.iter().copied());
            prop_assert!(found.iter().all(|s| s.start < s.end));
            // Maximal: no two touch.
            prop_assert!(found.windows(2).all(|pair| pair[0].end < pair[1].start));
            for second in 0..duration {
                let moment = f64::from(second) + 0.5;
                let holds = |s: &Segment| s.start < moment && moment < s.end;
                prop_assert!(found.iter().any(holds) != actions.iter().any(holds));
            }
        }
    }
}
