//! The program itself: where it is and whether it will do.

use std::ffi::OsString;
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::VideoError;

/// The variable that names the program.
const VARIABLE: &str = "TAL_FFMPEG";
/// Where `cargo xtask setup --video` puts it, below the repository.
const SET_UP: &str = ".ffmpeg/ffmpeg";
/// libavutil of FFmpeg 5.1: versions of the program itself are words that a distributor chooses.
const LIBAVUTIL: (u32, u32) = (57, 28);

/// An ffmpeg program of version 5.1 or later.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ffmpeg {
    path: PathBuf,
    version: String,
}

impl Ffmpeg {
    /// Looks for the program: `setting`, the variable `TAL_FFMPEG`, the folder that `cargo xtask setup --video` fills, `PATH`.
    /// The first that is set or there is taken, and asked for its version.
    ///
    /// # Errors
    ///
    /// If there is none, or the one that is there does not start, is not ffmpeg, or is older than 5.1.
    pub fn find(setting: Option<&Path>) -> Result<Self, VideoError> {
        let variable = std::env::var_os(VARIABLE).filter(|path| !path.is_empty());
        let set_up = set_up_program();
        let named = [
            (setting, "the configuration"),
            (variable.as_ref().map(Path::new), VARIABLE),
            (set_up.as_deref(), "the set-up"),
        ];
        Self::first(named, Path::new("ffmpeg"))
    }

    /// The first of the named programs that is set; without any, `last`.
    fn first(named: [(Option<&Path>, &str); 3], last: &Path) -> Result<Self, VideoError> {
        if let Some((path, named_by)) = named.iter().find_map(|(path, by)| Some(((*path)?, *by))) {
            return Self::at(path, named_by);
        }
        match Self::at(last, "PATH") {
            Err(VideoError::Start { source, .. }) if source.kind() == io::ErrorKind::NotFound => {
                Err(VideoError::NoProgram)
            }
            result => result,
        }
    }

    /// The program at `path`, which `named_by` names.
    fn at(path: &Path, named_by: &str) -> Result<Self, VideoError> {
        let output = Command::new(path)
            .arg("-version")
            .stdin(Stdio::null())
            .output()
            .map_err(|source| VideoError::Start {
                path: path.to_path_buf(),
                named_by: named_by.to_owned(),
                source,
            })?;
        let answer = String::from_utf8_lossy(&output.stdout);
        let Some((version, libavutil)) = parsed_versions(&answer) else {
            return Err(VideoError::NotFfmpeg {
                path: path.to_path_buf(),
                said: answer.chars().take(60).collect(),
            });
        };
        if libavutil < LIBAVUTIL {
            return Err(VideoError::OldProgram {
                path: path.to_path_buf(),
                version: version.to_owned(),
            });
        }
        Ok(Self {
            path: path.to_path_buf(),
            version: version.to_owned(),
        })
    }

    /// The program.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Its version in its own words, such as `5.1.9-0+deb12u1`.
    pub fn version(&self) -> &str {
        &self.version
    }

    /// A call of the program, with nothing of the environment that changes what it writes.
    pub(crate) fn command(&self, arguments: Vec<OsString>) -> Command {
        let mut command = Command::new(&self.path);
        command
            .args(arguments)
            .env_remove("FFREPORT")
            .env_remove("AV_LOG_FORCE_COLOR")
            .env("AV_LOG_FORCE_NOCOLOR", "1")
            .stdin(Stdio::null());
        command
    }
}

/// The program that the set-up provides for what was built in the repository.
fn set_up_program() -> Option<PathBuf> {
    let this = std::env::current_exe().ok()?;
    // target/PROFILE/PROGRAM, and target/PROFILE/deps/TEST.
    this.ancestors()
        .skip(1)
        .take(5)
        .map(|folder| folder.join(SET_UP))
        .find(|path| path.is_file())
}

/// The version's name, and that of libavutil as a pair of numbers.
fn parsed_versions(answer: &str) -> Option<(&str, (u32, u32))> {
    let version = answer
        .strip_prefix("ffmpeg version ")?
        .split_whitespace()
        .next()?;
    let line = answer.lines().find(|line| line.starts_with("libavutil"))?;
    let mut numbers = line
        .split(|c: char| !c.is_ascii_digit())
        .filter_map(|digits| digits.parse().ok());
    Some((version, (numbers.next()?, numbers.next()?)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_read_however_they_are_named() {
        let answer = "ffmpeg version N-109542-g5fa5d9 Copyright (c)\nbuilt with gcc\n\
                      libavutil      57. 44.100 / 57. 44.100\nlibavcodec     59. 56.100 / 59. 56.100\n";
        assert_eq!(
            parsed_versions(answer),
            Some(("N-109542-g5fa5d9", (57, 44)))
        );
        assert_eq!(parsed_versions("ffmpeg version 6.0"), None);
        assert_eq!(parsed_versions("hello"), None);
    }

    #[test]
    fn the_first_that_is_set_is_taken_and_must_do() {
        let fixture = |name: &str| {
            let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures");
            folder.join(name)
        };
        let (good, old, none) = (
            fixture("fake_ffmpeg"),
            fixture("old_ffmpeg"),
            fixture("none"),
        );
        let find = |a: Option<&Path>, b: Option<&Path>, last: &Path| {
            Ffmpeg::first([(a, "first"), (b, "second"), (None, "third")], last)
        };
        let found = find(None, Some(&good), &none).unwrap();
        assert_eq!((found.path(), found.version()), (good.as_path(), "n7.1"));
        assert_eq!(find(None, None, &good).unwrap(), found);
        let text = find(None, None, &none).unwrap_err().to_string();
        assert!(
            text.starts_with("there is no ffmpeg: run `cargo xtask setup --video`"),
            "{text}"
        );
        // No other one takes the place of one that was named.
        let text = find(Some(&none), Some(&good), &good)
            .unwrap_err()
            .to_string();
        assert!(
            text.contains("none, which first names as the ffmpeg program"),
            "{text}"
        );
        let text = find(Some(&old), Some(&good), &good)
            .unwrap_err()
            .to_string();
        assert!(
            text.ends_with("is FFmpeg 4.4.2-0ubuntu0.22.04.1: version 5.1 or later is needed"),
            "{text}"
        );
        let echo = find(Some(Path::new("echo")), None, &good).unwrap_err();
        assert_eq!(
            echo.to_string(),
            "echo is not ffmpeg: asked for its version, it says \"-version\\n\""
        );
    }
}
