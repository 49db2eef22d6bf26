//! Heads, losses and gradients of the compared methods against recordings of their authors' code.

use tal_decoder::{BoundaryOutput, LevelOutput, select_candidates};
use tch::Tensor;

use crate::support::{Golden, PLAIN, max_diff};

fn baselines() -> Vec<Golden> {
    let load = |name: &'static str, changes: &[&str]| {
        let file = format!("{name}.safetensors");
        Golden::load(name, &[&file], &[&PLAIN, changes].concat())
    };
    let distances = "decoder.trident=null";
    let cost = "loss.assignment.cost={classification_weight: 1, regression_weight: 2, \
                keep_percent: 1, confuse_weight: 0}";
    vec![
        load("tridet", &["loss.unrefined.iou_weight=true"]),
        load("actionformer", &[distances]),
        load("actionformer_global", &[distances]),
        load(
            "temporalmaxer",
            &[distances, cost, "loss.assignment.center_radius=1.5"],
        ),
    ]
}

fn outputs(level: &LevelOutput) -> Vec<(&'static str, &Tensor)> {
    let mut outputs = vec![("cls_logits", &level.cls_logits)];
    match &level.boundaries {
        BoundaryOutput::Distances(distances) => outputs.push(("offsets", distances)),
        BoundaryOutput::Trident(trident) => outputs.extend([
            ("offsets", &trident.offset_bins),
            ("start_logits", &trident.start_logits),
            ("end_logits", &trident.end_logits),
        ]),
    }
    outputs
}

#[test]
fn head_outputs() {
    for golden in baselines() {
        let network = golden.network();
        let mut worst = 0f64;
        for r in 0..2 {
            let output = network.decoder.forward(&golden.pyramid(&[r]));
            for (l, level) in output.levels().iter().enumerate() {
                let outputs = outputs(level);
                assert_eq!(outputs.len(), if golden.name == "tridet" { 4 } else { 2 });
                for (what, ours) in outputs {
                    let name = format!("eval.{r}.{what}.level{l}");
                    let diff = max_diff(&ours.get(0), golden.get(&name));
                    assert!(diff < 1e-4, "{} {name}: {diff}", golden.name);
                    worst = worst.max(diff);
                }
            }
        }
        println!("{}: heads differ by at most {worst:e}", golden.name);
    }
}

/// Suppression per class lowers scores and moves no boundary: every detection is a candidate with at least its score, and
/// the best detection of a class is the best candidate of that class.
#[test]
fn detections_are_candidates() {
    const SECONDS_PER_FEATURE: f32 = 4.0 / 30.0;
    const HALF_WINDOW: f32 = 8.0 / 30.0;
    for golden in baselines() {
        let network = golden.network();
        let pyramid = golden.pyramid(&[0, 1]);
        let output = network.decoder.forward(&pyramid);
        let grid = golden.grid(&pyramid);
        let found = select_candidates(&output, &grid, &golden.config.inference);
        for (r, ours) in found.iter().enumerate() {
            let get = |what: &str| golden.get(&format!("eval.{r}.detections.{what}"));
            let labels = Vec::<i64>::try_from(get("labels")).unwrap();
            let scores = Vec::<f32>::try_from(get("scores")).unwrap();
            let segments = Vec::<Vec<f32>>::try_from(get("segments")).unwrap();
            let duration = segments.iter().map(|s| s[1]).fold(0f32, f32::max);
            let seconds =
                |grid: f32| (grid * SECONDS_PER_FEATURE + HALF_WINDOW).clamp(0.0, duration);
            let mut best = [0f32; 5];
            for i in 0..ours.len() {
                let class = ours.label[i] as usize;
                best[class] = best[class].max(ours.score[i]);
            }
            let mut seen = [false; 5];
            for row in 0..labels.len() {
                let class = labels[row] as usize;
                // Detections stand by falling score.
                if !std::mem::replace(&mut seen[class], true) {
                    assert!((best[class] - scores[row]).abs() < 1e-4, "{}", golden.name);
                }
                let matches = (0..ours.len()).any(|i| {
                    i64::from(ours.label[i]) == labels[row]
                        && ours.score[i] > scores[row] - 1e-4
                        && (seconds(ours.start[i]) - segments[row][0]).abs() < 1e-3
                        && (seconds(ours.end[i]) - segments[row][1]).abs() < 1e-3
                });
                assert!(
                    matches,
                    "{} recording {r}: no candidate like detection {row}, {:?}",
                    golden.name, segments[row]
                );
            }
            println!(
                "{} recording {r}: {} detections among {} candidates",
                golden.name,
                labels.len(),
                ours.len()
            );
        }
    }
}

#[test]
fn losses_and_gradients_of_one_step() {
    for golden in baselines() {
        let network = golden.network();
        let (_, losses) = golden.step(&network, &golden.config.loss);
        if golden.has("train.num_pos") {
            let expected = golden.get("train.num_pos").double_value(&[0]);
            assert_eq!(losses.num_positives as f64, expected, "{}", golden.name);
        }
        golden.assert_losses(&losses);
        losses.total.backward();
        golden.assert_gradients(&network);
    }
}

/// Without costs, or with the shortest action, TemporalMaxer's targets would be others.
#[test]
fn costs_change_the_targets() {
    let golden = baselines().remove(3);
    let network = golden.network();
    let mut shortest = golden.config.loss.clone();
    shortest.assignment.cost = None;
    let (_, losses) = golden.step(&network, &shortest);
    let reg = losses.reg.double_value(&[]);
    let expected = golden.get("train.reg_loss").double_value(&[0]);
    assert!((reg - expected).abs() > 1e-3 * expected);
}
