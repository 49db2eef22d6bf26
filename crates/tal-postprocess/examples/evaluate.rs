//! mAP of two JSON files: `cargo run --release -p tal-postprocess --example evaluate -- annotations.json detections.json`.

use tal_core::config::{EvaluationConfig, EvaluationDialect};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let [annotations, detections] = [1, 2].map(|n| std::env::args_os().nth(n).unwrap_or_default());
    let truth = tal_data::annotations::read(annotations.as_ref(), None)?;
    let found = tal_data::results::read(detections.as_ref(), &truth.classes)?;
    let rules = EvaluationConfig {
        dialect: EvaluationDialect::Clean,
        ..EvaluationConfig::default()
    };
    let subset = ["test".to_owned()];
    let result = tal_postprocess::evaluate(truth.subset(&subset), &found, &rules)?;
    println!(
        "average mAP {:.4}, per threshold {:.4?}",
        result.average_map, result.map
    );
    Ok(())
}
