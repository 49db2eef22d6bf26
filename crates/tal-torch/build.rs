//! Compiles the C++ that calls LibTorch.

use std::env;
use std::path::PathBuf;

fn main() {
    for file in [
        "build.rs",
        "src/gloo",
        "src/group.cpp",
        "src/node.cpp",
        "src/parallel.cpp",
        "src/tf32.cpp",
    ] {
        println!("cargo::rerun-if-changed={file}");
    }
    for variable in ["LIBTORCH", "LIBTORCH_INCLUDE", "LIBTORCH_CXX11_ABI"] {
        println!("cargo::rerun-if-env-changed={variable}");
    }
    // The same places as torch-sys, in the same order.
    let include = env::var_os("LIBTORCH_INCLUDE")
        .map(PathBuf::from)
        .or_else(|| {
            let libraries = PathBuf::from(env::var_os("DEP_TCH_LIBTORCH_LIB")?);
            Some(libraries.parent()?.to_path_buf())
        })
        .map(|root| root.join("include"));
    let Some(include) = include else {
        println!("cargo::error=torch-sys did not say where LibTorch is");
        return;
    };
    let abi = env::var("LIBTORCH_CXX11_ABI").unwrap_or_else(|_| "1".into());
    let mut build = cc::Build::new();
    build
        .cpp(true)
        .warnings(false)
        .include(include.join("torch/csrc/api/include"))
        .include(include);
    // On Linux, LibTorch's loops use GNU OpenMP. Clang would bring a second pool of threads: with it, and on other systems, our
    // loops run on one thread.
    if cfg!(target_os = "linux") && build.get_compiler().is_like_gnu() {
        build.flag("-fopenmp");
        println!("cargo::rustc-link-lib=gomp");
    }
    if cfg!(windows) {
        build.flag("/std:c++17");
    } else {
        build
            .flag("-std=c++17")
            .define("_GLIBCXX_USE_CXX11_ABI", abi.as_str());
    }
    // c10d declares Gloo's group only with this definition, and includes headers of Gloo that LibTorch's package lacks.
    build
        .clone()
        .define("USE_C10D_GLOO", None)
        .include("src/gloo")
        .file("src/group.cpp")
        .compile("tal_torch_group");
    build
        .file("src/node.cpp")
        .file("src/parallel.cpp")
        .file("src/tf32.cpp")
        .compile("tal_torch");
}
