//! A build-time check that LibTorch is there; no code of its own.
//!
//! The work is done by the build script. It is a package of its own, and a build dependency of `tal-core`
//! with the feature `torch`, because cargo starts first what most of the build waits for: this way the
//! one sentence comes before torch-sys can answer the same lack with pages of C++ errors. (A build script
//! of `tal-core` itself came after it.)
