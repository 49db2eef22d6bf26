//! The times of the frames that arrived, and what follows from them.

use serde::{Deserialize, Serialize};

use super::{FrameRate, TimeBase};

/// The times of a film in a few numbers.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Timeline {
    /// Unit of the time stamps.
    pub time_base: TimeBase,
    /// Number of frames that arrived, which need not be what the container says.
    pub frames: u64,
    /// Time stamp of the first frame.
    pub first_pts: i64,
    /// Time stamp of the last frame.
    pub last_pts: i64,
    /// Distance of the last two frames in units; none if there is one frame only.
    pub last_gap: Option<i64>,
    /// Whether all frames are equally far apart, but for the rounding of their time stamps to whole units; one frame is.
    pub constant: bool,
    /// Whether every frame is later than the one before it.
    pub increasing: bool,
    /// The rate that the container claims.
    pub nominal_rate: Option<FrameRate>,
    /// Frames a second: the claim if the time stamps agree with it, else what they say; none if the rate varies.
    pub rate: Option<FrameRate>,
}

impl Timeline {
    /// Time of the first frame, which is time 0 of a recording.
    ///
    /// # Units
    ///
    /// Seconds.
    pub fn start(&self) -> f64 {
        self.time_base.seconds(self.first_pts)
    }

    /// Time from the first frame to the end of the last one, which is shown as long as the one before it.
    ///
    /// The length that the container gives to the last frame is not asked: it is often wrong, and older versions of ffmpeg do
    /// not report it.
    ///
    /// # Units
    ///
    /// Seconds.
    pub fn duration(&self) -> f64 {
        let span = self.last_pts.saturating_sub(self.first_pts);
        let last = match self.last_gap {
            Some(gap) => self.time_base.seconds(gap.max(0)),
            None => self
                .nominal_rate
                .map_or(0.0, |rate| 1.0 / rate.per_second()),
        };
        self.time_base.seconds(span) + last
    }

    /// Frames a second on average.
    pub fn mean_rate(&self) -> Option<FrameRate> {
        let span = self.last_pts.checked_sub(self.first_pts)?;
        FrameRate::of_gaps(
            self.frames.checked_sub(1)?,
            u64::try_from(span).ok()?,
            self.time_base,
        )
    }
}

/// The account of the time stamps seen so far, in constant memory.
#[derive(Clone, Debug)]
pub(crate) struct Times {
    time_base: TimeBase,
    nominal_rate: Option<FrameRate>,
    frames: u64,
    first: i64,
    last: i64,
    gap: Option<i64>,
    increasing: bool,
    /// The distances of neighbouring frames, in units, that all time stamps allow if each is rounded by less than one unit.
    gaps: (f64, f64),
}

impl Times {
    pub(crate) fn new(time_base: TimeBase, nominal_rate: Option<FrameRate>) -> Self {
        Self {
            time_base,
            nominal_rate,
            frames: 0,
            first: 0,
            last: 0,
            gap: None,
            increasing: true,
            gaps: (0.0, f64::INFINITY),
        }
    }

    pub(crate) fn push(&mut self, pts: i64) -> u64 {
        let index = self.frames;
        if index == 0 {
            self.first = pts;
        } else {
            let gap = pts.saturating_sub(self.last);
            self.increasing &= gap > 0;
            self.gap = Some(gap);
            let (since, n) = (pts.saturating_sub(self.first) as f64, index as f64);
            self.gaps.0 = self.gaps.0.max((since - 1.0) / n);
            self.gaps.1 = self.gaps.1.min((since + 1.0) / n);
        }
        self.last = pts;
        self.frames += 1;
        index
    }

    pub(crate) fn frames(&self) -> u64 {
        self.frames
    }

    pub(crate) fn timeline(&self) -> Timeline {
        let constant = self.increasing && self.gaps.0 <= self.gaps.1;
        let mut timeline = Timeline {
            time_base: self.time_base,
            frames: self.frames,
            first_pts: self.first,
            last_pts: self.last,
            last_gap: self.gap,
            constant,
            increasing: self.increasing,
            nominal_rate: self.nominal_rate,
            rate: None,
        };
        if constant {
            timeline.rate = self
                .nominal_rate
                .filter(|&rate| self.agrees(rate))
                .or_else(|| timeline.mean_rate());
        }
        timeline
    }

    /// Whether the time stamps can be those of this rate.
    fn agrees(&self, rate: FrameRate) -> bool {
        let unit = self.time_base.seconds(1);
        let gap = 1.0 / (rate.per_second() * unit);
        // The bounds are exact where stamps are; the claim itself is a rounded quotient.
        let slack = gap * 1e-9;
        self.gaps.0 - slack <= gap && gap <= self.gaps.1 + slack
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn timeline(base: &str, rate: Option<&str>, stamps: impl IntoIterator<Item = i64>) -> Timeline {
        let mut times = Times::new(base.parse().unwrap(), rate.map(|r| r.parse().unwrap()));
        for pts in stamps {
            times.push(pts);
        }
        times.timeline()
    }

    #[test]
    fn rounded_times_of_a_constant_rate_are_constant() {
        let rounded = (0..5000).map(|i| 7 + (f64::from(i) * 1000.0 / 29.97).round() as i64);
        let line = timeline("1/1000", Some("29.97"), rounded);
        assert!(line.constant && line.increasing);
        assert_eq!(line.rate.unwrap().to_string(), "2997/100");
        assert_eq!(line.start(), 0.007);
    }

    #[test]
    fn a_wrong_claim_gives_way_to_the_times() {
        let line = timeline("1/12800", Some("30"), (0..50).map(|i| i * 512));
        assert_eq!(line.rate.unwrap().to_string(), "25");
        assert_eq!(line.duration(), 2.0);
    }

    #[test]
    fn one_missing_frame_or_a_varying_gap_is_seen() {
        let missing = (0..50).filter(|i| *i != 30).map(|i| i * 1024);
        let line = timeline("1/10240", Some("10"), missing);
        assert!(!line.constant && line.rate.is_none());
        // Gaps of one and two units in turn, in a coarse unit, are no rounding of 20 a second for long.
        let coarse = (0..60).map(|i| if i < 30 { i } else { 30 + (i - 30) * 2 });
        assert!(!timeline("1/30", Some("30"), coarse).constant);
        assert!(!timeline("1/10", None, [0, 2, 1]).increasing);
        assert!(!timeline("1/10", None, [0, 1, 1, 2]).constant);
    }

    #[test]
    fn the_last_frame_lasts_as_long_as_the_one_before() {
        let line = timeline("1/981", Some("981/50"), (0..355).map(|i| i * 50));
        assert!((line.duration() - 18.093_781_855).abs() < 1e-9);
        let one = timeline("1/15360", Some("30"), [0]);
        assert_eq!(one.duration(), 1.0 / 30.0);
        assert!(one.constant && one.mean_rate().is_none());
        assert_eq!(one.rate, one.nominal_rate);
    }

    #[test]
    fn wild_times_do_not_overflow() {
        let line = timeline("4294967295/1", None, [i64::MIN, i64::MAX, 0]);
        assert!(!line.constant && line.duration().is_finite());
    }
}
