//! `tal config`: configurations, shown and converted.

use std::fmt::Write as _;
use std::path::Path;

use anyhow::Result;
use tal_config::ConfigError;
use tal_config::import::{ImportOptions, Imported, import};
use tal_core::FileError;

use super::{output, suggest};
use crate::args::{ConfigCommand, ConfigImportArgs, ShowArgs};
use crate::console::print;

pub(crate) fn run(command: &ConfigCommand) -> Result<()> {
    match command {
        ConfigCommand::Show(args) => show(args),
        ConfigCommand::Import(args) => translate(args),
        ConfigCommand::Suggest(args) => suggest::run(args),
    }
}

fn show(args: &ShowArgs) -> Result<()> {
    let resolved = args.config.layers.over(&args.config.file)?.resolve()?;
    print(resolved.to_annotated_yaml(args.changed).trim_end())
}

fn translate(args: &ConfigImportArgs) -> Result<()> {
    if let Some(out) = &args.out {
        output::check("--out", out, &["yaml", "yml"])?;
    }
    let text = std::fs::read_to_string(&args.theirs);
    let unreadable = FileError::at("read the configuration", &args.theirs);
    let text = text.map_err(|error| ConfigError::from(unreadable(error)))?;
    let origin = args.theirs.display().to_string();
    let options = ImportOptions {
        code: args.code,
        root: args.root.clone(),
    };
    let imported = import(&text, &origin, &options)?;
    let yaml = imported.to_yaml();
    // What their program accepts may still be out of range for ours.
    tal_config::from_yaml(&yaml, &format!("{origin}, translated"), Path::new(""), &[])?;
    let file = format!("{}{yaml}", header(&args.theirs, &imported));
    let Some(out) = &args.out else {
        return print(file.trim_end());
    };
    output::write_text(out, &file)?;
    print(&format!(
        "{}: read as a file of {}\n{}",
        out.display(),
        imported.code,
        imported.report.to_text(true)
    ))
}

/// Comments with the origin of the file and its gaps.
fn header(theirs: &Path, imported: &Imported) -> String {
    let name = theirs.file_name().unwrap_or(theirs.as_os_str());
    let mut text = format!(
        "# Translated from {}, a configuration of {}.\n",
        name.to_string_lossy().replace(['\n', '\r'], " "),
        imported.code
    );
    for line in imported.report.to_text(false).lines() {
        let _ = writeln!(text, "# {line}");
    }
    text
}
