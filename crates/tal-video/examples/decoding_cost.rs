//! The cost of decoding a film and moving its pixels here, beside that of `ffmpeg -f null` with the same conversion:
//! `cargo run --release -p tal-video --example decoding_cost -- FILM [TIMES]`.

use std::error::Error;
use std::path::Path;
use std::process::{Command, Stdio};

use tal_video::{Ffmpeg, Frame, FrameSource, ProgramFrames};

#[cfg(unix)]
fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args_os().skip(1);
    let film = arguments.next().ok_or("the film is missing")?;
    let times = match arguments.next() {
        Some(times) => times.to_string_lossy().parse()?,
        None => 5,
    };
    let ffmpeg = Ffmpeg::find(None)?;
    let (mut frames, mut here, mut there) = (0, f64::INFINITY, f64::INFINITY);
    // By turns, so that a change of the machine's load meets both.
    for _ in 0..times {
        let before = seconds()?;
        frames = decoded(&ffmpeg, film.as_ref())?;
        let between = seconds()?;
        nowhere(&ffmpeg, film.as_ref())?;
        here = here.min(between - before);
        there = there.min(seconds()? - between);
    }
    let per_frame = |seconds: f64| 1e3 * seconds / frames as f64;
    println!(
        "{frames} frames, best of {times}, CPU of both processes: {:.2} ms a frame; ffmpeg -f null {:.2} ms; ratio {:.2}",
        per_frame(here),
        per_frame(there),
        here / there
    );
    Ok(())
}

#[cfg(not(unix))]
fn main() {
    eprintln!("this example measures by getrusage, which only Unix has");
}

/// Reads all frames.
fn decoded(ffmpeg: &Ffmpeg, film: &Path) -> Result<u64, Box<dyn Error>> {
    let mut film = ProgramFrames::open(ffmpeg, film, 0)?;
    let mut frame = Frame::new();
    let mut frames = 0;
    while film.read(&mut frame)?.is_some() {
        frame.rgb();
        frames += 1;
    }
    Ok(frames)
}

/// Lets the program decode and convert for nobody.
fn nowhere(ffmpeg: &Ffmpeg, film: &Path) -> Result<(), Box<dyn Error>> {
    let status = Command::new(ffmpeg.path())
        .args(["-nostdin", "-loglevel", "error", "-threads", "1", "-i"])
        .arg(film)
        .args(["-map", "0:V:0", "-vf", "format=rgb24"])
        .args(["-fps_mode", "passthrough", "-f", "null", "-"])
        .stderr(Stdio::null())
        .status()?;
    match status.success() {
        true => Ok(()),
        false => Err(format!("ffmpeg: {status}").into()),
    }
}

/// CPU time of this process and of those that it started and that ended.
#[cfg(unix)]
fn seconds() -> nix::Result<f64> {
    use nix::sys::resource::{UsageWho, getrusage};
    use nix::sys::time::TimeValLike;
    let mut sum = 0;
    for who in [UsageWho::RUSAGE_SELF, UsageWho::RUSAGE_CHILDREN] {
        let usage = getrusage(who)?;
        sum += (usage.user_time() + usage.system_time()).num_microseconds();
    }
    Ok(sum as f64 * 1e-6)
}
