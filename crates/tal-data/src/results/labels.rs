//! Labels of detections, and detections made from the parts that a file has.

use std::collections::HashMap;
use std::path::Path;

use tal_core::{ClassMap, Detection, DetectionSet, Segment};

use super::{ResultsError, shortened};
use crate::ANY_CLASS;

/// Ids by name, those without a name under the name that is written for them, and which kinds of labels the file has.
pub(super) struct Labels<'a> {
    path: &'a Path,
    ids: HashMap<&'a str, u32>,
    /// Place of the first detection without a class.
    without: Option<String>,
    has_classes: bool,
}

impl<'a> Labels<'a> {
    pub(super) fn new(path: &'a Path, classes: &'a ClassMap) -> Self {
        Self {
            path,
            ids: classes.iter().map(|(id, name)| (name, id)).collect(),
            without: None,
            has_classes: false,
        }
    }

    /// A class by its name, as `class_ID` or as the id alone; a name comes first. The class of class-agnostic runs is none.
    fn id(&self, name: &str) -> Option<u32> {
        let known = self.ids.get(name).copied();
        known
            .or_else(|| number(name.strip_prefix("class_").unwrap_or(name)))
            .or_else(|| (name == ANY_CLASS).then_some(Detection::NO_CLASS))
    }

    /// A detection from its parts; `at` names the place for errors. Without a label it is a proposal.
    pub(super) fn detection(
        &mut self,
        at: impl Fn() -> String,
        label: Option<&str>,
        score: f64,
        segment: Segment,
    ) -> Result<Detection, ResultsError> {
        let wrong = |message: String| ResultsError::Value {
            path: self.path.to_owned(),
            place: at(),
            message,
        };
        let id = match label {
            None => Detection::NO_CLASS,
            Some(label) => self.id(label).ok_or_else(|| {
                #[expect(clippy::disallowed_methods, reason = "they are sorted")]
                let mut known: Vec<&str> = self.ids.keys().copied().collect();
                known.sort_unstable();
                known.truncate(5);
                wrong(format!(
                    "label {:?} is not a class; the classes begin with {}",
                    shortened(label),
                    known.join(", ")
                ))
            })?,
        };
        if !score.is_finite() {
            return Err(wrong(format!("score {score}; expected a finite number")));
        }
        if !segment.is_ordered() {
            return Err(wrong(format!(
                "segment [{}, {}]; expected finite start <= end (seconds)",
                segment.start, segment.end
            )));
        }
        if id != Detection::NO_CLASS {
            self.has_classes = true;
        } else if self.without.is_none() {
            self.without = Some(at());
        }
        Ok(Detection {
            segment,
            label: id,
            score,
        })
    }

    /// The detections of the whole file, unless only some of them have classes.
    pub(super) fn checked(self, all: DetectionSet) -> Result<DetectionSet, ResultsError> {
        match self.without.filter(|_| self.has_classes) {
            None => Ok(all),
            Some(place) => Err(ResultsError::Value {
                path: self.path.to_owned(),
                place,
                message: "no label, but other detections have one; give each a label, or none"
                    .to_owned(),
            }),
        }
    }
}

/// Digits alone: the standard parser would also take a plus sign.
fn number(text: &str) -> Option<u32> {
    if text.is_empty() || !text.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    text.parse().ok().filter(|id| *id < Detection::NO_CLASS)
}
