//! The search for rules: known answers, and no loss whatever the input.

use proptest::prelude::*;
use tal_core::config::EvaluationConfig;
use tal_core::{ClassMap, Detection, DetectionSet, Instance, Recording, Segment};
use tal_postprocess::measures::{EventConfig, FrameRate, Labelling};
use tal_postprocess::{Objective, TuningVariant, tune};

fn row(start: f64, end: f64, label: u32, score: f64) -> Detection {
    Detection {
        segment: Segment::new(start, end),
        label,
        score,
    }
}

fn recording(id: &str, rows: &[Detection]) -> Recording {
    let instance = |row: &Detection| Instance {
        segment: row.segment,
        label: row.label,
    };
    Recording {
        id: id.to_owned(),
        subset: "validation".to_owned(),
        duration: Some(100.0),
        fps: None,
        instances: rows.iter().map(instance).collect(),
    }
}

fn classes() -> ClassMap {
    ClassMap::from_names(["walk", "jump", "rest"]).unwrap()
}

fn frame_f1(labelling: Labelling) -> Objective {
    let rate = FrameRate::new(10.0).unwrap();
    Objective::FrameF1 { rate, labelling }
}

fn objectives() -> Vec<Objective> {
    let rate = FrameRate::new(10.0).unwrap();
    let event = |labelling| Objective::EventF1 {
        config: EventConfig::default(),
        labelling,
    };
    let overlaps = vec![0.1, 0.5];
    vec![
        frame_f1(Labelling::Multiple),
        frame_f1(Labelling::Single),
        Objective::SegmentF1 { rate, overlaps },
        event(Labelling::Multiple),
        event(Labelling::Single),
        Objective::Map(EvaluationConfig::default()),
    ]
}

fn variant(sigma: Option<f32>, rows: &[Detection]) -> TuningVariant {
    TuningVariant {
        sigma,
        detections: DetectionSet::from([("a".to_owned(), rows.to_vec())]),
    }
}

#[test]
fn known_thresholds_are_found() {
    // Right detections of class 0 have at least 0.8, wrong ones at most 0.6; of class 1 at least 0.3 and at most 0.1.
    let right = [
        row(0.0, 10.0, 0, 0.9),
        row(20.0, 30.0, 0, 0.8),
        row(40.0, 50.0, 1, 0.3),
        row(60.0, 70.0, 1, 0.5),
    ];
    let wrong = [
        row(12.0, 18.0, 0, 0.6),
        row(32.0, 38.0, 0, 0.5),
        row(52.0, 58.0, 1, 0.1),
        row(72.0, 78.0, 1, 0.05),
    ];
    let truth = [recording("a", &right)];
    let found = [right, wrong].concat();
    for objective in [
        frame_f1(Labelling::Multiple),
        Objective::EventF1 {
            config: EventConfig::default(),
            labelling: Labelling::Multiple,
        },
    ] {
        let variants = [variant(None, &found)];
        let tuned = tune(&objective, &truth, &classes(), &variants, &mut |_| {}).unwrap();
        assert_eq!(tuned.value, 1.0);
        assert!(tuned.untuned < 0.8);
        let [first, second] = [0, 1].map(|label| tuned.rules.min_score_of(label).unwrap());
        assert!(first > 0.6 && first <= 0.8, "{first}");
        assert!(second > 0.1 && second <= 0.3, "{second}");
    }
}

#[test]
fn nothing_changes_that_improves_nothing() {
    let right = [row(0.0, 10.0, 0, 0.9)];
    // The other class is not annotated, so it counts for nothing.
    let others = (0..9).map(|n| row(0.0, 10.0, 1, 0.1 + 0.1 * f64::from(n)));
    let found: Vec<Detection> = right.into_iter().chain(others).collect();
    let truth = [recording("a", &right)];
    let objective = frame_f1(Labelling::Multiple);
    let tuned = tune(
        &objective,
        &truth,
        &classes(),
        &[variant(None, &found)],
        &mut |_| {},
    )
    .unwrap();
    // Nothing improves an F1 of 1, so no rule is set.
    assert_eq!((tuned.value, tuned.rules.min_score), (1.0, None));
}

#[test]
fn gap_length_and_sigma_are_found() {
    let truth = [recording(
        "a",
        &[row(0.0, 10.0, 0, 1.0), row(30.0, 40.0, 0, 1.0)],
    )];
    // Two halves of each annotation with a small gap, and short wrong ones with a high score.
    let found = [
        row(0.0, 4.9, 0, 0.5),
        row(5.1, 10.0, 0, 0.5),
        row(30.0, 34.9, 0, 0.5),
        row(35.1, 40.0, 0, 0.5),
        row(50.0, 50.4, 0, 0.9),
        row(60.0, 60.4, 0, 0.9),
    ];
    let objective = Objective::EventF1 {
        config: EventConfig::default(),
        labelling: Labelling::Multiple,
    };
    let tuned = tune(
        &objective,
        &truth,
        &classes(),
        &[variant(None, &found)],
        &mut |_| {},
    )
    .unwrap();
    assert_eq!(tuned.value, 1.0);
    assert!(tuned.rules.min_gap > 0.2 && tuned.rules.min_gap < 20.0);
    assert!(tuned.rules.min_duration > 0.4 && tuned.rules.min_duration <= 10.0);
    // Of two variants the better one is taken.
    let right = [row(0.0, 10.0, 0, 0.5), row(30.0, 40.0, 0, 0.5)];
    let variants = [variant(Some(0.5), &found), variant(Some(0.2), &right)];
    let tuned = tune(
        &Objective::Map(EvaluationConfig::default()),
        &truth,
        &classes(),
        &variants,
        &mut |_| {},
    )
    .unwrap();
    assert_eq!((tuned.sigma, tuned.value), (Some(0.2), 1.0));
    assert!(tuned.untuned < 1.0);
}

fn rows() -> impl Strategy<Value = Vec<Detection>> {
    let one =
        (0..900u32, 1..90u32, 0..3u32, 1..1000u32).prop_map(|(start, length, label, score)| {
            let start = f64::from(start) / 10.0;
            row(
                start,
                start + f64::from(length) / 10.0,
                label,
                f64::from(score) / 1000.0,
            )
        });
    prop::collection::vec(one, 1..10)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn tuned_is_never_worse(truth in rows(), found in rows(), other in rows()) {
        let truth = [recording("a", &truth)];
        for objective in objectives() {
            let variants = [variant(Some(0.5), &found), variant(Some(0.3), &other)];
            let mut calls = 0;
            let tuned = tune(&objective, &truth, &classes(), &variants, &mut |_| calls += 1).unwrap();
            prop_assert!(tuned.value >= tuned.untuned, "{objective:?}");
            prop_assert!(calls > 0);
            // The figure is that of the rules, not only of the search.
            let of_sigma = variants.iter().find(|one| one.sigma == tuned.sigma).unwrap();
            let kept = tuned.rules.apply_to_all(&of_sigma.detections);
            let value = objective.value(&truth, &kept, &classes()).unwrap();
            prop_assert_eq!(value, tuned.value);
        }
    }

    #[test]
    fn rules_leave_what_they_say(found in rows(), least in 0.0..1.0f64, gap in 0.0..3.0f64, length in 0.0..3.0f64, top in 1..5usize) {
        let rules = tal_postprocess::DetectionRules {
            min_score: Some(least),
            min_gap: gap,
            min_duration: length,
            top: Some(top),
            ..Default::default()
        };
        let kept = rules.apply(&found);
        prop_assert!(kept.len() <= top);
        prop_assert!(kept.iter().all(|row| row.score >= least && row.segment.length() >= length));
        for (index, one) in kept.iter().enumerate() {
            for other in &kept[index + 1..] {
                let distance = (one.segment.start - other.segment.end).max(other.segment.start - one.segment.end);
                prop_assert!(one.label != other.label || gap == 0.0 || distance >= gap);
            }
        }
        // What is tidy stays as it is.
        prop_assert_eq!(rules.apply(&kept), kept);
    }
}
