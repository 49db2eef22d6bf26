//! Errors of training with several ranks.

use tal_core::Usage;
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
    /// Rank 0 cannot serve the store where the ranks meet.
    #[error(
        "rank 0 of {size} cannot listen at port {port}: {source}; set MASTER_PORT to a free port, the same for all ranks"
    )]
    Serve {
        /// Number of ranks.
        size: usize,
        /// The port.
        port: u16,
        /// The reason.
        source: GroupError,
    },
    /// Another job has the port where the ranks should meet.
    #[error(
        "rank {rank} of {size} met another job at {address}; set MASTER_PORT to a free port, another one for each job"
    )]
    OtherJob {
        /// This rank.
        rank: usize,
        /// Number of ranks.
        size: usize,
        /// The place to meet.
        address: String,
    },
    /// Ranks did not come to the meeting.
    #[error(
        "{} of {size} did not come to {address} within {seconds} s (--rank-timeout)",
        named(ranks)
    )]
    Absent {
        /// The ranks.
        ranks: Vec<usize>,
        /// Number of ranks.
        size: usize,
        /// The place to meet.
        address: String,
        /// The time that rank 0 waited.
        seconds: u64,
    },
    /// Another rank failed and said why.
    #[error("{message}")]
    Failed {
        /// The rank.
        rank: usize,
        /// Its error, which names the rank.
        message: String,
        /// Whether its request was wrong.
        is_usage: bool,
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

impl Usage for RanksError {
    fn is_usage(&self) -> bool {
        match self {
            RanksError::Serve { .. }
            | RanksError::OtherJob { .. }
            | RanksError::Differs { .. }
            | RanksError::TooMany { .. } => true,
            RanksError::Failed { is_usage, .. } => *is_usage,
            RanksError::Open { .. } | RanksError::Absent { .. } | RanksError::Lost { .. } => false,
        }
    }
}

fn named(ranks: &[usize]) -> String {
    match ranks {
        [] => "another rank".to_owned(),
        [rank] => format!("rank {rank}"),
        _ => format!("ranks {}", tal_core::plain_list(ranks)),
    }
}
