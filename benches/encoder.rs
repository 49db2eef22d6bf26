//! Features to pyramid, no gradient: projection, GMG blocks, neck. CPU, all threads of LibTorch.

use criterion::{Criterion, criterion_group, criterion_main};
use tal_benches::unit::in_units;
use tal_benches::workload::{PYRAMIDS, network};

fn encoder(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("encoder");
    group.sample_size(10);
    for workload in PYRAMIDS {
        let mut parts = None;
        in_units(&mut group, &workload.name(), |bencher| {
            let (detector, batch) =
                parts.get_or_insert_with(|| (workload.detector(), workload.recording()));
            bencher.iter(|| {
                let network = network(detector);
                tch::no_grad(|| network.pyramid(&batch.features, &batch.lens, false))
            });
        });
    }
    group.finish();
}

criterion_group!(benches, encoder);
criterion_main!(benches);
