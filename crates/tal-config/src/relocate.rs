//! A configuration whose data lie elsewhere.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use tal_core::config::Config;

use crate::{ConfigError, Layers};

/// A configuration with its data below another folder, and how to tell others about it.
#[derive(Debug, Clone, PartialEq)]
pub struct Relocated {
    /// The configuration; its data paths lie below the folder.
    pub config: Config,
    /// Environment variables that lead the file there, as (name, folder).
    pub variables: Vec<(String, PathBuf)>,
    /// Overrides (`key=value`) that are needed besides, for paths that no variable leads.
    pub overrides: Vec<String>,
}

impl Layers {
    /// [`Layers::resolve`] with every path to data below `folder`.
    ///
    /// Environment variables stand for `folder` (for a folder of their name in it, where there are several), so that what
    /// follows them stays as it is. Paths that then still lie elsewhere keep what they have below the deepest folder that
    /// they share.
    ///
    /// # Errors
    /// As [`Layers::resolve`].
    pub fn relocated(mut self, folder: &Path) -> Result<Relocated, ConfigError> {
        let folder = std::path::absolute(folder).unwrap_or_else(|_| folder.to_owned());
        let mut names = BTreeSet::new();
        self.each_text(&mut |text| names.extend(variable_names(text)));
        let root = |name: &str| match names.len() {
            1 => folder.clone(),
            _ => folder.join(name.to_lowercase()),
        };
        self.each_text(&mut |text| *text = substituted(text, &root));
        let variables = names
            .iter()
            .map(|name| (name.clone(), root(name)))
            .collect();
        let mut config = self.resolve()?.config;
        let overrides = move_below(&mut config, &folder);
        Ok(Relocated {
            config,
            variables,
            overrides,
        })
    }
}

/// Moves the data paths that lie elsewhere below `folder`; the overrides that say so.
fn move_below(config: &mut Config, folder: &Path) -> Vec<String> {
    let elsewhere: Vec<PathBuf> = data_paths(config)
        .into_iter()
        .filter(|(_, path)| !path.starts_with(folder))
        .filter_map(|(_, path)| path.parent().map(Path::to_owned))
        .collect();
    let Some(shared) = elsewhere.into_iter().reduce(|a, b| shared_folder(&a, &b)) else {
        return Vec::new();
    };
    let mut overrides = Vec::new();
    let mut appended = false;
    for (key, path) in data_paths(config) {
        let Ok(rest) = path.strip_prefix(&shared) else {
            continue;
        };
        if path.starts_with(folder) {
            continue;
        }
        *path = folder.join(rest);
        match key {
            "dataset.features.append" => appended = true,
            key => overrides.push(format!("{key}={}", quoted(&path.to_string_lossy()))),
        }
    }
    if appended {
        // A list can only be replaced as a whole.
        let list = quoted(&config.dataset.features.append);
        overrides.push(format!("dataset.features.append={list}"));
    }
    overrides
}

/// Every path of the data set by key.
fn data_paths(config: &mut Config) -> Vec<(&'static str, &mut PathBuf)> {
    let dataset = &mut config.dataset;
    let mut paths = vec![
        ("dataset.annotations", &mut dataset.annotations),
        ("dataset.features.dir", &mut dataset.features.dir),
    ];
    for more in &mut dataset.features.append {
        paths.push(("dataset.features.append", &mut more.dir));
    }
    let scores = config.inference.external_scores.iter_mut();
    paths.extend(scores.map(|s| ("inference.external_scores.file", &mut s.file)));
    let clicks = config.backtal.iter_mut().filter_map(|b| b.clicks.as_mut());
    paths.extend(clicks.map(|path| ("backtal.clicks", path)));
    paths
}

/// The value in JSON, which is YAML on one line.
fn quoted(value: &(impl serde::Serialize + ?Sized)) -> String {
    serde_json::to_string(value).expect("plain data")
}

fn shared_folder(a: &Path, b: &Path) -> PathBuf {
    a.components()
        .zip(b.components())
        .take_while(|(a, b)| a == b)
        .map(|(a, _)| a)
        .collect()
}

/// Range and name of the first `${NAME}` or `${NAME:-default}`.
fn variable(text: &str) -> Option<(std::ops::Range<usize>, &str)> {
    let start = text.find("${")?;
    let end = start + text[start..].find('}')?;
    let inside = &text[start + 2..end];
    let name = inside.split_once(":-").map_or(inside, |(name, _)| name);
    Some((start..end + 1, name))
}

fn variable_names(mut text: &str) -> Vec<String> {
    let mut names = Vec::new();
    while let Some((range, name)) = variable(text) {
        names.push(name.to_owned());
        text = &text[range.end..];
    }
    names
}

fn substituted(text: &str, root: &impl Fn(&str) -> PathBuf) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some((range, name)) = variable(rest) {
        out += &rest[..range.start];
        out += &root(name).to_string_lossy();
        rest = &rest[range.end..];
    }
    out + rest
}

#[cfg(test)]
mod tests {
    use super::*;

    fn relocated(annotations: &str, features: &str) -> Relocated {
        let text = format!(
            "
dataset:
  annotations: {annotations}
  features: {features}
  num_classes: 3
  input_dim: 8
  feat_stride: 4
  num_frames: 16
  max_seq_len: 64
"
        );
        let layers = Layers::from_yaml(&text, "x.yaml", Path::new("/base")).unwrap();
        let layers = layers.set("train.seed=3").unwrap();
        layers.relocated(Path::new("/new place")).unwrap()
    }

    #[test]
    fn one_variable_leads_everything_to_the_folder() {
        let found = relocated(
            "${TAL_UNSET_ROOT}/annotations/a.json",
            "{ dir: \"${TAL_UNSET_ROOT:-/d}/i3d/{subset}\", format: { type: npy } }",
        );
        let dataset = &found.config.dataset;
        assert_eq!(
            dataset.annotations,
            Path::new("/new place/annotations/a.json")
        );
        assert_eq!(dataset.features.dir, Path::new("/new place/i3d/{subset}"));
        assert_eq!(
            found.variables,
            [("TAL_UNSET_ROOT".to_owned(), PathBuf::from("/new place"))]
        );
        assert!(found.overrides.is_empty());
        assert_eq!(found.config.train.seed, 3);
    }

    #[test]
    fn several_variables_get_folders_of_their_own() {
        let found = relocated(
            "${A_X}/a.json",
            "{ dir: \"${B_Y}\", format: { type: npy } }",
        );
        let dataset = &found.config.dataset;
        assert_eq!(dataset.annotations, Path::new("/new place/a_x/a.json"));
        assert_eq!(dataset.features.dir, Path::new("/new place/b_y"));
        assert_eq!(found.variables.len(), 2);
    }

    #[test]
    fn other_paths_keep_what_differs_and_need_overrides() {
        let found = relocated(
            "../data/set/a.json",
            "{ dir: /data/set/rgb, format: { type: npy }, append: [{ dir: /data/flow, suffix: .npy, format: { type: npy } }] }",
        );
        let dataset = &found.config.dataset;
        assert!(found.variables.is_empty());
        // `absolute` leaves `..` alone: the paths share nothing but the root.
        assert_eq!(
            dataset.annotations,
            Path::new("/new place/base/../data/set/a.json")
        );
        assert_eq!(dataset.features.dir, Path::new("/new place/data/set/rgb"));
        assert_eq!(
            dataset.features.append[0].dir,
            Path::new("/new place/data/flow")
        );
        assert_eq!(found.overrides.len(), 3);
        assert_eq!(
            found.overrides[1],
            "dataset.features.dir=\"/new place/data/set/rgb\""
        );
        assert!(found.overrides[2].starts_with("dataset.features.append=[{\"dir\":"));
    }

    #[test]
    fn overrides_lead_the_configuration_to_the_same_place() {
        let found = relocated("a.json", "{ dir: feats, format: { type: npy } }");
        assert_eq!(
            found.config.dataset.annotations,
            Path::new("/new place/a.json")
        );
        let text = crate::to_yaml(&found.config);
        let again = crate::from_yaml(&text, "y", Path::new("/"), &found.overrides).unwrap();
        assert_eq!(again, found.config);
    }
}
