//! GMG, self-attention and the blocks of other methods. CPU, all threads of LibTorch.
//!
//! `cargo run --release -p tal-benches --example mixers` makes a table and a plot of the results.

use criterion::{BenchmarkId, Criterion, criterion_group, criterion_main};
use tal_benches::mixing::{Block, Case, LENGTHS, Pass, fits};

fn mixers(criterion: &mut Criterion) {
    for pass in Pass::ALL {
        let mut group = criterion.benchmark_group(format!("mixers-{}", pass.name()));
        group.sample_size(10);
        for block in Block::ALL {
            for len in LENGTHS {
                if !fits(block, len, pass) {
                    println!("{} at {len}: not enough memory, skipped", block.name());
                    continue;
                }
                // Built once, and only if the benchmark is not filtered out.
                let mut case = None;
                group.bench_function(BenchmarkId::new(block.name(), len), |bencher| {
                    let case = case.get_or_insert_with(|| Case::new(block, len));
                    bencher.iter(|| case.run(pass));
                });
            }
        }
        group.finish();
    }
}

criterion_group!(benches, mixers);
criterion_main!(benches);
