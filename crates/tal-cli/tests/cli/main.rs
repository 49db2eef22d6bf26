//! The program `tal` from outside: what it prints, writes and answers.

mod ablate;
mod bad_input;
mod evaluate;
mod killed;
mod support;
mod workflow;
