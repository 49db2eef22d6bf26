//! The claims of a container, as the program prints them.

use serde::{Deserialize, Serialize};

/// Content of a file by its own account.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Container {
    /// Names of the container's format, with commas between them.
    pub format: String,
    /// Length of the longest stream, of sound too. It is often wrong.
    ///
    /// # Units
    ///
    /// Seconds.
    pub seconds: Option<f64>,
    /// The video streams without cover pictures.
    pub streams: Vec<VideoStream>,
    /// Number of sound streams.
    pub audio: usize,
    /// Number of cover pictures.
    pub covers: usize,
}

/// A video stream by its own account.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct VideoStream {
    /// Name of the codec, such as `h264`.
    pub codec: String,
    /// Layout of the stored pixels, such as `yuv420p10le` for ten bits.
    pub pixels: Option<String>,
    /// Width of the stored pixels, before rotation.
    pub width: u32,
    /// Height of the stored pixels, before rotation.
    pub height: u32,
    /// The turn to the right that makes the pixels upright.
    ///
    /// # Units
    ///
    /// Degrees, 0 to 359.
    pub rotation: u32,
}

impl Container {
    /// Takes a line of the account; others are passed over.
    pub(crate) fn take(&mut self, line: &str) {
        if let Some(rest) = line.strip_prefix("Input #0, ") {
            self.format = rest.split(", from ").next().unwrap_or_default().to_owned();
        } else if let Some(rest) = line.strip_prefix("  Duration: ") {
            self.seconds = rest.split(',').next().and_then(clock_seconds);
        } else if line.starts_with("  Stream #0:") {
            self.take_stream(line);
        } else if let Some((_, rest)) = line.split_once("rotation of ") {
            // Side data follow their stream.
            if let (Some(stream), Some(turn)) = (self.streams.last_mut(), leading_number(rest)) {
                // The program counts to the left.
                stream.rotation = (-turn.round()).rem_euclid(360.0) as u32 % 360;
            }
        }
    }

    fn take_stream(&mut self, line: &str) {
        if let Some((_, rest)) = line.split_once(": Video: ") {
            if line.contains("(attached pic)") {
                self.covers += 1;
            } else {
                self.streams.push(parsed_stream(rest));
            }
        } else if line.contains(": Audio: ") {
            self.audio += 1;
        }
    }
}

/// A stream from `h264 (High) (avc1 / 0x31637661), yuv420p(tv, progressive), 320x240 [SAR 1:1], …`.
fn parsed_stream(text: &str) -> VideoStream {
    let items = split_outside_brackets(text);
    let word = |item: &str| {
        let end = item.find([' ', '(', '[']).unwrap_or(item.len());
        item[..end].to_owned()
    };
    let size = items.iter().find_map(|item| {
        let (width, height) = word(item)
            .split_once('x')
            .map(|(w, h)| (w.parse(), h.parse()))?;
        Some((width.ok()?, height.ok()?))
    });
    let (width, height) = size.unwrap_or_default();
    VideoStream {
        codec: items.first().map(|item| word(item)).unwrap_or_default(),
        pixels: items
            .get(1)
            .map(|item| word(item))
            .filter(|name| !name.is_empty() && !name.starts_with(|c: char| c.is_ascii_digit())),
        width,
        height,
        rotation: 0,
    }
}

/// The items between commas; commas in brackets belong to an item.
fn split_outside_brackets(text: &str) -> Vec<&str> {
    let (mut items, mut depth, mut start) = (Vec::new(), 0_i32, 0);
    for (at, c) in text.char_indices() {
        match c {
            '(' | '[' => depth += 1,
            ')' | ']' => depth -= 1,
            ',' if depth <= 0 => {
                items.push(text[start..at].trim());
                start = at + 1;
            }
            _ => {}
        }
    }
    items.push(text[start..].trim());
    items
}

/// Seconds of `00:00:18.16`.
fn clock_seconds(text: &str) -> Option<f64> {
    let mut seconds = 0.0;
    for part in text.trim().split(':') {
        seconds = seconds * 60.0 + part.parse::<f64>().ok()?;
    }
    Some(seconds)
}

fn leading_number(text: &str) -> Option<f64> {
    text.split_whitespace().next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_the_account_of_a_phone_film() {
        let mut container = Container::default();
        for line in [
            "Input #0, mov,mp4,m4a,3gp,3g2,mj2, from 'file:a, from b.mov':",
            "  Metadata:",
            "    Stream #0:9: Video: fake, none, 1x1",
            "  Duration: 01:00:01.50, start: 0.000000, bitrate: 1235 kb/s",
            "  Stream #0:0[0x1](und): Audio: aac (LC) (mp4a / 0x6134706D), 44100 Hz, mono, fltp, 71 kb/s (default)",
            "  Stream #0:1[0x2](eng): Video: hevc (Main 10) (hvc1 / 0x31637668), yuv420p10le(tv, bt709, progressive), 568x320 \
             [SAR 1:1 DAR 16:9], 1172 kb/s, 30 fps, 30 tbr, 19200 tbn (default)",
            "    Side data:",
            "      Display Matrix: rotation of -90.00 degrees",
            "  Stream #0:2[0x0]: Video: png, rgb24(pc, gbr/unknown/unknown), 160x120, 90k tbr, 90k tbn (attached pic)",
        ] {
            container.take(line);
        }
        assert_eq!(container.format, "mov,mp4,m4a,3gp,3g2,mj2");
        assert_eq!(container.seconds, Some(3601.5));
        assert_eq!((container.audio, container.covers), (1, 1));
        let expected = VideoStream {
            codec: "hevc".to_owned(),
            pixels: Some("yuv420p10le".to_owned()),
            width: 568,
            height: 320,
            rotation: 90,
        };
        assert_eq!(container.streams, [expected]);
    }

    #[test]
    fn an_account_may_be_silent() {
        let mut container = Container::default();
        container.take("  Duration: N/A, bitrate: N/A");
        container.take("  Stream #0:0: Video: vp8, 1280x720, SAR 1:1");
        container.take("      displaymatrix: rotation of nan degrees");
        assert_eq!(container.seconds, None);
        let stream = &container.streams[0];
        assert_eq!((stream.width, stream.pixels.as_deref()), (1280, None));
        assert_eq!(stream.rotation, 0);
    }
}
