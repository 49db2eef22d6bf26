//! Decoder (pyramid to outputs), candidates and loss, each alone. CPU, all threads of LibTorch.
//!
//! Random weights are the worst case for candidates: nearly every pair of class and point passes the threshold. The loss is
//! that of a batch of two; gradients are recorded but not computed. Maps per class are computed when candidates or loss read
//! them.

use criterion::{Criterion, criterion_group, criterion_main};
use tal_benches::unit::in_units;
use tal_benches::workload::{PYRAMIDS, network};
use tal_core::PointGrid;
use tal_decoder::{Criterion as TrainingLoss, select_candidates};

fn decoder(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("decoder");
    group.sample_size(10);
    for workload in PYRAMIDS {
        let name = |part: &str| format!("{part}/{}", workload.name());
        let mut parts = None;
        in_units(&mut group, &name("forward"), |bencher| {
            let (detector, pyramid) = parts.get_or_insert_with(|| {
                let (detector, batch) = (workload.detector(), workload.recording());
                let network = network(&detector);
                let pyramid = tch::no_grad(|| network.pyramid(&batch.features, &batch.lens, false));
                (detector, pyramid)
            });
            let decoder = &network(detector).decoder;
            bencher.iter(|| tch::no_grad(|| decoder.forward(pyramid)));
        });
        let mut parts = None;
        in_units(&mut group, &name("candidates"), |bencher| {
            let (detector, output, points) = parts.get_or_insert_with(|| {
                let (detector, batch) = (workload.detector(), workload.recording());
                let network = network(&detector);
                let output = tch::no_grad(|| network.forward(&batch.features, &batch.lens, false));
                let range = &detector.config().decoder.regression_range;
                let points = PointGrid::new(batch.features.size()[2] as usize, range);
                (detector, output, points)
            });
            let config = &detector.config().inference;
            bencher.iter(|| tch::no_grad(|| select_candidates(output, points, config)));
        });
        let mut parts = None;
        in_units(&mut group, &name("loss"), |bencher| {
            let (loss, output, batch) = parts.get_or_insert_with(|| {
                let (detector, batch) = (workload.detector(), workload.batch());
                let input = &batch.input;
                let output = network(&detector).forward(&input.features, &input.lens, true);
                (TrainingLoss::new(&detector.config().loss), output, batch)
            });
            bencher.iter(|| loss.forward(output, &batch.points, &batch.targets));
        });
    }
    group.finish();
}

criterion_group!(benches, decoder);
criterion_main!(benches);
