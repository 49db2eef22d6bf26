#![doc = include_str!("../README.md")]

mod class_scores;
mod confidence;
mod detection_rules;
mod detections;
mod diagnosis;
mod evaluation;
mod fusion;
pub mod measures;
mod order;
mod proposals;
mod suppression;
mod tuning;

// Candidates to detections.
pub use detections::{clamp_to_recording, to_detections};
pub use suppression::{SuppressionError, suppress};

// A choice among detections, and its search on annotated recordings.
pub use detection_rules::DetectionRules;
pub use tuning::{Objective, Tuned, TuningError, TuningVariant, tune};

// Classes from scores of whole recordings.
pub use class_scores::{ClassAssignmentError, ClassScores, assign_classes, assign_classes_to_all};

// Detections of weakly supervised localizers.
pub use proposals::{ActivationCurves, ProposalError, localize, propose, suppress_proposals};

// Evaluation.
pub use evaluation::{
    AverageRecall, ClassCurves, ClassEvaluation, ClassRecall, DetectionColumns, DetectionInput,
    Evaluation, EvaluationCounts, EvaluationError, InputError, InputErrorKind, KNOWN_DATASETS,
    Matching, PrecisionRecall, RecallAtK, Reliability, ReliabilityBin, ReliabilityCurve, TieReport,
    average_precision, average_recall, average_recall_with, default_thresholds, evaluate,
    evaluate_with,
};

// Uncertainty of an evaluation, and comparison of detectors.
pub use confidence::{
    BootstrapConfig, ClassConfidence, Confidence, ConfidenceError, Difference, Interval,
    PairedComparison, Resampler, RunComparison, RunPair, Verdict, WeightedEvaluation, bootstrap,
    compare, compare_runs, weighted_average_precision,
};

// Fusion of several detectors.
pub use fusion::{FusionError, FusionRule, fuse_detection_sets, fuse_detections};

// Diagnosis.
pub use diagnosis::{
    Bucket, BucketDiagnosis, Characteristic, CharacteristicBuckets, CharacteristicDiagnosis,
    CountedInstances, DetectionOutcome, Diagnosis, DiagnosisConfig, DiagnosisCounts,
    DiagnosisError, DiagnosisTies, ErrorCounts, ErrorImpact, ErrorType, FalsePositiveProfile,
    Impact, Judgement, NormalizedMap, Outcomes, RecordingOutcomes, ThresholdProfile, diagnose,
    normalized_average_precision, outcomes,
};
