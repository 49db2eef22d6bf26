//! Plots are well-formed and complete, whatever the names and values are.

use std::path::Path;

use roxmltree::{Document, Node};

use super::*;
use crate::PlotError;

const ODD_NAME: &str = "<b>&\"é'漢\u{1}";
const ODD_SHOWN: &str = "<b>&\"é'漢\u{fffd}";

/// Texts and coloured shapes of a picture.
struct Drawn {
    texts: Vec<String>,
    fills: Vec<String>,
}

impl Drawn {
    fn num_texts(&self, text: &str) -> usize {
        self.texts.iter().filter(|one| *one == text).count()
    }

    fn num_fills(&self, tag_and_colour: &str) -> usize {
        self.fills
            .iter()
            .filter(|one| *one == tag_and_colour)
            .count()
    }
}

fn draw(write: impl FnOnce(&Path) -> Result<(), PlotError>) -> Drawn {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("plot.svg");
    write(&path).unwrap();
    let svg = std::fs::read_to_string(&path).unwrap();
    assert!(!svg.contains("NaN") && !svg.contains("inf"));
    let document = Document::parse(&svg).unwrap();
    let root = document.root_element();
    assert_eq!(root.tag_name().name(), "svg");
    let number =
        |node: &Node<'_, '_>, name: &str| -> Option<f64> { node.attribute(name)?.parse().ok() };
    let (width, height) = (
        number(&root, "width").unwrap(),
        number(&root, "height").unwrap(),
    );
    let mut drawn = Drawn {
        texts: Vec::new(),
        fills: Vec::new(),
    };
    for node in root.children().filter(Node::is_element) {
        let tag = node.tag_name().name();
        if tag == "text" {
            assert_eq!(node.attribute("font-family"), Some("sans-serif"));
            drawn
                .texts
                .push(node.text().unwrap_or("").trim().to_owned());
        }
        let ink = match node.attribute("fill") {
            None | Some("none") => node.attribute("stroke"),
            fill => fill,
        };
        drawn.fills.push(format!("{tag} {}", ink.unwrap_or("")));
        for (name, end) in [("x", width), ("cx", width), ("y", height), ("cy", height)] {
            let inside = number(&node, name).is_none_or(|at| (0.0..=end).contains(&at));
            assert!(inside, "{node:?} is outside of {width} x {height}");
        }
    }
    drawn
}

fn numbered(count: usize) -> Vec<String> {
    (0..count)
        .map(|index| format!("class {index:03}"))
        .collect()
}

#[test]
fn precision_recall_shows_every_series() {
    for count in [0, 1, 8, 200] {
        let series: Vec<_> = numbered(count)
            .into_iter()
            .map(|name| PrecisionRecallSeries {
                name,
                points: vec![
                    (0.2, 1.0),
                    (0.4, 0.5),
                    (f64::NAN, 0.1),
                    (0.9, f64::INFINITY),
                ],
            })
            .collect();
        let drawn = draw(|path| precision_recall(path, "at tIoU 0.50", &series));
        assert_eq!(drawn.num_texts("at tIoU 0.50"), 1);
        assert_eq!(drawn.num_texts("no values"), usize::from(count == 0));
        for one in &series {
            assert_eq!(drawn.num_texts(&one.name), 1);
        }
        if count == 8 {
            // One sample in the legend and one curve for each colour.
            for colour in ["#0072B2", "#009E73", "#E69F00"] {
                assert_eq!(drawn.num_fills(&format!("polyline {colour}")), 2);
            }
        }
    }
}

#[test]
fn ap_per_class_sorts_and_labels() {
    let thresholds = [0.3, 0.5, 0.7];
    for count in [0, 1, 200] {
        let classes: Vec<_> = numbered(count)
            .into_iter()
            .enumerate()
            .map(|(index, name)| {
                let ap = index as f64 / 250.0;
                (name, vec![ap + 0.1, ap, f64::NAN])
            })
            .collect();
        let drawn = draw(|path| ap_per_class(path, &thresholds, &classes));
        let names: Vec<_> = drawn
            .texts
            .iter()
            .filter(|t| t.starts_with("class "))
            .collect();
        let best_first: Vec<_> = classes.iter().rev().map(|(name, _)| name).collect();
        assert_eq!(names, best_first);
        // One bar a class, and its sample in the legend.
        assert_eq!(drawn.num_fills("rect #56B4E9"), count + 1);
        if count == 1 {
            assert_eq!(drawn.num_texts("5.0"), 1);
        }
    }
    let odd = [
        (ODD_NAME.to_owned(), vec![f64::NAN]),
        ("plain".to_owned(), vec![0.25]),
        ("short".to_owned(), Vec::new()),
    ];
    let drawn = draw(|path| ap_per_class(path, &[0.5], &odd));
    assert_eq!(drawn.num_texts(ODD_SHOWN), 1);
    assert_eq!(drawn.num_texts("none"), 2);
    assert_eq!(drawn.num_texts("AP per class at tIoU 0.50"), 1);
    assert_eq!(drawn.num_texts("all classes: 25.0"), 1);
}

#[test]
fn map_over_thresholds_has_bands_where_intervals_are() {
    let points = |banded: bool| -> Vec<_> {
        [0.7, 0.3, 0.5, f64::NAN]
            .into_iter()
            .map(|tiou| TiouPoint {
                tiou,
                map: 0.9 - tiou,
                interval: banded.then_some((0.85 - tiou, 0.95 - tiou)),
            })
            .collect()
    };
    let series = |name: &str, banded| TiouSeries {
        name: name.to_owned(),
        points: points(banded),
    };
    let drawn =
        draw(|path| map_over_thresholds(path, &[series(ODD_NAME, true), series("B", false)]));
    assert_eq!((drawn.num_texts(ODD_SHOWN), drawn.num_texts("B")), (1, 1));
    // The first series has round markers, so its only polygon is the band; the second has four squares and no band.
    assert_eq!(drawn.num_fills("polygon #0072B2"), 1);
    assert_eq!(drawn.num_fills("polygon #D55E00"), 4);
    for series in [vec![], vec![series("none", true)]] {
        let series: Vec<_> = series
            .into_iter()
            .map(|one| TiouSeries {
                points: Vec::new(),
                ..one
            })
            .collect();
        let drawn = draw(|path| map_over_thresholds(path, &series));
        assert_eq!(drawn.num_texts("no values"), 1);
    }
    let one = TiouSeries {
        points: points(true)[..1].to_vec(),
        name: "one".to_owned(),
    };
    assert_eq!(
        draw(|path| map_over_thresholds(path, &[one])).num_texts("no values"),
        0
    );
}

#[test]
fn profile_stacks_every_type() {
    let types = ["True positive", "Background", ODD_NAME];
    let groups: Vec<_> = (1..=10)
        .map(|group| (format!("{group}N"), vec![0.5, 0.3, 0.2]))
        .collect();
    let impact = [
        ("Background".to_owned(), 0.031),
        (ODD_NAME.to_owned(), f64::NAN),
    ];
    let drawn = draw(|path| false_positive_profile(path, &types, &groups, &impact));
    for (name, _) in &groups {
        assert_eq!(drawn.num_texts(name), 1);
    }
    assert_eq!(drawn.num_texts(ODD_SHOWN), 2);
    assert_eq!(drawn.num_texts("+3.1"), 1);
    for value in ["50", "30", "20"] {
        // Ten bars and perhaps a tick.
        assert!((10..=11).contains(&drawn.num_texts(value)));
    }
    // Bars, sample and, for the type with an impact, its bar.
    assert_eq!(drawn.num_fills("rect #0072B2"), 11);
    assert_eq!(drawn.num_fills("rect #D55E00"), 12);
    assert_eq!(drawn.num_fills("rect #56B4E9"), 11);
    let drawn = draw(|path| false_positive_profile(path, &[], &[], &[]));
    assert_eq!(drawn.num_texts("no values"), 2);
    let odd = [(
        "1N".to_owned(),
        vec![f64::NAN, -1.0, f64::INFINITY, 0.4, 0.9],
    )];
    draw(|path| false_positive_profile(path, &types, &odd, &[("other".to_owned(), -0.2)]));
}

#[test]
fn sensitivity_shows_values_and_counts() {
    let bucket = |name: &str, value, count| SensitivityBucket {
        name: name.to_owned(),
        value,
        count,
    };
    let panel = |characteristic: &str| SensitivityPanel {
        characteristic: characteristic.to_owned(),
        buckets: vec![
            bucket("XS", Some(0.123), 17),
            bucket(ODD_NAME, Some(0.9), 3),
            bucket("XL", None, 0),
            bucket("XXL", Some(f64::NAN), 0),
        ],
        overall: 0.4,
    };
    let panels = [panel("Coverage"), panel("Length"), panel(ODD_NAME)];
    let drawn = draw(|path| sensitivity(path, "Sensitivity", "mAP_N", &panels));
    assert_eq!(drawn.num_texts("mAP_N [%]"), 1);
    assert_eq!(drawn.num_texts("12.3"), 3);
    assert_eq!(drawn.num_texts("n = 17"), 3);
    assert_eq!(drawn.num_texts("none"), 6);
    assert_eq!(drawn.num_texts(ODD_SHOWN), 4);
    assert_eq!(drawn.num_fills("rect #0072B2"), 2);
    let drawn = draw(|path| sensitivity(path, "Sensitivity", "mAP_N", &[]));
    assert_eq!(drawn.num_texts("no values"), 1);
    let empty = SensitivityPanel {
        characteristic: String::new(),
        buckets: Vec::new(),
        overall: f64::NAN,
    };
    draw(|path| sensitivity(path, "", "", &[empty]));
}

#[test]
fn recall_curve_names_its_area() {
    let points = [(100.0, 0.6), (1.0, 0.1), (f64::NAN, 0.2), (10.0, 0.4)];
    let drawn = draw(|path| recall_curve(path, &points, 0.4567));
    let title = "Average recall over the number of proposals, area 45.7 %";
    assert_eq!(drawn.num_texts(title), 1);
    // The line and the area below it.
    assert_eq!(drawn.num_fills("polyline #0072B2"), 1);
    assert_eq!(drawn.num_fills("polygon #0072B2"), 1);
    assert_eq!(
        draw(|path| recall_curve(path, &[], f64::NAN)).num_texts("no values"),
        1
    );
}

#[test]
fn a_missing_folder_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("none").join("plot.svg");
    let error = recall_curve(&path, &[], 0.0).unwrap_err().to_string();
    assert!(
        error.contains("cannot write") && error.contains("plot.svg"),
        "{error}"
    );
}

#[test]
fn a_picture_that_nothing_can_show_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("plot.svg");
    let rows: Vec<_> = numbered(20_000)
        .into_iter()
        .map(|name| (name, vec![1]))
        .collect();
    let error = counts(&path, "title", &["all"], &rows).unwrap_err();
    assert!(matches!(error, PlotError::TooLarge { .. }), "{error}");
    assert!(error.to_string().contains("plot.svg") && !path.exists());
}

#[test]
fn counts_have_a_bar_for_every_number() {
    for num_rows in [0, 1, 200] {
        let rows: Vec<_> = numbered(num_rows)
            .into_iter()
            .map(|name| (name, vec![7, 0]))
            .collect();
        let drawn = draw(|path| counts(path, "title", &["training", "test"], &rows));
        assert_eq!(drawn.num_texts("no values"), usize::from(num_rows == 0));
        assert_eq!(drawn.num_texts("7"), num_rows);
        for series in ["training", "test"] {
            assert_eq!(drawn.num_texts(series), 1);
        }
    }
    let odd = [(ODD_NAME.to_owned(), vec![3])];
    let drawn = draw(|path| counts(path, "title", &["all"], &odd));
    assert_eq!(drawn.num_texts(ODD_SHOWN), 1);
}

#[test]
fn histograms_hold_what_is_finite() {
    let values = [0.0, 1.0, 2.0, f64::NAN, f64::INFINITY, -1.0];
    let drawn = draw(|path| {
        let series = [("a".to_owned(), &values[..]), ("b".to_owned(), &[][..])];
        histogram(path, "title", "Duration [s]", &series)
    });
    assert_eq!(drawn.num_texts("a (6)"), 1);
    assert_eq!(drawn.num_texts("b (0)"), 1);
    assert_eq!(drawn.num_texts("no values"), 0);
    // The frame's background, a legend entry, and a bar each for 0 (with −1), 1 and 2.
    let bars = |drawn: &Drawn| drawn.num_fills("rect #0072B2");
    assert_eq!(bars(&drawn), 1 + 3);
    let empty = draw(|path| histogram(path, "title", "Duration [s]", &[("a".to_owned(), &[])]));
    assert_eq!(empty.num_texts("no values"), 1);
    assert_eq!(bars(&empty), 1);
}

#[test]
fn panels_of_a_grid_share_their_names_and_looks() {
    let panel = |name: &str, y, curves| CurvePanel {
        x_name: "Place".to_owned(),
        y_name: name.to_owned(),
        y,
        references: vec![-0.5, 7.0],
        curves,
    };
    let curve = vec![(0.5, 1.5), (-1.0, 0.0), (1.0, f64::NAN)];
    let names = ["a".to_owned(), ODD_NAME.to_owned()];
    let rows = [
        vec![
            panel("left", None, vec![curve.clone(), curve]),
            panel("right", Some(-1.0..1.0), Vec::new()),
        ],
        vec![panel("below", None, vec![vec![(2.0, f64::INFINITY)]])],
    ];
    let drawn = draw(|path| curve_grid(path, "title", &names, &rows));
    for text in ["a", ODD_SHOWN, "left", "right", "below"] {
        assert_eq!(drawn.num_texts(text), 1, "{text}");
    }
    assert_eq!(drawn.num_texts("no values"), 2);
    // The curve and its sample in the legend.
    assert_eq!(drawn.num_fills("polyline #0072B2"), 2);
    draw(|path| curve_grid(path, "title", &[], &[]));
}
