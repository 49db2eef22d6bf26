//! Annotations and detections of a recording, as columns of whole numbers.

use serde::Serialize;
use tal_core::{Instance, Segment};
use tal_postprocess::{ErrorType, Judgement, RecordingOutcomes};

use super::signal::Signal;
use super::{Detector, Report};

/// Score of 1 as a whole number.
const SCORE_UNIT: f64 = 1e5;
/// Whole-number heights of a signal.
const HEIGHT: f32 = 255.0;

/// One recording of the timeline. Times are in milliseconds.
#[derive(Debug, Serialize)]
pub(super) struct RecordingTracks<'a> {
    id: &'a str,
    /// Duration, or the last end if that is later or the duration is unknown.
    end: i64,
    duration: Option<i64>,
    annotations: Segments,
    /// Passages of the ambiguous class.
    unclear: Segments,
    detectors: Vec<DetectionTracks>,
    #[serde(skip_serializing_if = "Option::is_none")]
    signal: Option<SignalStrip>,
    #[serde(skip_serializing_if = "Option::is_none")]
    film: Option<&'a str>,
}

/// Segments by start.
#[derive(Debug, Default, Serialize)]
struct Segments {
    /// Difference from the start before it.
    start: Vec<i64>,
    length: Vec<i64>,
    /// Class ids.
    class: Vec<u32>,
}

/// Detections of one detector in a recording, by start.
#[derive(Debug, Serialize)]
struct DetectionTracks {
    #[serde(flatten)]
    segments: Segments,
    /// Score × 100,000.
    score: Vec<i64>,
    /// One digit per detection, one text per threshold: 0 true positive, 1 to 5 the types of errors, 6 ignored.
    verdicts: Vec<String>,
    /// Position of the annotation that each overlaps most; −1 if it overlaps none.
    best: Vec<i64>,
    /// tIoU with that annotation × 1,000.
    tiou: Vec<i64>,
    /// Position of the detection that found each annotation, per threshold; −1 for a missed one.
    found_by: Vec<Vec<i64>>,
    /// Average mAP of this recording alone.
    map: Option<f64>,
}

/// Signal in whole numbers from 0 to 255 between the extremes of its channel; −1 for a gap.
#[derive(Debug, Serialize)]
struct SignalStrip {
    start: i64,
    end: i64,
    channels: Vec<ChannelStrip>,
}

#[derive(Debug, Serialize)]
struct ChannelStrip {
    name: String,
    least: f32,
    greatest: f32,
    low: Vec<i16>,
    high: Vec<i16>,
}

/// The recordings of a report.
pub(super) fn all<'a>(report: &'a Report<'_>) -> Vec<RecordingTracks<'a>> {
    let recordings = report.recordings.iter().enumerate();
    recordings
        .filter_map(|(position, recording)| {
            let id = recording.id.as_str();
            let outcomes: Option<Vec<&RecordingOutcomes>> = report
                .detectors
                .iter()
                .map(|detector| detector.outcomes.recording(id))
                .collect();
            // A blocked recording has no outcomes.
            let outcomes = outcomes?;
            let counted = match outcomes.first() {
                Some(first) => &first.instances,
                None => &recording.instances,
            };
            let order = order(counted.iter().map(|i| i.segment));
            let unclear: Vec<Instance> = recording
                .instances
                .iter()
                .filter(|i| Some(i.label) == report.ambiguous)
                .copied()
                .collect();
            let detectors = report.detectors.iter().zip(&outcomes);
            let ends = recording.instances.iter().map(|i| i.segment.end);
            let found = report.detectors.iter().filter_map(|d| d.detections.get(id));
            let last = ends
                .chain(found.flatten().map(|detection| detection.segment.end))
                .chain(recording.duration)
                .fold(0.0, f64::max);
            Some(RecordingTracks {
                id,
                end: milliseconds(last).max(1),
                duration: recording.duration.map(milliseconds),
                annotations: segments(counted, &order),
                unclear: segments(&unclear, &self::order(unclear.iter().map(|i| i.segment))),
                detectors: detectors
                    .map(|(detector, outcomes)| detections(detector, outcomes, position, &order))
                    .collect(),
                signal: report.signals.get(id).map(strip),
                film: report.films.get(id).map(String::as_str),
            })
        })
        .collect()
}

fn milliseconds(seconds: f64) -> i64 {
    (seconds * 1e3).round() as i64
}

/// Positions by start, then end.
fn order(segments: impl Iterator<Item = Segment>) -> Vec<usize> {
    let segments: Vec<Segment> = segments.collect();
    let mut order: Vec<usize> = (0..segments.len()).collect();
    let ends = |at: usize| {
        (
            milliseconds(segments[at].start),
            milliseconds(segments[at].end),
        )
    };
    order.sort_by_key(|at| ends(*at));
    order
}

/// The place of each position in an order.
fn places(order: &[usize]) -> Vec<i64> {
    let mut places = vec![-1; order.len()];
    for (place, position) in order.iter().enumerate() {
        places[*position] = place as i64;
    }
    places
}

fn segments(instances: &[Instance], order: &[usize]) -> Segments {
    let ordered = order
        .iter()
        .map(|at| (instances[*at].segment, instances[*at].label));
    Segments::new(ordered)
}

impl Segments {
    fn new(ordered: impl Iterator<Item = (Segment, u32)>) -> Self {
        let mut segments = Self::default();
        let mut before = 0;
        for (segment, label) in ordered {
            let (start, end) = (milliseconds(segment.start), milliseconds(segment.end));
            segments.start.push(start - before);
            segments.length.push(end - start);
            segments.class.push(label);
            before = start;
        }
        segments
    }
}

fn detections(
    detector: &Detector<'_>,
    outcomes: &RecordingOutcomes,
    position: usize,
    annotations: &[usize],
) -> DetectionTracks {
    let rows = detector.detections.get(&outcomes.id);
    let rows = rows.map_or(&[][..], Vec::as_slice);
    let order = order(rows.iter().map(|row| row.segment));
    let (annotation_places, places) = (places(annotations), places(&order));
    let outcome = |row: &usize| &outcomes.detections[*row];
    let num_thresholds = outcomes.found_by.len();
    DetectionTracks {
        segments: Segments::new(
            order
                .iter()
                .map(|row| (rows[*row].segment, rows[*row].label)),
        ),
        score: order
            .iter()
            .map(|row| (rows[*row].score * SCORE_UNIT).round() as i64)
            .collect(),
        verdicts: (0..num_thresholds)
            .map(|t| {
                order
                    .iter()
                    .map(|row| digit(outcome(row).judgements[t]))
                    .collect()
            })
            .collect(),
        best: order
            .iter()
            .map(|row| outcome(row).best.map_or(-1, |best| annotation_places[best]))
            .collect(),
        tiou: order
            .iter()
            .map(|row| (outcome(row).best_tiou * 1e3).round() as i64)
            .collect(),
        found_by: outcomes
            .found_by
            .iter()
            .map(|found| {
                let found = annotations.iter().map(|at| found[*at]);
                found.map(|row| row.map_or(-1, |row| places[row])).collect()
            })
            .collect(),
        map: detector.recording_map.get(position).copied().flatten(),
    }
}

/// The digit of a judgement.
fn digit(judgement: Judgement) -> char {
    match judgement {
        Judgement::TruePositive => '0',
        Judgement::FalsePositive(error) => match error {
            ErrorType::DoubleDetection => '1',
            ErrorType::WrongLabel => '2',
            ErrorType::Localization => '3',
            ErrorType::Confusion => '4',
            ErrorType::Background => '5',
        },
        Judgement::Ignored => '6',
    }
}

fn strip(signal: &Signal) -> SignalStrip {
    let channels = signal.channels.iter().map(|channel| {
        let least = channel.low.iter().copied().fold(f32::INFINITY, f32::min);
        let greatest = channel
            .high
            .iter()
            .copied()
            .fold(f32::NEG_INFINITY, f32::max);
        let scale = HEIGHT / (greatest - least).max(f32::MIN_POSITIVE);
        let heights = |values: &[f32]| {
            let height = |value: &f32| match value.is_nan() {
                true => -1,
                false => ((value - least) * scale).round() as i16,
            };
            values.iter().map(height).collect()
        };
        ChannelStrip {
            name: channel.name.clone(),
            low: heights(&channel.low),
            high: heights(&channel.high),
            // JSON has no infinity, which a channel of gaps only would have.
            least: if least.is_finite() { least } else { 0.0 },
            greatest: if greatest.is_finite() { greatest } else { 0.0 },
        }
    });
    SignalStrip {
        start: milliseconds(signal.start),
        end: milliseconds(signal.end),
        channels: channels.collect(),
    }
}
