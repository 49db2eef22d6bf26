//! The account of a film that was read.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::Timeline;

/// What came of reading a film.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Report {
    /// Number and times of the frames.
    pub timeline: Timeline,
    /// What reads the frames.
    pub decoder: Decoder,
    /// Signs that the film is damaged.
    pub damage: Damage,
}

/// The part that turned a file into frames.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Decoder {
    /// Its name: `ffmpeg`, `images` or `generated`.
    pub name: String,
    /// Its version; frames of two versions may differ.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
    /// Number of decoding threads, on which depends what is painted over damage.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub threads: Option<u32>,
}

/// Complaints of the decoder about a film. It goes on after them and ends as if nothing had been.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Damage {
    /// Number of complaints.
    pub complaints: u64,
    /// The complaints with their number, each number inside them as `#`; no more than [`Damage::MAX_KINDS`] kinds.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub kinds: BTreeMap<String, u64>,
}

impl Damage {
    /// The most kinds of complaints that are kept; further ones are only counted.
    pub const MAX_KINDS: usize = 16;

    /// Whether the decoder complained at all.
    pub fn is_damaged(&self) -> bool {
        self.complaints > 0
    }

    /// Counts a complaint.
    pub(crate) fn add(&mut self, message: &str) {
        self.complaints += 1;
        let kind = without_numbers(message);
        if let Some(number) = self.kinds.get_mut(&kind) {
            *number += 1;
        } else if self.kinds.len() < Self::MAX_KINDS {
            self.kinds.insert(kind, 1);
        }
    }
}

/// A message with `#` for each number, so that two runs over one film agree and a film does not fill a page.
fn without_numbers(message: &str) -> String {
    let mut text = String::new();
    let mut rest = message.chars().take(160).peekable();
    while let Some(c) = rest.next() {
        if !c.is_ascii_digit() {
            text.push(c);
            continue;
        }
        text.push('#');
        while rest.next_if(char::is_ascii_alphanumeric).is_some() {}
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn complaints_are_counted_by_kind() {
        let mut damage = Damage::default();
        damage.add("Invalid NAL unit size (565 > 150).");
        damage.add("Invalid NAL unit size (-1 > 551).");
        damage.add("stream 0, offset 0x64e1: partial file");
        damage.add("Invalid NAL unit size (5 > 4).");
        assert_eq!(damage.complaints, 4);
        assert_eq!(damage.kinds["Invalid NAL unit size (# > #)."], 2);
        assert_eq!(damage.kinds["Invalid NAL unit size (-# > #)."], 1);
        assert_eq!(damage.kinds["stream #, offset #: partial file"], 1);
    }

    #[test]
    fn kinds_are_bounded() {
        let mut damage = Damage::default();
        for i in 0..26_u8 {
            damage.add(&char::from(b'a' + i).to_string());
        }
        assert_eq!(
            (damage.complaints, damage.kinds.len()),
            (26, Damage::MAX_KINDS)
        );
        damage.add("a");
        assert_eq!(damage.kinds["a"], 2);
    }
}
