//! `tal` without arguments: what to begin with.

use anyhow::Result;

use crate::console::print;

/// The three commands of the first day.
const TEXT: &str = "\
tal finds every action in a recording: start, end, class and score. To begin:

  tal demo                                a data set, a training and its test, in a minute
  tal train configs/mine.yaml             train on your own data; docs/own-data.md says how it must lie
  tal predict runs/mine film.mp4          find actions with a trained detector

`tal --help` lists all commands, `tal COMMAND --help` shows one with examples, and `tal doctor` checks this machine.";

pub(crate) fn run() -> Result<()> {
    print(TEXT)
}
