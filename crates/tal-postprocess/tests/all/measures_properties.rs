//! Properties of the measures, whatever the input.

use proptest::prelude::*;
use tal_core::{Detection, Instance, Segment};
use tal_postprocess::measures::{
    Background, EventConfig, EventMatching, FrameRate, LabRecording, LabelledRecording, Labelling,
    MeasureError, ScoredRecording, SegmentationConfig, SpottingConfig, agreement, bouts,
    event_scores, frame_average_precision, frame_map, frame_scores, mabe_f_beta, misalignment,
    segmentation, spotting,
};

const DURATION: f64 = 40.0;

fn rate() -> FrameRate {
    FrameRate::new(10.0).unwrap()
}

fn detection((start, length, label, score): (u32, u32, u32, u32)) -> Detection {
    let start = f64::from(start) / 10.0;
    Detection {
        segment: Segment::new(start, (start + f64::from(length) / 10.0).min(DURATION)),
        label,
        score: f64::from(score) / 1000.0,
    }
}

fn detections() -> impl Strategy<Value = Vec<Detection>> {
    let row = (0..400u32, 1..80u32, 0..3u32, 1..1000u32).prop_map(detection);
    prop::collection::vec(row, 1..12)
}

fn instance(row: &Detection) -> Instance {
    Instance {
        segment: row.segment,
        label: row.label,
    }
}

/// Annotations with one class at a time, and detections.
fn problem() -> impl Strategy<Value = (Vec<Instance>, Vec<Detection>)> {
    let truth = detections().prop_map(|rows| Labelling::Single.apply(&rows, 0.0));
    (truth, detections())
}

fn labelled<'a>(truth: &'a [Instance], found: &'a [Instance]) -> [LabelledRecording<'a>; 1] {
    let duration = DURATION;
    [LabelledRecording {
        truth,
        found,
        duration,
    }]
}

fn scored<'a>(truth: &'a [Instance], found: &'a [Detection]) -> [ScoredRecording<'a>; 1] {
    let duration = DURATION;
    [ScoredRecording {
        truth,
        found,
        duration,
    }]
}

/// All figures as text, so that NaN equals NaN.
fn all_figures(truth: &[Instance], found: &[Detection], labelling: Labelling) -> Vec<String> {
    let labels = labelling.apply(found, 0.0);
    let (plain, with_scores) = (labelled(truth, &labels), scored(truth, found));
    let lab = LabRecording {
        recording: plain[0],
        lab: 0,
        annotated_classes: None,
    };
    let text = |value: &dyn std::fmt::Debug| format!("{value:?}");
    vec![
        text(&labels),
        text(&frame_scores(&plain, rate())),
        text(&frame_map(&with_scores, rate())),
        text(&segmentation(
            &plain,
            rate(),
            &SegmentationConfig::default(),
        )),
        text(&event_scores(&plain, &EventConfig::default())),
        text(&spotting(&with_scores, &SpottingConfig::default())),
        text(&mabe_f_beta(&[lab], rate(), 1.0)),
        text(&misalignment(&plain)),
        text(&bouts(&plain)),
        text(&agreement(&plain, rate())),
    ]
}

proptest! {
    #[test]
    fn the_order_of_the_input_changes_nothing(
        (mut truth, found) in problem(),
        shuffled in detections().prop_flat_map(|rows| (Just(rows.clone()), Just(rows).prop_shuffle())),
    ) {
        for labelling in [Labelling::Single, Labelling::Multiple] {
            let reversed: Vec<Detection> = found.iter().rev().copied().collect();
            let before = all_figures(&truth, &found, labelling);
            truth.reverse();
            prop_assert_eq!(&before, &all_figures(&truth, &reversed, labelling));
            let (first, second) = &shuffled;
            prop_assert_eq!(labelling.apply(first, 0.3), labelling.apply(second, 0.3));
        }
    }

    #[test]
    fn the_order_of_events_as_they_are_changes_nothing((truth, found) in problem()) {
        let mut events: Vec<Instance> = found.iter().map(instance).collect();
        // Some start together.
        events.extend(found.iter().map(|row| Instance {
            segment: Segment::new(row.segment.start, DURATION),
            label: 0,
        }));
        let figures = |events: &[Instance]| {
            let pair = labelled(&truth, events);
            let all = (bouts(&pair), misalignment(&pair), event_scores(&pair, &EventConfig::default()));
            format!("{all:?} {:?}", agreement(&pair, rate()))
        };
        let before = figures(&events);
        events.reverse();
        prop_assert_eq!(before, figures(&events));
    }

    #[test]
    fn perfect_labels_give_one((truth, _) in problem()) {
        // An annotation without a frame finds none.
        prop_assume!(truth.iter().all(|one| one.segment.length() > 0.1));
        let pair = labelled(&truth, &truth);
        let frames = frame_scores(&pair, rate()).unwrap();
        prop_assert_eq!((frames.micro.f1, frames.macro_average.f1), (1.0, 1.0));
        for background in [Background::Ignored, Background::Counted] {
            let config = SegmentationConfig { background, ..SegmentationConfig::default() };
            let figures = segmentation(&pair, rate(), &config).unwrap();
            prop_assert_eq!((figures.accuracy, figures.edit), (1.0, 1.0));
            prop_assert_eq!(figures.f1, vec![1.0; 3]);
        }
        for matching in [EventMatching::Optimal, EventMatching::Greedy] {
            let config = EventConfig { matching, offset_share: 0.0, ..EventConfig::default() };
            let events = event_scores(&pair, &config).unwrap();
            if matching == EventMatching::Optimal {
                prop_assert_eq!((events.micro.f1, events.macro_average.f1), (1.0, 1.0));
            }
            prop_assert!(events.micro.f1 > 0.0);
        }
        let lab = LabRecording { recording: pair[0], lab: 0, annotated_classes: None };
        prop_assert_eq!(mabe_f_beta(&[lab], rate(), 0.5).unwrap().f_beta, 1.0);
        for class in misalignment(&pair).unwrap() {
            prop_assert_eq!(class.time.rates().true_positive, 1.0);
            prop_assert_eq!(class.events.correct, class.events.num_truth);
            prop_assert_eq!(class.events.num_found, class.events.num_truth);
        }
        for class in bouts(&pair).unwrap() {
            prop_assert_eq!(class.truth.num, class.found.num);
            prop_assert_eq!(class.truth.total, class.found.total);
        }
        let kappa = agreement(&pair, rate()).unwrap();
        prop_assert!(kappa.all.kappa.is_nan() || (kappa.all.kappa - 1.0).abs() < 1e-12);

        let perfect: Vec<Detection> = truth
            .iter()
            .map(|row| Detection { segment: row.segment, label: row.label, score: 1.0 })
            .collect();
        let pair = scored(&truth, &perfect);
        prop_assert!((frame_map(&pair, rate()).unwrap().map - 1.0).abs() < 1e-12);
        let points = spotting(&pair, &SpottingConfig::default()).unwrap();
        prop_assert!((points.average_map - 1.0).abs() < 1e-12);
    }

    #[test]
    fn a_single_labelling_is_that_of_the_best_detection_at_each_moment(rows in detections()) {
        let labels = Labelling::Single.apply(&rows, 0.2);
        for tenth in 0..400 {
            let time = (f64::from(tenth) + 0.5) / 10.0;
            let covers = |s: Segment| s.start <= time && time < s.end;
            let best = rows.iter().filter(|row| row.score >= 0.2 && covers(row.segment)).max_by(|a, b| {
                let by_score = a.score.total_cmp(&b.score);
                by_score
                    .then(b.segment.start.total_cmp(&a.segment.start))
                    .then(b.segment.end.total_cmp(&a.segment.end))
                    .then(b.label.cmp(&a.label))
            });
            let at: Vec<u32> = labels.iter().filter(|l| covers(l.segment)).map(|l| l.label).collect();
            prop_assert_eq!(at, best.map(|row| row.label).into_iter().collect::<Vec<_>>());
        }
    }

    #[test]
    fn times_of_misalignment_add_up_to_the_length((truth, found) in problem()) {
        let labels: Vec<Instance> = found.iter().map(instance).collect();
        for class in misalignment(&labelled(&truth, &labels)).unwrap() {
            prop_assert!((class.time.positive() + class.time.negative() - DURATION).abs() < 1e-9);
            let e = class.events;
            let truth = e.correct + e.deleted + e.fragmented + e.merged + e.fragmented_and_merged;
            prop_assert_eq!(truth, e.num_truth);
            prop_assert!(e.inserted + e.merging + e.fragmenting + e.fragmenting_and_merging <= e.num_found);
        }
    }

    #[test]
    fn agreement_is_symmetric((truth, found) in problem()) {
        let labels = Labelling::Single.apply(&found, 0.0);
        let there = agreement(&labelled(&truth, &labels), rate()).unwrap();
        let back = agreement(&labelled(&labels, &truth), rate()).unwrap();
        prop_assert_eq!(format!("{there:?}"), format!("{back:?}"));
    }

    #[test]
    fn figures_are_fractions((truth, found) in problem()) {
        let labels = Labelling::Single.apply(&found, 0.0);
        let pair = labelled(&truth, &labels);
        let frames = frame_scores(&pair, rate()).unwrap();
        let events = event_scores(&pair, &EventConfig::default()).unwrap();
        let segments = segmentation(&pair, rate(), &SegmentationConfig::default()).unwrap();
        let mut values = vec![segments.accuracy, segments.edit];
        values.extend(segments.f1.iter());
        for figures in [&frames, &events] {
            values.extend([figures.micro.precision, figures.micro.recall, figures.micro.f1]);
            values.extend(figures.classes.iter().map(|class| class.fractions.f1));
        }
        values.push(spotting(&scored(&truth, &found), &SpottingConfig::loose()).unwrap().average_map);
        values.push(frame_map(&scored(&truth, &found), rate()).unwrap().map);
        for value in values {
            prop_assert!((-1e-12..=1.0 + 1e-12).contains(&value), "{}", value);
        }
        // A looser overlap, a wider collar finds no less.
        prop_assert!(segments.f1[0] >= segments.f1[1] && segments.f1[1] >= segments.f1[2]);
        let wide = EventConfig {
            onset_collar: Some(1.0),
            offset_collar: Some(1.0),
            ..EventConfig::default()
        };
        let wide = event_scores(&pair, &wide).unwrap();
        prop_assert!(wide.counts.true_positives >= events.counts.true_positives);
    }
}

#[test]
fn nothing_found_is_no_panic() {
    let truth = [Instance {
        segment: Segment::new(1.0, 3.0),
        label: 4,
    }];
    let figures = all_figures(&truth, &[], Labelling::Single);
    assert!(
        figures.iter().all(|text| !text.contains("Err")),
        "{figures:#?}"
    );
    let none = all_figures(&[], &[], Labelling::Multiple);
    assert!(none.iter().all(|text| !text.contains("Err")), "{none:#?}");
    let missed = event_scores(&labelled(&truth, &[]), &EventConfig::default()).unwrap();
    assert_eq!(
        (missed.micro.precision, missed.macro_average.f1),
        (0.0, 0.0)
    );
    let rule = EventConfig {
        missed_is_zero: false,
        ..EventConfig::default()
    };
    let missed = event_scores(&labelled(&truth, &[]), &rule).unwrap();
    assert!(missed.micro.precision.is_nan() && missed.macro_average.f1.is_nan());
}

/// A detection between the middles of two frames is no frame, so its class was not found.
#[test]
fn a_class_found_in_no_frame_does_not_count_for_mabe() {
    let instance = |start, end, label| Instance {
        segment: Segment::new(start, end),
        label,
    };
    let truth = [instance(1.0, 3.0, 0)];
    let found = [instance(1.0, 3.0, 0), instance(5.06, 5.14, 1)];
    let of = |found| LabRecording {
        recording: labelled(&truth, found)[0],
        lab: 0,
        annotated_classes: None,
    };
    assert_eq!(mabe_f_beta(&[of(&found)], rate(), 1.0).unwrap().f_beta, 1.0);
    let longer = [found[0], instance(5.06, 5.16, 1)];
    assert_eq!(
        mabe_f_beta(&[of(&longer)], rate(), 1.0).unwrap().f_beta,
        0.5
    );
}

#[test]
fn wrong_input_is_named() {
    let instance = |start, end| Instance {
        segment: Segment::new(start, end),
        label: 0,
    };
    let (good, bad) = (
        [instance(0.0, 1.0)],
        [instance(0.0, 1.0), instance(2.0, 1.0)],
    );
    let message = |error: MeasureError| error.to_string();
    let found = frame_scores(&labelled(&good, &bad), rate()).unwrap_err();
    assert_eq!(
        message(found),
        "detection 1 of recording 0 goes from 2 to 1; both ends must be finite and start <= end"
    );
    let endless = LabelledRecording {
        duration: f64::INFINITY,
        ..labelled(&good, &good)[0]
    };
    assert!(message(bouts(&[endless]).unwrap_err()).contains("length inf"));
    let long = LabelledRecording {
        duration: 1e12,
        ..labelled(&good, &good)[0]
    };
    assert!(message(agreement(&[long], rate()).unwrap_err()).contains("lower the frame rate"));
    assert!(FrameRate::new(0.0).is_err() && FrameRate::new(f64::NAN).is_err());
    let no_ends = EventConfig {
        onset_collar: None,
        offset_collar: None,
        ..EventConfig::default()
    };
    assert!(event_scores(&labelled(&good, &good), &no_ends).is_err());
    let negative = EventConfig {
        onset_collar: Some(-0.1),
        ..EventConfig::default()
    };
    let error = event_scores(&labelled(&good, &good), &negative).unwrap_err();
    assert_eq!(
        message(error),
        "onset collar is -0.1, must be finite and at least 0"
    );
    let none = SpottingConfig {
        tolerances: Vec::new(),
        ..SpottingConfig::default()
    };
    assert!(spotting(&scored(&good, &[]), &none).is_err());
    assert_eq!(frame_average_precision(&[0.1], &[false]), None);
}
