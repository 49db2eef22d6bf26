//! Features in memory.

/// Features of one recording, channel-first: value (c, t) lies at `c · len + t`.
///
/// # Shapes
/// (C, T): `num_channels` rows of `len` time steps, as the network takes them.
#[derive(Debug, Clone, PartialEq)]
pub struct FeatureArray {
    data: Vec<f32>,
    num_channels: usize,
    len: usize,
}

impl FeatureArray {
    /// Features from values in (C, T) order.
    ///
    /// # Panics
    /// If `data` does not hold `num_channels · len` values.
    pub fn from_channel_first(data: Vec<f32>, num_channels: usize, len: usize) -> Self {
        assert_eq!(
            data.len(),
            num_channels * len,
            "{num_channels} x {len} values"
        );
        Self {
            data,
            num_channels,
            len,
        }
    }

    /// Features from values in (T, C) order.
    ///
    /// # Panics
    /// If `data` does not hold `num_channels · len` values.
    pub fn from_time_first(data: &[f32], num_channels: usize, len: usize) -> Self {
        assert_eq!(
            data.len(),
            num_channels * len,
            "{len} x {num_channels} values"
        );
        Self::from_channel_first(transpose(data, len, num_channels), num_channels, len)
    }

    /// Number of channels C.
    pub fn num_channels(&self) -> usize {
        self.num_channels
    }

    /// Number of time steps T.
    #[allow(clippy::len_without_is_empty, reason = "stores refuse empty features")]
    pub fn len(&self) -> usize {
        self.len
    }

    /// All values, (C, T) row-major.
    pub fn data(&self) -> &[f32] {
        &self.data
    }

    /// The values of channel `c` over time.
    ///
    /// # Panics
    /// If there is no such channel.
    pub fn channel(&self, c: usize) -> &[f32] {
        &self.data[c * self.len..(c + 1) * self.len]
    }

    /// The time steps `start .. start + len` of all channels.
    ///
    /// # Panics
    /// If they are not all there.
    pub fn window(&self, start: usize, len: usize) -> Self {
        let mut data = Vec::with_capacity(self.num_channels * len);
        for c in 0..self.num_channels {
            data.extend_from_slice(&self.channel(c)[start..start + len]);
        }
        Self::from_channel_first(data, self.num_channels, len)
    }

    /// Every `rate`-th time step from the first: ⌈T / rate⌉ steps.
    ///
    /// # Panics
    /// If `rate` is zero.
    pub fn every(&self, rate: usize) -> Self {
        let len = self.len.div_ceil(rate);
        let mut data = Vec::with_capacity(self.num_channels * len);
        for c in 0..self.num_channels {
            data.extend(self.channel(c).iter().step_by(rate));
        }
        Self::from_channel_first(data, self.num_channels, len)
    }

    /// The channels `from .. to`.
    ///
    /// # Panics
    /// If they are not all there.
    pub fn channels(&self, from: usize, to: usize) -> Self {
        let data = self.data[from * self.len..to * self.len].to_vec();
        Self::from_channel_first(data, to - from, self.len)
    }

    /// Channels of several arrays one after another, as many time steps as the shortest has.
    ///
    /// # Panics
    /// If there is none.
    pub fn concatenated(mut parts: Vec<Self>) -> Self {
        let len = parts.iter().map(Self::len).min();
        let Some(len) = len else {
            panic!("no array to put after another");
        };
        if parts.len() == 1 {
            return parts.remove(0);
        }
        let num_channels = parts.iter().map(Self::num_channels).sum();
        let mut data = Vec::with_capacity(num_channels * len);
        for part in &parts {
            for c in 0..part.num_channels {
                data.extend_from_slice(&part.channel(c)[..len]);
            }
        }
        Self::from_channel_first(data, num_channels, len)
    }

    /// All values, (T, C) row-major: as files usually have them.
    pub fn to_time_first(&self) -> Vec<f32> {
        transpose(&self.data, self.num_channels, self.len)
    }

    /// (time, channel, value) of the first value in time that is NaN or infinite.
    pub fn first_not_finite(&self) -> Option<(usize, usize, f32)> {
        (0..self.num_channels)
            .filter_map(|c| {
                let time = self.channel(c).iter().position(|v| !v.is_finite())?;
                Some((time, c, self.channel(c)[time]))
            })
            .min_by_key(|(time, channel, _)| (*time, *channel))
    }
}

/// A row-major matrix of `rows` x `columns` turned over.
///
/// # Panics
/// If `data` does not hold `rows · columns` values.
pub(super) fn transpose(data: &[f32], rows: usize, columns: usize) -> Vec<f32> {
    assert_eq!(data.len(), rows * columns);
    // Small squares, so that both sides stay in the cache.
    const SIDE: usize = 32;
    let mut out = vec![0.0; data.len()];
    for top in (0..rows).step_by(SIDE) {
        for left in (0..columns).step_by(SIDE) {
            for r in top..(top + SIDE).min(rows) {
                for c in left..(left + SIDE).min(columns) {
                    out[c * rows + r] = data[r * columns + c];
                }
            }
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn counted(num_channels: usize, len: usize) -> FeatureArray {
        let data = (0..num_channels * len).map(|v| v as f32).collect();
        FeatureArray::from_channel_first(data, num_channels, len)
    }

    #[test]
    fn layouts_agree() {
        let channel_first =
            FeatureArray::from_channel_first(vec![1.0, 2.0, 3.0, 4.0, 5.0, 6.0], 2, 3);
        let time_first = FeatureArray::from_time_first(&[1.0, 4.0, 2.0, 5.0, 3.0, 6.0], 2, 3);
        assert_eq!(channel_first, time_first);
        assert_eq!(channel_first.channel(1), [4.0, 5.0, 6.0]);
    }

    #[test]
    fn the_first_bad_value_in_time_is_found() {
        let mut data = vec![0.0; 6];
        data[2] = f32::NAN; // (channel 0, time 2)
        data[4] = f32::INFINITY; // (channel 1, time 1)
        let array = FeatureArray::from_channel_first(data, 2, 3);
        assert_eq!(array.first_not_finite(), Some((1, 1, f32::INFINITY)));
        assert_eq!(counted(2, 3).first_not_finite(), None);
    }

    proptest! {
        #[test]
        fn transposing_moves_each_value(rows in 1..70usize, columns in 1..70usize) {
            let data: Vec<f32> = (0..rows * columns).map(|v| v as f32).collect();
            let turned = transpose(&data, rows, columns);
            for r in 0..rows {
                for c in 0..columns {
                    prop_assert_eq!(turned[c * rows + r], data[r * columns + c]);
                }
            }
        }

        #[test]
        fn windows_and_steps_pick_the_named_times(
            c in 1..4usize, len in 1..20usize, rate in 1..6usize, a in 0..20usize, b in 0..20usize,
        ) {
            let array = counted(c, len);
            let (start, end) = (a.min(b) % len, a.max(b) % len + 1);
            prop_assume!(start < end);
            let window = array.window(start, end - start);
            let steps = array.every(rate);
            for row in 0..c {
                prop_assert_eq!(window.channel(row), &array.channel(row)[start..end]);
                for (i, value) in steps.channel(row).iter().enumerate() {
                    prop_assert_eq!(*value, array.channel(row)[i * rate]);
                }
                prop_assert!(steps.len() * rate >= len && (steps.len() - 1) * rate < len);
            }
        }
    }
}
