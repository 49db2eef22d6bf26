//! The configuration as text.

use std::fmt::Write;
use std::path::Path;

use tal_core::config::FeatureLayout;

use super::choices::Choices;
use super::facts::Facts;
use super::timing::{Clock, Timing};

pub(super) fn yaml(facts: &Facts, timing: &Timing, choices: &Choices) -> String {
    let mut text = String::new();
    let mut line = |line: String| {
        text.push_str(&line);
        text.push('\n');
    };
    let Facts {
        num_training,
        num_actions,
        action_seconds: actions,
        ..
    } = facts;
    line(format!(
        "# Suggested from {num_training} training recordings with {num_actions} actions of {} classes. Times are in seconds.",
        facts.num_classes
    ));
    line(format!(
        "# Actions last {:.2} to {:.2}, half of them up to {:.2} and 95 % up to {:.2}.",
        actions.min, actions.max, actions.median, actions.p95
    ));
    line("preset: compact\n".into());
    line("dataset:".into());
    line(format!("  annotations: {}", quoted(&facts.annotations)));
    line("  features:".into());
    line(format!("    dir: {}", quoted(&facts.features)));
    line(format!("    suffix: {}", json(&facts.suffix)));
    line(format!("    format: {}", format(facts, &timing.clock)));
    line(format!("  train_subsets: [{}]", json(&facts.train_subset)));
    line(format!("  test_subsets: [{}]", json(&facts.test_subset)));
    line(format!("  num_classes: {}", facts.num_classes));
    clock(&mut line, facts, timing);
    let lens = &timing.recording_features;
    line(format!(
        "  # Training recordings have {} to {} features, 95 % of them up to {}.",
        lens.min, lens.max, lens.p95
    ));
    line(format!("  max_seq_len: {}\n", choices.max_seq_len));
    line("encoder:".into());
    line(format!(
        "  # {num_actions} actions to learn from; a wider network would only learn them by heart."
    ));
    line(format!("  dim: {}", choices.dim));
    line(format!(
        "  # 95 % of the actions are up to {:.1} features long; the coarsest level has a point every {} features.",
        timing.features(actions.p95),
        1u32 << (choices.num_levels - 1)
    ));
    line(format!("  num_levels: {}", choices.num_levels));
    line(format!(
        "  mixer: {{ type: gmg, mlp_dim: {} }}\n",
        choices.mlp_dim
    ));
    line("decoder:".into());
    let ranges = choices.regression_range.iter();
    let ranges: Vec<String> = ranges
        .map(|[low, high]| format!("[{low}, {high}]"))
        .collect();
    line(format!("  regression_range: [{}]", ranges.join(", ")));
    line(format!("  head: {{ dim: {} }}\n", choices.dim));
    line("train:".into());
    line(format!("  # {num_training} recordings, two per step."));
    line(format!("  warmup_epochs: {}", choices.warmup_epochs));
    line(format!("  epochs: {}", choices.epochs));
    line(format!("  learning_rate: {}\n", choices.learning_rate));
    line("inference:".into());
    let per_recording = &facts.actions_per_recording;
    line(format!(
        "  # 95 % of the recordings have up to {} actions.",
        per_recording.p95
    ));
    line(format!(
        "  suppression: {{ max_detections: {} }}",
        choices.max_detections
    ));
    text
}

fn clock(line: &mut impl FnMut(String), facts: &Facts, timing: &Timing) {
    let rate = timing.rate;
    match timing.clock {
        Clock::Raw {
            rate: samples,
            window,
            stride,
        } => {
            line(format!(
                "  # {samples} samples a second with {} channels are a raw signal. Windows are a third of {:.2} s, the typical",
                facts.num_channels, facts.shortest_class
            ));
            line("  # action of the class with the shortest ones, but 0.2 to 2 s; they overlap by half.".into());
            line(format!("  input_dim: {}", window * facts.num_channels));
            line(format!("  fps: {samples}"));
            line(format!("  feat_stride: {stride}"));
            line(format!("  num_frames: {window}"));
        }
        Clock::Frames {
            fps,
            stride,
            num_frames,
        } => {
            line(format!("  input_dim: {}", facts.num_channels));
            line(format!("  # {rate:.3} features a second."));
            if let Some(fps) = fps {
                line(format!("  fps: {fps}"));
            }
            line(format!("  feat_stride: {stride}"));
            line(format!("  num_frames: {num_frames}"));
        }
        Clock::Fixed { num_features } => {
            line(format!("  input_dim: {}", facts.num_channels));
            line(format!(
                "  # All recordings have {num_features} features, however long they are."
            ));
            line("  feat_stride: null".into());
        }
    }
}

fn format(facts: &Facts, clock: &Clock) -> String {
    if let Clock::Raw { window, stride, .. } = clock {
        return format!("{{ type: inertial, window: {window}, stride: {stride} }}");
    }
    let mut text = format!("{{ type: {}", facts.kind.name());
    if facts.layout == FeatureLayout::ChannelFirst {
        let _ = write!(text, ", layout: channel_first");
    }
    text + " }"
}

fn quoted(path: &Path) -> String {
    json(&path.display().to_string())
}

/// A JSON text, which YAML reads as well.
fn json(text: &str) -> String {
    serde_json::Value::String(text.to_owned()).to_string()
}
