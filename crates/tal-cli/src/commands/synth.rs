//! `tal data synth`: a synthetic data set in a folder.

use std::fs;
use std::path::{Component, Path, PathBuf};

use anyhow::Result;
use tal_core::atomic::FolderError;
use tal_core::config::{Config, FeatureFormat};
use tal_synth::{LikeOptions, SynthConfig, SynthError};

use super::{films, output};
use crate::args::{CorpusArgs, SynthArgs};
use crate::console::{Console, print};
use crate::failure::bail_usage;

pub(crate) fn run(args: &SynthArgs, console: &Console) -> Result<()> {
    if args.video {
        return films::run(args, console);
    }
    if let Some(config) = &args.like {
        return like(args, config);
    }
    if !args.layers.is_empty() {
        bail_usage!("--set and --overlay change a configuration; name it with --like CONFIG");
    }
    let config = generate(&args.out, &args.corpus)?;
    print(&format!(
        "{}: annotations.json, features/ ({} training and {} test recordings)",
        args.out.display(),
        config.num_train,
        config.num_test
    ))
}

/// Generates the corpus and writes it to `out`, which must be empty or new.
pub(crate) fn generate(out: &Path, args: &CorpusArgs) -> Result<SynthConfig> {
    let default = SynthConfig::default();
    let config = SynthConfig {
        num_train: args.num_train.unwrap_or(default.num_train),
        num_test: args.num_test.unwrap_or(default.num_test),
        difficulty: args.difficulty,
        seed: args.corpus_seed,
        ..default
    };
    let corpus = tal_synth::generate(&config)?;
    tal_synth::write(&corpus, out)?;
    let num_recordings = corpus.features.len();
    tracing::info!("{num_recordings} recordings written to {}", out.display());
    Ok(config)
}

/// A data set in the layout of a configuration, in `--out`, with an overlay that leads the configuration there.
fn like(args: &SynthArgs, file: &Path) -> Result<()> {
    let out = std::path::absolute(&args.out)?;
    if fs::read_dir(&out).is_ok_and(|mut entries| entries.next().is_some()) {
        let path = args.out.clone();
        return Err(SynthError::Folder(FolderError::NotEmpty { path }).into());
    }
    let mut config = args.layers.load(file)?;
    keep_below_shared_folder(&mut config);
    let overlay = overlay(&config);
    for (_, path) in config.paths_mut() {
        *path = out.join(&path);
    }
    let scores = config.inference.external_scores.as_ref();
    let options = LikeOptions {
        count: args.count,
        seed: args.corpus.corpus_seed,
        class_scores: scores.map(|scores| scores.file.clone()),
    };
    let report = tal_synth::write_like(&config.dataset, &options)?;
    let path = args.out.join("dataset.yaml");
    output::write_text(&path, &overlay)?;
    let unit = match config.dataset.features.format {
        FeatureFormat::Inertial { .. } => "samples",
        _ => "features",
    };
    let subsets = report.subsets.iter();
    let subsets: Vec<_> = subsets
        .map(|(name, count)| format!("{count} in {name}"))
        .collect();
    print(&format!(
        "{}: {} recordings ({}) of {} to {} {unit}, {} of {} classes.",
        args.out.display(),
        report.subsets.iter().map(|(_, count)| count).sum::<usize>(),
        subsets.join(", "),
        report.lengths.0,
        report.lengths.1,
        report.num_used_classes,
        report.num_classes
    ))?;
    print(&format!("To use it: --overlay {}", path.display()))
}

/// Makes all data paths relative to the deepest folder that they share.
fn keep_below_shared_folder(config: &mut Config) {
    let mut paths = config.paths_mut();
    for (_, path) in &mut paths {
        **path = without_dots(path);
    }
    let parents = paths.iter().filter_map(|(_, path)| path.parent());
    let shared = parents.map(Path::to_owned).reduce(|a, b| {
        let both = a.components().zip(b.components());
        both.take_while(|(a, b)| a == b).map(|(a, _)| a).collect()
    });
    let shared = shared.unwrap_or_default();
    for (_, path) in paths {
        *path = path.strip_prefix(&shared).unwrap_or(path).to_owned();
    }
}

fn without_dots(path: &Path) -> PathBuf {
    let mut result = PathBuf::new();
    for part in path.components() {
        match part {
            Component::ParentDir => drop(result.pop()),
            part => result.push(part),
        }
    }
    result
}

/// The overlay with the data paths of a configuration, which start at the overlay's folder.
fn overlay(config: &Config) -> String {
    let features = &config.dataset.features;
    let mut text = format!(
        "# The synthetic data set in place of that of the configuration: --overlay dataset.yaml\n\
         dataset:\n  annotations: {}\n  features:\n    dir: {}\n",
        json(&config.dataset.annotations),
        json(&features.dir)
    );
    if !features.append.is_empty() {
        text += &format!("    append: {}\n", json(&features.append));
    }
    if let Some(scores) = &config.inference.external_scores {
        let file = json(&scores.file);
        text += &format!("inference:\n  external_scores:\n    file: {file}\n");
    }
    if let Some(clicks) = config.backtal.as_ref().and_then(|b| b.clicks.as_ref()) {
        text += &format!("backtal:\n  clicks: {}\n", json(clicks));
    }
    text
}

/// A value in JSON, which is YAML on one line.
fn json(value: &(impl serde::Serialize + ?Sized)) -> String {
    serde_json::to_string(value).expect("plain data")
}

#[cfg(test)]
mod tests {
    use tal_core::config::BackTalConfig;

    use super::*;

    #[test]
    fn data_keep_their_places_below_the_folder_that_they_share() {
        let mut config = Config::default();
        config.dataset.annotations = "/p/configs/../data/set/a.json".into();
        config.dataset.features.dir = "/p/data/set/rgb/{subset}".into();
        keep_below_shared_folder(&mut config);
        assert_eq!(config.dataset.annotations, Path::new("a.json"));
        assert_eq!(config.dataset.features.dir, Path::new("rgb/{subset}"));
        let text = overlay(&config);
        assert!(text.ends_with("dir: \"rgb/{subset}\"\n"), "{text}");
        config.backtal = Some(BackTalConfig {
            clicks: Some("/q/clicks.json".into()),
            ..BackTalConfig::default()
        });
        config.dataset.annotations = "/p/a.json".into();
        config.dataset.features.dir = "/p/rgb".into();
        keep_below_shared_folder(&mut config);
        assert_eq!(config.dataset.features.dir, Path::new("p/rgb"));
        assert!(overlay(&config).ends_with("backtal:\n  clicks: \"q/clicks.json\"\n"));
    }
}
