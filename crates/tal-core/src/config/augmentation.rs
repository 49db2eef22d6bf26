//! Random changes to training recordings.

use super::check::Check;

sections! {
    /// Random changes to training recordings, drawn anew for each recording and epoch. All are off by default, as in the released
    /// code. They act on the features, or on the raw signal that windows of `format: inertial` are cut from. BackTAL does
    /// not use them.
    pub struct AugmentationConfig {
        /// Bounds of the factor by which a recording is stretched in time, with its actions, such as [0.8, 1.25]; the logarithm
        /// of the factor is uniform. Null leaves the tempo as it is.
        pub scale: Option<[f64; 2]> = None,
        /// Probability that a channel is replaced by its mean over the recording.
        pub channel_mask: f64 = 0.0,
        /// Stretches of time in which all channels are replaced by their means; null masks none.
        pub time_mask: Option<TimeMaskConfig> = None,
        /// Actions that are replaced by an action of the same class from another recording; null replaces none.
        pub swap: Option<SwapConfig> = None,
        /// Changes to a raw signal of `format: inertial`; null makes none.
        pub signal: Option<SignalConfig> = None,
    }

    /// Stretches of time in which all channels are replaced by their means.
    pub struct TimeMaskConfig {
        /// Number of stretches per recording.
        pub count: usize = 2,
        /// Length of the longest, in features; lengths are uniform from 1.
        pub max_length: usize = 8,
    }

    /// Actions that are replaced by an action of the same class from another recording, which is stretched to their length.
    /// Actions that would have to be stretched or shrunk more than twofold stay.
    pub struct SwapConfig {
        /// Probability that an action is replaced.
        pub probability: f64 = 0.3,
        /// Length of the transition at either end, inside the action, in features.
        pub fade: f64 = 1.0,
    }

    /// Changes to a raw signal.
    pub struct SignalConfig {
        /// Largest angle, in degrees, by which the sensor is turned about a random axis. Channels must come in threes (x, y,
        /// z).
        pub rotation: f64 = 0.0,
        /// Largest relative change s of the amplitude, a factor from 1 − s to 1 + s.
        pub scaling: f64 = 0.0,
        /// Standard deviation of Gaussian noise, in units of the signal.
        pub jitter: f64 = 0.0,
        /// Lets the first window begin at a random sample of the first stride.
        pub offset: bool = false,
    }
}

impl AugmentationConfig {
    /// Whether any change is made.
    pub fn is_active(&self) -> bool {
        *self != Self::default()
    }

    pub(super) fn check(&self, check: &mut Check<'_>) {
        if let Some([low, high]) = self.scale {
            check.require(
                0.1 <= low && low <= high && high <= 10.0,
                "scale",
                format!("[{low}, {high}]"),
                "two factors in ascending order, from 0.1 to 10",
            );
        }
        check.below_one("channel_mask", self.channel_mask);
        if let Some(mask) = &self.time_mask {
            check.section("time_mask", |check| {
                check.at_least("count", mask.count, 1);
                check.at_least("max_length", mask.max_length, 1);
            });
        }
        if let Some(swap) = &self.swap {
            check.section("swap", |check| {
                check.within("probability", swap.probability, 0.0..=1.0);
                check.not_negative("fade", swap.fade);
            });
        }
        if let Some(signal) = &self.signal {
            check.section("signal", |check| {
                check.within("rotation", signal.rotation, 0.0..=180.0);
                check.below_one("scaling", signal.scaling);
                check.not_negative("jitter", signal.jitter);
            });
        }
    }
}
