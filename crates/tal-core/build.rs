//! Does nothing itself: with the feature `torch` it waits for `tal-libtorch`, whose build script ends the
//! build in one sentence where LibTorch is missing.

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
}
