//! `tal man`: manual pages.

use anyhow::{Context, Result};

use super::output;
use crate::args::{ManArgs, command};
use crate::console::print;

pub(crate) fn run(args: &ManArgs) -> Result<()> {
    let folder = &args.folder;
    output::create_folder(folder)?;
    // The list of all commands' `help` would be a page for each of them once more.
    let command = command().disable_help_subcommand(true);
    clap_mangen::generate_to(command, folder)
        .with_context(|| format!("cannot write manual pages into {}", folder.display()))?;
    print(&format!(
        "{0}: `man -l {0}/tal.1` shows the first page; `man tal` does if the folder is man1 of one on MANPATH",
        folder.display()
    ))
}
