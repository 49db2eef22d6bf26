//! `tal features check`: descriptions of extracted features against a configuration.

use anyhow::{Result, anyhow};
use tal_engine::extract::compare_sidecars;

use crate::args::FeaturesCheckArgs;
use crate::console::Console;

pub(crate) fn run(args: &FeaturesCheckArgs, console: &Console) -> Result<()> {
    let config = args.config.load()?;
    let found = compare_sidecars(&config.dataset)?;
    if args.json {
        let report = serde_json::json!({
            "num_descriptions": found.num_sidecars,
            "differences": found.differences,
        });
        console.print(&serde_json::to_string_pretty(&report)?)?;
        return ended(found.differences.len());
    }
    console.print(&format!(
        "{} descriptions in {}",
        found.num_sidecars,
        config.dataset.features.dir.display()
    ))?;
    for line in &found.differences {
        console.print(&format!("  {line}"))?;
    }
    match found.differences.len() {
        0 => console.print("The configuration says what the descriptions say."),
        count => ended(count),
    }
}

fn ended(num_differences: usize) -> Result<()> {
    match num_differences {
        0 => Ok(()),
        count => Err(anyhow!(
            "{count} differences between the configuration and the descriptions of the features"
        )),
    }
}
