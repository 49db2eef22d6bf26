//! A grid of configurations and seeds: which runs there are, how far they are, and one table of what they reached.
//!
//! A [`Plan`] is a YAML file. Nothing here starts a run: [`Plan::runs`] tells what to do ([`Run::config`] is what `run::train`
//! takes), so that the program decides whether runs go one after another or as processes side by side. [`Report::collect`]
//! reads what the run folders hold, finished or not.
//!
//! ```yaml
//! title: Granularities of the GMG block
//! config: ../gtea.yaml
//! seeds: [1, 2, 3]
//! set: [train.num_workers=0]
//! variants:
//!   - name: all
//!   - name: instant only
//!     overlays: [../ablations/branches_instant.yaml]
//!   - name: wide
//!     set: [encoder.dim=256]
//! tables:
//!   - title: Table 6
//!     rows: [instant only, all]
//! ```

mod error;
mod plan;
mod report;
mod text;

pub use error::AblationError;
pub use plan::{Plan, Run, TableConfig, Variant};
pub use report::{Report, Row, SeedFigures, Spread};
