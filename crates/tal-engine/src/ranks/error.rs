//! Errors of training with several ranks.

use tal_torch::group::GroupError;

/// An error of training with several ranks.
#[derive(Debug, Clone, thiserror::Error)]
#[non_exhaustive]
pub enum RanksError {
    /// The ranks did not find each other.
    #[error("rank {rank} of {size} did not find the others at {address}: {source}")]
    Open {
        /// This rank.
        rank: usize,
        /// Number of ranks.
        size: usize,
        /// The place to meet.
        address: String,
        /// The reason.
        source: GroupError,
    },
    /// Another rank failed and said why.
    #[error("rank {rank} failed: {message}")]
    Failed {
        /// The rank.
        rank: usize,
        /// Its error.
        message: String,
    },
    /// Other ranks are gone.
    #[error(
        "{} ended without a word, or did not answer in time ({source}); the run continues from its last save with --resume",
        named(ranks)
    )]
    Lost {
        /// The ranks; empty if nobody knows which.
        ranks: Vec<usize>,
        /// The error of the connection.
        source: GroupError,
    },
    /// The ranks were started with other settings or data.
    #[error("rank {rank} differs from rank 0 in {what}; start all ranks with the same")]
    Differs {
        /// The rank.
        rank: usize,
        /// The difference.
        what: String,
    },
    /// What cannot be trained with several ranks.
    #[error("{what} cannot be trained with several ranks yet; use one")]
    Unsupported {
        /// The method or loss.
        what: &'static str,
    },
    /// More ranks than recordings in a batch.
    #[error(
        "{size} ranks cannot share a batch of {batch_size}; use at most {batch_size} ranks, or raise train.batch_size"
    )]
    TooMany {
        /// Number of ranks.
        size: usize,
        /// Recordings of a batch.
        batch_size: usize,
    },
}

fn named(ranks: &[usize]) -> String {
    match ranks {
        [] => "another rank".to_owned(),
        [rank] => format!("rank {rank}"),
        _ => format!("ranks {}", tal_core::plain_list(ranks)),
    }
}
