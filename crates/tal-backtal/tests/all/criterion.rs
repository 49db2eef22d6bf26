//! The loss: missing labels or clicks, gradients, cases worked out by hand.

use tal_backtal::loss;
use tal_backtal::{BackTal, BackTalCriterion, BackTalOutput, WeakTarget};
use tal_core::config::{AffinityLayout, BackTalConfig};
use tal_core::nn::{gradient_error, named_variables};
use tch::nn::VarStore;
use tch::{Device, Kind, Tensor};

use crate::support::{Network, alone, config};

const INPUT_DIM: usize = 5;
const NUM_CLASSES: usize = 3;

fn small(layout: AffinityLayout, dropout: f64) -> BackTalConfig {
    let layout = match layout {
        AffinityLayout::PerTap => "per_tap",
        AffinityLayout::Released => "released",
    };
    let overrides = [
        "dim=4".to_owned(),
        "hidden_dim=3".to_owned(),
        "embedding_dim=3".to_owned(),
        "topk_ratio=0.3".to_owned(),
        "loss.norm_weight=0.1".to_owned(),
        format!("affinity={layout}"),
        format!("dropout={dropout}"),
    ];
    config("backtal_thumos14", &overrides)
}

/// A network of random weights in float64.
fn network(config: &BackTalConfig) -> Network {
    tch::set_num_threads(1);
    tch::manual_seed(7);
    let mut vs = VarStore::new(Device::Cpu);
    let backtal = BackTal::new(&vs.root(), INPUT_DIM, NUM_CLASSES, config).unwrap();
    vs.double();
    Network { vs, backtal }
}

fn input() -> Tensor {
    tch::manual_seed(8);
    Tensor::randn([2, INPUT_DIM as i64, 8], (Kind::Double, Device::Cpu))
}

fn target(labels: &[u32], clicks: &[usize]) -> WeakTarget {
    WeakTarget {
        labels: labels.to_vec(),
        clicks: clicks.to_vec(),
    }
}

fn value(tensor: &Tensor) -> f64 {
    tensor.double_value(&[])
}

#[test]
fn gradients_of_the_whole_loss_in_both_layouts() {
    let _alone = alone();
    for layout in [AffinityLayout::PerTap, AffinityLayout::Released] {
        let config = small(layout, 0.0);
        let Network { vs, backtal } = network(&config);
        let criterion = BackTalCriterion::new(&config);
        let targets = [target(&[0, 2], &[1, 5]), target(&[1], &[0, 2, 3])];
        let x = input();
        let inputs: Vec<Tensor> = named_variables(&vs).into_values().collect();
        let error = gradient_error(&inputs, || {
            let output = backtal.forward_both(&x, true);
            criterion.forward(&output, &targets).total
        });
        assert!(error < 1e-6, "{layout:?}: {error}");
    }
}

#[test]
fn a_batch_without_clicks_trains() {
    let _alone = alone();
    let config = small(AffinityLayout::PerTap, 0.5);
    let Network { vs, backtal } = network(&config);
    let output = backtal.forward_both(&input(), true);
    let criterion = BackTalCriterion::new(&config);
    let losses = criterion.forward(&output, &[target(&[0], &[]), target(&[1, 2], &[])]);
    for term in [&losses.click, &losses.separation, &losses.embedding] {
        assert_eq!(value(term), 0.0);
    }
    let rest = value(&losses.base) + value(&losses.supp) + 0.1 * value(&losses.norm);
    assert!((value(&losses.total) - rest).abs() < 1e-9);
    losses.total.backward();
    for (name, variable) in named_variables(&vs) {
        let norm = variable.grad().norm().double_value(&[]);
        assert!(norm.is_finite() && norm > 0.0, "{name}: {norm}");
    }
}

#[test]
fn a_recording_without_labels_is_background() {
    let _alone = alone();
    let config = small(AffinityLayout::PerTap, 0.0);
    let Network { backtal, .. } = network(&config);
    let output = backtal.forward_both(&input(), true);
    let criterion = BackTalCriterion::new(&config);
    let losses = criterion.forward(&output, &[target(&[], &[0, 4]), target(&[], &[])]);
    assert_eq!(value(&losses.supp), 0.0);
    assert_eq!(value(&losses.separation), 0.0);
    assert!(value(&losses.base) > 0.0 && value(&losses.click) > 0.0);
    assert!(value(&losses.embedding).is_finite() && value(&losses.total).is_finite());
}

#[test]
fn dropout_zeroes_and_scales() {
    let _alone = alone();
    let config = small(AffinityLayout::PerTap, 0.7);
    let Network { backtal, .. } = network(&config);
    let x = Tensor::randn([40, INPUT_DIM as i64, 50], (Kind::Double, Device::Cpu));
    let weight = backtal.filter.forward(&x);
    let affinity = tal_backtal::Affinity::new(&backtal.embedding.forward(&x));
    tch::manual_seed(3);
    let (base, supp) = backtal.base.forward_both(&x, &weight, &affinity, true);
    tch::manual_seed(3);
    let output = backtal.forward_both(&x, true);
    for (features, cas) in [(base, &output.cas_base), (supp, &output.cas_supp)] {
        let zeros = features.eq(0.0).to_kind(Kind::Double).mean(None::<Kind>);
        assert!((value(&zeros) - 0.7).abs() < 0.02, "{}", value(&zeros));
        let expected = backtal.classifier.forward(&features) / 0.3;
        let difference = (cas - expected).abs().max();
        assert!(value(&difference) < 1e-9);
    }
    // Without dropout, both ways through the network agree.
    let (both, one) = (backtal.forward_both(&x, false), backtal.forward(&x));
    assert!(value(&(&both.cas_supp - &one.cas).abs().max()) < 1e-9);
    let score = both.score_supp.softmax(1, None::<Kind>);
    assert!(value(&(score - &one.score).abs().max()) < 1e-9);
}

/// Sequences of one recording, one class and background, over four snippets.
fn output() -> BackTalOutput {
    let row = |values: &[f64], rows: i64| Tensor::from_slice(values).view([1, rows, -1]);
    let cas = row(&[4.0, 1.0, 2.0, -1.0, 0.0, 0.0, 3.0, 1.0], 2);
    BackTalOutput {
        score_base: Tensor::from_slice(&[4.0, 3.0]).view([1, 2]),
        score_supp: Tensor::from_slice(&[1.0, 1.0]).view([1, 2]),
        cas_supp: cas.shallow_clone(),
        cas_base: cas,
        embedding: row(&[1.0, 0.6, 0.0, 0.0, 0.0, 0.8, 1.0, -1.0], 2),
        foreground_weight: row(&[0.5, 0.25, 0.0, 1.0], 1),
    }
}

#[test]
fn terms_worked_by_hand() {
    let config = config(
        "backtal_thumos14",
        &[
            "topk_ratio=0.5".to_owned(),
            "loss.separation_topk_ratio=0.25".to_owned(),
        ],
    );
    let losses = BackTalCriterion::new(&config).forward(&output(), &[target(&[0], &[2, 3])]);
    let softplus = |x: f64| x.exp().ln_1p();
    // Labels (½, ½): ½ · (softplus(−1) + softplus(1)).
    let base = 0.5 * (softplus(-1.0) + softplus(1.0));
    // Background at snippets 2 (2 against 3) and 3 (−1 against 1).
    let click = 0.5 * (softplus(-1.0) + softplus(-2.0));
    // Foreground 4, background (2 − 1) / 2.
    let separation = softplus(0.5 - 4.0);
    // Action snippets 0 and 2, background 2 and 3: cosines within 1, 0 and 1, −1, across (0, 0) and (1, −1).
    let embedding = 0.5 + 1.5 + (0.0 + 0.9) / 2.0 + (0.9 + 0.0) / 2.0;
    for (name, found, expected) in [
        ("base", &losses.base, base),
        ("supp", &losses.supp, 2f64.ln()),
        ("norm", &losses.norm, 1.75),
        ("click", &losses.click, click),
        ("separation", &losses.separation, separation),
        ("embedding", &losses.embedding, embedding),
    ] {
        let found = value(found);
        assert!(
            (found - expected).abs() < 1e-9,
            "{name}: {found} for {expected}"
        );
    }
    let total = base + 2f64.ln() + 1.75e-4 + click + separation + 0.8 * embedding;
    assert!((value(&losses.total) - total).abs() < 1e-9);
}

#[test]
fn embeddings_of_one_kind_alone() {
    let none = Tensor::zeros([2, 0], (Kind::Double, Device::Cpu));
    let apart = Tensor::from_slice(&[1.0, 0.0, 0.0, 1.0]).view([2, 2]);
    assert_eq!(value(&loss::affinity(&none, &apart, 0.5, 0.1)), 0.5);
    assert_eq!(value(&loss::affinity(&apart, &none, 0.5, 0.1)), 0.5);
    assert_eq!(value(&loss::affinity(&none, &none, 0.5, 0.1)), 0.0);
}

#[test]
fn networks_without_sizes_are_refused() {
    let _alone = alone();
    let vs = VarStore::new(Device::Cpu);
    let mut config = small(AffinityLayout::PerTap, 0.5);
    let error = BackTal::new(&vs.root(), 0, 3, &config).unwrap_err();
    assert!(
        error.to_string().contains("the number of channels is 0"),
        "{error}"
    );
    config.dropout = 1.0;
    let error = BackTal::new(&vs.root(), 2, 3, &config).unwrap_err();
    assert!(
        error.to_string().contains("backtal.dropout is 1"),
        "{error}"
    );
}
