//! Makes the feature `torch` wait for `tal-libtorch`, whose build script ends the build with one sentence if LibTorch is
//! missing.

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
}
