//! `cargo xtask setup`: LibTorch in `.libtorch`, from the wheels that `pip` fetches.
//!
//! What is in `.libtorch` is complete or was never there: everything is unpacked beside it and renamed
//! at the end, together with a stamp that tells what it holds. A stamp that does not fit what lies
//! there means damage, and the folder is made anew.

mod ffmpeg;
mod python;
mod stamp;
mod weights;
mod wheels;

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process;

use anyhow::{Context, Result, bail};

use crate::shell::{Workspace, find_program};
use python::Python;
pub(crate) use wheels::VERSION;
use wheels::{Set, Wheel};

/// The folder that `.cargo/config.toml` names as `LIBTORCH`.
const FOLDER: &str = ".libtorch";
/// Finished wheels, kept for repairs and for `--cuda`.
const CACHE: &str = ".libtorch-cache";

/// `cargo xtask setup`: provisions LibTorch and says what was done.
///
/// # Errors
///
/// In one sentence: an unsupported platform, no Python 3 or pip, no network, no space, a wheel with
/// another checksum, a folder that cannot be written.
pub(crate) fn run(workspace: &Workspace, cuda: bool) -> Result<()> {
    if let Some(choice) = own_choice(workspace) {
        eprintln!("setup: {choice}; nothing to do");
        return Ok(());
    }
    let set = if cuda { Set::Cuda } else { Set::Cpu };
    if is_complete(workspace, set)? {
        eprintln!("setup: LibTorch {} is in {FOLDER}", wheels::VERSION);
        return Ok(());
    }
    provision(workspace, set)
}

/// What every build with LibTorch needs: a C++ compiler and LibTorch itself.
///
/// # Errors
///
/// As for [`run`], or if there is no C++ compiler.
pub(crate) fn before_build(workspace: &Workspace) -> Result<()> {
    require_compiler()?;
    if own_choice(workspace).is_some() || is_complete(workspace, Set::Cpu)? {
        return Ok(());
    }
    provision(workspace, Set::Cpu)
}

/// `cargo xtask setup --video`: provides the ffmpeg program and the weights of EfficientNet-Lite0.
///
/// # Errors
///
/// In one sentence: an unsupported platform, no Python 3 or pip, no network, no space.
pub(crate) fn video(workspace: &Workspace) -> Result<()> {
    ffmpeg::provide(workspace)?;
    weights::provide(workspace)
}

/// What all tests need: as for a build, and ffmpeg, without which those on films are skipped.
///
/// # Errors
///
/// As for [`before_build`].
pub(crate) fn before_tests(workspace: &Workspace) -> Result<()> {
    before_build(workspace)?;
    if find_program(&["ffmpeg"]).is_none()
        && let Err(error) = video(workspace)
    {
        eprintln!("setup: no ffmpeg, so tests on films are skipped: {error:#}");
    }
    Ok(())
}

/// The user's own LibTorch, in words, if the environment names one.
fn own_choice(workspace: &Workspace) -> Option<String> {
    if env::var_os("LIBTORCH_USE_PYTORCH").is_some() {
        return Some(
            "LIBTORCH_USE_PYTORCH is set, so the build uses the installed PyTorch".to_owned(),
        );
    }
    // `cargo xtask` itself runs with the value of `.cargo/config.toml`.
    let own = env::var_os("LIBTORCH").filter(|value| !value.is_empty())?;
    let own = PathBuf::from(own);
    (!same_place(&own, &workspace.path(FOLDER)))
        .then(|| format!("LIBTORCH is set to {}, which the build uses", own.display()))
}

/// Whether two paths mean one place; it need not exist.
fn same_place(a: &Path, b: &Path) -> bool {
    let real = |path: &Path| {
        let parent = path.parent().and_then(|parent| parent.canonicalize().ok());
        match (parent, path.file_name()) {
            (Some(parent), Some(name)) => parent.join(name),
            _ => path.to_path_buf(),
        }
    };
    real(a) == real(b)
}

/// torch-sys compiles C++ with `$CXX`, by default `c++`.
fn require_compiler() -> Result<()> {
    let own = env::var_os("CXX").filter(|value| !value.is_empty());
    if own.is_some() || find_program(&["c++"]).is_some() {
        return Ok(());
    }
    match find_program(&["g++", "clang++"]) {
        Some(other) => bail!(
            "there is no C++ compiler named `c++`: run again with CXX={}",
            other.display()
        ),
        None => bail!(
            "there is no C++ compiler (`c++`): install one, on Debian and Ubuntu with `apt-get install g++`"
        ),
    }
}

/// Whether the folder holds at least `set`, whole.
fn is_complete(workspace: &Workspace, set: Set) -> Result<bool> {
    let folder = workspace.path(FOLDER);
    let Ok(found) = fs::read_to_string(folder.join(stamp::FILE)) else {
        return Ok(false);
    };
    for candidate in Set::ALL.iter().filter(|candidate| **candidate >= set) {
        if found == stamp::text(*candidate, &folder)? {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Makes the folder anew.
fn provision(workspace: &Workspace, set: Set) -> Result<()> {
    require_platform(
        env::consts::OS,
        env::consts::ARCH,
        cfg!(target_env = "musl"),
    )?;
    let folder = workspace.path(FOLDER);
    let cache = workspace.path(CACHE);
    create_folder(&cache)?;
    remove_leftovers(workspace);
    let python = Python::find(&cache)?;
    if folder.exists() {
        eprintln!("setup: {FOLDER} is not what a finished set-up leaves and is made anew");
    }
    let missing: Vec<&Wheel> = set
        .wheels()
        .filter(|wheel| !cache.join(wheel.file).exists())
        .collect();
    require_space(python.free_bytes(), &missing, set)?;
    let unpacked = Scratch::new(workspace, "")?;
    for wheel in set.wheels() {
        let file = fetch(workspace, &python, wheel)?;
        eprintln!("setup: unpacking {}", wheel.file);
        python.extract(&file, &unpacked.path, &wheel.members(set))?;
    }
    let write = |name: &str, text: &str| {
        let file = unpacked.path.join(name);
        fs::write(&file, text).with_context(|| format!("cannot write {}", file.display()))
    };
    write("build-version", &format!("{}\n", wheels::VERSION))?;
    let text = stamp::text(set, &unpacked.path)?;
    write(stamp::FILE, &text)?;
    replace(workspace, &unpacked.path, &folder)?;
    eprintln!("setup: LibTorch {} is in {FOLDER}", wheels::VERSION);
    Ok(())
}

/// The wheel in the cache, checked; fetched where it is not there yet.
fn fetch(workspace: &Workspace, python: &Python, wheel: &Wheel) -> Result<PathBuf> {
    let file = workspace.path(CACHE).join(wheel.file);
    if file.exists() {
        if python.sha256(&file)? == wheel.sha256 {
            return Ok(file);
        }
        eprintln!("setup: {} is damaged and fetched again", file.display());
        fs::remove_file(&file).with_context(|| format!("cannot remove {}", file.display()))?;
    }
    let incoming = Scratch::new(workspace, CACHE)?;
    python.download(wheel, &incoming.path)?;
    let fetched = incoming.path.join(wheel.file);
    if !fetched.exists() {
        bail!(
            "pip fetched {}=={} as another file than {}: check the package index that pip is set to",
            wheel.package,
            wheel.version,
            wheel.file
        );
    }
    let sha256 = python.sha256(&fetched)?;
    if sha256 != wheel.sha256 {
        bail!(
            "{} has the SHA-256 {sha256} instead of {}: check the package index that pip is set to",
            wheel.file,
            wheel.sha256
        );
    }
    rename(&fetched, &file)?;
    Ok(file)
}

fn require_platform(system: &str, machine: &str, musl: bool) -> Result<()> {
    if system == "linux" && machine == "x86_64" && !musl {
        return Ok(());
    }
    let libc = if musl { " with musl" } else { "" };
    bail!(
        "there is no pinned LibTorch for {system} on {machine}{libc}: install PyTorch {} and set LIBTORCH_USE_PYTORCH=1, \
         or let LIBTORCH name a LibTorch of that version",
        wheels::VERSION
    )
}

/// pip needs each file twice for a moment, once in its temporary folder.
fn require_space(free: u64, missing: &[&Wheel], set: Set) -> Result<()> {
    let sizes = missing.iter().map(|wheel| wheel.bytes);
    let needed = sizes.clone().sum::<u64>() + sizes.max().unwrap_or(0) + set.unpacked_bytes();
    let in_gb = |bytes: u64| bytes as f64 / 1e9;
    if free < needed {
        bail!(
            "setup needs {:.1} GB, but only {:.1} GB are free on the disk of the repository",
            in_gb(needed),
            in_gb(free)
        );
    }
    Ok(())
}

/// Puts `new` in the place of `folder` without a moment in which it is half there.
fn replace(workspace: &Workspace, new: &Path, folder: &Path) -> Result<()> {
    let old = Scratch::new(workspace, "")?;
    if folder.symlink_metadata().is_ok() {
        rename(folder, &old.path.join("old"))?;
    }
    rename(new, folder)
}

fn rename(from: &Path, to: &Path) -> Result<()> {
    fs::rename(from, to)
        .with_context(|| format!("cannot rename {} to {}", from.display(), to.display()))
}

fn create_folder(folder: &Path) -> Result<()> {
    fs::create_dir_all(folder).with_context(|| format!("cannot create {}", folder.display()))
}

/// A folder that is removed when it goes out of scope, wherever it then holds.
///
/// Its name holds the process, so that two set-ups never share one, and ends in `.tmp`, which git ignores.
struct Scratch {
    path: PathBuf,
}

const SCRATCH: &str = ".libtorch-";

impl Scratch {
    /// A new one in a folder of the repository, hence on the disk of the final place.
    fn new(workspace: &Workspace, parent: &str) -> Result<Self> {
        let parent = workspace.path(parent);
        let free = (0..)
            .map(|count| parent.join(format!("{SCRATCH}{}-{count}.tmp", process::id())))
            .find(|path| !path.exists())
            .context("no name left for a temporary folder")?;
        create_folder(&free)?;
        Ok(Self { path: free })
    }

    /// The process that made the folder of this name.
    fn owner(name: &str) -> Option<u32> {
        let name = name.strip_prefix(SCRATCH)?.strip_suffix(".tmp")?;
        name.split('-').next()?.parse().ok()
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        // What cannot be removed now goes with the next set-up.
        let _ = fs::remove_dir_all(&self.path);
    }
}

/// Removes what set-ups that were killed have left.
fn remove_leftovers(workspace: &Workspace) {
    for parent in [workspace.root().to_path_buf(), workspace.path(CACHE)] {
        let Ok(entries) = fs::read_dir(parent) else {
            continue;
        };
        for entry in entries.flatten() {
            let owner = Scratch::owner(&entry.file_name().to_string_lossy());
            let alive = |id: u32| Path::new("/proc").join(id.to_string()).exists();
            if owner.is_some_and(|id| !alive(id)) {
                let _ = fs::remove_dir_all(entry.path());
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn other_platforms_get_a_way_out() {
        assert!(require_platform("linux", "x86_64", false).is_ok());
        for (system, machine, musl) in [
            ("linux", "aarch64", false),
            ("macos", "aarch64", false),
            ("linux", "x86_64", true),
        ] {
            let text = require_platform(system, machine, musl)
                .unwrap_err()
                .to_string();
            assert!(text.contains("LIBTORCH_USE_PYTORCH=1"), "{text}");
        }
    }

    #[test]
    fn too_little_space_is_an_error_with_numbers() {
        let all: Vec<&Wheel> = Set::Cpu.wheels().collect();
        assert!(require_space(u64::MAX, &all, Set::Cpu).is_ok());
        let text = require_space(100_000_000, &all, Set::Cpu)
            .unwrap_err()
            .to_string();
        assert!(text.ends_with("only 0.1 GB are free on the disk of the repository"));
        assert!(require_space(Set::Cpu.unpacked_bytes(), &[], Set::Cpu).is_ok());
    }

    #[test]
    fn the_folder_of_the_configuration_is_no_choice_of_the_user() {
        let folder = tempfile::tempdir().unwrap();
        let ours = folder.path().join(FOLDER);
        assert!(same_place(&ours, &folder.path().join("./.libtorch")));
        assert!(same_place(&ours, &ours));
        assert!(!same_place(Path::new("/opt/libtorch"), &ours));
        assert!(!same_place(&folder.path().join("libtorch"), &ours));
    }

    #[test]
    fn a_replaced_folder_is_whole_and_leaves_nothing_behind() {
        let root = tempfile::tempdir().unwrap();
        let workspace = Workspace::at(root.path());
        let folder = workspace.path(FOLDER);
        fs::create_dir(&folder).unwrap();
        fs::write(folder.join("old"), "").unwrap();
        let new = Scratch::new(&workspace, "").unwrap();
        fs::write(new.path.join("new"), "").unwrap();
        replace(&workspace, &new.path, &folder).unwrap();
        drop(new);
        assert!(folder.join("new").exists() && !folder.join("old").exists());
        assert_eq!(fs::read_dir(root.path()).unwrap().count(), 1);
    }

    #[test]
    fn only_leftovers_of_dead_processes_are_removed() {
        let root = tempfile::tempdir().unwrap();
        let workspace = Workspace::at(root.path());
        let alive = Scratch::new(&workspace, "").unwrap();
        // Above the largest id that Linux gives.
        let dead = workspace.path(".libtorch-4999999-0.tmp");
        fs::create_dir(&dead).unwrap();
        let foreign = workspace.path(".libtorch-x.tmp");
        fs::create_dir(&foreign).unwrap();
        remove_leftovers(&workspace);
        assert!(alive.path.exists() && foreign.exists() && !dead.exists());
    }

    #[test]
    fn a_folder_is_complete_only_with_a_stamp_that_fits() {
        let root = tempfile::tempdir().unwrap();
        let workspace = Workspace::at(root.path());
        let folder = workspace.path(FOLDER);
        fs::create_dir_all(folder.join("lib")).unwrap();
        fs::create_dir_all(folder.join("include/torch")).unwrap();
        fs::write(folder.join("lib/libtorch_cpu.so"), "machine code").unwrap();
        fs::write(folder.join("include/torch/torch.h"), "header").unwrap();
        assert!(!is_complete(&workspace, Set::Cpu).unwrap());
        let text = stamp::text(Set::Cpu, &folder).unwrap();
        fs::write(folder.join(stamp::FILE), text).unwrap();
        assert!(is_complete(&workspace, Set::Cpu).unwrap());
        assert!(!is_complete(&workspace, Set::Cuda).unwrap());
        fs::write(folder.join("lib/libtorch_cpu.so"), "machine").unwrap();
        assert!(!is_complete(&workspace, Set::Cpu).unwrap());
        fs::write(folder.join("lib/libtorch_cpu.so"), "machine code").unwrap();
        fs::remove_file(folder.join("include/torch/torch.h")).unwrap();
        assert!(!is_complete(&workspace, Set::Cpu).unwrap());
    }

    #[test]
    fn the_larger_set_serves_the_smaller() {
        let root = tempfile::tempdir().unwrap();
        let workspace = Workspace::at(root.path());
        let folder = workspace.path(FOLDER);
        fs::create_dir_all(folder.join("lib")).unwrap();
        fs::create_dir_all(folder.join("include")).unwrap();
        let text = stamp::text(Set::Cuda, &folder).unwrap();
        fs::write(folder.join(stamp::FILE), text).unwrap();
        assert!(is_complete(&workspace, Set::Cpu).unwrap());
        assert!(is_complete(&workspace, Set::Cuda).unwrap());
    }
}
