//! Ends the build in one sentence if LibTorch is missing; otherwise shows its folder to cargo.

use std::env;
use std::path::{Path, PathBuf};

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    // torch-sys looks in this order: the Python package, LIBTORCH (LIBTORCH_LIB for the libraries),
    // a system-wide copy, its own download. Only LIBTORCH can be checked in advance.
    let from_python = variable("LIBTORCH_USE_PYTORCH").is_some();
    let statically = variable("LIBTORCH_STATIC").is_some_and(|value| {
        !["0", "false", "FALSE"]
            .iter()
            .any(|no| value.as_os_str() == *no)
    });
    let root = variable("LIBTORCH_LIB");
    let Some(libtorch) = variable("LIBTORCH").filter(|_| !from_python) else {
        return;
    };
    let folder = root.unwrap_or(libtorch).join("lib");
    let library = folder.join(library_name(statically));
    println!("cargo::rerun-if-changed={}", library.display());
    if library.exists() {
        show_to_cargo(&folder);
    } else {
        println!(
            "cargo::error=LibTorch is missing ({} does not exist): run `cargo xtask setup` once in the repository, \
             or let LIBTORCH name a LibTorch 2.11.0 of your own",
            library.display()
        );
    }
}

/// Value of a variable as a path; a change runs this script again.
fn variable(name: &str) -> Option<PathBuf> {
    println!("cargo::rerun-if-env-changed={name}");
    env::var_os(name).map(PathBuf::from)
}

/// File name of the library that every build needs, on this platform.
fn library_name(statically: bool) -> &'static str {
    if cfg!(windows) {
        "torch_cpu.lib"
    } else if statically {
        "libtorch_cpu.a"
    } else if cfg!(target_os = "macos") {
        "libtorch_cpu.dylib"
    } else {
        "libtorch_cpu.so"
    }
}

/// Lets `cargo run` and `cargo test` find the libraries, doc tests included.
///
/// Cargo adds the search folders of build scripts to the library path of what it starts, but only
/// folders inside the target folder: hence a link. It serves any `LIBTORCH` and any target folder;
/// programs started without cargo find the usual folder by the rpath of `.cargo/config.toml`.
fn show_to_cargo(folder: &Path) {
    let Some(out) = env::var_os("OUT_DIR") else {
        return;
    };
    let link = Path::new(&out).join("lib");
    // An old link may point elsewhere.
    let _ = std::fs::remove_file(&link);
    #[cfg(unix)]
    let linked = std::os::unix::fs::symlink(folder, &link);
    #[cfg(windows)]
    let linked = std::os::windows::fs::symlink_dir(folder, &link);
    if linked.is_ok() {
        println!("cargo::rustc-link-search=native={}", link.display());
    }
}
