//! The program `tal` from outside: what it prints, writes and answers.

mod bad_input;
mod check;
mod evaluate;
mod killed;
mod support;
mod workflow;
