//! Measures of neighbouring fields: frames, segments, events, points, bouts, agreement.
//!
//! Each function takes plain slices for each recording, [`LabelledRecording`] or [`ScoredRecording`], and needs no files.
//! [`Labelling`] makes what was found, without scores, from detections. All figures are fractions; a figure that is not
//! defined, such as the precision of no detection, is NaN where its documentation says so, and 0 otherwise.
//!
//! | function | measure | reference implementation |
//! |---|---|---|
//! | [`frame_scores()`] | precision, recall, F1 of frames | scikit-learn |
//! | [`frame_map`] | average precision of frames | scikit-learn |
//! | [`segmentation()`] | frame accuracy, Edit, F1@k of segments | MS-TCN's `eval.py` |
//! | [`event_scores`] | precision, recall, F1 of events with collars | sed_eval |
//! | [`spotting()`] | mAP of points within a tolerance | SoccerNet |
//! | [`mabe_f_beta`] | F-beta of frames by laboratory | MABe challenge |
//! | [`misalignment()`] | insertions, deletions, merges, fragmentations, overfill, underfill | ward-metrics |
//! | [`bouts()`] | number, length and share of time of bouts | BORIS's time budget |
//! | [`agreement()`] | Cohen's kappa | scikit-learn |

mod agreement;
mod average_precision;
mod bouts;
mod counts;
mod error;
mod events;
mod frame_scores;
mod frames;
mod input;
mod labelling;
mod mabe;
mod matching;
mod misalignment;
mod segmentation;
mod spotting;

pub use agreement::{Agreement, ClassKappa, Kappa, agreement};
pub use average_precision::{ClassAveragePrecision, FrameMap, frame_average_precision, frame_map};
pub use bouts::{BoutStatistics, ClassBouts, bouts};
pub use counts::{ClassFigures, Counts, Figures, PrecisionRecallF1};
pub use error::MeasureError;
pub use events::{EventConfig, EventMatching, event_scores};
pub use frame_scores::frame_scores;
pub use frames::FrameRate;
pub use input::{LabelledRecording, ScoredRecording};
pub use labelling::Labelling;
pub use mabe::{ClassFBeta, LabFBeta, LabRecording, MabeFBeta, mabe_f_beta};
pub use misalignment::{ClassMisalignment, MisalignedEvents, MisalignedTime, misalignment};
pub use segmentation::{Background, Segmentation, SegmentationConfig, segmentation};
pub use spotting::{ClassSpotting, Spotting, SpottingConfig, spotting};
