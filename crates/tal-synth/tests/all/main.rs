//! Tests of the public interface, in one program.

#[path = "../../../tal-data/tests/common/mod.rs"]
mod common;

mod generated;
mod like;
