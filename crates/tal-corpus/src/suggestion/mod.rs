//! A configuration that fits a data set, from its numbers.
//!
//! Rules, all of them from training recordings:
//!
//! | choice | rule |
//! |---|---|
//! | raw signal or features | at most 24 channels and at least 20 values a second, in npy files: a raw signal, cut into windows |
//! | window of a raw signal | a third of the typical action of the shortest class, 0.2 to 2 s; half overlap |
//! | place of features in time | the frame rate and the ratio of frames to features, or features per second |
//! | levels | the coarsest level begins at the 95 % quantile of the actions' lengths; 6 to 8, fewer for short recordings |
//! | `max_seq_len` | the 95 % quantile of the recordings' lengths, at most 2304, at least the longest action |
//! | width | 128 up to 3,000 actions, 256 up to 30,000, else 512; the learning rate falls with it |
//! | epochs | 45 up to 100 recordings, 30 up to 1,000, else 15 |
//! | detections per recording | five times the 95 % quantile of actions per recording, 100 to 2000 |

mod choices;
mod error;
mod facts;
mod text;
mod timing;

use std::path::Path;

pub use error::SuggestionError;
pub use timing::FeatureTiming;

use choices::Choices;
use facts::Facts;
use timing::Timing;

/// A configuration for a data set, with the numbers that it follows from.
#[derive(Debug, Clone, PartialEq)]
pub struct Suggestion {
    facts: Facts,
    timing: Timing,
    choices: Choices,
}

/// Reads annotations and features, and chooses.
///
/// # Errors
/// If a file cannot be read, or the numbers that a choice needs are not there.
pub fn suggest(
    annotations: &Path,
    features: &Path,
    known: &FeatureTiming,
) -> Result<Suggestion, SuggestionError> {
    let facts = Facts::read(annotations, features)?;
    let timing = Timing::of(&facts, known)?;
    let choices = Choices::of(&facts, &timing);
    Ok(Suggestion {
        facts,
        timing,
        choices,
    })
}

impl Suggestion {
    /// The configuration file. Every choice has a comment with the numbers behind it.
    pub fn to_yaml(&self) -> String {
        text::yaml(&self.facts, &self.timing, &self.choices)
    }
}
