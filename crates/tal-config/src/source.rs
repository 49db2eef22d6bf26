//! Reading of YAML into typed values, with errors that name the field.

use std::path::{Path, PathBuf};

use serde_yaml::{Mapping, Value};

use tal_core::config::Config;
use tal_core::nearest_name;

use crate::ConfigError;
use crate::lines::join;
use crate::renamed::is_former;

/// The whole configuration as YAML, which [`load`](crate::load) reads back to an equal one.
pub fn to_yaml(config: &Config) -> String {
    serde_yaml::to_string(config).expect("a configuration is plain data")
}

/// Fills in environment variables and makes paths absolute; returns the fields with their former texts. `place` gives the name
/// and the folder of the layer that set a field.
pub(crate) fn resolve_paths<'a>(
    config: &mut Config,
    place: impl Fn(&str) -> (&'a str, &'a Path),
) -> Result<Vec<(String, String)>, ConfigError> {
    let mut written = Vec::new();
    for (field, path) in config.paths_mut() {
        let (origin, base) = place(&field);
        let resolved = resolve(path, &field, origin, base)?;
        let before = std::mem::replace(path, resolved);
        written.push((field, before.to_string_lossy().into_owned()));
    }
    Ok(written)
}

pub(crate) fn parse_mapping(text: &str, origin: &str) -> Result<Mapping, ConfigError> {
    let syntax = |message: String| ConfigError::Syntax {
        origin: origin.to_owned(),
        message,
    };
    match serde_yaml::from_str(text).map_err(|error| syntax(error.to_string()))? {
        Value::Mapping(mapping) => Ok(mapping),
        Value::Null => Ok(Mapping::new()),
        _ => Err(syntax(
            "must be a mapping with the sections dataset, encoder, decoder, …".to_owned(),
        )),
    }
}

/// Gives values their types. `blame` names the layer to blame for an error at a path; its flag says that a key is missing.
pub(crate) fn typed<T: serde::de::DeserializeOwned>(
    value: Value,
    blame: impl Fn(&str, bool) -> String,
) -> Result<T, ConfigError> {
    serde_path_to_error::deserialize(value).map_err(|error| {
        let path = error.path().to_string();
        let message = error.into_inner().to_string();
        classify(blame, path, message)
    })
}

/// Turns an error of serde into ours. Only its message names an unknown key and the known ones.
fn classify(blame: impl Fn(&str, bool) -> String, path: String, message: String) -> ConfigError {
    let quoted: Vec<&str> = message.split('`').skip(1).step_by(2).collect();
    if message.starts_with("unknown field") && !quoted.is_empty() {
        let (key, known) = (quoted[0], &quoted[1..]);
        let section = path.rsplit_once('.').map_or("", |(section, _)| section);
        let known = known.iter().filter(|name| !is_former(section, name));
        let nearest = nearest_name(key, known.copied()).map(str::to_owned);
        // The path already ends in the unknown key, unless it stands inside a tagged section.
        let path = match path.rsplit('.').next() {
            Some(last) if last == key => path,
            _ => join(path.trim_matches('.'), key),
        };
        return ConfigError::UnknownKey {
            origin: blame(&path, false),
            path,
            nearest,
        };
    }
    if message.starts_with("missing field") && !quoted.is_empty() {
        let path = join(path.trim_matches('.'), quoted[0]);
        return ConfigError::Value {
            origin: blame(&path, true),
            path,
            message: "is missing and has no default".to_owned(),
        };
    }
    ConfigError::Value {
        origin: blame(&path, false),
        path,
        message,
    }
}

fn resolve(path: &Path, field: &str, origin: &str, base: &Path) -> Result<PathBuf, ConfigError> {
    let text = path.to_string_lossy();
    let expanded = shellexpand::full(&text).map_err(|error| ConfigError::Variable {
        origin: origin.to_owned(),
        path: field.to_owned(),
        value: text.clone().into_owned(),
        variable: error.var_name,
    })?;
    let joined = base.join(expanded.as_ref());
    Ok(std::path::absolute(&joined).unwrap_or(joined))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::from_yaml;

    const MINIMAL: &str = "
dataset:
  annotations: a.json
  features: { dir: features, format: { type: npy } }
  num_classes: 3
  input_dim: 8
  feat_stride: 4
  num_frames: 16
  max_seq_len: 64
";

    fn load(extra: &str, overrides: &[&str]) -> Result<Config, ConfigError> {
        let overrides: Vec<_> = overrides.iter().map(|s| s.to_string()).collect();
        from_yaml(
            &format!("{MINIMAL}{extra}"),
            "test.yaml",
            Path::new("/base"),
            &overrides,
        )
    }

    fn message(extra: &str, overrides: &[&str]) -> String {
        load(extra, overrides).unwrap_err().to_string()
    }

    #[test]
    fn the_preset_fills_what_the_file_leaves_out() {
        let config = load("encoder: { dim: 64 }\n", &["train.learning_rate=0.01"]).unwrap();
        assert_eq!(config.encoder.dim, 64);
        assert_eq!(config.train.learning_rate, 0.01);
        assert_eq!(config.loss.unrefined.weight, 0.3);
        assert_eq!(config.dataset.annotations, Path::new("/base/a.json"));
    }

    #[test]
    fn what_is_written_reads_back_equal() {
        let config = load(
            "",
            &["inference.suppression.voting={iou_threshold: 0.7, weight: score}"],
        )
        .unwrap();
        let again = from_yaml(&to_yaml(&config), "again", Path::new("/elsewhere"), &[]).unwrap();
        assert_eq!(config, again);
    }

    #[test]
    fn unknown_keys_get_the_nearest_known_one() {
        assert_eq!(
            message("train: { learning_rte: 1 }\n", &[]),
            "test.yaml: unknown key train.learning_rte; did you mean learning_rate?"
        );
        assert_eq!(
            message("trian: { seed: 1 }\n", &[]),
            "test.yaml: unknown key trian; did you mean train?"
        );
        assert_eq!(
            message("encoder: { mixer: { mlp_dmi: 1 } }\n", &[]),
            "test.yaml: unknown key encoder.mixer.mlp_dmi; did you mean mlp_dim?"
        );
        assert_eq!(
            message("", &["train.sed=3"]),
            "--set train.sed=3: unknown key train.sed; did you mean seed?"
        );
    }

    #[test]
    fn wrong_types_choices_and_missing_keys_name_the_field() {
        assert_eq!(
            message("train: { batch_size: two }\n", &[]),
            "test.yaml: train.batch_size: invalid type: string \"two\", expected usize"
        );
        assert!(
            message("evaluation: { dialect: voc }\n", &[]).contains(
                "evaluation.dialect: unknown variant `voc`, expected one of `activitynet`, `actionformer`, `tridet`, `opentad`, \
                 `clean`"
            )
        );
        let error = from_yaml("{}", "x", Path::new(""), &[]).unwrap_err();
        assert_eq!(
            error.to_string(),
            "x: dataset.features.dir: is missing and has no default"
        );
        assert!(message("preset: papr\n", &[]).contains("preset"));
    }

    #[test]
    fn values_out_of_range_are_told_together() {
        let text = message(
            "",
            &[
                "train.batch_size=0",
                "encoder.num_levels=5",
                "loss.focal_alpha=2",
            ],
        );
        assert!(
            text.contains("train.batch_size is 0, must be at least 1"),
            "{text}"
        );
        assert!(
            text.contains("decoder.regression_range is 6 ranges, must be one range per level (5)"),
            "{text}"
        );
        assert!(
            text.contains("loss.focal_alpha is 2, must be 0 to 1"),
            "{text}"
        );
        assert!(
            message("", &["encoder.dim=40"])
                .contains("encoder.dim is 40, must be a multiple of 16")
        );
        assert!(
            message("", &["dataset.max_seq_len=100"])
                .contains("dataset.max_seq_len is 100, must be a multiple of 32")
        );
    }

    #[test]
    fn overrides_need_a_key_and_a_value() {
        assert!(message("", &["train.seed"]).contains("must have the form key.path=value"));
        assert!(message("", &["train..seed=1"]).contains("empty part"));
    }

    #[test]
    fn missing_environment_variables_are_named() {
        let text = message("", &["dataset.annotations=${TAL_NO_SUCH_VARIABLE}/a.json"]);
        assert!(text.contains("TAL_NO_SUCH_VARIABLE is not set"), "{text}");
        let config = load(
            "",
            &["dataset.annotations=${TAL_NO_SUCH_VARIABLE:-/d}/a.json"],
        )
        .unwrap();
        assert_eq!(config.dataset.annotations, Path::new("/d/a.json"));
    }

    #[test]
    fn another_type_replaces_the_whole_section() {
        let config = load(
            "train: { schedule: { type: multistep, milestones: [3], gamma: 0.1 } }\n",
            &[],
        );
        assert!(config.is_ok(), "{config:?}");
    }
}
