//! From a corpus in memory to a data set in files.

use std::path::Path;

use super::{NUM_CHANNELS, SbharCorpus, SbharError};
use tal_data::{annotations, features::npy};

pub(super) fn write(corpus: &SbharCorpus, folder: &Path) -> Result<(), SbharError> {
    let raw = folder.join("raw");
    std::fs::create_dir_all(&raw).map_err(|source| SbharError::Write {
        path: raw.clone(),
        source,
    })?;
    for signal in &corpus.signals {
        let path = raw.join(format!("{}.npy", signal.id));
        npy::write(&path, &signal.data, &[signal.num_samples(), NUM_CHANNELS])?;
    }
    Ok(annotations::write(
        &folder.join("annotations.json"),
        &corpus.truth,
        "sbhar",
    )?)
}
