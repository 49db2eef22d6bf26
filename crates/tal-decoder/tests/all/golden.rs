//! Every layer, candidate, target, loss and gradient against recordings of the authors' code.

use tal_core::Candidates;
use tal_core::nn::FeaturePyramid;
use tal_decoder::{LevelOutput, Targets, select_candidates};
use tch::Tensor;

use crate::support::{Golden, max_diff, trident_of};

const LAYER: f64 = 1e-4;

fn recordings(golden: &Golden) -> Vec<usize> {
    (0..2)
        .filter(|r| golden.has(&format!("eval.{r}.pyramid.level0")))
        .collect()
}

#[test]
fn fused_features() {
    for golden in Golden::all() {
        let network = golden.network();
        let mut worst = [0f64; 3];
        for r in recordings(&golden) {
            let pyramid = golden.pyramid(&[r]);
            let decoder = &network.decoder;
            let fused: [(&str, FeaturePyramid); 3] = [
                ("dcm", decoder.dcm.as_ref().unwrap().forward(&pyramid)),
                ("drm", decoder.drm.as_ref().unwrap().forward(&pyramid)),
                ("clff", decoder.clff.as_ref().unwrap().forward(&pyramid)),
            ];
            for (worst, (what, fused)) in worst.iter_mut().zip(fused) {
                for (l, level) in fused.levels.iter().enumerate() {
                    let name = format!("eval.{r}.{what}.level{l}");
                    if golden.has(&name) {
                        let diff = max_diff(&level.features.get(0), golden.get(&name));
                        *worst = worst.max(diff);
                        assert!(diff < LAYER, "{} {name}: {diff}", golden.name);
                    }
                }
            }
        }
        println!(
            "{}: dcm, drm, clff differ by at most {worst:?}",
            golden.name
        );
    }
}

#[test]
fn head_outputs() {
    type Output = (&'static str, fn(&LevelOutput) -> &Tensor);
    const OUTPUTS: [Output; 7] = [
        ("cls_logits", |l| &l.cls_logits),
        ("offset_bins", |l| &trident_of(l).offset_bins),
        ("start_logits", |l| &trident_of(l).start_logits),
        ("end_logits", |l| &trident_of(l).end_logits),
        ("refine_cls", |l| l.refine_cls.as_ref().unwrap()),
        ("refine_start", |l| l.refine_start.as_ref().unwrap()),
        ("refine_end", |l| l.refine_end.as_ref().unwrap()),
    ];
    for golden in Golden::all() {
        let network = golden.network();
        for r in recordings(&golden) {
            let output = network.decoder.forward(&golden.pyramid(&[r]));
            for (what, part) in OUTPUTS {
                let mut worst = 0f64;
                for (l, level) in output.levels().iter().enumerate() {
                    let name = format!("eval.{r}.{what}.level{l}");
                    let diff = max_diff(&part(level).get(0), golden.get(&name));
                    worst = worst.max(diff);
                    assert!(diff < LAYER, "{} {name}: {diff}", golden.name);
                }
                println!(
                    "{} recording {r}: {what} differs by at most {worst:e}",
                    golden.name
                );
            }
        }
    }
}

/// Columns as (label, score, start, end), sorted by label and score.
fn sorted(rows: impl Iterator<Item = (i64, f32, f32, f32)>) -> Vec<(i64, f32, f32, f32)> {
    let mut rows: Vec<_> = rows.collect();
    rows.sort_by(|a, b| (a.0, a.1).partial_cmp(&(b.0, b.1)).unwrap());
    rows
}

/// Matches two sets greedily and returns the greatest difference of scores and of ends.
fn match_sets(name: &str, ours: &Candidates, golden: &Golden, r: usize) -> (f32, f32) {
    let get = |what: &str| golden.get(&format!("eval.{r}.candidates.{what}"));
    let labels = Vec::<i64>::try_from(get("labels")).unwrap();
    let scores = Vec::<f32>::try_from(get("scores")).unwrap();
    let segments = Vec::<Vec<f32>>::try_from(get("segments")).unwrap();
    assert_eq!(ours.len(), labels.len(), "{name}: number of candidates");
    let ours = sorted((0..ours.len()).map(|i| {
        (
            ours.label[i].into(),
            ours.score[i],
            ours.start[i],
            ours.end[i],
        )
    }));
    let theirs =
        sorted((0..labels.len()).map(|i| (labels[i], scores[i], segments[i][0], segments[i][1])));
    let mut taken = vec![false; ours.len()];
    let (mut score_diff, mut end_diff) = (0f32, 0f32);
    for (row, golden) in theirs.iter().enumerate() {
        let near = row.saturating_sub(50)..(row + 50).min(ours.len());
        let found = near.into_iter().find(|&i| {
            let candidate = &ours[i];
            !taken[i]
                && candidate.0 == golden.0
                && (candidate.1 - golden.1).abs() < 1e-4
                && (candidate.2 - golden.2).abs() < 1e-3
                && (candidate.3 - golden.3).abs() < 1e-3
        });
        let i = found.unwrap_or_else(|| panic!("{name}: no candidate like {golden:?}"));
        taken[i] = true;
        score_diff = score_diff.max((ours[i].1 - golden.1).abs());
        end_diff = end_diff
            .max((ours[i].2 - golden.2).abs())
            .max((ours[i].3 - golden.3).abs());
    }
    (score_diff, end_diff)
}

#[test]
fn candidates_as_sets() {
    for golden in Golden::all() {
        let network = golden.network();
        let recordings = recordings(&golden);
        // All recordings in one batch: samples do not see each other.
        let pyramid = golden.pyramid(&recordings);
        let grid = golden.grid(&pyramid);
        let output = network.decoder.forward(&pyramid);
        let batch = select_candidates(&output, &grid, &golden.config.inference);
        assert_eq!(batch.len(), recordings.len());
        for (r, ours) in recordings.into_iter().zip(&batch) {
            let (score, end) = match_sets(golden.name, ours, &golden, r);
            println!(
                "{} recording {r}: {} candidates, scores differ by at most {score:e}, ends by {end:e}",
                golden.name,
                ours.len()
            );
        }
    }
}

/// One or zero per (point, class), row by row.
fn dense_classes(targets: &Targets, num_classes: usize) -> Vec<f32> {
    let mut classes = vec![0.0; targets.num_points * num_classes];
    for positive in &targets.positives {
        for &class in &positive.classes {
            classes[positive.point * num_classes + class as usize] = 1.0;
        }
    }
    classes
}

#[test]
fn assigned_targets() {
    for golden in Golden::all() {
        let grid = golden.grid(&golden.training_pyramid());
        for r in 0..2 {
            let targets = golden.targets(r, &grid);
            let classes = golden.get(&format!("targets.{r}.cls"));
            let classes: Vec<f32> = Vec::<u8>::try_from(classes.view(-1))
                .unwrap()
                .into_iter()
                .map(f32::from)
                .collect();
            let ours = dense_classes(&targets, golden.num_classes);
            assert_eq!(ours, classes, "{} recording {r}", golden.name);
            let offsets = golden.get(&format!("targets.{r}.reg"));
            let offsets = Vec::<Vec<f32>>::try_from(offsets).unwrap();
            assert!(!targets.positives.is_empty());
            for positive in &targets.positives {
                assert_eq!(positive.offsets[..], offsets[positive.point][..]);
            }
            println!(
                "{} recording {r}: {} positive points, targets equal bit by bit",
                golden.name,
                targets.positives.len()
            );
        }
    }
}

#[test]
fn losses_and_gradients_of_one_step() {
    for golden in Golden::all() {
        let network = golden.network();
        let (criterion, losses) = golden.step(&network, &golden.config.loss);
        golden.assert_losses(&losses);
        for (name, term) in [
            ("refined", &losses.refined),
            ("unrefined", &losses.unrefined),
        ] {
            // Only one of the networks was recorded term by term.
            let term = term.as_ref().unwrap();
            golden.assert_loss(&format!("{name}_cls_loss"), &term.cls);
            golden.assert_loss(&format!("{name}_reg_loss"), &term.reg);
        }
        let normalizer = golden.get("train.loss_normalizer").double_value(&[0]);
        assert!((criterion.state().normalizer - normalizer).abs() < 1e-9);
        assert!(losses.num_positives > 0);

        losses.total.backward();
        golden.assert_gradients(&network);
    }
}
