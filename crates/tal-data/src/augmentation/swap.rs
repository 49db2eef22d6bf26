//! Actions that are replaced by others of their class.

use tal_core::Segment;

use crate::FeatureArray;

/// Largest factor by which an action is stretched or shrunk to take the place of another one.
const MAX_STRETCH: f64 = 2.0;

/// Puts the action at `from` in `donor` into the place `to` of `signal`, stretched to its length, with transitions of `fade`
/// samples at either end. Returns whether it did: not if the lengths differ too much or the donor does not hold the action.
///
/// # Units
/// Samples, of which number i lies from i to i + 1.
pub(super) fn replace(
    signal: &mut FeatureArray,
    to: Segment,
    donor: &FeatureArray,
    from: Segment,
    fade: f64,
) -> bool {
    let ratio = from.length() / to.length();
    let holds = Segment::new(0.0, donor.len() as f64);
    let fits = (1.0 / MAX_STRETCH..=MAX_STRETCH).contains(&ratio);
    if !fits || from.intersection(holds) < 0.99 * from.length() {
        return false;
    }
    let (num_channels, len) = (signal.num_channels(), signal.len());
    // The samples whose middles lie inside.
    let first = (to.start - 0.5).ceil().max(0.0) as usize;
    let end = ((to.end - 0.5).ceil().max(0.0) as usize).min(len);
    let mut data = signal.data().to_vec();
    for sample in first..end {
        let middle = sample as f64 + 0.5;
        let position = from.start + (middle - to.start) * ratio - 0.5;
        let position = position.clamp(0.0, (donor.len() - 1) as f64);
        let left = position as usize;
        let right = (left + 1).min(donor.len() - 1);
        let share = (position - left as f64) as f32;
        let depth = (middle - to.start).min(to.end - middle);
        let weight = if fade > 0.0 {
            (depth / fade).min(1.0) as f32
        } else {
            1.0
        };
        for channel in 0..num_channels {
            let row = donor.channel(channel);
            let new = (1.0 - share) * row[left] + share * row[right];
            let old = &mut data[channel * len + sample];
            *old += weight * (new - *old);
        }
    }
    *signal = FeatureArray::from_channel_first(data, num_channels, len);
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ramp(len: usize, factor: f32) -> FeatureArray {
        let data = (0..len).map(|t| (t as f32 + 0.5) * factor).collect();
        FeatureArray::from_channel_first(data, 1, len)
    }

    #[test]
    fn the_action_is_stretched_into_its_place() {
        // Positions of the donor are its values.
        let donor = ramp(100, 1.0);
        let mut signal = ramp(50, -1.0);
        let before = signal.clone();
        let (to, from) = (Segment::new(10.0, 20.0), Segment::new(40.0, 55.0));
        assert!(replace(&mut signal, to, &donor, from, 0.0));
        for sample in 0..50 {
            let value = signal.channel(0)[sample];
            let expected = match sample {
                10..20 => 40.0 + (sample as f32 + 0.5 - 10.0) * 1.5,
                _ => before.channel(0)[sample],
            };
            assert!(
                (value - expected).abs() < 1e-4,
                "{sample}: {value}, {expected}"
            );
        }
    }

    #[test]
    fn ends_are_mixed() {
        let ones = FeatureArray::from_channel_first(vec![1.0; 30], 1, 30);
        let mut signal = FeatureArray::from_channel_first(vec![0.0; 30], 1, 30);
        let place = Segment::new(10.0, 20.0);
        assert!(replace(&mut signal, place, &ones, place, 4.0));
        let expected = [
            0.125, 0.375, 0.625, 0.875, 1.0, 1.0, 0.875, 0.625, 0.375, 0.125,
        ];
        assert_eq!(&signal.channel(0)[10..20], &expected);
        assert!(signal.channel(0)[..10].iter().all(|value| *value == 0.0));
    }

    #[test]
    fn what_does_not_fit_stays() {
        let donor = ramp(100, 1.0);
        let mut signal = ramp(50, -1.0);
        let before = signal.clone();
        for (to, from) in [
            (Segment::new(10.0, 20.0), Segment::new(40.0, 61.0)),
            (Segment::new(10.0, 20.0), Segment::new(40.0, 44.0)),
            (Segment::new(10.0, 20.0), Segment::new(95.0, 105.0)),
            (Segment::new(10.0, 10.0), Segment::new(40.0, 40.0)),
        ] {
            assert!(!replace(&mut signal, to, &donor, from, 1.0));
        }
        assert_eq!(signal, before);
    }
}
