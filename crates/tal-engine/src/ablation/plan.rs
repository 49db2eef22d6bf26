//! Variants and seeds of a plan.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use tal_config::{ConfigError, Layers};
use tal_core::config::Config;
use tal_core::{FileError, nearest_name};

use super::AblationError;
use crate::run::{RESOLVED_CONFIG, RunFigures, other_figures};

/// A grid of configurations and seeds, as a YAML file describes it. Paths start at the file's folder.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Plan {
    /// Title of the grid.
    pub title: String,
    /// The configuration that variants change.
    pub config: PathBuf,
    /// Seeds; every variant is trained with each.
    pub seeds: Vec<u64>,
    /// Changes for all variants, `key=value`.
    #[serde(default)]
    pub set: Vec<String>,
    /// The rows of the table.
    pub variants: Vec<Variant>,
    /// Rows of each table [default: one table of all variants].
    #[serde(default)]
    pub tables: Vec<TableConfig>,
    /// The file, for messages.
    #[serde(skip)]
    path: PathBuf,
}

/// One configuration of a plan.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Variant {
    /// Its name in the table.
    pub name: String,
    /// Configuration [default: that of the plan].
    #[serde(default)]
    pub config: Option<PathBuf>,
    /// Overlays of the configuration, in order.
    #[serde(default)]
    pub overlays: Vec<PathBuf>,
    /// Changes after that, `key=value`.
    #[serde(default)]
    pub set: Vec<String>,
}

/// A table over some of the variants.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TableConfig {
    /// Title above the table.
    pub title: String,
    /// Names of variants, in order.
    pub rows: Vec<String>,
}

/// One run of a plan.
#[derive(Debug, Clone, PartialEq)]
pub struct Run {
    /// Name of the variant.
    pub variant: String,
    /// Its seed.
    pub seed: u64,
    /// Its folder below the plan's.
    pub folder: PathBuf,
    /// Its configuration.
    pub config: Config,
    /// Whether the folder holds the finished run.
    pub is_finished: bool,
}

impl Plan {
    /// Reads a plan and checks it; the configurations are read by [`Plan::runs`].
    ///
    /// # Errors
    /// If the file cannot be read, has unknown or missing keys, an empty list, a name or seed twice, or a table with an
    /// unknown row.
    pub fn read(path: &Path) -> Result<Self, AblationError> {
        let text = fs::read_to_string(path).map_err(FileError::at("read the plan", path))?;
        let wrong = |message| AblationError::Plan {
            path: path.to_owned(),
            message,
        };
        let plan = serde_yaml::from_str(&text).map_err(|error| wrong(error.to_string()))?;
        let plan = Plan {
            path: path.to_owned(),
            ..plan
        };
        plan.check().map_err(wrong)?;
        Ok(plan)
    }

    fn check(&self) -> Result<(), String> {
        for (field, is_empty) in [
            ("seeds", self.seeds.is_empty()),
            ("variants", self.variants.is_empty()),
        ] {
            if is_empty {
                return Err(format!("{field} is empty, expected at least one entry"));
            }
        }
        let mut seeds = BTreeSet::new();
        if let Some(seed) = self.seeds.iter().find(|seed| !seeds.insert(**seed)) {
            return Err(format!("seeds holds \"{seed}\" twice"));
        }
        let mut folders = BTreeSet::new();
        let mut names = self.variants.iter().map(|variant| &variant.name);
        if let Some(name) = names.find(|name| !folders.insert(folder_name(name))) {
            return Err(format!(
                "variants holds {name:?} twice (names must differ in letters and digits, since folders are named after them)"
            ));
        }
        for TableConfig { title, rows } in &self.tables {
            if let Some(row) = rows.iter().find(|row| self.variant(row).is_none()) {
                let names = self.variants.iter().map(|variant| variant.name.as_str());
                let nearest = nearest_name(row, names)
                    .map_or_else(String::new, |name| format!("; did you mean {name:?}?"));
                return Err(format!(
                    "table {title:?} names {row:?}, which is not a variant{nearest}"
                ));
            }
        }
        Ok(())
    }

    fn variant(&self, name: &str) -> Option<&Variant> {
        self.variants.iter().find(|variant| variant.name == name)
    }

    /// The tables of the plan, or one table of all variants.
    pub fn tables(&self) -> Vec<TableConfig> {
        if !self.tables.is_empty() {
            return self.tables.clone();
        }
        vec![TableConfig {
            title: self.title.clone(),
            rows: self.variants.iter().map(|v| v.name.clone()).collect(),
        }]
    }

    /// All runs, seed by seed, so that every variant has a figure early. Their folders lie below `out`.
    ///
    /// # Errors
    /// If a configuration is wrong, or a folder holds a finished run of another one.
    pub fn runs(&self, out: &Path) -> Result<Vec<Run>, AblationError> {
        let mut runs = Vec::with_capacity(self.seeds.len() * self.variants.len());
        for &seed in &self.seeds {
            for variant in &self.variants {
                runs.push(self.run(variant, seed, out)?);
            }
        }
        Ok(runs)
    }

    fn layers(
        &self,
        variant: &Variant,
        seed: u64,
        file: &Path,
        base: &Path,
    ) -> Result<Layers, ConfigError> {
        let mut layers = Layers::read(file)?;
        for overlay in &variant.overlays {
            layers = layers.overlay(&base.join(overlay))?;
        }
        let seed = format!("train.seed={seed}");
        for change in self.set.iter().chain(&variant.set).chain([&seed]) {
            layers = layers.set(change)?;
        }
        Ok(layers)
    }

    fn run(&self, variant: &Variant, seed: u64, out: &Path) -> Result<Run, AblationError> {
        let base = self.path.parent().unwrap_or(Path::new(""));
        let file = base.join(variant.config.as_ref().unwrap_or(&self.config));
        let resolved = |layers: Result<Layers, ConfigError>| {
            let resolved = layers.and_then(|layers| layers.resolve());
            resolved
                .map(|resolved| resolved.config)
                .map_err(|source| AblationError::Config {
                    variant: variant.name.clone(),
                    source,
                })
        };
        let config = resolved(self.layers(variant, seed, &file, base))?;
        let folder = out
            .join(folder_name(&variant.name))
            .join(format!("seed-{seed}"));
        let is_finished = RunFigures::read(&folder)?.is_some();
        // An unfinished run checks its folder itself.
        if is_finished {
            let trained = resolved(Layers::read(&folder.join(RESOLVED_CONFIG)))?;
            let changed = other_figures(&trained, &config);
            if !changed.is_empty() {
                return Err(AblationError::OtherRun {
                    folder,
                    variant: variant.name.clone(),
                    changed: changed.join(", "),
                });
            }
        }
        Ok(Run {
            variant: variant.name.clone(),
            seed,
            folder,
            config,
            is_finished,
        })
    }
}

/// A name that every file system takes: lower-case letters, digits and single hyphens.
fn folder_name(name: &str) -> String {
    let mut folder = String::new();
    for character in name.to_lowercase().chars() {
        if character.is_alphanumeric() {
            folder.push(character);
        } else if !folder.ends_with('-') && !folder.is_empty() {
            folder.push('-');
        }
    }
    folder.trim_end_matches('-').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Plan, AblationError> {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("plan.yaml");
        fs::write(&path, text).unwrap();
        Plan::read(&path)
    }

    fn message(text: &str) -> String {
        read(text).unwrap_err().to_string()
    }

    const GOOD: &str = "
title: t
config: c.yaml
seeds: [1, 2]
variants: [{ name: A }, { name: 'B (wide)', set: [encoder.dim=32] }]
";

    #[test]
    fn without_tables_there_is_one_of_all() {
        let tables = read(GOOD).unwrap().tables();
        assert_eq!(tables.len(), 1);
        assert_eq!(tables[0].rows, ["A", "B (wide)"]);
    }

    #[test]
    fn mistakes_are_named() {
        for (change, expected) in [
            ("seeds: [1, 1]", "seeds holds \"1\" twice"),
            ("seeds: []", "seeds is empty"),
            ("sedes: [1]", "unknown field `sedes`"),
        ] {
            let text = GOOD.replace("seeds: [1, 2]", change);
            assert!(message(&text).contains(expected), "{}", message(&text));
        }
        let text = GOOD.replace("{ name: A }", "{ name: 'b, wide' }");
        assert!(message(&text).contains("variants holds \"B (wide)\" twice"));
        let text = format!("{GOOD}tables: [{{ title: x, rows: [B (wid)] }}]\n");
        assert!(
            message(&text).contains(
                "table \"x\" names \"B (wid)\", which is not a variant; did you mean \"B (wide)\"?"
            ),
            "{}",
            message(&text)
        );
    }

    #[test]
    fn folders_are_plain() {
        assert_eq!(
            folder_name("FFT → attention (4 heads)"),
            "fft-attention-4-heads"
        );
        assert_eq!(folder_name("  -a-"), "a");
    }
}
