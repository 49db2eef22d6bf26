//! The unit of time stamps.

use serde::{Deserialize, Serialize};

/// A fraction of a second in which time stamps count.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct TimeBase {
    numerator: u32,
    denominator: u32,
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
        // One rounding only: the product is exact for every file of sane length.
        ticks as f64 * f64::from(self.numerator) / f64::from(self.denominator)
    }
}

impl std::fmt::Display for TimeBase {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}/{}", self.numerator, self.denominator)
    }
}

impl std::str::FromStr for TimeBase {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        text.split_once('/')
            .and_then(|(above, below)| Self::new(above.parse().ok()?, below.parse().ok()?))
            .ok_or_else(|| format!("`{text}` is no fraction of a second such as 1/90000"))
    }
}

impl TryFrom<String> for TimeBase {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}

impl From<TimeBase> for String {
    fn from(base: TimeBase) -> Self {
        base.to_string()
    }
}
