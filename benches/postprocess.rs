//! Suppression and evaluation.

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use tal_benches::{candidates, candidates_within, config, detections};
use tal_core::config::{SuppressionConfig, SuppressionMethod, VotingConfig, VotingWeight};
use tal_core::{ClassMap, DetectionSet, Recording};
use tal_data::results;
use tal_postprocess::{DetectionColumns, evaluate, suppress};

fn suppression(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("suppress");
    let rules = config("thumos14_i3d", &[]).inference.suppression;
    for (count, num_classes) in [(2_000, 20), (12_000, 20), (2_000, 1)] {
        let input = candidates(count, num_classes);
        group.throughput(Throughput::Elements(count as u64));
        let id = BenchmarkId::new("gaussian", format!("{count}x{num_classes}"));
        group.bench_with_input(id, &input, |bencher, input| {
            bencher.iter(|| suppress(input, &rules));
        });
    }
    let input = candidates(12_000, 20);
    group.throughput(Throughput::Elements(12_000));
    for max_detections in [200, 2_000] {
        let rules = SuppressionConfig {
            sigma: 0.7,
            per_class: false,
            max_detections,
            voting: Some(VotingConfig {
                iou_threshold: 0.95,
                weight: VotingWeight::Score,
            }),
            ..rules.clone()
        };
        let id = BenchmarkId::new("voting", format!("12000 to {max_detections}"));
        group.bench_with_input(id, &input, |bencher, input| {
            bencher.iter(|| suppress(input, &rules));
        });
    }
    group.finish();
}

/// One class without a cap, over a length that grows with the count: near-linear time for every method.
fn suppression_growth(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("suppress-growth");
    group.sample_size(20);
    let rules = config("thumos14_i3d", &[]).inference.suppression;
    for (name, method) in [
        ("gaussian", SuppressionMethod::Gaussian),
        ("linear", SuppressionMethod::Linear),
        ("hard", SuppressionMethod::Hard),
    ] {
        for count in [1_000, 10_000, 100_000] {
            let input = candidates_within(2.304 * count as f64, count, 1);
            let rules = SuppressionConfig {
                method,
                max_detections: count,
                ..rules.clone()
            };
            group.throughput(Throughput::Elements(count as u64));
            group.bench_with_input(BenchmarkId::new(name, count), &input, |bencher, input| {
                bencher.iter(|| suppress(input, &rules));
            });
        }
    }
    group.finish();
}

fn evaluation(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("evaluate");
    let rules = config("thumos14_i3d", &[]).evaluation;
    for per_recording in [200, 2_000] {
        let (recordings, found) = detections(200, per_recording);
        group.throughput(Throughput::Elements(200 * per_recording as u64));
        let id = BenchmarkId::new("map", format!("200x{per_recording}"));
        group.bench_function(id, |bencher| {
            bencher.iter(|| evaluate(&recordings, &found, &rules));
        });
    }
    // As many recordings as in THUMOS14's test subset, with 400,000 detections.
    let (recordings, found) = detections(213, 1_878);
    let columns = Columns::of(&recordings, &found);
    group.throughput(Throughput::Elements(columns.recording.len() as u64));
    group.bench_function("columns", |bencher| {
        bencher.iter(|| evaluate(&recordings, columns.borrow(), &rules));
    });
    // Ten times the detections should take about ten times as long.
    for num_detections in [10_000, 100_000, 1_000_000] {
        let (recordings, found) = detections(200, num_detections / 200);
        let columns = Columns::of(&recordings, &found);
        group.throughput(Throughput::Elements(num_detections as u64));
        group.bench_function(BenchmarkId::new("growth", num_detections), |bencher| {
            bencher.iter(|| evaluate(&recordings, columns.borrow(), &rules));
        });
    }
    group.finish();
}

/// Evaluation of files on disk.
fn evaluation_of_files(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("evaluate-file");
    group.sample_size(10);
    let rules = config("thumos14_i3d", &[]).evaluation;
    let (recordings, found) = detections(213, 1_878);
    let names = (0..20).map(|label| format!("action {label}"));
    let classes = ClassMap::from_names(names).expect("names differ");
    let folder = tempfile::tempdir().expect("a folder for the files");
    let num_detections: usize = found.values().map(Vec::len).sum();
    group.throughput(Throughput::Elements(num_detections as u64));
    for name in ["detections.json", "detections.csv"] {
        let file = folder.path().join(name);
        results::write(&file, &found, &classes).expect("the file can be written");
        group.bench_function(name, |bencher| {
            bencher.iter(|| {
                let found = results::read(&file, &classes).expect("the file was just written");
                evaluate(&recordings, &found, &rules)
            });
        });
    }
    group.finish();
}

/// Detections as columns.
#[derive(Default)]
struct Columns {
    recording: Vec<u32>,
    start: Vec<f64>,
    end: Vec<f64>,
    score: Vec<f64>,
    label: Vec<u32>,
}

impl Columns {
    fn of(recordings: &[Recording], found: &DetectionSet) -> Self {
        let mut columns = Self::default();
        for (index, recording) in recordings.iter().enumerate() {
            for detection in &found[&recording.id] {
                columns.recording.push(index as u32);
                columns.start.push(detection.segment.start);
                columns.end.push(detection.segment.end);
                columns.score.push(detection.score);
                columns.label.push(detection.label);
            }
        }
        columns
    }

    fn borrow(&self) -> DetectionColumns<'_> {
        DetectionColumns {
            recording: &self.recording,
            start: &self.start,
            end: &self.end,
            score: &self.score,
            label: &self.label,
        }
    }
}

criterion_group!(
    benches,
    suppression,
    suppression_growth,
    evaluation,
    evaluation_of_files
);
criterion_main!(benches);
