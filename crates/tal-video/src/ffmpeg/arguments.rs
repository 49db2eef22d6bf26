//! The arguments of a call: what is decoded, and what never happens.

use std::ffi::OsString;
use std::path::Path;

/// Decoding threads. What is painted over damage depends on their number, so it is fixed.
pub(crate) const THREADS: u32 = 1;

/// The containers that are read. They hold their frames themselves, whereas playlists, scripts and patterns of names make a
/// decoder open other files: the list of protocols alone does not stop that.
const CONTAINERS: &str =
    "mov,mp4,m4a,3gp,3g2,mj2,matroska,webm,avi,mpeg,mpegts,flv,asf,ogg,mxf,nut,wtv,gif";

/// Where the frames go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Target {
    /// As planes of luma and chroma to standard output, at half the bytes of RGB, between the marks of YUV4MPEG2.
    Planes,
    /// As RGB to standard output.
    Rgb,
    /// Nowhere: only their times matter.
    Nowhere,
}

/// The arguments that decode all frames of a video stream and report the time of each.
pub(crate) fn decoding(path: &Path, stream: usize, target: Target) -> Vec<OsString> {
    let threads = THREADS.to_string();
    let before: [&str; 15] = [
        "-nostdin",
        "-hide_banner",
        "-nostats",
        // Every line with its level, none folded into "last message repeated".
        "-loglevel",
        "repeat+level+info",
        // A film with many damaged frames is still read to its end.
        "-max_error_rate",
        "1",
        "-threads",
        &threads,
        "-protocol_whitelist",
        "file",
        "-format_whitelist",
        CONTAINERS,
        "-copyts",
        "-i",
    ];
    // The prefix keeps names that begin with `-` or hold a `:` from being anything but names.
    let mut input = OsString::from("file:");
    input.push(path);
    // `V` leaves out the cover pictures of sound files.
    let map = format!("0:V:{stream}");
    let after = [
        "-map",
        &map,
        "-vf",
        "showinfo=checksum=0",
        "-fps_mode",
        "passthrough",
    ];
    let output: &[&str] = match target {
        // This container takes frames as they are; the one without marks has them copied into packets first.
        Target::Planes => &["-f", "yuv4mpegpipe", "-pix_fmt", "yuv420p", "pipe:1"],
        // Direct: a frame is written as it is, not copied into small blocks before.
        Target::Rgb => &[
            "-f",
            "rawvideo",
            "-pix_fmt",
            "rgb24",
            "-avioflags",
            "direct",
            "pipe:1",
        ],
        Target::Nowhere => &["-f", "null", "-"],
    };
    let mut arguments: Vec<OsString> = before.iter().map(OsString::from).collect();
    arguments.push(input);
    arguments.extend(after.iter().chain(output).map(OsString::from));
    arguments
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_never_becomes_an_option() {
        let words = decoding(Path::new("-y:x.mp4"), 2, Target::Rgb);
        let at = words.iter().position(|word| word == "-i").unwrap();
        assert_eq!(words[at + 1], "file:-y:x.mp4");
        assert_eq!(words[at + 3], "0:V:2");
        assert_eq!(words.last().unwrap(), "pipe:1");
    }
}
