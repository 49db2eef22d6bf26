//! Variants, folds and seeds of a plan.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use tal_config::{ConfigError, Layers};
use tal_core::config::Config;
use tal_core::{FileError, nearest_name};

use super::AblationError;
use super::fold::{Fold, HELD_OUT, HeldOut, Stage};
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
    /// Divisions of the recordings; every variant is trained on each [default: that of the configuration].
    #[serde(default)]
    pub folds: Vec<Fold>,
    /// The rows of the table.
    pub variants: Vec<Variant>,
    /// The variant that the others are compared with [default: the first].
    #[serde(default)]
    pub baseline: Option<String>,
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
    /// Name of the fold; empty if the plan has none.
    pub fold: String,
    /// Its seed.
    pub seed: u64,
    /// Its folder below the plan's.
    pub folder: PathBuf,
    /// Its configuration.
    pub config: Config,
    /// Recordings that are held out; their file must be written before the run starts.
    pub held_out: Option<HeldOut>,
    /// Whether the folder holds the finished run.
    pub is_finished: bool,
}

impl Plan {
    /// Reads a plan and checks it; the configurations are read by [`Plan::runs`].
    ///
    /// # Errors
    /// If the file cannot be read, has unknown or missing keys, an empty list, a name or seed twice, or a table or baseline
    /// that names no variant.
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
        let variants = self.variants.iter().map(|variant| &variant.name);
        let folds = self.folds.iter().map(|fold| &fold.name);
        for (field, names) in [
            ("variants", variants.collect::<Vec<_>>()),
            ("folds", folds.collect()),
        ] {
            let mut folders = BTreeSet::new();
            let mut names = names.into_iter();
            if let Some(name) = names.find(|name| !folders.insert(folder_name(name))) {
                return Err(format!(
                    "{field} holds {name:?} twice (names must differ in letters and digits, since folders are named after them)"
                ));
            }
        }
        for TableConfig { title, rows } in &self.tables {
            for row in rows {
                self.check_variant(&format!("table {title:?}"), row)?;
            }
        }
        match &self.baseline {
            Some(name) => self.check_variant("baseline", name),
            None => Ok(()),
        }
    }

    fn check_variant(&self, field: &str, name: &str) -> Result<(), String> {
        let names = || self.variants.iter().map(|variant| variant.name.as_str());
        if names().any(|known| known == name) {
            return Ok(());
        }
        let nearest = nearest_name(name, names())
            .map_or_else(String::new, |name| format!("; did you mean {name:?}?"));
        Err(format!(
            "{field} names {name:?}, which is not a variant{nearest}"
        ))
    }

    /// The variant that the others are compared with.
    pub fn baseline(&self) -> &str {
        let first = self.variants.first().map_or("", |variant| &variant.name);
        self.baseline.as_deref().unwrap_or(first)
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

    /// All runs of a stage, seed by seed and fold by fold, so that every variant has a figure early. Their folders lie below
    /// `out`.
    ///
    /// # Errors
    /// If a configuration is wrong, the recordings of a fold cannot be held out, the stage has no run, or a folder holds a
    /// finished run of another configuration.
    pub fn runs(&self, out: &Path, stage: Stage) -> Result<Vec<Run>, AblationError> {
        let divisions = self.divisions(stage);
        if divisions.is_empty() {
            return Err(AblationError::Plan {
                path: self.path.clone(),
                message:
                    "no fold names validation recordings; give some under folds, key validation"
                        .to_owned(),
            });
        }
        let mut runs = Vec::with_capacity(self.seeds.len() * divisions.len() * self.variants.len());
        for &seed in &self.seeds {
            for division in &divisions {
                for variant in &self.variants {
                    runs.push(self.run(variant, division, seed, out)?);
                }
            }
        }
        Ok(runs)
    }

    fn divisions(&self, stage: Stage) -> Vec<Division<'_>> {
        let whole = |fold| Division {
            fold: Some(fold),
            held_out: None,
        };
        match stage {
            Stage::Report if self.folds.is_empty() => vec![Division {
                fold: None,
                held_out: None,
            }],
            Stage::Report => self.folds.iter().map(whole).collect(),
            Stage::Validation => {
                let folds = self.folds.iter();
                let parts = folds.flat_map(|fold| {
                    let patterns = (1..).zip(&fold.validation);
                    patterns.map(move |(number, pattern)| Division {
                        fold: Some(fold),
                        held_out: Some((number, pattern)),
                    })
                });
                parts.collect()
            }
        }
    }

    fn layers(
        &self,
        variant: &Variant,
        fold: Option<&Fold>,
        seed: u64,
        file: &Path,
        base: &Path,
    ) -> Result<Layers, ConfigError> {
        let mut layers = Layers::read(file)?;
        for overlay in &variant.overlays {
            layers = layers.overlay(&base.join(overlay))?;
        }
        let seed = format!("train.seed={seed}");
        let of_fold = fold.map_or(&[][..], |fold| &fold.set);
        let changes = self.set.iter().chain(of_fold).chain(&variant.set);
        for change in changes.chain([&seed]) {
            layers = layers.set(change)?;
        }
        Ok(layers)
    }

    fn run(
        &self,
        variant: &Variant,
        division: &Division<'_>,
        seed: u64,
        out: &Path,
    ) -> Result<Run, AblationError> {
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
        let mut config = resolved(self.layers(variant, division.fold, seed, &file, base))?;
        let fold = division.name();
        let held_out = division.held_out(&config, out)?;
        if let Some(held_out) = &held_out {
            config.dataset.annotations = held_out.file().to_owned();
            config.dataset.test_subsets = vec![HELD_OUT.to_owned()];
        }
        let folder = out
            .join(folder_name(&variant.name))
            .join(folder_name(&fold))
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
            fold,
            seed,
            folder,
            config,
            held_out,
            is_finished,
        })
    }
}

impl Run {
    /// Variant, fold and seed, for messages.
    pub fn title(&self) -> String {
        let fold = match self.fold.as_str() {
            "" => String::new(),
            fold => format!(", {fold}"),
        };
        format!("{}{fold}, seed {}", self.variant, self.seed)
    }
}

/// The recordings of some runs: those of a fold, with the pattern (and its number) of recordings that are held out.
struct Division<'a> {
    fold: Option<&'a Fold>,
    held_out: Option<(usize, &'a String)>,
}

impl Division<'_> {
    fn name(&self) -> String {
        let name = self.fold.map_or("", |fold| &fold.name);
        match self.held_out {
            None => name.to_owned(),
            Some((number, _)) => format!("{name} held out {number}"),
        }
    }

    fn held_out(&self, config: &Config, out: &Path) -> Result<Option<HeldOut>, AblationError> {
        let Some((_, pattern)) = self.held_out else {
            return Ok(None);
        };
        let name = self.name();
        let failed = |reason: String| AblationError::Fold {
            fold: name.clone(),
            reason,
        };
        let file = out.join("folds").join(folder_name(&name));
        // Absolute, since the path in a configuration starts at the configuration's folder.
        let file = std::path::absolute(file.with_extension("json"));
        let file = file.map_err(|error| failed(error.to_string()))?;
        HeldOut::new(&config.dataset, pattern, file)
            .map(Some)
            .map_err(failed)
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
