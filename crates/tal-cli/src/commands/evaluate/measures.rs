//! `tal evaluate --measure`: the measures of other fields.

use std::collections::BTreeMap;

use anyhow::Result;
use serde_json::{Value, json};
use tal_core::{ClassMap, Detection, Instance, Recording};
use tal_postprocess::Matching;
use tal_postprocess::measures::{
    Agreement, Background, EventConfig, FrameRate, LabRecording, LabelledRecording, Labelling,
    MeasureError, ScoredRecording, SegmentationConfig, SpottingConfig, agreement, bouts,
    event_scores, frame_map, frame_scores, mabe_f_beta, misalignment, segmentation, spotting,
};

use super::input::Input;
use super::measure_tables;
use super::measured::{Compared, Measured, Segments};
use crate::args::{EndsArg, EvaluateArgs, MeasureArgs, MeasureName};
use crate::commands::output;
use crate::console::print;
use crate::failure::UsageError;

pub(super) fn run(args: &EvaluateArgs, input: &Input) -> Result<()> {
    let rules = &args.measures;
    let recordings = Recordings::new(rules, input)?;
    let mut names = rules.measures.clone();
    names.sort_unstable();
    names.dedup();
    let rate = match names.iter().any(|name| name.counts_frames()) {
        true => Some(frame_rate(rules, input)?),
        false => None,
    };
    let mut measured = Measured::default();
    for name in names {
        measured.add(name, args, input, &recordings, rate)?;
    }
    let compared = Compared {
        subsets: input.subsets.clone(),
        num_recordings: recordings.0.len(),
        num_annotations: recordings.0.iter().map(|one| one.truth.len()).sum(),
        num_detections: recordings.0.iter().map(|one| one.num_detections).sum(),
        num_kept_detections: recordings.0.iter().map(|one| one.detections.len()).sum(),
        min_score: rules.min_score,
        labelling: rules.labelling.into(),
        frame_rate: rate.map(FrameRate::get),
    };
    let classes = &input.truth.classes;
    if let Some(file) = &args.json {
        let mut figures = json!({"compared": compared, "measures": measured});
        name_classes(&mut figures, classes);
        output::write_json(file, &figures)?;
    }
    measure_tables::show(&measured, &compared, rules, classes, args.per_class)?;
    input.note.as_deref().map_or(Ok(()), print)
}

impl MeasureName {
    fn counts_frames(self) -> bool {
        matches!(
            self,
            Self::Frame | Self::FrameMap | Self::Segment | Self::Mabe | Self::Kappa
        )
    }
}

impl Measured {
    fn add(
        &mut self,
        name: MeasureName,
        args: &EvaluateArgs,
        input: &Input,
        recordings: &Recordings,
        rate: Option<FrameRate>,
    ) -> Result<()> {
        let rules = &args.measures;
        let labels = recordings.labelled(|one| &one.labels);
        let single = recordings.labelled(|one| &one.single);
        // Measures that count frames come with a rate.
        let rate = match rate {
            Some(rate) => rate,
            None => FrameRate::new(1.0)?,
        };
        match name {
            MeasureName::Map => {
                let classes = Some(&input.truth.classes);
                let all = input.recordings();
                let matched = Matching::new(all, &input.detections, &input.config, classes)?;
                self.map = Some(matched.evaluation());
            }
            MeasureName::Frame => self.frame = Some(frame_scores(&labels, rate)?),
            MeasureName::FrameMap => self.frame_map = Some(frame_map(&recordings.scored(), rate)?),
            MeasureName::Segment => self.segment = Some(Segments::new(&single, rate, rules)?),
            MeasureName::Event => self.event = Some(event_scores(&labels, &event_config(rules))?),
            MeasureName::Spotting => {
                let config = SpottingConfig {
                    tolerances: rules.tolerance.clone(),
                    frame_rate: rules.spotting_rate,
                };
                self.spotting = Some(spotting(&recordings.scored(), &config)?);
            }
            MeasureName::Mabe => {
                let of_one_lab = single.iter().map(|recording| LabRecording {
                    recording: *recording,
                    lab: 0,
                    annotated_classes: None,
                });
                let all: Vec<_> = of_one_lab.collect();
                self.mabe = Some(mabe_f_beta(&all, rate, rules.beta)?);
            }
            MeasureName::Misalignment => self.misalignment = Some(misalignment(&labels)?),
            MeasureName::Bouts => self.bouts = Some(bouts(&labels)?),
            MeasureName::Kappa => {
                self.kappa = Some(Agreement {
                    all: agreement(&single, rate)?.all,
                    ..agreement(&labels, rate)?
                });
            }
        }
        Ok(())
    }
}

impl Segments {
    fn new(
        recordings: &[LabelledRecording<'_>],
        rate: FrameRate,
        rules: &MeasureArgs,
    ) -> Result<Self, MeasureError> {
        let with = |background| {
            let overlaps = rules.overlap.iter().map(|percent| percent / 100.0);
            let config = SegmentationConfig {
                overlaps: overlaps.collect(),
                background,
            };
            segmentation(recordings, rate, &config)
        };
        Ok(Self {
            without_background: with(Background::Ignored)?,
            with_background: with(Background::Counted)?,
        })
    }
}

/// The evaluated recordings without background.
struct Recordings(Vec<Compare>);

/// A recording with its detections in the forms that the measures take.
struct Compare {
    duration: f64,
    truth: Vec<Instance>,
    num_detections: usize,
    detections: Vec<Detection>,
    labels: Vec<Instance>,
    single: Vec<Instance>,
}

impl Recordings {
    fn new(rules: &MeasureArgs, input: &Input) -> Result<Self, UsageError> {
        let classes = &input.truth.classes;
        let background = match &rules.background {
            None => None,
            Some(name) => Some(classes.id(name).ok_or_else(|| {
                UsageError(format!(
                    "--background {name}: is not a class of the annotations{}",
                    classes
                        .nearest(name)
                        .map_or_else(String::new, |near| format!("; did you mean {near}?"))
                ))
            })?),
        };
        let counts = |recording: &&Recording| !input.config.blocked.contains(&recording.id);
        let all = input.recordings().filter(counts).map(|recording| {
            let found = input.detections.get(&recording.id);
            let found = found.map_or(&[][..], Vec::as_slice);
            Compare::new(recording, found, background, rules)
        });
        Ok(Self(all.collect()))
    }

    fn labelled(&self, found: fn(&Compare) -> &[Instance]) -> Vec<LabelledRecording<'_>> {
        let all = self.0.iter().map(|one| LabelledRecording {
            truth: &one.truth,
            found: found(one),
            duration: one.duration,
        });
        all.collect()
    }

    fn scored(&self) -> Vec<ScoredRecording<'_>> {
        let all = self.0.iter().map(|one| ScoredRecording {
            truth: &one.truth,
            found: &one.detections,
            duration: one.duration,
        });
        all.collect()
    }
}

impl Compare {
    fn new(
        recording: &Recording,
        found: &[Detection],
        background: Option<u32>,
        rules: &MeasureArgs,
    ) -> Self {
        let min_score = rules.min_score.unwrap_or(f64::NEG_INFINITY);
        // Background takes its time from other classes before it is left out.
        let labels = |rule: Labelling| {
            let mut labels = rule.apply(found, min_score);
            labels.retain(|row| Some(row.label) != background);
            labels
        };
        let mut truth = recording.instances.clone();
        truth.retain(|row| Some(row.label) != background);
        let counts = |row: &&Detection| Some(row.label) != background && row.score >= min_score;
        let ends = recording.instances.iter().map(|row| row.segment.end);
        let last = ends.chain(found.iter().map(|row| row.segment.end));
        Self {
            duration: recording
                .duration
                .unwrap_or_else(|| last.fold(0.0, f64::max)),
            truth,
            num_detections: found.len(),
            detections: found.iter().filter(counts).copied().collect(),
            labels: labels(rules.labelling.into()),
            single: labels(Labelling::Single),
        }
    }
}

fn event_config(rules: &MeasureArgs) -> EventConfig {
    let collar = Some(rules.collar);
    EventConfig {
        onset_collar: collar.filter(|_| rules.ends != EndsArg::Offset),
        offset_collar: collar.filter(|_| rules.ends != EndsArg::Onset),
        offset_share: rules.percentage / 100.0,
        matching: rules.matching.into(),
        missed_is_zero: !rules.skip_missed,
    }
}

/// The frame rate asked for, or that of all recordings.
fn frame_rate(rules: &MeasureArgs, input: &Input) -> Result<FrameRate> {
    let asked = rules.frame_rate.or(rules.bin.map(|seconds| 1.0 / seconds));
    if let Some(rate) = asked {
        return Ok(FrameRate::new(rate)?);
    }
    // By their bits, as floats have no order.
    let rates: BTreeMap<Option<u64>, &str> = input
        .recordings()
        .map(|one| (one.fps.map(f64::to_bits), one.id.as_str()))
        .collect();
    let mut known = rates
        .iter()
        .map(|(bits, id)| (bits.map(f64::from_bits), *id));
    match (known.next(), known.next()) {
        (Some((Some(rate), _)), None) => Ok(FrameRate::new(rate)?),
        (Some((first, one)), Some((second, other))) => {
            let text = |rate: Option<f64>| {
                rate.map_or_else(
                    || "no frame rate".to_owned(),
                    |rate| format!("{rate} frames per second"),
                )
            };
            Err(UsageError(format!(
                "recording {one:?} has {}, {other:?} {}: choose one with --frame-rate or --bin",
                text(first),
                text(second)
            ))
            .into())
        }
        _ => Err(UsageError(
            "the annotations name no frame rate: choose one with --frame-rate or --bin".to_owned(),
        )
        .into()),
    }
}

/// Adds the name of the class to every object with a class id.
fn name_classes(value: &mut Value, classes: &ClassMap) {
    match value {
        Value::Array(list) => list.iter_mut().for_each(|one| name_classes(one, classes)),
        Value::Object(object) => {
            let label = object.get("label").and_then(Value::as_u64);
            if let Some(id) = label.and_then(|id| u32::try_from(id).ok()) {
                object.insert("class".to_owned(), classes.display_name(id).into());
            }
            object
                .values_mut()
                .for_each(|one| name_classes(one, classes));
        }
        _ => {}
    }
}
