//! Data sets from the annotations of tools.

use tal_corpus::source::{self, SourceOptions};
use tal_exchange::{Event, Project, Track};

#[test]
fn point_events_need_a_width_in_data_sets() {
    let track = Track {
        id: "a".to_owned(),
        duration: Some(10.0),
        events: vec![
            Event::new("groom", 1.5, 2.5),
            Event::new("groom", 3.0, 4.0),
            Event::point("bite", 2.0),
            Event::point("bite", 5.0),
        ],
        ..Track::default()
    };
    let classes = ["bite", "groom"].map(str::to_owned);
    let project = Project::with_classes(classes.to_vec(), vec![track]);
    let convert = |width| {
        source::from_project(
            &project,
            "p.boris".as_ref(),
            width,
            &SourceOptions::default(),
        )
    };
    let error = convert(None).unwrap_err().to_string();
    assert_eq!(
        error,
        "p.boris: point events (2) have no length, the first is \"bite\" at 2 s; give them one (--point-width SECONDS)"
    );
    let truth = convert(Some(1.0)).unwrap().truth;
    let segment = truth.recordings[0].instances[2].segment;
    assert_eq!((segment.start, segment.end), (1.5, 2.5));
    assert_eq!(
        truth.classes.iter().collect::<Vec<_>>(),
        [(0, "bite"), (1, "groom")]
    );
    assert_eq!(truth.recordings[0].subset, "all");
}
