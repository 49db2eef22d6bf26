//! Tests of the public interface, in one program.

mod criterion;
mod golden;
mod support;
