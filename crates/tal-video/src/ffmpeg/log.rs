//! The words of the program on standard error: its account of the container, the time of each frame, complaints.

use std::io::BufRead;

use crate::pixels::yuv::YuvMatrix;
use crate::{Container, Damage, FrameRate, TimeBase};

use super::lines;

/// No line that matters is longer.
const MAX_LINE: usize = 4096;

/// What the log tells while frames arrive.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Event {
    /// The container and the unit of time, before the first frame.
    Opened(Box<Opened>),
    /// A frame that is about to be written.
    Frame(Announced),
    /// Another unit of time than before.
    UnitChanged(String),
}

/// Facts about a frame.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Announced {
    /// The time stamp if it has one.
    pub(crate) pts: Option<i64>,
    /// The way from planes to RGB, if it is not left to the program.
    pub(crate) matrix: Option<YuvMatrix>,
}

/// Facts that are known before the first frame.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Opened {
    pub(crate) container: Container,
    pub(crate) time_base: TimeBase,
    pub(crate) nominal_rate: Option<FrameRate>,
    pub(crate) width: u64,
    pub(crate) height: u64,
    /// The way from planes to RGB, if the first frame has them and the conversion is not left to the program.
    pub(crate) matrix: Option<YuvMatrix>,
}

/// All that remains when the program has ended.
#[derive(Clone, Debug, Default)]
pub(crate) struct Summary {
    pub(crate) container: Option<Container>,
    pub(crate) damage: Damage,
    /// The first error, which tells why a file cannot be opened.
    pub(crate) first_error: String,
    /// The last error, which tells why the program ended.
    pub(crate) last_error: String,
    /// Whether the kind of file was refused.
    pub(crate) refused: bool,
}

/// Reads the log to its end. `tell` returns whether anybody still listens; if not, the rest is read in silence, so that the
/// program never waits for a reader.
pub(crate) fn follow(mut input: impl BufRead, mut tell: impl FnMut(Event) -> bool) -> Summary {
    let mut reader = Reader::default();
    let mut line = Vec::new();
    let mut listening = true;
    // An error of the pipe means that the program is gone.
    while let Ok(true) = lines::read(&mut input, &mut line, MAX_LINE) {
        let text = String::from_utf8_lossy(&line);
        reader.take(text.trim_end_matches('\r'), &mut |event| {
            listening = listening && tell(event);
        });
    }
    reader.summary
}

#[derive(Default)]
struct Reader {
    summary: Summary,
    /// Whether the account of the container is being printed.
    in_account: bool,
    unit: Option<(TimeBase, Option<FrameRate>)>,
    /// The frame whose colours are still to be told.
    frame: Option<Shown>,
    opened: bool,
}

impl Reader {
    fn take(&mut self, line: &str, tell: &mut impl FnMut(Event)) {
        let Some((source, level, message)) = parsed_line(line) else {
            return;
        };
        match level {
            "info" if source.starts_with("Parsed_showinfo_0") => self.take_frame(message, tell),
            "info" => self.take_account(message),
            "warning" if message.contains("corrupt") => self.complain(source, message),
            "error" | "fatal" | "panic" => {
                self.complain(source, message);
                self.summary.refused |= message.contains("not on whitelist");
                if self.summary.first_error.is_empty() {
                    self.summary.first_error = message.to_owned();
                }
                self.summary.last_error = message.to_owned();
            }
            _ => {}
        }
    }

    fn complain(&mut self, source: &str, message: &str) {
        // The conversion of pixels says nothing about the film.
        if !source.starts_with("swscaler") {
            self.summary.damage.add(message);
        }
    }

    fn take_account(&mut self, message: &str) {
        if message.starts_with("Input #0, ") {
            self.in_account = true;
        } else if message.starts_with("Stream mapping:") || message.starts_with("Output #") {
            self.in_account = false;
        } else if message.contains("concealing ") {
            self.summary.damage.add(message);
        }
        if self.in_account {
            let container = self.summary.container.get_or_insert_default();
            container.take(message);
        }
    }

    fn take_frame(&mut self, message: &str, tell: &mut impl FnMut(Event)) {
        if let Some(rest) = message.strip_prefix("config in time_base: ") {
            let Some(unit) = parsed_unit(rest) else {
                return;
            };
            if !self.opened {
                self.unit = Some(unit);
            } else if self.unit.is_some_and(|(base, _)| base != unit.0) {
                // The filter also starts anew if the size changes; its output keeps the first size.
                tell(Event::UnitChanged(unit.0.to_string()));
            }
        } else if message.starts_with("n:") {
            self.frame = parsed_frame(message);
        } else if let Some(colours) = message.strip_prefix("color_range:") {
            self.announce(colours, tell);
        }
    }

    /// Tells about a frame when its last line has come.
    fn announce(&mut self, colours: &str, tell: &mut impl FnMut(Event)) {
        let (Some(frame), Some((time_base, nominal_rate))) = (self.frame.take(), self.unit) else {
            return;
        };
        let matrix = frame.has_planes.then(|| parsed_matrix(colours)).flatten();
        if !self.opened {
            self.opened = true;
            tell(Event::Opened(Box::new(Opened {
                container: self.summary.container.clone().unwrap_or_default(),
                time_base,
                nominal_rate,
                width: frame.width,
                height: frame.height,
                matrix,
            })));
        }
        let pts = frame.pts;
        tell(Event::Frame(Announced { pts, matrix }));
    }
}

const LEVELS: [&str; 8] = [
    "trace", "debug", "verbose", "info", "warning", "error", "fatal", "panic",
];

/// Source, level and message of `[h264 @ 0x5581] [error] message`; the source may be missing.
fn parsed_line(line: &str) -> Option<(&str, &str, &str)> {
    let (mut source, mut rest) = ("", line);
    while let Some((word, after)) = rest
        .strip_prefix('[')
        .and_then(|text| text.split_once("] "))
    {
        if LEVELS.contains(&word) {
            return Some((source, word, after));
        }
        source = word;
        rest = after;
    }
    None
}

/// `1/981, frame_rate: 981/50`.
fn parsed_unit(text: &str) -> Option<(TimeBase, Option<FrameRate>)> {
    let (base, rate) = text.split_once(", frame_rate: ")?;
    Some((base.trim().parse().ok()?, rate.trim().parse().ok()))
}

/// The first line about a frame.
#[derive(Clone, Copy, Debug)]
struct Shown {
    pts: Option<i64>,
    width: u64,
    height: u64,
    /// Whether its pixels are planes of 8 bits, chroma in half the width and height.
    has_planes: bool,
}

/// `n:   0 pts:   50 pts_time:… fmt:yuv420p … s:320x240 …`.
fn parsed_frame(message: &str) -> Option<Shown> {
    let field = |name: &str| message.split_once(name)?.1.split_whitespace().next();
    let pts = field(" pts:")?;
    let (width, height) = field(" s:")?.split_once('x')?;
    let pts = match pts {
        "NOPTS" => None,
        digits => Some(digits.parse().ok()?),
    };
    let (width, height) = (width.parse().ok()?, height.parse().ok()?);
    Some(Shown {
        pts,
        width,
        height,
        // The program's conversion takes another way if the height is odd.
        has_planes: field(" fmt:") == Some("yuv420p") && height % 2 == 0,
    })
}

/// `tv color_space:bt709 color_primaries:…`, without the first name.
fn parsed_matrix(colours: &str) -> Option<YuvMatrix> {
    let (range, rest) = colours.split_once(' ')?;
    let space = rest.strip_prefix("color_space:")?.split_whitespace().next();
    match range {
        "unknown" | "tv" => YuvMatrix::of_space(space?),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LOG: &str = "\
[info] Input #0, mov,mp4,m4a,3gp,3g2,mj2, from 'file:a.mp4':
[info]   Duration: 00:00:18.16, start: 0.000000, bitrate: 333 kb/s
[info]   Stream #0:0[0x1](und): Video: h264 (Baseline) (avc1 / 0x31637661), yuv420p(progressive), 320x240, 259 kb/s, 19.62 fps (default)
[info] Stream mapping:
[info]   Stream #0:0 -> #0:0 (h264 (native) -> rawvideo (native))
[Parsed_showinfo_0 @ 0x7f6b] [info] config in time_base: 1/981, frame_rate: 981/50
[Parsed_showinfo_0 @ 0x7f6b] [info] config out time_base: 0/0, frame_rate: 0/0
[Parsed_showinfo_0 @ 0x7f6b] [info] n:   0 pts:     -7 pts_time:-0.007 pos: 48 fmt:yuv420p cl:left sar:1/1 s:320x240 i:P iskey:1 type:I
[Parsed_showinfo_0 @ 0x7f6b] [info] color_range:unknown color_space:unknown
[info] Output #0, rawvideo, to 'pipe:1':
[info]   Stream #0:0(und): Video: rawvideo (RGB[24] / 0x18424752), rgb24, 320x240, q=2-31
[vist#0:0/h264 @ 0x55] [dec:h264 @ 0x56] [error] Error submitting packet to decoder: Invalid data
[h264 @ 0x55] [info] concealing 469 DC, 469 AC, 469 MV errors in P frame
[swscaler @ 0x55] [error] data is not aligned
[in#0/mov @ 0x55] [warning] corrupt input packet in stream 0
[in#0/mov @ 0x55] [warning] stream 0, timescale not set
[Parsed_showinfo_0 @ 0x7f6b] [info] n:   1 pts:  NOPTS pts_time:NOPTS duration: 50 fmt:yuv420p cl:left sar:1/1 s:320x240 i:P iskey:0 type:P
[Parsed_showinfo_0 @ 0x7f6b] [info] color_range:tv color_space:ycgco color_primaries:unknown color_trc:unknown
a line without a level
";

    #[test]
    fn follows_a_film_from_account_to_end() {
        let mut events = Vec::new();
        let summary = follow(LOG.as_bytes(), |event| {
            events.push(event);
            true
        });
        let [
            Event::Opened(opened),
            Event::Frame(first),
            Event::Frame(second),
        ] = &events[..]
        else {
            panic!("{events:?}");
        };
        assert_eq!((first.pts, second.pts), (Some(-7), None));
        let matrix = YuvMatrix::of_space("unknown");
        assert_eq!((first.matrix, second.matrix), (matrix, None));
        assert_eq!((opened.width, opened.height), (320, 240));
        assert_eq!(opened.matrix, matrix);
        assert_eq!(opened.time_base.to_string(), "1/981");
        assert_eq!(opened.nominal_rate.unwrap().to_string(), "981/50");
        assert_eq!(opened.container.streams.len(), 1);
        assert_eq!(opened.container.seconds, Some(18.16));
        assert_eq!(summary.damage.complaints, 3);
        assert_eq!(summary.last_error, "data is not aligned");
        assert!(summary.first_error.starts_with("Error submitting packet"));
        assert!(!summary.refused);
    }

    #[test]
    fn another_size_is_none_of_our_business_but_another_unit_is() {
        let again =
            "[Parsed_showinfo_0 @ 0x1] [info] config in time_base: 1/981, frame_rate: 1/0\n";
        let mut events = Vec::new();
        follow(format!("{LOG}{again}").as_bytes(), |event| {
            events.push(event);
            true
        });
        assert_eq!(events.len(), 3);
        let other = again.replace("981", "90000");
        follow(format!("{LOG}{other}").as_bytes(), |event| {
            events.push(event);
            true
        });
        assert_eq!(
            events.last(),
            Some(&Event::UnitChanged("1/90000".to_owned()))
        );
    }

    #[test]
    fn a_deaf_listener_is_told_nothing_more() {
        let mut told = 0;
        let summary = follow(LOG.as_bytes(), |_| {
            told += 1;
            false
        });
        assert_eq!((told, summary.damage.complaints), (1, 3));
    }
}
