//! Python 3 and its pip, the prerequisites of the set-up.

use std::ffi::OsStr;
use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};

use super::wheels::{PYTHON_TAG, Wheel};

/// Run with `python3 -c`.
const HELPER: &str = include_str!("helper.py");
/// The C library that the wheels were built for.
const GLIBC: (u32, u32) = (2, 28);
/// From this version on, pip continues a download that broke off.
const PIP_RESUMES: (u32, u32) = (25, 1);

/// A Python 3 with pip.
pub(super) struct Python {
    pip: (u32, u32),
    free_bytes: u64,
}

impl Python {
    /// Finds `python3` and pip, and asks for the free space on the disk of `folder`.
    pub(super) fn find(folder: &Path) -> Result<Self> {
        if crate::shell::find_program(&["python3"]).is_none() {
            bail!(
                "setup needs Python 3 with pip to fetch LibTorch, but there is no `python3`: install both, \
                 on Debian and Ubuntu with `apt-get install python3 python3-pip`"
            );
        }
        let answer = helper([OsStr::new("probe"), folder.as_os_str()])?;
        let (glibc, free) = answer
            .split_once(' ')
            .context("python3 gave no answer to a question about this machine")?;
        require_glibc(glibc)?;
        let free_bytes = free
            .parse()
            .with_context(|| format!("python3 reports the free space as {free:?}"))?;
        let Some(pip) = pip_version() else {
            bail!(
                "setup fetches LibTorch with pip, but `python3 -m pip` does not work: install it, \
                 on Debian and Ubuntu with `apt-get install python3-pip`"
            );
        };
        Ok(Self { pip, free_bytes })
    }

    pub(super) fn free_bytes(&self) -> u64 {
        self.free_bytes
    }

    /// The SHA-256 of a file, in hexadecimal digits.
    pub(super) fn sha256(&self, file: &Path) -> Result<String> {
        helper([OsStr::new("sha256"), file.as_os_str()])
    }

    /// Unpacks some members of a wheel.
    pub(super) fn extract(&self, wheel: &Path, folder: &Path, members: &[&str]) -> Result<()> {
        let mut arguments = vec![OsStr::new("extract"), wheel.as_os_str(), folder.as_os_str()];
        arguments.extend(members.iter().map(OsStr::new));
        helper(arguments).map(|_| ())
    }

    /// Fetches a wheel into a folder; pip shows the progress.
    ///
    /// The platform is named, not left to the Python that happens to run, so that every machine gets
    /// the file whose checksum we know.
    pub(super) fn download(&self, wheel: &Wheel, folder: &Path) -> Result<()> {
        let what = format!("{}=={}", wheel.package, wheel.version);
        eprintln!(
            "setup: fetching {what} ({:.0} MB) with pip",
            wheel.bytes as f64 / 1e6
        );
        let mut command = Command::new("python3");
        command
            .args(["-m", "pip", "--disable-pip-version-check", "download"])
            .args(["--no-deps", "--only-binary=:all:"])
            .args(["--python-version", "3.11", "--implementation", "cp"])
            .args(["--abi", PYTHON_TAG, "--dest"])
            .arg(folder);
        for minor in 5..=GLIBC.1 {
            command.arg(format!("--platform=manylinux_2_{minor}_x86_64"));
        }
        command.arg("--platform=manylinux2014_x86_64");
        if self.pip >= PIP_RESUMES {
            command.args(["--resume-retries", "10"]);
        }
        // pip's temporary copy goes to the disk whose space was checked, and away with the folder.
        let temporary = folder.join("pip");
        super::create_folder(&temporary)?;
        command.arg(&what).env("TMPDIR", &temporary);
        let status = command.status().context("cannot start python3")?;
        if !status.success() {
            bail!(
                "pip could not fetch {what} (its words are above): check the network, the package index that pip is set to \
                 and the disk, then run the same command again; wheels that were finished are kept"
            );
        }
        Ok(())
    }
}

/// Calls the helper and returns what it wrote, or its message as an error.
fn helper<'a>(arguments: impl IntoIterator<Item = &'a OsStr>) -> Result<String> {
    let output = Command::new("python3")
        .args(["-I", "-c", HELPER])
        .args(arguments)
        .stdin(Stdio::null())
        .output()
        .context("cannot start python3")?;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr);
        // The last line of what may be a traceback.
        let last = said.trim().lines().last().unwrap_or("no message");
        bail!("python3 failed: {last}");
    }
    Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

fn require_glibc(version: &str) -> Result<()> {
    // Where Python cannot tell, the first start of the program will.
    if version_pair(version).is_some_and(|found| found < GLIBC) {
        bail!(
            "the pinned LibTorch needs glibc {}.{} or later, but this machine has {version}",
            GLIBC.0,
            GLIBC.1
        );
    }
    Ok(())
}

fn pip_version() -> Option<(u32, u32)> {
    let output = Command::new("python3")
        .args(["-m", "pip", "--version"])
        .stdin(Stdio::null())
        .output()
        .ok()
        .filter(|output| output.status.success())?;
    let text = String::from_utf8_lossy(&output.stdout);
    version_pair(text.strip_prefix("pip ")?)
}

/// The first two numbers of a version, such as (25, 1) of `25.1.1 from ...`.
fn version_pair(text: &str) -> Option<(u32, u32)> {
    let mut numbers = text
        .split(|c: char| !c.is_ascii_digit())
        .map(|digits| digits.parse().ok());
    Some((numbers.next()??, numbers.next()??))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    #[test]
    fn versions_are_compared_by_number() {
        assert_eq!(version_pair("25.1.1 from /usr"), Some((25, 1)));
        assert_eq!(version_pair("2.36"), Some((2, 36)));
        assert_eq!(version_pair("unknown"), None);
        assert!(require_glibc("2.9").is_err());
        assert!(require_glibc("2.28").is_ok());
        assert!(require_glibc("unknown").is_ok());
    }

    #[test]
    fn the_helper_hashes_and_reports_in_one_line() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("abc");
        fs::write(&file, "abc").unwrap();
        let python = Python {
            pip: (23, 0),
            free_bytes: 0,
        };
        assert_eq!(
            python.sha256(&file).unwrap(),
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
        );
        let text = python.sha256(folder.path()).unwrap_err().to_string();
        assert!(text.starts_with("python3 failed: [Errno 21]"), "{text}");
        let text = python
            .extract(&file, folder.path(), &["x"])
            .unwrap_err()
            .to_string();
        assert_eq!(text, "python3 failed: File is not a zip file");
    }

    #[test]
    fn the_helper_unpacks_only_what_is_asked_for() {
        let folder = tempfile::tempdir().unwrap();
        let wheel = folder.path().join("a.whl");
        let script = "import sys, zipfile\n\
            with zipfile.ZipFile(sys.argv[1], 'w') as z:\n\
            \x20 for n in ['torch/include/a/b.h', 'torch/lib/x.so', 'torch/lib/y.so']: z.writestr(n, n)";
        let made = Command::new("python3")
            .args(["-c", script])
            .arg(&wheel)
            .status()
            .unwrap();
        assert!(made.success());
        let python = Python::find(folder.path()).unwrap();
        assert!(python.free_bytes() > 0);
        let out = folder.path().join("out");
        let members = ["torch/include/", "torch/lib/x.so"];
        python.extract(&wheel, &out, &members).unwrap();
        let read = |name: &str| fs::read_to_string(out.join(name)).unwrap();
        assert_eq!(read("include/a/b.h"), "torch/include/a/b.h");
        assert_eq!(read("lib/x.so"), "torch/lib/x.so");
        assert!(!out.join("lib/y.so").exists());
        let text = python
            .extract(&wheel, &out, &["torch/lib/z.so"])
            .unwrap_err()
            .to_string();
        assert!(text.ends_with("does not hold torch/lib/z.so"), "{text}");
    }
}
