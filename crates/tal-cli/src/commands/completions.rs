//! `tal completions`: completions for shells.

use anyhow::Result;

use crate::args::{CompletionsArgs, command};
use crate::console::print;

pub(crate) fn run(args: &CompletionsArgs) -> Result<()> {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut command(), "tal", &mut script);
    print(String::from_utf8_lossy(&script).trim_end())
}
