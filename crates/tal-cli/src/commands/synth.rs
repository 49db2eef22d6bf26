//! `tal data synth`: a synthetic corpus in a folder.

use std::path::Path;

use anyhow::Result;
use tal_data::synth::{self, SynthConfig};

use crate::args::{CorpusArgs, SynthArgs};
use crate::console::print;

pub(crate) fn run(args: &SynthArgs) -> Result<()> {
    generate(&args.out, &args.corpus)?;
    print(&format!(
        "{}: annotations.json, features/ ({} training and {} test recordings)",
        args.out.display(),
        args.corpus.num_train,
        args.corpus.num_test
    ))
}

/// Makes the corpus and writes it to `out`, which must be empty or new.
pub(crate) fn generate(out: &Path, args: &CorpusArgs) -> Result<()> {
    let config = SynthConfig {
        num_train: args.num_train,
        num_test: args.num_test,
        difficulty: args.difficulty,
        seed: args.corpus_seed,
        ..SynthConfig::default()
    };
    let corpus = synth::generate(&config)?;
    synth::write(&corpus, out)?;
    tracing::info!(
        "{} recordings written to {}",
        corpus.features.len(),
        out.display()
    );
    Ok(())
}
