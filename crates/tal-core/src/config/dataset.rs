//! A data set: where it lies and how its recordings become network input.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::augmentation::AugmentationConfig;
use super::check::Check;

sections! {
    /// A data set: annotations, features, time and truncation.
    // Paths and sizes, which no preset knows, are empty or 0 by default: refused until they are set.
    pub struct DatasetConfig {
        /// Annotation file (the JSON layout that ActionFormer, TriDet and OpenTAD share). `${NAME}` and `${NAME:-default}`
        /// stand for environment variables; a relative path starts at the configuration file's folder.
        pub annotations: PathBuf = PathBuf::new(),
        /// Feature files and their format.
        pub features: FeaturesConfig = FeaturesConfig::default(),
        /// Subsets to train on, compared without regard to case.
        pub train_subsets: Vec<String> = vec!["training".to_owned()],
        /// Subsets to evaluate on, compared without regard to case.
        pub test_subsets: Vec<String> = vec!["test".to_owned()],
        /// Number of classes; label ids are 0 … `num_classes` − 1.
        pub num_classes: usize = 0,
        /// Number of channels of a feature.
        pub input_dim: usize = 0,
        /// Frames per second of every recording; null takes the value of the annotation file.
        pub fps: Option<f32> = None,
        /// Frames (samples of a sensor) between two neighbouring features. Null: every recording was brought to one number of
        /// features, which cover its whole duration.
        // It may be null but must be written: a missing key would silently mean null.
        #[serde(deserialize_with = "Option::deserialize")]
        #[cfg_attr(feature = "schema", schemars(extend("x-required" = true)))]
        pub feat_stride: Option<f32> = Some(0.0),
        /// Frames (samples) that a feature is computed from. Not used if `feat_stride` is null.
        pub num_frames: f32 = 0.0,
        /// Keeps only every n-th feature.
        pub downsample_rate: usize = 1,
        /// Length that recordings are padded to, in features. Training truncates longer ones.
        pub max_seq_len: usize = 0,
        /// Stretches or shrinks the features of every recording to `max_seq_len` (linear interpolation).
        pub resize: bool = false,
        /// Trains and evaluates on actions of any class: every label becomes 0. Needs `num_classes: 1`.
        pub class_agnostic: bool = false,
        /// Training annotations that reach beyond the last feature.
        pub beyond_features: BeyondFeatures = BeyondFeatures::Keep,
        /// Truncation of training recordings.
        pub truncation: TruncationConfig = TruncationConfig::default(),
        /// Random changes to training recordings.
        #[serde(default)]
        pub augmentation: AugmentationConfig = AugmentationConfig::default(),
        /// Drops repeated training annotations (same label, both ends within 1 ms).
        pub remove_duplicates: bool = false,
        /// Leaves out recordings without a feature file, with a warning, instead of stopping.
        pub skip_missing_features: bool = false,
        /// Recipe and weights that made the features, so that `tal predict` takes videos, too. Null: it takes features only.
        pub extract: Option<ExtractConfig> = None,
    }

    /// The way from a video to features.
    pub struct ExtractConfig {
        /// Name of a recipe that comes with the program, or a YAML file.
        pub recipe: String,
        /// SHA-256 of the recipe's values, as in the description of the features; null does not compare it.
        #[serde(default)]
        pub recipe_sha256: Option<String>,
        /// File of the network's weights; `${NAME}` and relative paths as in `annotations`.
        pub weights: PathBuf,
        /// SHA-256 of that file; null does not compare it.
        #[serde(default)]
        pub weights_sha256: Option<String>,
    }

    /// Training annotations that reach beyond the last feature.
    pub enum BeyondFeatures {
        /// They stay as they are (THUMOS14, MultiTHUMOS, EPIC-Kitchens).
        Keep,
        /// Those that start after the last feature, or of which less than `truncation.trunc_thresh` is covered, are dropped; the
        /// others end with the features (ActivityNet).
        DropAndClip,
        /// Those that start after the last feature are dropped, the others end with the features; if none would be left, all stay
        /// as they are (HACS).
        Clip,
    }

    /// Feature files and their format.
    pub struct FeaturesConfig {
        /// Folder of the feature files; `${NAME}` and relative paths as in `annotations`. `{subset}` stands for the subset of
        /// the recording, in lower case.
        pub dir: PathBuf = PathBuf::new(),
        /// Start of a file name, which is `prefix` + recording id + `suffix`.
        pub prefix: String = String::new(),
        /// End of a file name, with the extension.
        pub suffix: String = ".npy".to_owned(),
        /// Format of a file.
        pub format: FeatureFormat = FeatureFormat::Npy { layout: FeatureLayout::TimeFirst },
        /// Range of the channels that are used, from the first number to before the second; null takes all.
        pub columns: Option<[usize; 2]> = None,
        /// Further files, such as optical flow, whose channels are appended to those of each recording. Each entry has `dir`,
        /// `suffix` and `format` (required), and `prefix` and `columns`, as above.
        pub append: Vec<AppendedFeatures> = Vec::new(),
    }

    /// Further files of every recording, as in [`FeaturesConfig`].
    pub struct AppendedFeatures {
        /// Folder of the files, as in `features.dir`.
        pub dir: PathBuf,
        /// Start of a file name, which is `prefix` + recording id + `suffix`.
        #[serde(default)]
        pub prefix: String,
        /// End of a file name, with the extension.
        pub suffix: String,
        /// Format of a file.
        pub format: FeatureFormat,
        /// Range of the channels that are used, from the first number to before the second; null takes all.
        #[serde(default)]
        pub columns: Option<[usize; 2]>,
    }

    /// Order of the two axes of a stored feature array.
    #[derive(Default)]
    pub enum FeatureLayout {
        /// (T, C)
        #[default]
        TimeFirst,
        /// (C, T)
        ChannelFirst,
    }

    /// Truncation of training recordings: longer ones to `max_seq_len`, others to a random share of their length.
    pub struct TruncationConfig {
        /// Smallest share of an action that must lie inside the window for the action to stay.
        pub trunc_thresh: f64 = 0.5,
        /// Bounds of the random share of its length that a recording is cropped to if it needs no truncation; null leaves
        /// it whole.
        pub crop_ratio: Option<[f64; 2]> = Some([0.9, 1.0]),
        /// Number of windows that are tried until one holds an action.
        pub max_tries: usize = 200,
        /// Refuses windows that cut an action in two.
        pub keep_whole: bool = false,
        /// Probability that a window is laid around an action whose class is drawn evenly from the classes of the recording,
        /// so that rare classes are seen more often.
        #[serde(default)]
        pub balanced: f64 = 0.0,
    }
}

/// Format of a feature file.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(tag = "type", rename_all = "snake_case", deny_unknown_fields)]
pub enum FeatureFormat {
    /// One NumPy array per file.
    Npy {
        /// Order of the two axes.
        #[serde(default)]
        layout: FeatureLayout,
    },
    /// A NumPy archive per file.
    Npz {
        /// Name of the array.
        key: String,
        /// Order of the two axes.
        #[serde(default)]
        layout: FeatureLayout,
    },
    /// A safetensors file per recording.
    Safetensors {
        /// Name of the tensor; null takes the only one.
        #[serde(default)]
        key: Option<String>,
        /// Order of the two axes.
        #[serde(default)]
        layout: FeatureLayout,
    },
    /// HDF5: one file per recording, or one for all.
    Hdf5 {
        /// Name, within `dir`, of one file for all recordings. The array of a recording is then named `prefix` + recording id
        /// (followed by `/key` if `key` is set), and `suffix` is not used. Null: one file per recording.
        #[serde(default)]
        file: Option<String>,
        /// Name of the array within a recording's file; null takes the only one.
        #[serde(default)]
        key: Option<String>,
        /// Order of the two axes.
        #[serde(default)]
        layout: FeatureLayout,
    },
    /// A PyTorch file per recording (`torch.save`): a tensor or a dictionary of tensors. Code in the file is never run.
    Torch {
        /// Entries of the dictionary, whose channels are joined in this order; empty if the file is a tensor itself.
        #[serde(default)]
        keys: Vec<String>,
        /// Order of the two axes of each entry.
        #[serde(default)]
        layout: FeatureLayout,
    },
    /// A Python pickle per recording: an array, a tensor or a dictionary of them. Code in the file is never run.
    Pickle {
        /// Entries of the dictionary, whose channels are joined in this order; empty if the file is an array itself.
        #[serde(default)]
        keys: Vec<String>,
        /// Order of the two axes of each entry.
        #[serde(default)]
        layout: FeatureLayout,
    },
    /// A text file per recording, one line per feature, numbers separated by commas.
    Csv {
        /// Skips the first line, which names the columns.
        #[serde(default)]
        header: bool,
    },
    /// A raw sensor signal (samples × channels, npy), cut into windows that are flattened time-major: a window of `window`
    /// samples and n channels gives one feature of `window · n` values.
    Inertial {
        /// Samples of a window.
        window: usize,
        /// Samples between the starts of two windows.
        stride: usize,
        /// Channels (columns) to use; null takes all.
        #[serde(default)]
        channels: Option<Vec<usize>>,
    },
}

impl DatasetConfig {
    pub(super) fn check(&self, check: &mut Check<'_>) {
        check.filled("annotations", &self.annotations.to_string_lossy());
        check.section("features", |check| self.features.check(check));
        check.not_empty("train_subsets", self.train_subsets.len());
        check.not_empty("test_subsets", self.test_subsets.len());
        check.at_least("num_classes", self.num_classes, 1);
        check.at_least("input_dim", self.input_dim, 1);
        if let Some(fps) = self.fps {
            check.positive("fps", fps);
        }
        if let Some(feat_stride) = self.feat_stride {
            check.positive("feat_stride", feat_stride);
        }
        check.not_negative("num_frames", self.num_frames);
        check.at_least("downsample_rate", self.downsample_rate, 1);
        check.at_least("max_seq_len", self.max_seq_len, 1);
        check.require(
            !self.class_agnostic || self.num_classes == 1,
            "num_classes",
            self.num_classes,
            "1 if class_agnostic is true",
        );
        check.section("truncation", |check| self.truncation.check(check));
        check.section("augmentation", |check| self.augmentation.check(check));
        self.check_augmentation(check);
        if let Some(extract) = &self.extract {
            check.section("extract", |check| {
                check.filled("recipe", &extract.recipe);
                check.filled("weights", &extract.weights.to_string_lossy());
            });
        }
    }
}

impl DatasetConfig {
    /// Checks that the features can be changed as `augmentation` says.
    fn check_augmentation(&self, check: &mut Check<'_>) {
        let AugmentationConfig { scale, signal, .. } = &self.augmentation;
        check.require(
            scale.is_none() || !self.resize,
            "augmentation.scale",
            "set",
            "null if resize is true, which gives all recordings one length",
        );
        let Some(signal) = signal else { return };
        let windows = match self.features.format {
            FeatureFormat::Inertial { window, stride, .. } => Some((window, stride)),
            _ => None,
        };
        let whole = self.features.columns.is_none()
            && self.features.append.is_empty()
            && self.downsample_rate == 1
            && !self.resize;
        check.require(
            whole && windows.is_some_and(|(window, stride)| stride <= window),
            "augmentation.signal",
            "set",
            "null unless features.format is inertial with stride at most window, and nothing else changes the features",
        );
        let sensor = windows.map_or(1, |(window, _)| 3 * window.max(1));
        check.require(
            signal.rotation == 0.0 || self.input_dim.is_multiple_of(sensor),
            "augmentation.signal.rotation",
            signal.rotation,
            "0 unless the channels of the signal come in threes (x, y, z)",
        );
    }
}

impl FeaturesConfig {
    /// The files in `dir` without those that are appended.
    pub fn first(&self) -> AppendedFeatures {
        AppendedFeatures {
            dir: self.dir.clone(),
            prefix: self.prefix.clone(),
            suffix: self.suffix.clone(),
            format: self.format.clone(),
            columns: self.columns,
        }
    }

    fn check(&self, check: &mut Check<'_>) {
        self.first().check(check);
        for (index, more) in self.append.iter().enumerate() {
            check.section(&format!("append[{index}]"), |check| more.check(check));
        }
    }
}

impl AppendedFeatures {
    fn check(&self, check: &mut Check<'_>) {
        check.filled("dir", &self.dir.to_string_lossy());
        if let Some([from, to]) = self.columns {
            check.require(
                from < to,
                "columns",
                format!("[{from}, {to}]"),
                "two channels in ascending order",
            );
        }
        check.section("format", |check| self.format.check(check));
    }
}

impl FeatureFormat {
    fn check(&self, check: &mut Check<'_>) {
        match self {
            Self::Npy { .. } | Self::Csv { .. } => {}
            Self::Npz { key, .. } => check.filled("key", key),
            Self::Safetensors { key, .. } => check.filled_if_set("key", key),
            Self::Hdf5 { file, key, .. } => {
                check.filled_if_set("file", file);
                check.filled_if_set("key", key);
            }
            Self::Torch { keys, .. } | Self::Pickle { keys, .. } => {
                for (index, key) in keys.iter().enumerate() {
                    check.filled(&format!("keys[{index}]"), key);
                }
            }
            Self::Inertial {
                window,
                stride,
                channels,
            } => {
                check.at_least("window", *window, 1);
                check.at_least("stride", *stride, 1);
                if let Some(channels) = channels {
                    check.not_empty("channels", channels.len());
                }
            }
        }
    }
}

impl TruncationConfig {
    fn check(&self, check: &mut Check<'_>) {
        check.within("trunc_thresh", self.trunc_thresh, 0.0..=1.0);
        check.at_least("max_tries", self.max_tries, 1);
        check.within("balanced", self.balanced, 0.0..=1.0);
        if let Some([low, high]) = self.crop_ratio {
            check.within("crop_ratio[0]", low, 0.0..=1.0);
            check.within("crop_ratio[1]", high, 0.0..=1.0);
            check.require(
                low <= high && low > 0.0,
                "crop_ratio",
                format!("[{low}, {high}]"),
                "two shares in ascending order, the first above 0",
            );
        }
    }
}
