//! Names of the files of a run folder.

/// The resolved configuration.
pub const RESOLVED_CONFIG: &str = "config.yaml";

/// Metrics of every step.
pub const METRICS: &str = "metrics.jsonl";

/// Detections in the test subsets after the last epoch.
pub const DETECTIONS: &str = "detections.json";

/// Figures of these detections.
pub const EVALUATION: &str = "evaluation.json";

/// Time of the phases of the steps, from the latest process that measured it.
pub const PROFILE: &str = "profile.json";

/// Figures of the finished run, for tables.
pub const SUMMARY: &str = "summary.json";

/// The log for people. The program starts it before the folder is checked.
pub const LOG: &str = "train.log";

/// State of the run.
pub const LAST: &str = "last.safetensors";

/// The best weights of the run.
pub const BEST: &str = "best.safetensors";
