//! Every film of the reference set against what the ffmpeg program gave elsewhere: counts, times, pixels.

use std::path::{Path, PathBuf};

use serde::Deserialize;
use sha2::{Digest, Sha256};
use tal_video::{Ffmpeg, Frame, FrameSource, ProgramFrames, VideoError, probe};

/// A film with what it must give.
#[derive(Deserialize)]
struct Film {
    file: String,
    stream: usize,
    /// Start of the fault, for what is no film.
    error: Option<String>,
    #[serde(default)]
    frames: u64,
    #[serde(default)]
    width: usize,
    #[serde(default)]
    height: usize,
    #[serde(default)]
    time_base: String,
    #[serde(default)]
    first_pts: i64,
    #[serde(default)]
    last_pts: i64,
    #[serde(default)]
    pts_sha256: String,
    constant: Option<bool>,
    #[serde(default)]
    rgb_sha256: String,
    /// Of FFmpeg 9, if its pixels differ from those of 5.1.
    rgb_sha256_9: Option<String>,
    #[serde(default)]
    complaints: bool,
}

/// What a film gives.
#[derive(Default)]
struct Read {
    pts: Vec<String>,
    first: i64,
    last: i64,
    rgb: String,
}

fn read_all(film: &mut dyn FrameSource) -> Result<Read, VideoError> {
    let mut frame = Frame::new();
    let mut digest = Sha256::new();
    let mut read = Read::default();
    while let Some(stamp) = film.read(&mut frame)? {
        assert_eq!(stamp.index, read.pts.len() as u64);
        if stamp.index == 0 {
            read.first = stamp.pts;
        }
        read.last = stamp.pts;
        read.pts.push(stamp.pts.to_string());
        digest.update(frame.rgb());
    }
    read.rgb = format!("{:x}", digest.finalize());
    Ok(read)
}

fn check(ffmpeg: &Ffmpeg, path: &Path, wanted: &Film) -> Result<(), VideoError> {
    let name = &wanted.file;
    let mut film = ProgramFrames::open(ffmpeg, path, wanted.stream)?;
    let format = film.format();
    let read = read_all(&mut film)?;
    let report = film.report();
    let line = report.timeline;
    assert_eq!(line.frames, wanted.frames, "{name}");
    assert_eq!(
        (format.width, format.height),
        (wanted.width, wanted.height),
        "{name}"
    );
    assert_eq!(format.time_base.to_string(), wanted.time_base, "{name}");
    let ends = (wanted.first_pts, wanted.last_pts);
    assert_eq!((line.first_pts, line.last_pts), ends, "{name}");
    assert_eq!((read.first, read.last), ends, "{name}");
    let pts = Sha256::digest(read.pts.join(","));
    assert_eq!(format!("{pts:x}"), wanted.pts_sha256, "{name}: times");
    assert_eq!(line.constant, wanted.constant.unwrap_or(true), "{name}");
    assert_eq!(
        report.damage.is_damaged(),
        wanted.complaints,
        "{name}: {:?}",
        report.damage
    );
    // Versions before 9 give the pixels of 5.1.
    let known = [Some(&wanted.rgb_sha256), wanted.rgb_sha256_9.as_ref()];
    assert!(known.contains(&Some(&read.rgb)), "{name}: pixels");

    let probed = probe(ffmpeg, path, wanted.stream)?;
    assert_eq!(probed.report.timeline, line, "{name}: probe");
    // The program itself does not complain equally often in two calls.
    assert_eq!(
        probed.report.damage.is_damaged(),
        report.damage.is_damaged(),
        "{name}"
    );
    assert_eq!(probed.format, format, "{name}");
    assert_eq!(probed.pts.len() as u64, wanted.frames, "{name}");
    Ok(())
}

#[test]
fn every_film_of_the_reference_set() {
    let Some(data) = std::env::var_os("TAL_DATA").map(PathBuf::from) else {
        eprintln!("SKIPPED: TAL_DATA is not set");
        return;
    };
    let folder = data.join("video");
    if !folder.is_dir() {
        eprintln!("SKIPPED: there is no {}", folder.display());
        return;
    }
    let ffmpeg = Ffmpeg::find(None).unwrap();
    let films: Vec<Film> = serde_json::from_str(include_str!("fixtures/decode.json")).unwrap();
    assert_eq!(films.len(), 54);
    for wanted in &films {
        let path = folder.join(&wanted.file);
        match (check(&ffmpeg, &path, wanted), &wanted.error) {
            (Ok(()), None) => {}
            (Err(error), Some(fault)) => {
                let text = error.to_string();
                assert!(
                    text.contains(&format!("{}: {fault}", path.display())),
                    "{text}"
                );
            }
            (Ok(()), Some(fault)) => panic!("{} is read, but is {fault}", wanted.file),
            (Err(error), None) => panic!("{}: {error}", wanted.file),
        }
    }
}
