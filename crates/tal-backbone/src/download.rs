//! Public weight files over the network, fetched by the program curl.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use tal_core::FileError;

use crate::address::Scheme;
use crate::digest::sha256;
use crate::error::BackboneError;
use crate::released::{Checksum, ReleasedWeights};

/// Calls in a row that bring nothing, and new starts, before the download ends.
const FRUITLESS: usize = 3;

/// Exit codes of curl for a connection that broke: transfer ended early, time over, empty answer, failure while sending or
/// receiving, fault of an HTTP/2 or HTTP/3 stream.
const BROKEN: [i32; 7] = [18, 28, 52, 55, 56, 92, 95];

/// Exit code of curl for a server that cannot go on in the middle.
const NO_RANGES: i32 = 33;
/// Exit code of curl if the server answers with an error.
const HTTP_ERROR: i32 = 22;

/// A downloaded file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Download {
    /// The file.
    pub path: PathBuf,
    /// Its SHA-256.
    pub sha256: String,
    /// Bytes that came over the network; 0 if the file was there already.
    pub received: u64,
}

impl ReleasedWeights {
    /// Downloads the file from `url` into `folder`, unless it is there already.
    ///
    /// The content goes to `FILE.part` and gets its name once its SHA-256 is the released one. A broken connection is taken up
    /// where it broke. So is `FILE.part` of an earlier call if a SHA-256 is known, which tells if it was that of another file.
    /// With `progress`, curl draws a bar on standard error.
    ///
    /// The address begins with `https://`, with `file://`, or with `http://` and a name of this machine. Redirections are
    /// followed to `https://` only.
    ///
    /// # Errors
    /// If the address is another one or cannot be read, there is no curl, the folder cannot be written, or the file has another
    /// SHA-256: one that was there then stays, one that was downloaded is removed.
    pub fn download(
        &self,
        url: &str,
        folder: &Path,
        progress: bool,
    ) -> Result<Download, BackboneError> {
        let address = Address::new(url)?;
        let path = folder.join(self.file);
        if path.exists() {
            let sha256 = self.verify(&path)?;
            return Ok(Download {
                path,
                sha256,
                received: 0,
            });
        }
        fs::create_dir_all(folder).map_err(FileError::at("write", folder))?;
        let part = folder.join(format!("{}.part", self.file));
        // A file of this machine is read anew: curl cannot tell that there is nothing behind the piece.
        let is_resumed = self.has_checksum() && address.scheme != Scheme::File;
        if !is_resumed && part.exists() {
            fs::remove_file(&part).map_err(FileError::at("write", &part))?;
        }
        let mut received = 0;
        loop {
            let begun = size(&part);
            // Stopped between its last byte and its name.
            if begun > 0
                && let Ok(sha256) = self.finish(&part, &path)?
            {
                return Ok(Download {
                    path,
                    sha256,
                    received,
                });
            }
            received += fetch(address, &part, progress).map_err(|error| match error {
                BackboneError::Download { url, reason, .. } if !is_resumed => {
                    let kept = 0;
                    BackboneError::Download { url, reason, kept }
                }
                error => error,
            })?;
            let other = match self.finish(&part, &path)? {
                Ok(sha256) => {
                    return Ok(Download {
                        path,
                        sha256,
                        received,
                    });
                }
                Err(other) => other,
            };
            fs::remove_file(&part).map_err(FileError::at("write", &part))?;
            // The part may have been that of another file: once more from the start.
            if begun == 0 {
                return Err(self.other_checksum(&path, other));
            }
        }
    }

    /// Gives the part its name if its SHA-256 is the released one. Returns that SHA-256, or in `Err` the other one.
    fn finish(&self, part: &Path, path: &Path) -> Result<Result<String, String>, BackboneError> {
        let sha256 = sha256(part)?;
        if !self.checksum.fits(&sha256) {
            return Ok(Err(sha256));
        }
        put_in_place(part, path)?;
        Ok(Ok(sha256))
    }

    /// Whether an SHA-256 is known, at least its start.
    pub fn has_checksum(&self) -> bool {
        !matches!(self.checksum, Checksum::Unknown)
    }
}

/// Whether the server has nothing behind the piece that is here, which is then the piece of another file.
fn is_behind_the_end(code: i32, said: &str) -> bool {
    code == HTTP_ERROR && said.contains("416")
}

/// An address that something may be downloaded from.
#[derive(Clone, Copy)]
struct Address<'a> {
    url: &'a str,
    scheme: Scheme,
}

impl<'a> Address<'a> {
    fn new(url: &'a str) -> Result<Self, BackboneError> {
        let scheme = Scheme::of(url).ok_or_else(|| BackboneError::Address {
            url: url.to_owned(),
        })?;
        Ok(Self { url, scheme })
    }
}

/// Calls curl until the file is complete; returns the number of bytes that came.
fn fetch(address: Address<'_>, part: &Path, progress: bool) -> Result<u64, BackboneError> {
    let url = address.url;
    let mut received = 0;
    let mut fruitless = 0;
    let mut restarts = 0;
    loop {
        let before = size(part);
        let (code, said) = curl(address, part, progress)?;
        let came = size(part).saturating_sub(before);
        received += came;
        fruitless = if came > 0 { 0 } else { fruitless + 1 };
        match code {
            Some(0) => {
                // An empty file is not even created.
                File::options()
                    .create(true)
                    .append(true)
                    .open(part)
                    .map_err(FileError::at("write", part))?;
                return Ok(received);
            }
            Some(code)
                if before > 0
                    && restarts < FRUITLESS
                    && (code == NO_RANGES || is_behind_the_end(code, &said)) =>
            {
                fs::remove_file(part).map_err(FileError::at("write", part))?;
                fruitless = 0;
                restarts += 1;
            }
            Some(code) if BROKEN.contains(&code) && fruitless < FRUITLESS => {}
            _ => {
                return Err(BackboneError::Download {
                    url: url.to_owned(),
                    reason: match said.trim() {
                        "" => "curl says above why".to_owned(),
                        said => said.trim_start_matches("curl: ").to_owned(),
                    },
                    kept: size(part),
                });
            }
        }
    }
}

/// One call of curl, which goes on at the end of `part`: its exit code and the last line that it said.
fn curl(
    address: Address<'_>,
    part: &Path,
    progress: bool,
) -> Result<(Option<i32>, String), BackboneError> {
    let Address { url, scheme } = address;
    let mut command = Command::new("curl");
    command
        // No settings of the user: they could change where the content goes.
        .arg("--disable")
        .args(["--fail", "--location"])
        .args(["--proto", scheme.protocols(), "--proto-redir", "=https"])
        // Brackets and braces of an address mean themselves.
        .arg("--globoff")
        .args([
            "--connect-timeout",
            "30",
            "--speed-limit",
            "1",
            "--speed-time",
            "60",
        ])
        .args(["--continue-at", "-", "--output"])
        .arg(part)
        .args(["--url", url])
        .stdin(Stdio::null())
        .stdout(Stdio::null());
    let output = match progress {
        true => command
            .arg("--progress-bar")
            .stderr(Stdio::inherit())
            .output(),
        false => command
            .args(["--silent", "--show-error"])
            .stderr(Stdio::piped())
            .output(),
    };
    match output {
        Ok(output) => {
            let said = String::from_utf8_lossy(&output.stderr);
            let last = said.lines().last().unwrap_or_default().to_owned();
            Ok((output.status.code(), last))
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => Err(BackboneError::NoCurl {
            url: url.to_owned(),
        }),
        Err(error) => Err(BackboneError::Download {
            url: url.to_owned(),
            reason: format!("curl cannot be started: {error}"),
            kept: size(part),
        }),
    }
}

fn put_in_place(part: &Path, path: &Path) -> Result<(), BackboneError> {
    let place = || {
        // Windows syncs only what is open for writing.
        File::options().append(true).open(part)?.sync_all()?;
        fs::rename(part, path)
    };
    Ok(place().map_err(FileError::at("write", path))?)
}

/// Bytes of a file; 0 if there is none.
fn size(path: &Path) -> u64 {
    fs::metadata(path).map_or(0, |found| found.len())
}
