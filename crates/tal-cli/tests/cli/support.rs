//! A small corpus, a small network and a way to run the program.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Output;

use serde_json::Value;
use tal_synth::SynthConfig;
use tempfile::TempDir;

/// Command that makes a larger corpus.
pub(crate) const SYNTH: &str = "data synth --num-train 8 --num-test 4 --out data";

/// Configuration of a network that trains in a second.
const CONFIG: &str = "
dataset:
  annotations: data/annotations.json
  features: { dir: data/features, format: { type: npy } }
  num_classes: 3
  input_dim: 8
  feat_stride: 4
  num_frames: 8
  max_seq_len: 64
encoder:
  dim: 16
  num_levels: 4
  mixer: { type: gmg, mlp_dim: 16, local_kernel_size: 3, drop_path: 0.3 }
decoder:
  regression_range: [[0, 4], [4, 8], [8, 16], [16, 10000]]
  head: { dim: 16 }
  trident: { num_bins: 4 }
train:
  epochs: 2
  warmup_epochs: 1
  learning_rate: 0.001
  input_noise: 0.1
  num_workers: 2
  checkpoint: { weights: raw }
";

/// Frames per second of the corpus.
pub(crate) const FPS: &str = "16";

/// A folder with `net.yaml` and `data/`, where the program runs.
pub(crate) struct Place {
    dir: TempDir,
}

impl Place {
    /// With a corpus of 8 training and 3 test recordings.
    pub(crate) fn new() -> Self {
        let place = Self::without_data();
        let config = SynthConfig {
            num_train: 8,
            num_test: 3,
            num_classes: 3,
            num_channels: 8,
            mean_length: 60,
            durations: (4.0, 12.0),
            cue_distance: (6.0, 8.0),
            ..SynthConfig::default()
        };
        let corpus = tal_synth::generate(&config).unwrap();
        tal_synth::write(&corpus, &place.path("data")).unwrap();
        place
    }

    /// With the configuration only.
    pub(crate) fn without_data() -> Self {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join("net.yaml"), CONFIG).unwrap();
        Self { dir }
    }

    /// A path inside.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    pub(crate) fn write(&self, name: &str, content: impl AsRef<[u8]>) {
        fs::write(self.path(name), content).unwrap();
    }

    pub(crate) fn read(&self, name: &str) -> String {
        fs::read_to_string(self.path(name)).unwrap()
    }

    pub(crate) fn json(&self, name: &str) -> Value {
        serde_json::from_str(&self.read(name)).unwrap()
    }

    /// The steps of a run, from its metrics.
    pub(crate) fn steps(&self, run: &str) -> Vec<Value> {
        let metrics = self.read(&format!("{run}/metrics.jsonl"));
        let lines = metrics
            .lines()
            .map(|line| serde_json::from_str(line).unwrap());
        lines
            .filter(|line: &Value| line["event"] == "step")
            .collect()
    }

    /// Runs the program.
    pub(crate) fn tal(&self, args: &[&str]) -> Output {
        let mut command = assert_cmd::Command::from_std(self.command(args));
        command.output().unwrap()
    }

    /// Runs the program, which must succeed, and returns its standard output.
    pub(crate) fn ok(&self, args: &[&str]) -> String {
        let output = self.tal(args);
        assert!(
            output.status.success(),
            "tal {}\n{}",
            args.join(" "),
            text(&output.stderr)
        );
        text(&output.stdout)
    }

    /// The program, ready to start. One thread: the networks are too small for more.
    pub(crate) fn command(&self, args: &[&str]) -> std::process::Command {
        let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_tal"));
        command
            .args(["--threads", "1"])
            .args(args)
            .current_dir(self.dir.path())
            // Even then no error needs or shows one.
            .env("RUST_BACKTRACE", "1")
            .env_remove("RUST_LOG");
        command
    }

    /// All files and folders inside, by relative path.
    pub(crate) fn files(&self) -> Vec<PathBuf> {
        let mut found = Vec::new();
        let mut open = vec![self.dir.path().to_owned()];
        while let Some(folder) = open.pop() {
            for entry in fs::read_dir(folder).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() && !path.is_symlink() {
                    open.push(path.clone());
                }
                found.push(path.strip_prefix(self.dir.path()).unwrap().to_owned());
            }
        }
        found.sort();
        found
    }
}

/// Arguments without spaces, from a command line.
pub(crate) fn words(line: &str) -> Vec<&str> {
    line.split_whitespace().collect()
}

/// Output of the program.
pub(crate) fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).expect("the program prints UTF-8")
}

/// Ids of the recordings of a result file.
pub(crate) fn ids(found: &Value) -> Vec<String> {
    found["results"]
        .as_object()
        .unwrap()
        .keys()
        .cloned()
        .collect()
}

/// A fixture of another crate of the workspace.
pub(crate) fn fixture(path: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(path);
    path.to_str().unwrap().to_owned()
}

/// Random numbers from a seed (xorshift).
pub(crate) struct Random(pub(crate) u64);

impl Random {
    /// A number from 0 to `end - 1`.
    pub(crate) fn below(&mut self, end: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % end
    }
}
