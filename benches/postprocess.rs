//! Suppression and evaluation.

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use tal_benches::{candidates, config, detections};
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

criterion_group!(benches, suppression, evaluation);
criterion_main!(benches);
