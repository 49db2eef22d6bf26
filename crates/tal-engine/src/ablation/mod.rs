//! Grids of configurations and seeds: the runs, their progress, and tables of their figures.
//!
//! A [`Plan`] is a YAML file. [`Plan::runs`] lists its runs and starts none: [`Run::config`] is for `run::train`, and the
//! program decides whether runs follow each other or go as processes side by side. [`Report::collect`] reads the run folders,
//! whether or not the runs are finished.
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
