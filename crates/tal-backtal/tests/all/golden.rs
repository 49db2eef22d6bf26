//! Outputs, loss terms and gradients against recordings of the authors' code.

use tal_backtal::BackTalCriterion;
use tal_core::nn::named_variables;
use tch::Tensor;

use crate::support::{Golden, alone, max_diff};

const LAYER: f64 = 1e-4;
const LOSS: f64 = 1e-4;
const GRADIENT: f64 = 1e-3;

#[test]
fn both_branches() {
    let _alone = alone();
    for golden in Golden::all() {
        let name = golden.name;
        let network = golden.network();
        let output = golden.output(&network);
        for (what, found) in [
            ("foreground_weight", &output.foreground_weight),
            ("embedding", &output.embedding),
            ("cas_base", &output.cas_base),
            ("cas_supp", &output.cas_supp),
            ("score_base", &output.score_base),
            ("score_supp", &output.score_supp),
        ] {
            let diff = max_diff(found, golden.get(&format!("train.{what}")));
            println!("{name}: {what} differs by at most {diff:e}");
            assert!(diff < LAYER, "{name} {what}: {diff}");
        }
    }
}

#[test]
fn inference() {
    let _alone = alone();
    for golden in Golden::all() {
        let name = golden.name;
        let network = golden.network();
        for r in 0..3 {
            let x = golden.get("input.feats").narrow(0, r, 1);
            let sequence = tch::no_grad(|| network.backtal.forward(&x));
            for (what, found) in [("cas", &sequence.cas), ("feature1", &sequence.feature)] {
                let diff = max_diff(&found.get(0), golden.get(&format!("eval.{r}.{what}")));
                println!("{name} recording {r}: {what} differs by at most {diff:e}");
                assert!(diff < LAYER, "{name} {what}: {diff}");
            }
            // The released code overwrites the scores of the classes above its threshold (0.1) with 1. Background keeps its
            // probability, which depends on all classes.
            let score = Vec::<f32>::try_from(sequence.score.get(0)).unwrap();
            let expected = Vec::<f32>::try_from(golden.get(&format!("eval.{r}.score"))).unwrap();
            let (background, classes) = score.split_last().unwrap();
            assert!((background - expected[classes.len()]).abs() < LAYER as f32);
            assert!((score.iter().sum::<f32>() - 1.0).abs() < 1e-5);
            for (found, expected) in classes.iter().zip(&expected) {
                assert_eq!(*expected, if *found >= 0.1 { 1.0 } else { 0.0 });
            }
        }
    }
}

#[test]
fn losses_and_gradients() {
    let _alone = alone();
    for golden in Golden::all() {
        let name = golden.name;
        let network = golden.network();
        let output = golden.output(&network);
        let losses = BackTalCriterion::new(&golden.config).forward(&output, &golden.targets());
        for (what, found) in [
            ("base", &losses.base),
            ("supp", &losses.supp),
            ("norm", &losses.norm),
            ("click", &losses.click),
            ("embedding", &losses.embedding),
            ("total", &losses.total),
        ] {
            let expected = golden.get(&format!("train.loss_{what}")).double_value(&[0]);
            let found = found.double_value(&[]);
            println!("{name}: loss {what} {found} for {expected}");
            assert!(
                (found - expected).abs() <= LOSS * expected.abs(),
                "{name} {what}: {found} for {expected}"
            );
        }
        losses.total.backward();
        let gradients = golden.section("grad");
        let variables = named_variables(&network.vs);
        assert_eq!(gradients.len(), variables.len());
        for (variable, expected) in gradients {
            let found = variables[&variable].grad();
            let norm = |tensor: &Tensor| tensor.norm().double_value(&[]);
            let relative = norm(&(&found - &expected)) / norm(&expected).max(1e-3);
            println!("{name}: gradient of {variable} differs by {relative:e}");
            assert!(relative < GRADIENT, "{name} {variable}: {relative}");
        }
    }
}
