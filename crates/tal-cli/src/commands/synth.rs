//! `tal data synth`: a synthetic corpus in a folder.

use std::fs;
use std::path::Path;

use anyhow::Result;
use tal_core::atomic::FolderError;
use tal_core::config::FeatureFormat;
use tal_synth::{LikeOptions, SynthConfig, SynthError};

use crate::args::{CorpusArgs, SynthArgs};
use crate::console::print;
use crate::failure::UsageError;

pub(crate) fn run(args: &SynthArgs) -> Result<()> {
    if let Some(config) = &args.like {
        return like(args, config);
    }
    if !args.layers.overrides.is_empty() || !args.layers.overlays.is_empty() {
        let text = "--set and --overlay change a configuration; give it with --like CONFIG";
        return Err(UsageError(text.to_owned()).into());
    }
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
    let corpus = tal_synth::generate(&config)?;
    tal_synth::write(&corpus, out)?;
    tracing::info!(
        "{} recordings written to {}",
        corpus.features.len(),
        out.display()
    );
    Ok(())
}

/// Removes what [`generate`] leaves in its folder where it is killed; whatever stays is in the way and will be told.
pub(crate) fn remove_leftovers(out: &Path) {
    for entry in fs::read_dir(out).into_iter().flatten().flatten() {
        if entry
            .file_name()
            .to_string_lossy()
            .starts_with(tal_core::atomic::PARTIAL)
        {
            let _ = fs::remove_dir_all(entry.path());
        }
    }
}

/// A data set in the layout of a configuration, its paths moved to `--out`.
fn like(args: &SynthArgs, file: &Path) -> Result<()> {
    let out = &args.out;
    if fs::read_dir(out).is_ok_and(|mut entries| entries.next().is_some()) {
        let path = out.clone();
        return Err(SynthError::Folder(FolderError::NotEmpty { path }).into());
    }
    let relocated = args.layers.over(file)?.relocated(out)?;
    let config = &relocated.config;
    let scores = config.inference.external_scores.as_ref();
    let options = LikeOptions {
        count: args.count,
        seed: args.corpus.corpus_seed,
        class_scores: scores.map(|scores| scores.file.clone()),
    };
    let report = tal_synth::write_like(&config.dataset, &options)?;
    let unit = match config.dataset.features.format {
        FeatureFormat::Inertial { .. } => "samples",
        _ => "features",
    };
    let subsets: Vec<String> = report
        .subsets
        .iter()
        .map(|(name, count)| format!("{count} in {name}"))
        .collect();
    print(&format!(
        "{}: {} recordings ({}) of {} to {} {unit}, {} of {} classes.",
        out.display(),
        report.subsets.iter().map(|(_, count)| count).sum::<usize>(),
        subsets.join(", "),
        report.lengths.0,
        report.lengths.1,
        report.num_used_classes,
        report.num_classes
    ))?;
    print("To use it:")?;
    let variables = relocated.variables.iter();
    let mut command: Vec<String> = variables
        .map(|(name, folder)| format!("{name}={}", quoted(&folder.display().to_string())))
        .collect();
    command.push(format!("tal train {}", quoted(&file.display().to_string())));
    // Those of this command as well: the data follow them.
    for overlay in &args.layers.overlays {
        command.push(format!(
            "--overlay {}",
            quoted(&overlay.display().to_string())
        ));
    }
    for text in args.layers.overrides.iter().chain(&relocated.overrides) {
        command.push(format!("--set {}", quoted(text)));
    }
    print(&format!("  {}", command.join(" ")))
}

/// A word of a command line, for a POSIX shell.
fn quoted(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "/._-=:,+@%".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        return word.to_owned();
    }
    format!("'{}'", word.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_survive_a_shell() {
        assert_eq!(quoted("a.b=/c-d"), "a.b=/c-d");
        assert_eq!(quoted("it's here"), r"'it'\''s here'");
        assert_eq!(quoted("a=[1, {b: 2}]"), "'a=[1, {b: 2}]'");
    }
}
