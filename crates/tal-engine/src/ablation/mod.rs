//! Grids of configurations, folds and seeds: the runs, their progress, and tables of their figures.
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
//!
//! With `folds`, every variant is trained with every seed on each of them. A fold names the training recordings on which
//! choices between variants are made; its test recordings are for the report alone ([`Stage`]):
//!
//! ```yaml
//! baseline: all
//! folds:
//!   - name: split 1
//!     validation: ["^S2_", "^S3_"]
//!   - name: split 2
//!     set: ["dataset.annotations=${DATA}/split2/annotations.json"]
//!     validation: ["^S1_", "^S3_"]
//! ```

mod comparison;
mod error;
mod fold;
mod plan;
mod report;
mod text;

pub use comparison::Comparison;
pub use error::AblationError;
pub use fold::{Fold, HELD_OUT, HeldOut, Stage};
pub use plan::{Plan, Run, TableConfig, Variant};
pub use report::{FoldFigures, Report, Row, SeedFigures, Spread};
