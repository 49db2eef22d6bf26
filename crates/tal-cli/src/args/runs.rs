//! Arguments of `tal runs`.

use std::path::PathBuf;

use clap::Args;
use clap::builder::{PossibleValuesParser, TypedValueParser};
use tal_runs::{Column, Filter};

#[derive(Debug, Args)]
pub(crate) struct RunsArgs {
    /// Folders with runs, or run folders
    #[arg(default_value = "runs")]
    pub(crate) folders: Vec<PathBuf>,
    /// Column to sort by: numbers from the highest, names from A
    #[arg(long, value_name = "COLUMN", default_value = "name", value_parser = column())]
    pub(crate) sort: Column,
    /// Turn the order round
    #[arg(long)]
    pub(crate) reverse: bool,
    /// List only runs that meet a condition, such as state=finished, map>60, name~gtea or train.epochs!=30; can be given several
    /// times
    ///
    /// The key is a column or a configuration key; mAP is in percent; ~ means contains.
    #[arg(long = "filter", value_name = "KEY=VALUE")]
    pub(crate) filters: Vec<Filter>,
    /// Add a configuration key as a column; can be given several times
    #[arg(long = "show", value_name = "KEY")]
    pub(crate) shown: Vec<String>,
    /// Print the configuration keys that differ between the listed runs
    #[arg(long)]
    pub(crate) compare: bool,
    /// Print JSON: the runs with their whole configurations, and the keys that differ
    #[arg(long)]
    pub(crate) json: bool,
}

fn column() -> impl TypedValueParser<Value = Column> {
    PossibleValuesParser::new(Column::ALL.map(Column::name)).try_map(|name| {
        let mut all = Column::ALL.into_iter();
        all.find(|column| column.name() == name)
            .ok_or("unknown column")
    })
}
