//! Texts that name other files, told by their first bytes.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

/// Bytes that tell the kind.
const HEAD: u64 = 1024;

/// Words that playlists begin with, in small letters, and their kinds.
const KINDS: [(&str, &str); 11] = [
    ("#extm3u", "HLS or M3U"),
    ("ffconcat version", "a script of ffmpeg's concat"),
    ("[playlist]", "PLS"),
    ("[reference]", "ASX"),
    ("[internetshortcut]", "an internet shortcut"),
    ("<asx", "ASX"),
    ("<smil", "SMIL"),
    ("<mpd", "DASH"),
    ("<playlist", "XSPF"),
    ("v=0", "SDP"),
    ("rtsptext", "QuickTime RTSP"),
];

/// Starts of lines that are addresses, in small letters.
const ADDRESSES: [&str; 8] = [
    "http://", "https://", "file:", "ftp://", "rtmp://", "rtsp://", "rtp://", "udp://",
];

/// The kind of playlist that a file is, whatever its name ends in; none if it is no playlist that is known, or cannot be read.
pub(super) fn kind_of(path: &Path) -> Option<&'static str> {
    let head = || -> io::Result<Vec<u8>> {
        let mut bytes = Vec::new();
        File::open(path)?.take(HEAD).read_to_end(&mut bytes)?;
        Ok(bytes)
    };
    kind(&String::from_utf8_lossy(&head().ok()?))
}

fn kind(head: &str) -> Option<&'static str> {
    let text = head.trim_start_matches('\u{feff}').to_lowercase();
    let mut text = text.trim_start();
    // An XML declaration and comments come before the element that tells.
    while text.starts_with("<?") || text.starts_with("<!") {
        text = text.split_once('>')?.1.trim_start();
    }
    let by_word = KINDS.iter().find(|(word, _)| text.starts_with(word));
    let is_address = || ADDRESSES.iter().any(|start| text.starts_with(start));
    match by_word {
        Some((_, kind)) => Some(kind),
        None => is_address().then_some("a list of addresses"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_are_told_by_their_first_words() {
        for (head, expected) in [
            ("#EXTM3U\n#EXTINF:1,\na.ts\n", "HLS or M3U"),
            ("\u{feff}\r\n#EXTM3U", "HLS or M3U"),
            (
                "ffconcat version 1.0\nfile a",
                "a script of ffmpeg's concat",
            ),
            ("[playlist]\nFile1=a", "PLS"),
            (
                "<?xml version=\"1.0\"?>\n<!-- x -->\n<MPD type=\"static\">",
                "DASH",
            ),
            ("v=0\r\no=- 0 0 IN IP4 127.0.0.1", "SDP"),
            ("https://example.org/a.mp4\n", "a list of addresses"),
        ] {
            assert_eq!(kind(head), Some(expected), "{head}");
        }
        for head in [
            "",
            "a film",
            "<html>",
            "<?xml",
            "\0\0\0\u{18}ftypisom",
            "RIFF",
        ] {
            assert_eq!(kind(head), None, "{head}");
        }
        assert_eq!(kind_of(Path::new("nowhere")), None);
    }
}
