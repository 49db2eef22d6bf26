//! With the feature `torch`: ends the build in one sentence where LibTorch is missing.
//!
//! `.cargo/config.toml` points `LIBTORCH` to the folder that `cargo xtask setup` fills; without this
//! check torch-sys would answer a missing folder with pages of C++ errors.

use std::env;
use std::path::{Path, PathBuf};

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    if env::var_os("CARGO_FEATURE_TORCH").is_none() {
        return;
    }
    // torch-sys asks in this order: the Python package, LIBTORCH (LIBTORCH_LIB for its libraries),
    // then a system-wide copy or its own download, which are left to it.
    if variable("LIBTORCH_USE_PYTORCH").is_some() {
        return;
    }
    let Some(libtorch) = variable("LIBTORCH") else {
        return;
    };
    let statically = variable("LIBTORCH_STATIC").is_some();
    let root = variable("LIBTORCH_LIB").unwrap_or_else(|| libtorch.clone());
    let folder = root.join("lib");
    let library = folder.join(library_name(statically));
    println!("cargo::rerun-if-changed={}", library.display());
    if !library.exists() {
        println!(
            "cargo::error=LibTorch is missing ({} does not exist): run `cargo xtask setup` once in the repository, \
             or set LIBTORCH to a LibTorch 2.11.0 of your own",
            library.display()
        );
        return;
    }
    offer_to_cargo(&folder);
}

/// A variable's value as a path; a change of it runs this script again.
fn variable(name: &str) -> Option<PathBuf> {
    println!("cargo::rerun-if-env-changed={name}");
    env::var_os(name).map(PathBuf::from)
}

/// The file of LibTorch that every build needs, as the target platform names it.
fn library_name(statically: bool) -> &'static str {
    let system = env::var("CARGO_CFG_TARGET_OS").unwrap_or_default();
    match (system.as_str(), statically) {
        ("windows", _) => "torch_cpu.lib",
        (_, true) => "libtorch_cpu.a",
        ("macos", false) => "libtorch_cpu.dylib",
        _ => "libtorch_cpu.so",
    }
}

/// Lets `cargo run` and `cargo test` find the libraries, doc tests included.
///
/// Cargo adds a build script's search folders to the library path of what it starts, but only folders
/// inside the target folder: hence the link. It serves any `LIBTORCH` and any target folder.
#[cfg(unix)]
fn offer_to_cargo(folder: &Path) {
    let Some(out) = env::var_os("OUT_DIR") else {
        return;
    };
    let link = Path::new(&out).join("libtorch");
    // An old link may point elsewhere; where it cannot be replaced, the rpath of the repository's
    // cargo configuration still serves the usual folders.
    let _ = std::fs::remove_file(&link);
    if std::os::unix::fs::symlink(folder, &link).is_ok() {
        println!("cargo::rustc-link-search=native={}", link.display());
    }
}

#[cfg(not(unix))]
fn offer_to_cargo(_folder: &Path) {}
