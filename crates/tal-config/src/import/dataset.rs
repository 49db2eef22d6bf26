//! Their section `dataset`, and the rules that their code applies to a data set of a certain name.

use serde_yaml::{Mapping, Value};

use super::theirs::Theirs;
use super::{ImportError, ReleasedCode};

/// Behaviour of their code for one data set that no key controls.
struct Rules {
    beyond_features: &'static str,
    remove_duplicates: bool,
    skip_missing_features: bool,
    /// First and last tIoU threshold, in hundredths, and the step.
    thresholds: [u32; 3],
    /// Whether features may be stretched, or have a fixed number.
    fixed_length: bool,
}

impl Rules {
    fn of(name: &str) -> Option<Self> {
        Some(match name {
            "thumos" => Self::in_time([30, 70, 10], true),
            "thumos_new" => Self::in_time([30, 70, 10], false),
            "multithumos" => Self::in_time([10, 90, 10], true),
            "epic" => Self::in_time([10, 50, 10], false),
            "ego4d" => Self::in_time([10, 50, 10], true),
            "anet" | "anet_intervideo2" => Self::of_fixed_length("drop_and_clip"),
            "hacs" => Self::of_fixed_length("clip"),
            _ => return None,
        })
    }

    fn in_time(thresholds: [u32; 3], skip_missing_features: bool) -> Self {
        Self {
            beyond_features: "keep",
            remove_duplicates: false,
            skip_missing_features,
            thresholds,
            fixed_length: false,
        }
    }

    fn of_fixed_length(beyond_features: &'static str) -> Self {
        Self {
            beyond_features,
            remove_duplicates: true,
            fixed_length: true,
            ..Self::in_time([50, 95, 5], false)
        }
    }
}

pub(super) fn translate(theirs: &mut Theirs) -> Result<(), ImportError> {
    let name = theirs.text("dataset_name")?;
    let rules = match Rules::of(&name) {
        Some(rules) => {
            let ours = "dataset.features.format, dataset rules, evaluation.tiou_thresholds";
            theirs.note("dataset_name", ours);
            rules
        }
        None => {
            theirs.unsupported(
                "dataset_name",
                "its rules are unknown here: annotations stay as they are, files are read by their extension, and the \
                 thresholds of THUMOS14 are used",
            );
            Rules::in_time([30, 70, 10], false)
        }
    };
    let annotations = theirs.text("dataset.json_file")?;
    let annotations = theirs.path(&annotations);
    theirs.convert("dataset.json_file", "dataset.annotations", annotations);
    features(theirs, &name)?;
    theirs.carry("train_split", "dataset.train_subsets");
    theirs.carry("val_split", "dataset.test_subsets");
    theirs.carry("dataset.num_classes", "dataset.num_classes");
    theirs.carry("dataset.input_dim", "dataset.input_dim");
    for key in ["num_classes", "input_dim", "max_seq_len"] {
        let reason = format!("overwritten by dataset.{key}");
        theirs.ignore(&format!("model.{key}"), &reason);
    }
    theirs.carry("dataset.default_fps", "dataset.fps");
    time(theirs, &rules)?;
    theirs.carry("dataset.max_seq_len", "dataset.max_seq_len");
    if rules.fixed_length && theirs.count("dataset.num_classes")? == 1 {
        theirs.put("dataset.class_agnostic", true);
    }
    theirs.put("dataset.beyond_features", rules.beyond_features);
    theirs.carry("dataset.trunc_thresh", "dataset.truncation.trunc_thresh");
    theirs.carry("dataset.crop_ratio", "dataset.truncation.crop_ratio");
    theirs.put("dataset.remove_duplicates", rules.remove_duplicates);
    theirs.put("dataset.skip_missing_features", rules.skip_missing_features);
    evaluation(theirs, &rules);
    Ok(())
}

/// Stride, window, and the settings for a fixed number of features.
fn time(theirs: &mut Theirs, rules: &Rules) -> Result<(), ImportError> {
    let fixed = theirs.number("dataset.feat_stride")? <= 0.0;
    if fixed && rules.fixed_length {
        theirs.convert("dataset.feat_stride", "dataset.feat_stride", Value::Null);
        let one = theirs.number("dataset.num_frames")? == 1.0;
        if theirs.code == ReleasedCode::ActionFormer && !one {
            theirs.unsupported(
                "dataset.num_frames",
                "with a fixed number of features ours covers one stride, theirs this many",
            );
        }
    } else {
        theirs.carry("dataset.feat_stride", "dataset.feat_stride");
    }
    theirs.carry("dataset.num_frames", "dataset.num_frames");
    theirs.carry("dataset.downsample_rate", "dataset.downsample_rate");
    // ActionFormer stretches only features of a fixed number.
    let stretches = rules.fixed_length && (fixed || theirs.code != ReleasedCode::ActionFormer);
    if stretches {
        theirs.carry_flag("dataset.force_upsampling", "dataset.resize")?;
    } else {
        theirs.ignore("dataset.force_upsampling", "not read for this data set");
    }
    Ok(())
}

fn features(theirs: &mut Theirs, name: &str) -> Result<(), ImportError> {
    let folders = folders(theirs)?;
    let (mut dir, mut prefix) = (folders[0].clone(), None);
    let mut format = None;
    if name == "hacs" {
        theirs.ignore("dataset.file_prefix", "not read for this data set");
        let backbone = theirs.text("dataset.backbone_type")?;
        match backbone.as_str() {
            "i3d" => dir += "/{subset}",
            "slowfast" => {
                dir += "/{subset}";
                format = Some(fields(&[
                    ("type", "pickle".into()),
                    ("keys", strings(&["slow_feature", "fast_feature"])),
                    ("layout", "channel_first".into()),
                ]));
            }
            "tsp" => prefix = Some("v_".to_owned()),
            _ => {
                return Err(theirs.wrong("dataset.backbone_type", "i3d, slowfast or tsp"));
            }
        }
        theirs.note("dataset.backbone_type", "dataset.features.format");
    } else {
        prefix = theirs.optional_text("dataset.file_prefix")?;
        theirs.note("dataset.file_prefix", "dataset.features.prefix");
    }
    let (mut suffix, mut all_in_one) = (String::new(), None);
    if dir.contains(".hdf5") && name.starts_with("anet") {
        let (folder, file) = dir.rsplit_once('/').unwrap_or((".", &dir));
        all_in_one = Some(file.to_owned());
        dir = folder.to_owned();
        theirs.ignore("dataset.file_ext", "all features are in one HDF5 file");
    } else {
        suffix = theirs.text("dataset.file_ext")?;
        theirs.note("dataset.file_ext", "dataset.features.suffix");
    }
    let format = match (format, all_in_one) {
        (Some(format), _) => format,
        (None, Some(file)) => fields(&[("type", "hdf5".into()), ("file", file.into())]),
        (None, None) => by_extension(theirs, &suffix)?,
    };
    if name == "thumos_new" {
        suffix = theirs.text("dataset.feature_type")? + &suffix;
        theirs.note("dataset.feature_type", "dataset.features.suffix");
    }
    theirs.convert("dataset.feat_folder", "dataset.features.dir", dir);
    if let Some(prefix) = &prefix {
        theirs.put("dataset.features.prefix", prefix.as_str());
    }
    if !suffix.is_empty() {
        theirs.put("dataset.features.suffix", suffix.as_str());
    }
    theirs.put("dataset.features.format", format.clone());
    if name == "multithumos" {
        columns(theirs)?;
    }
    let more: Vec<Value> = folders[1..]
        .iter()
        .map(|dir| {
            fields(&[
                ("dir", dir.as_str().into()),
                ("prefix", prefix.as_deref().unwrap_or("").into()),
                ("suffix", suffix.as_str().into()),
                ("format", format.clone()),
            ])
        })
        .collect();
    if !more.is_empty() {
        theirs.put("dataset.features.append", more);
    }
    Ok(())
}

/// The feature folders; only Ego4D has several.
fn folders(theirs: &Theirs) -> Result<Vec<String>, ImportError> {
    let key = "dataset.feat_folder";
    let value = theirs.get(key);
    let all = match &value {
        Value::Sequence(all) => all.iter().map(Value::as_str).collect(),
        one => one.as_str().map(|one| vec![Some(one)]).unwrap_or_default(),
    };
    let all: Vec<&str> = all.into_iter().flatten().collect();
    let expected = value.as_sequence().map_or(1, Vec::len);
    if all.len() != expected || all.is_empty() {
        return Err(theirs.wrong(key, "a folder, or a list of folders"));
    }
    Ok(all
        .iter()
        .map(|dir| theirs.path(dir.trim_end_matches('/')))
        .collect())
}

fn by_extension(theirs: &Theirs, suffix: &str) -> Result<Value, ImportError> {
    let kind = match suffix.rsplit('.').next() {
        Some("npy") => "npy",
        Some("npz") => return Ok(fields(&[("type", "npz".into()), ("key", "feats".into())])),
        Some("pt" | "pth") => "torch",
        Some("pkl") => "pickle",
        Some("csv") => "csv",
        _ => {
            let allowed = "an extension that identifies the format: .npy, .npz, .pt, .pkl or .csv";
            return Err(theirs.wrong("dataset.file_ext", allowed));
        }
    };
    Ok(fields(&[("type", kind.into())]))
}

/// MultiTHUMOS: by default the code keeps the first 1024 channels, which fits only 1024 input channels.
fn columns(theirs: &mut Theirs) -> Result<(), ImportError> {
    let key = "dataset.rgb_only";
    let rgb_only = !theirs.names(key) || theirs.flag(key)?;
    if theirs.names(key) {
        theirs.note(key, "dataset.features.columns");
    }
    let input_dim = theirs.count("dataset.input_dim")?;
    if rgb_only && input_dim <= 1024 {
        theirs.put("dataset.features.columns", vec![0, 1024]);
        let note =
            "dataset_name multithumos: their code uses the first 1024 channels (RGB) of each file";
        theirs.report.notes.push(note.to_owned());
    } else if rgb_only {
        theirs.report.notes.push(format!(
            "dataset_name multithumos: without rgb_only: false their code cuts the features to 1024 channels and fails with \
             input_dim {input_dim}; all channels are used here"
        ));
    }
    Ok(())
}

fn evaluation(theirs: &mut Theirs, rules: &Rules) {
    let [first, last, step] = rules.thresholds;
    let thresholds: Vec<Value> = (first..=last)
        .step_by(step as usize)
        .map(|hundredths| Value::from(f64::from(hundredths) / 100.0))
        .collect();
    theirs.put("evaluation.tiou_thresholds", thresholds);
    let dialect = match theirs.code {
        ReleasedCode::ActionFormer => "actionformer",
        ReleasedCode::CltdrGmg | ReleasedCode::TriDet => "tridet",
    };
    theirs.put("evaluation.dialect", dialect);
}

fn fields(all: &[(&str, Value)]) -> Value {
    let fields = all
        .iter()
        .map(|(key, value)| (Value::from(*key), value.clone()));
    Value::Mapping(Mapping::from_iter(fields))
}

fn strings(all: &[&str]) -> Value {
    all.iter().map(|text| Value::from(*text)).collect()
}
