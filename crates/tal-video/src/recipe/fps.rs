//! The key `fps`.

use std::fmt;

use serde::de::{Error, Unexpected, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::FrameRate;

/// The rate of the frames that windows count in: `native`, `30` or `30000/1001`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Fps {
    /// The video's own rate, which must be constant.
    Native,
    /// A rate that frames are repeated or left out to reach.
    Resampled(FrameRate),
}

impl Serialize for Fps {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Native => serializer.serialize_str("native"),
            Self::Resampled(rate) if rate.denominator() == 1 => {
                serializer.serialize_u32(rate.numerator())
            }
            Self::Resampled(rate) => serializer.collect_str(rate),
        }
    }
}

impl<'de> Deserialize<'de> for Fps {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(FpsVisitor)
    }
}

struct FpsVisitor;

impl Visitor<'_> for FpsVisitor {
    type Value = Fps;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("`native` or a number of frames a second such as 25, 29.97 or 30000/1001")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Fps, E> {
        match text {
            "native" => Ok(Fps::Native),
            _ => text
                .parse()
                .map(Fps::Resampled)
                .map_err(|_| E::invalid_value(Unexpected::Str(text), &self)),
        }
    }

    fn visit_u64<E: Error>(self, number: u64) -> Result<Fps, E> {
        self.visit_str(&number.to_string())
    }

    fn visit_i64<E: Error>(self, number: i64) -> Result<Fps, E> {
        self.visit_str(&number.to_string())
    }

    fn visit_f64<E: Error>(self, number: f64) -> Result<Fps, E> {
        self.visit_str(&number.to_string())
    }
}
