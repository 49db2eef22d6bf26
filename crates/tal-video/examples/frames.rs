//! Reads all frames of a film and tells how many there are, how long it took, and how long until the first.
//!
//! `cargo run --release -p tal-video --example frames -- film.mp4`

use std::path::Path;
use std::time::Instant;

use tal_video::{Ffmpeg, Frame, FrameSource, ProgramFrames};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let path = std::env::args_os()
        .nth(1)
        .ok_or("name a film: frames film.mp4")?;
    let start = Instant::now();
    let ffmpeg = Ffmpeg::find(None)?;
    let mut film = ProgramFrames::open(&ffmpeg, Path::new(&path), 0)?;
    let mut frame = Frame::new();
    let mut first = None;
    while let Some(stamp) = film.read(&mut frame)? {
        first.get_or_insert_with(|| (stamp, start.elapsed()));
    }
    let report = film.report();
    if let Some((stamp, after)) = first {
        println!(
            "first frame, pts {}, after {:.3} s",
            stamp.pts,
            after.as_secs_f64()
        );
    }
    let seconds = start.elapsed().as_secs_f64();
    println!(
        "{} frames of {:.3} s in {seconds:.3} s, {} complaints",
        report.timeline.frames,
        report.timeline.duration(),
        report.damage.complaints
    );
    Ok(())
}
