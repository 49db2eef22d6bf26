//! The content that the ranks of a run must have in common, and that they get from rank 0.

use std::fs;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::io::Write;
use std::path::Path;

use serde::{Deserialize, Serialize};
use tal_core::config::Config;
use tal_core::weights::NamedTensors;
use tal_core::{FileError, plain_list};
use tal_data::Dataset;

use super::folder;
use crate::checkpoint::{Checkpoint, LAST, code_version};
use crate::error::EngineError;
use crate::ranks::{Ranks, RanksError};

/// What decides over the sizes and the order of all exchanges of a run.
#[derive(Serialize, Deserialize)]
struct Facts {
    code: String,
    config: Config,
    training: u64,
    test: u64,
    parameters: Vec<String>,
}

/// Refuses more ranks than recordings in a batch.
pub(super) fn check(config: &Config, ranks: &Ranks) -> Result<(), EngineError> {
    if ranks.is_alone() {
        return Ok(());
    }
    let (size, batch_size) = (ranks.size(), config.train.batch_size);
    match size > batch_size {
        true => Err(RanksError::TooMany { size, batch_size }.into()),
        false => Ok(()),
    }
}

/// Makes sure that all ranks train the same network on the same recordings.
pub(super) fn agree(
    ranks: &Ranks,
    config: &Config,
    [training, test]: [&Dataset; 2],
    parameters: &NamedTensors,
) -> Result<(), EngineError> {
    if ranks.is_alone() {
        return Ok(());
    }
    let of_parameter = |(name, tensor): (&String, &tch::Tensor)| {
        // Gloo and NCCL do not meet.
        let place = if tensor.device().is_cuda() {
            " on CUDA"
        } else {
            ""
        };
        format!("{name} ({:?} {:?}{place})", tensor.kind(), tensor.size())
    };
    let own = Facts {
        code: code_version(),
        config: config.clone(),
        training: ids(training),
        test: ids(test),
        parameters: parameters.iter().map(of_parameter).collect(),
    };
    let text = serde_json::to_string(&own).expect("facts are plain data");
    ranks.agree(&text, |first| difference(first, &own))
}

/// How the facts of this rank differ from those of rank 0.
fn difference(first: &str, own: &Facts) -> Option<String> {
    let Ok(first) = serde_json::from_str::<Facts>(first) else {
        return Some("the version of the program".to_owned());
    };
    if first.code != own.code {
        return Some(format!(
            "the version: {} (rank 0: {})",
            own.code, first.code
        ));
    }
    let changed = folder::other_figures(&first.config, &own.config);
    if !changed.is_empty() {
        return Some(format!("the configuration: {}", plain_list(&changed)));
    }
    for (what, first, own) in [
        ("the recordings of training", first.training, own.training),
        ("the recordings of the test", first.test, own.test),
    ] {
        if first != own {
            return Some(format!("{what} or their order"));
        }
    }
    let mut pairs = own.parameters.iter().zip(&first.parameters);
    if let Some((own, first)) = pairs.find(|(own, first)| own != first) {
        return Some(format!("a parameter: {own} (rank 0: {first})"));
    }
    (own.parameters.len() != first.parameters.len()).then(|| "the number of parameters".to_owned())
}

/// A number that stands for the ids of all recordings, in their order.
fn ids(dataset: &Dataset) -> u64 {
    let mut hasher = DefaultHasher::new();
    for index in 0..dataset.num_recordings() {
        dataset.recording(index).id.hash(&mut hasher);
    }
    hasher.finish()
}

/// The state of the run that rank 0 has read from `out`, on every rank. The others need not see that folder.
pub(super) fn share_state(
    ranks: &Ranks,
    state: Option<Checkpoint>,
    out: &Path,
) -> Result<Option<Checkpoint>, EngineError> {
    if ranks.is_alone() {
        return Ok(state);
    }
    let last = out.join(LAST);
    let bytes = match &state {
        Some(_) => fs::read(&last).map_err(FileError::at("read", &last))?,
        None => Vec::new(),
    };
    let bytes = ranks.of_first(bytes)?;
    if ranks.is_first() || bytes.is_empty() {
        return Ok(state);
    }
    let temporary = std::env::temp_dir();
    let io = FileError::at("write", &temporary);
    let mut file = tempfile::NamedTempFile::new().map_err(&io)?;
    file.write_all(&bytes).map_err(&io)?;
    Checkpoint::read(file.path()).map(Some)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn facts(overrides: &[&str]) -> Facts {
        Facts {
            code: code_version(),
            config: folder::tests::config(overrides),
            training: 1,
            test: 2,
            parameters: vec!["a (Float [2])".to_owned()],
        }
    }

    #[test]
    fn differences_are_named() {
        let first = serde_json::to_string(&facts(&[])).unwrap();
        let told = |own: Facts| difference(&first, &own);
        assert_eq!(told(facts(&[])), None);
        assert_eq!(told(facts(&["dataset.features.dir=/elsewhere"])), None);
        let epochs = told(facts(&["train.epochs=31"])).unwrap();
        assert!(epochs.contains("train.epochs = 31 (was 30)"), "{epochs}");
        let mut own = facts(&[]);
        own.training = 3;
        assert!(told(own).unwrap().contains("recordings of training"));
        for kind in ["a (Float [3])", "a (Double [2])"] {
            let mut own = facts(&[]);
            own.parameters = vec![kind.to_owned()];
            let told = told(own).unwrap();
            assert!(
                told.contains(kind) && told.contains("a (Float [2])"),
                "{told}"
            );
        }
    }
}
