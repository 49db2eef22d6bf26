//! Fractions of whole numbers: the unit of time stamps, and rates.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// A fraction of a second in which time stamps count, such as 1/90000.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct TimeBase {
    numerator: u32,
    denominator: u32,
}

/// Frames in a second as a fraction, such as 30000/1001.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct FrameRate {
    numerator: u32,
    denominator: u32,
}

/// A text that is no fraction of the wanted kind.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is not {wanted}")]
pub struct FractionError {
    text: String,
    wanted: &'static str,
}

impl TimeBase {
    /// The fraction `numerator / denominator` of a second; none if one of them is zero.
    pub fn new(numerator: u32, denominator: u32) -> Option<Self> {
        (numerator > 0 && denominator > 0).then_some(Self {
            numerator,
            denominator,
        })
    }

    /// The number above the line.
    pub fn numerator(self) -> u32 {
        self.numerator
    }

    /// The number below the line.
    pub fn denominator(self) -> u32 {
        self.denominator
    }

    /// The time of `ticks` units.
    ///
    /// # Units
    ///
    /// Seconds.
    pub fn seconds(self, ticks: i64) -> f64 {
        ticks as f64 * f64::from(self.numerator) / f64::from(self.denominator)
    }
}

impl FrameRate {
    /// One frame a second.
    pub const ONE: Self = Self {
        numerator: 1,
        denominator: 1,
    };

    /// The rate of `numerator / denominator` frames a second, reduced; none if one of them is zero.
    pub fn new(numerator: u32, denominator: u32) -> Option<Self> {
        Self::reduced(numerator.into(), denominator.into())
    }

    /// The number above the line.
    pub fn numerator(self) -> u32 {
        self.numerator
    }

    /// The number below the line.
    pub fn denominator(self) -> u32 {
        self.denominator
    }

    /// The rate.
    ///
    /// # Units
    ///
    /// Frames a second.
    pub fn per_second(self) -> f64 {
        f64::from(self.numerator) / f64::from(self.denominator)
    }

    /// The unit in which frame i of this rate has the time stamp i.
    pub fn time_base(self) -> TimeBase {
        TimeBase {
            numerator: self.denominator,
            denominator: self.numerator,
        }
    }

    /// The rate of frames that are `ticks` units of `base` apart, measured over `frames` gaps.
    pub(crate) fn of_gaps(frames: u64, ticks: u64, base: TimeBase) -> Option<Self> {
        let above = u128::from(frames) * u128::from(base.denominator);
        let below = u128::from(ticks) * u128::from(base.numerator);
        Self::reduced(above, below)
    }

    fn reduced(above: u128, below: u128) -> Option<Self> {
        if above == 0 || below == 0 {
            return None;
        }
        let divisor = greatest_common_divisor(above, below);
        let fit = |value: u128| u32::try_from(value / divisor).ok();
        match (fit(above), fit(below)) {
            (Some(numerator), Some(denominator)) => Some(Self {
                numerator,
                denominator,
            }),
            // Too long to be told from its neighbours: six digits after the point.
            _ => Self::new(
                u32::try_from(above.checked_mul(1_000_000)? / below).ok()?,
                1_000_000,
            ),
        }
    }
}

fn greatest_common_divisor(mut a: u128, mut b: u128) -> u128 {
    while b != 0 {
        (a, b) = (b, a % b);
    }
    a
}

impl fmt::Display for TimeBase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.numerator, self.denominator)
    }
}

impl fmt::Display for FrameRate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.denominator {
            1 => write!(f, "{}", self.numerator),
            below => write!(f, "{}/{below}", self.numerator),
        }
    }
}

impl FromStr for TimeBase {
    type Err = FractionError;

    fn from_str(text: &str) -> Result<Self, FractionError> {
        text.split_once('/')
            .and_then(|(above, below)| Self::new(above.parse().ok()?, below.parse().ok()?))
            .ok_or_else(|| FractionError {
                text: text.to_owned(),
                wanted: "a fraction of a second such as 1/90000",
            })
    }
}

impl FromStr for FrameRate {
    type Err = FractionError;

    /// Reads `30`, `30000/1001` and `29.97`; a decimal number is taken exactly.
    fn from_str(text: &str) -> Result<Self, FractionError> {
        let parsed = match (text.split_once('/'), text.split_once('.')) {
            (Some((above, below)), _) => parsed_pair(above, below),
            (None, Some((whole, digits))) if digits.len() <= 6 => {
                let power = 10_u32.pow(digits.len() as u32);
                parsed_pair(&format!("{whole}{digits}"), &power.to_string())
            }
            _ => parsed_pair(text, "1"),
        };
        parsed.ok_or_else(|| FractionError {
            text: text.to_owned(),
            wanted: "a number of frames a second such as 25, 29.97 or 30000/1001",
        })
    }
}

fn parsed_pair(above: &str, below: &str) -> Option<FrameRate> {
    FrameRate::new(above.parse().ok()?, below.parse().ok()?)
}

impl TryFrom<String> for TimeBase {
    type Error = FractionError;

    fn try_from(text: String) -> Result<Self, FractionError> {
        text.parse()
    }
}

impl TryFrom<String> for FrameRate {
    type Error = FractionError;

    fn try_from(text: String) -> Result<Self, FractionError> {
        text.parse()
    }
}

impl From<TimeBase> for String {
    fn from(base: TimeBase) -> Self {
        base.to_string()
    }
}

impl From<FrameRate> for String {
    fn from(rate: FrameRate) -> Self {
        rate.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rates_are_read_exactly_and_reduced() {
        let rate = |text: &str| text.parse::<FrameRate>().unwrap();
        assert_eq!(rate("30"), FrameRate::new(30, 1).unwrap());
        assert_eq!(rate("29.97"), FrameRate::new(2997, 100).unwrap());
        assert_eq!(rate("60000/2002").to_string(), "30000/1001");
        for bad in ["", "0", "-3", "1/0", "30 fps", "1e3", "0.0000001", "."] {
            assert!(bad.parse::<FrameRate>().is_err(), "{bad}");
        }
        assert_eq!(rate("19.62").time_base().to_string(), "50/981");
    }

    #[test]
    fn a_measured_rate_is_the_fraction() {
        let base = TimeBase::new(1, 981).unwrap();
        let rate = FrameRate::of_gaps(354, 17_700, base).unwrap();
        assert_eq!(rate.to_string(), "981/50");
        assert_eq!(FrameRate::of_gaps(0, 5, base), None);
        assert_eq!(FrameRate::of_gaps(5, 0, base), None);
        let long = FrameRate::of_gaps(1_000_003, 999_999_937, TimeBase::new(1, 90_001).unwrap());
        assert!((long.unwrap().per_second() - 90.001_275_67).abs() < 1e-5);
    }

    #[test]
    fn seconds_of_ticks() {
        let base: TimeBase = "1/15360".parse().unwrap();
        assert_eq!(base.seconds(127_995), 127_995.0 / 15_360.0);
        assert!("0/1".parse::<TimeBase>().is_err());
        assert!("1".parse::<TimeBase>().is_err());
    }
}
