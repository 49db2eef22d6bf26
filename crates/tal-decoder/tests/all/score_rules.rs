//! Rules of refined scores on a small learning problem: why a product of logits loses if there is little to learn from.
//!
//! Points have 12 normal channels; 4 % are positive, which moves their first channel by 2. Two linear heads see all channels, as
//! the heads of the network do. They begin like these: a at the logit of 0.01, q at 0. The loss is the released mix, 0.7 after
//! and 0.3 before the refinement.

use tal_core::config::RefinedScore;
use tal_decoder::refined_logits;
use tch::{Device, Kind, Reduction, Tensor};

const NUM_CHANNELS: i64 = 12;
const SEEDS: i64 = 3;

/// Figures of a rule on points that it was not trained on, mean over seeds.
struct Figures {
    train_ap: f64,
    test_ap: f64,
    /// Share of the wrong points with a score above ½ whose two logits are both negative.
    both_negative: f64,
}

fn points(count: i64) -> (Tensor, Tensor) {
    let options = (Kind::Double, Device::Cpu);
    let positive = Tensor::rand([count], options)
        .less(0.04)
        .to_kind(Kind::Double);
    let x = Tensor::randn([count, NUM_CHANNELS], options);
    let _ = x.select(1, 0).g_add_(&(&positive * 2.0));
    (x, positive)
}

fn average_precision(scores: &Tensor, positive: &Tensor) -> f64 {
    let order = scores.argsort(0, true);
    let hits: Vec<bool> = Vec::<f64>::try_from(positive.index_select(0, &order))
        .unwrap()
        .into_iter()
        .map(|value| value > 0.5)
        .collect();
    let (mut found, mut sum) = (0.0, 0.0);
    for (rank, hit) in hits.iter().enumerate() {
        if *hit {
            found += 1.0;
            sum += found / (rank + 1) as f64;
        }
    }
    sum / found
}

/// Trains two heads; no rule trains the first one alone.
fn figures(rule: Option<RefinedScore>, num_points: i64) -> Figures {
    let mut mean = Figures {
        train_ap: 0.0,
        test_ap: 0.0,
        both_negative: 0.0,
    };
    for seed in 0..SEEDS {
        tch::manual_seed(seed);
        let (x, y) = points(num_points);
        let (test_x, test_y) = points(10_000);
        let bias = |value: f64| Tensor::from_slice(&[value]).set_requires_grad(true);
        let weight = || Tensor::randn([NUM_CHANNELS], (Kind::Double, Device::Cpu)) * 0.05;
        let heads = [
            (weight().set_requires_grad(true), bias(-4.6)),
            (weight().set_requires_grad(true), bias(0.0)),
        ];
        let logits = |x: &Tensor| heads.each_ref().map(|(weight, bias)| x.mv(weight) + bias);
        let score = |x: &Tensor| {
            let [a, q] = logits(x);
            rule.map_or_else(|| a.shallow_clone(), |rule| refined_logits(&a, &q, rule))
        };
        let parameters: Vec<&Tensor> = heads
            .iter()
            .flat_map(|(weight, bias)| [weight, bias])
            .collect();
        let mut moments: Vec<(Tensor, Tensor)> = parameters
            .iter()
            .map(|p| (p.zeros_like(), p.zeros_like()))
            .collect();
        for step in 1..=1000 {
            let loss = |logits: &Tensor| {
                logits.binary_cross_entropy_with_logits::<Tensor>(&y, None, None, Reduction::Sum)
                    / y.sum(Kind::Double)
            };
            let total = match rule {
                None => loss(&score(&x)),
                Some(_) => loss(&score(&x)) * 0.7 + loss(&logits(&x)[0]) * 0.3,
            };
            // Adam, written out: the first head alone has no gradient for the second.
            let used = if rule.is_some() { 4 } else { 2 };
            let grads = Tensor::run_backward(&[total], &parameters[..used], false, false);
            tch::no_grad(|| {
                for ((parameter, grad), (mean, square)) in
                    parameters.iter().zip(&grads).zip(&mut moments)
                {
                    *mean = &*mean * 0.9 + grad * 0.1;
                    *square = &*square * 0.999 + grad * grad * 0.001;
                    let scaled = &*mean / (1.0 - 0.9f64.powi(step));
                    let root = (&*square / (1.0 - 0.999f64.powi(step))).sqrt() + 1e-8;
                    let _ = parameter.shallow_clone().g_sub_(&(scaled / root * 0.1));
                }
            });
        }
        tch::no_grad(|| {
            let scores = score(&test_x);
            let [a, q] = logits(&test_x);
            let wrong = scores.greater(0.0).logical_and(&test_y.less(0.5));
            let both = wrong.logical_and(&a.less(0.0)).logical_and(&q.less(0.0));
            let count = |mask: &Tensor| mask.sum(Kind::Double).double_value(&[]);
            mean.train_ap += average_precision(&score(&x), &y) / SEEDS as f64;
            mean.test_ap += average_precision(&scores, &test_y) / SEEDS as f64;
            mean.both_negative += count(&both) / count(&wrong).max(1.0) / SEEDS as f64;
        });
    }
    mean
}

#[test]
fn a_product_of_logits_fits_best_and_generalises_worst() {
    tch::set_num_threads(1);
    let few = |rule| figures(rule, 400);
    let product = few(Some(RefinedScore::LogitProduct));
    let root = few(Some(RefinedScore::ProbabilityRoot));
    let none = few(None);
    let table = |figures: &Figures| (figures.train_ap, figures.test_ap, figures.both_negative);
    let all = format!(
        "product {:.3?}, root {:.3?}, none {:.3?}",
        table(&product),
        table(&root),
        table(&none)
    );
    assert!(product.train_ap > none.train_ap, "{all}");
    assert!(product.test_ap < root.test_ap - 0.02, "{all}");
    assert!(root.test_ap < none.test_ap, "{all}");
    // Wrong points on which both heads say no. The root has none: √(σ(a)σ(q)) is below ½ there.
    assert!(product.both_negative > 0.1, "{all}");
    assert_eq!(root.both_negative, 0.0, "{all}");
    eprintln!("{all}");
}

#[test]
fn the_root_rises_with_both_logits_and_the_product_does_not() {
    let values: Vec<f64> = (-12..=12).map(f64::from).collect();
    let score = |a: f64, q: f64, rule| {
        let [a, q] = [a, q].map(|value| Tensor::from_slice(&[value]));
        refined_logits(&a, &q, rule).double_value(&[0])
    };
    let mut falling = 0;
    for &q in &values {
        for pair in values.windows(2) {
            let root = |a| score(a, q, RefinedScore::ProbabilityRoot);
            assert!(root(pair[0]) < root(pair[1]), "{pair:?}, {q}");
            let product = |a| score(a, q, RefinedScore::LogitProduct);
            falling += usize::from(product(pair[0]) > product(pair[1]));
        }
    }
    // For every negative q: the surer the first head is that nothing happens, the higher the score.
    assert_eq!(falling, 12 * 24);
}
