//! `cargo xtask setup --video`: the ffmpeg program in `.ffmpeg`, from a wheel that carries it.
//!
//! Nothing of it is needed to build. tal-video starts it as a process of its own.

use std::env;
use std::fs;

use anyhow::{Context, Result, bail};

use super::{Scratch, rename, replace};
use crate::pip;
use crate::shell::Workspace;

/// The folder in which tal-video looks for the program.
const FOLDER: &str = ".ffmpeg";
/// The wheel, pinned by version and checksum.
const REQUIREMENTS: &str = "xtask/src/setup/ffmpeg.txt";
/// The program in the wheel.
const MEMBER: &str = "imageio_ffmpeg/binaries/ffmpeg-linux-x86_64-v9.0.2";
/// Its size: a shorter file is what an interrupted copy leaves.
const BYTES: u64 = 172_692_552;
/// The requirements that the folder was made from.
const STAMP: &str = "installed.txt";

/// Provides the program, if the user has not named one.
///
/// # Errors
///
/// In one sentence: an unsupported platform, no Python 3 or pip, no network, no space.
pub(super) fn provide(workspace: &Workspace) -> Result<()> {
    if let Some(own) = env::var_os("TAL_FFMPEG").filter(|value| !value.is_empty()) {
        eprintln!(
            "setup: TAL_FFMPEG is set to {}, which tal-video uses; nothing to do",
            own.display()
        );
        return Ok(());
    }
    let wanted = pip::wanted(workspace, REQUIREMENTS)?;
    if !is_complete(workspace, &wanted, BYTES) {
        require_platform(env::consts::OS, env::consts::ARCH)?;
        eprintln!("setup: fetching ffmpeg 9.0.2 (68 MB) with pip");
        let unpacked = Scratch::new(workspace, "")?;
        pip::install(workspace, &unpacked.path, REQUIREMENTS)?;
        let ready = Scratch::new(workspace, "")?;
        rename(&unpacked.path.join(MEMBER), &ready.path.join("ffmpeg"))?;
        let stamp = ready.path.join(STAMP);
        fs::write(&stamp, &wanted).with_context(|| format!("cannot write {}", stamp.display()))?;
        replace(workspace, &ready.path, &workspace.path(FOLDER))?;
    }
    eprintln!("setup: ffmpeg 9.0.2 is in {FOLDER}");
    Ok(())
}

fn is_complete(workspace: &Workspace, wanted: &str, bytes: u64) -> bool {
    let folder = workspace.path(FOLDER);
    fs::read_to_string(folder.join(STAMP)).is_ok_and(|found| found == wanted)
        && fs::metadata(folder.join("ffmpeg")).is_ok_and(|file| file.len() == bytes)
}

fn require_platform(system: &str, machine: &str) -> Result<()> {
    if system == "linux" && machine == "x86_64" {
        return Ok(());
    }
    bail!(
        "there is no pinned ffmpeg for {system} on {machine}: install FFmpeg 5.1 or later, and let TAL_FFMPEG name the program \
         if it is not in PATH"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_is_complete_with_its_stamp_and_its_size() {
        let root = tempfile::tempdir().unwrap();
        let workspace = Workspace::at(root.path());
        let folder = workspace.path(FOLDER);
        assert!(!is_complete(&workspace, "a wheel", 3));
        fs::create_dir(&folder).unwrap();
        fs::write(folder.join("ffmpeg"), "abc").unwrap();
        assert!(!is_complete(&workspace, "a wheel", 3));
        fs::write(folder.join(STAMP), "a wheel").unwrap();
        assert!(is_complete(&workspace, "a wheel", 3));
        assert!(!is_complete(&workspace, "a newer wheel", 3));
        assert!(!is_complete(&workspace, "a wheel", 4));
    }

    #[test]
    fn other_platforms_get_a_way_out() {
        assert!(require_platform("linux", "x86_64").is_ok());
        let text = require_platform("macos", "aarch64")
            .unwrap_err()
            .to_string();
        assert!(text.contains("TAL_FFMPEG"), "{text}");
    }
}
