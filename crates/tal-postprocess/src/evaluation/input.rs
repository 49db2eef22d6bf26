//! Detections as the caller gives them.

use tal_core::{Detection, DetectionSet, Segment};

use super::dialect::Rules;
use super::error::{EvaluationError, InputError, InputErrorKind};
use super::truth::{Truth, is_usable};

/// Detections to evaluate, by recording or as columns; `into` makes it from either.
#[derive(Debug, Clone, Copy)]
pub enum DetectionInput<'a> {
    /// Rows by recording id.
    Set(&'a DetectionSet),
    /// One column per property.
    Columns(DetectionColumns<'a>),
}

impl DetectionInput<'_> {
    /// Checks each detection and hands it to `take`, with the position of its recording in `truth` (if it has one) and the
    /// id and row that name it, in the order of the input. Detections of blocked recordings are left out. Returns their number.
    pub(super) fn each(
        self,
        truth: &Truth<'_>,
        rules: &Rules,
        mut take: impl FnMut(Option<u32>, Detection, (&str, usize)) -> Result<(), InputError>,
    ) -> Result<usize, EvaluationError> {
        match self {
            Self::Set(set) => {
                let mut num_blocked = 0;
                let mut each = |of: &OfRecording<'_>, row: usize| {
                    let detection = &of.rows[row];
                    check(detection, of.id, row)?;
                    take(of.position, *detection, (of.id, row))
                };
                let all: Vec<OfRecording<'_>> = set
                    .iter()
                    .map(|(id, rows)| OfRecording {
                        id,
                        rows,
                        position: truth.position(id),
                        is_blocked: rules.blocked.contains(id),
                        next: 0,
                    })
                    .collect();
                for of in all.iter().filter(|of| of.is_blocked) {
                    num_blocked += of.rows.len();
                }
                let Some(alternation) = set.alternation() else {
                    for of in all.iter().filter(|of| !of.is_blocked) {
                        for row in 0..of.rows.len() {
                            each(of, row)?;
                        }
                    }
                    return Ok(num_blocked);
                };
                let mut all = all;
                for place in alternation {
                    let of = &mut all[*place as usize];
                    if !of.is_blocked {
                        each(of, of.next)?;
                    }
                    of.next += 1;
                }
                Ok(num_blocked)
            }
            Self::Columns(columns) => {
                columns.check(truth.positions.len())?;
                let mut num_blocked = 0;
                for row in 0..columns.len() {
                    let Some(position) = truth.positions[columns.recording[row] as usize] else {
                        num_blocked += 1;
                        continue;
                    };
                    let detection = Detection {
                        segment: Segment::new(columns.start[row], columns.end[row]),
                        label: columns.label[row],
                        score: columns.score[row],
                    };
                    let id = &truth.recordings[position as usize].id;
                    check(&detection, id, row)?;
                    take(Some(position), detection, (id, row))?;
                }
                Ok(num_blocked)
            }
        }
    }
}

/// Detections of one recording of a set.
struct OfRecording<'a> {
    id: &'a str,
    rows: &'a [Detection],
    /// Its position in the ground truth, if it has one.
    position: Option<u32>,
    is_blocked: bool,
    /// Its first row that has not come yet.
    next: usize,
}

impl<'a> From<&'a DetectionSet> for DetectionInput<'a> {
    fn from(detections: &'a DetectionSet) -> Self {
        Self::Set(detections)
    }
}

impl<'a> From<DetectionColumns<'a>> for DetectionInput<'a> {
    fn from(detections: DetectionColumns<'a>) -> Self {
        Self::Columns(detections)
    }
}

/// Detections as columns of one length.
///
/// They give the same result as a [`DetectionSet`] to which the same rows are pushed in the same order.
///
/// # Units
/// `start` and `end` in seconds.
#[derive(Debug, Clone, Copy, Default)]
pub struct DetectionColumns<'a> {
    /// Index of the recording among the evaluated recordings, in the order in which they are given.
    pub recording: &'a [u32],
    /// Start of the detection.
    pub start: &'a [f64],
    /// End of the detection.
    pub end: &'a [f64],
    /// Score of the detection.
    pub score: &'a [f64],
    /// Class id.
    pub label: &'a [u32],
}

impl DetectionColumns<'_> {
    /// Number of detections.
    pub fn len(&self) -> usize {
        self.recording.len()
    }

    /// Whether there is no detection.
    pub fn is_empty(&self) -> bool {
        self.recording.is_empty()
    }

    /// Checks the lengths of the columns and the indices of the recordings.
    fn check(&self, num_recordings: usize) -> Result<(), EvaluationError> {
        let expected = self.recording.len();
        let columns = [
            ("start", self.start.len()),
            ("end", self.end.len()),
            ("score", self.score.len()),
            ("label", self.label.len()),
        ];
        for (column, len) in columns {
            if len != expected {
                return Err(EvaluationError::ColumnLength {
                    column,
                    len,
                    expected,
                });
            }
        }
        let outside = |index: &u32| *index as usize >= num_recordings;
        match self.recording.iter().position(outside) {
            None => Ok(()),
            Some(row) => Err(EvaluationError::RecordingIndex {
                row,
                index: self.recording[row],
                num_recordings,
            }),
        }
    }
}

/// Checks that a detection can be compared.
fn check(detection: &Detection, id: &str, row: usize) -> Result<(), InputError> {
    let Segment { start, end } = detection.segment;
    if !is_usable(detection.segment) {
        let kind = InputErrorKind::Detection { start, end };
        return Err(InputError::new(id, row, kind));
    }
    if detection.score.is_nan() {
        return Err(InputError::new(id, row, InputErrorKind::Score));
    }
    Ok(())
}
