//! Programs that fail: a script stands for ffmpeg and goes wrong as the name of the film says.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use tal_video::{Damage, Ffmpeg, Frame, FrameSource, FrameStamp, ProgramFrames, VideoError, probe};

fn fake() -> Ffmpeg {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/fake_ffmpeg");
    Ffmpeg::find(Some(&script)).unwrap()
}

/// A file of this name, which only has to be there.
fn film(folder: &tempfile::TempDir, name: &str) -> PathBuf {
    let path = folder.path().join(name);
    fs::write(&path, "x").unwrap();
    path
}

/// Reads until the end or an error, and counts the frames.
fn read(path: &Path) -> (u64, Result<Damage, VideoError>) {
    let mut frames = 0;
    let mut film = match ProgramFrames::open(&fake(), path, 0) {
        Ok(film) => film,
        Err(error) => return (0, Err(error)),
    };
    let mut frame = Frame::new();
    loop {
        match film.read(&mut frame) {
            Ok(Some(_)) => frames += 1,
            Ok(None) => return (frames, Ok(film.report().damage)),
            Err(error) => return (frames, Err(error)),
        }
    }
}

#[test]
fn a_crash_is_an_error_of_this_film() {
    let folder = tempfile::tempdir().unwrap();
    let (frames, result) = read(&film(&folder, "crash"));
    let text = result.unwrap_err().to_string();
    assert_eq!(frames, 1);
    assert!(text.contains("ffmpeg ended early (signal: 11"), "{text}");
    assert!(
        text.ends_with("after 1 frames and says \"out of memory\""),
        "{text}"
    );
}

#[test]
fn frames_and_times_must_match() {
    let folder = tempfile::tempdir().unwrap();
    for (name, frames, fault) in [
        ("half", 1, "ffmpeg announced 2 frames, but 1 arrived"),
        ("fewer", 1, "ffmpeg announced 2 frames, but 1 arrived"),
        ("more", 1, "ffmpeg announced 1 frames, but 2 arrived"),
        (
            "timeless",
            0,
            "frame 0 has no time stamp: put the stream into a container that has them, such as mp4",
        ),
        ("foreign", 0, "\"P\" instead of \"YUV4MPEG2\""),
        (
            "large",
            0,
            "frames of 200000 x 2 pixels: the longer side may have 16384",
        ),
        (
            "none",
            0,
            "no frame can be decoded: ffmpeg says \"no decoder found\"",
        ),
    ] {
        let (read, result) = read(&film(&folder, name));
        let text = result.unwrap_err().to_string();
        assert!(text.ends_with(fault), "{name}: {text}");
        assert_eq!(read, frames, "{name}");
    }
}

#[test]
fn a_flood_of_complaints_stops_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let path = film(&folder, "flood");
    let (frames, damage) = read(&path);
    let damage = damage.unwrap();
    assert_eq!((frames, damage.complaints), (1, 8000));
    assert_eq!(damage.kinds.len(), 2);
    assert_eq!(probe(&fake(), &path, 0).unwrap().report.damage, damage);
}

#[test]
fn a_film_that_is_dropped_ends_its_program() {
    let folder = tempfile::tempdir().unwrap();
    let path = film(&folder, "endless");
    let mut film = ProgramFrames::open(&fake(), &path, 0).unwrap();
    let first = film.read(&mut Frame::new()).unwrap();
    assert_eq!(first, Some(FrameStamp { index: 0, pts: 0 }));
    let id = fs::read_to_string(folder.path().join("endless.pid")).unwrap();
    let process = Path::new("/proc").join(id.trim());
    assert!(process.exists());
    let start = Instant::now();
    drop(film);
    assert!(start.elapsed() < Duration::from_secs(5));
    assert!(!process.exists());
}
