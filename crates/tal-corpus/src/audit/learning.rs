//! Actions that training cannot learn from.

use std::collections::BTreeMap;

use tal_core::ClassMap;

use super::finding::{Code, Findings, Severity};

/// An action of a training recording.
#[derive(Debug, Clone, Copy)]
pub(super) struct Lesson {
    pub(super) label: u32,
    /// Length in features.
    pub(super) length: f32,
    /// Whether a point of the network is responsible for it.
    pub(super) learned: bool,
}

/// Tells of a training set, or of a class, from which no point of the network learns.
pub(super) fn check(lessons: &[Lesson], classes: &ClassMap, findings: &mut Findings) {
    if lessons.is_empty() {
        return;
    }
    if lessons.iter().all(|lesson| !lesson.learned) {
        findings.add(
            Severity::Error,
            Code::NothingToLearn,
            None,
            format!(
                "no point of the network is responsible for any of the {} training actions, which are {} features long",
                lessons.len(),
                range(lessons.iter())
            ),
            "actions of at least a feature, in seconds, within the recordings and the regression ranges",
        );
        return;
    }
    let mut of_class: BTreeMap<u32, Vec<&Lesson>> = BTreeMap::new();
    for lesson in lessons {
        of_class.entry(lesson.label).or_default().push(lesson);
    }
    for (label, lessons) in of_class {
        if lessons.iter().any(|lesson| lesson.learned) {
            continue;
        }
        findings.add(
            Severity::Error,
            Code::ClassNotLearned,
            None,
            format!(
                "no point of the network is responsible for any of the {} training actions of {:?}, which are {} features long",
                lessons.len(),
                classes.display_name(label),
                range(lessons.iter().copied())
            ),
            "features at a smaller stride, other regression ranges, or a data set without this class",
        );
    }
}

fn range<'a>(lessons: impl Iterator<Item = &'a Lesson>) -> String {
    let lengths = lessons.map(|lesson| lesson.length);
    let (least, most) = lengths.fold((f32::INFINITY, 0f32), |(least, most), length| {
        (least.min(length), most.max(length))
    });
    format!("{least:.2} to {most:.2}")
}
