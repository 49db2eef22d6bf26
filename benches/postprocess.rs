//! Suppression and evaluation.

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use tal_benches::{candidates, candidates_within, config, detections};
use tal_core::config::{SuppressionConfig, SuppressionMethod, VotingConfig, VotingWeight};
use tal_postprocess::{evaluate, suppress};

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

/// One class without a cap, over a length that grows with the count: near-linear time, whatever the method.
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
    group.finish();
}

criterion_group!(benches, suppression, suppression_growth, evaluation);
criterion_main!(benches);
