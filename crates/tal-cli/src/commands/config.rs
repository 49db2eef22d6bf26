//! `tal config`: configurations, looked at and translated.

use anyhow::Result;

use crate::args::{ConfigCommand, ShowArgs};
use crate::console::print;

pub(crate) fn run(command: &ConfigCommand) -> Result<()> {
    match command {
        ConfigCommand::Show(args) => show(args),
    }
}

fn show(args: &ShowArgs) -> Result<()> {
    let resolved = args.layers.over(&args.config)?.resolve()?;
    print(resolved.to_annotated_yaml(args.changed).trim_end())
}
