//! Tests of the reader, in one program.

mod read;
mod refuse;
