//! Kinds of misalignment between annotations and what was found.

use serde::{Deserialize, Serialize};
use tal_core::{Instance, Segment};

use super::counts::ratio;
use super::error::MeasureError;
use super::input::{LabelledRecording, all_classes, check_labelled};
use super::labelling::united;

/// Misalignment of one class.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ClassMisalignment {
    /// The class id.
    pub label: u32,
    /// Time by kind of error.
    pub time: MisalignedTime,
    /// Events by kind of error.
    pub events: MisalignedEvents,
}

/// Time by kind of error.
///
/// # Units
/// Seconds.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
pub struct MisalignedTime {
    /// Annotated and found.
    pub true_positive: f64,
    /// Neither annotated nor found.
    pub true_negative: f64,
    /// Found beside all annotations.
    pub insertion: f64,
    /// Found between two annotations, which one detection joins.
    pub merge: f64,
    /// Found before the start of an annotation.
    pub overfill_start: f64,
    /// Found after the end of an annotation.
    pub overfill_end: f64,
    /// Annotated and not found at all.
    pub deletion: f64,
    /// Annotated and not found between two detections of one annotation.
    pub fragmentation: f64,
    /// Annotated and found too late.
    pub underfill_start: f64,
    /// Annotated and found only up to an earlier end.
    pub underfill_end: f64,
}

impl MisalignedTime {
    /// Annotated time.
    pub fn positive(&self) -> f64 {
        self.true_positive
            + self.deletion
            + self.fragmentation
            + self.underfill_start
            + self.underfill_end
    }

    /// Time that is not annotated.
    pub fn negative(&self) -> f64 {
        self.true_negative + self.insertion + self.merge + self.overfill_start + self.overfill_end
    }

    /// Shares: hits, deletion, fragmentation and underfill of the annotated time, the others of the rest.
    ///
    /// Ward's two sets of figures for one class; 0 of no time is 0.
    pub fn rates(&self) -> Self {
        let (positive, negative) = (self.positive(), self.negative());
        Self {
            true_positive: ratio(self.true_positive, positive),
            true_negative: ratio(self.true_negative, negative),
            insertion: ratio(self.insertion, negative),
            merge: ratio(self.merge, negative),
            overfill_start: ratio(self.overfill_start, negative),
            overfill_end: ratio(self.overfill_end, negative),
            deletion: ratio(self.deletion, positive),
            fragmentation: ratio(self.fragmentation, positive),
            underfill_start: ratio(self.underfill_start, positive),
            underfill_end: ratio(self.underfill_end, positive),
        }
    }

    /// The sum of two.
    pub fn plus(&self, other: &Self) -> Self {
        Self {
            true_positive: self.true_positive + other.true_positive,
            true_negative: self.true_negative + other.true_negative,
            insertion: self.insertion + other.insertion,
            merge: self.merge + other.merge,
            overfill_start: self.overfill_start + other.overfill_start,
            overfill_end: self.overfill_end + other.overfill_end,
            deletion: self.deletion + other.deletion,
            fragmentation: self.fragmentation + other.fragmentation,
            underfill_start: self.underfill_start + other.underfill_start,
            underfill_end: self.underfill_end + other.underfill_end,
        }
    }

    /// The kind of a stretch of time, by what is before and after it.
    fn kind(&mut self, stretch: &Stretch, before: Kind, after: Kind) -> &mut f64 {
        let hit = (before == Kind::Hit, after == Kind::Hit);
        match (stretch.kind(), hit) {
            (Kind::Hit, _) => &mut self.true_positive,
            (Kind::Nothing, _) => &mut self.true_negative,
            (Kind::Found, (true, true)) => &mut self.merge,
            (Kind::Found, (false, true)) => &mut self.overfill_start,
            (Kind::Found, (true, false)) => &mut self.overfill_end,
            (Kind::Found, (false, false)) => &mut self.insertion,
            (Kind::Missed, (true, true)) => &mut self.fragmentation,
            (Kind::Missed, (false, true)) => &mut self.underfill_start,
            (Kind::Missed, (true, false)) => &mut self.underfill_end,
            (Kind::Missed, (false, false)) => &mut self.deletion,
        }
    }
}

/// Events by kind of error. An event is a stretch of time in which the class is annotated, or found, without a break.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct MisalignedEvents {
    /// Annotated events.
    pub num_truth: u64,
    /// Found events.
    pub num_found: u64,
    /// Annotated events found by one that finds no other.
    pub correct: u64,
    /// Annotated events that were not found.
    pub deleted: u64,
    /// Annotated events found in pieces.
    pub fragmented: u64,
    /// Annotated events found together with another.
    pub merged: u64,
    /// Annotated events to which both happened.
    pub fragmented_and_merged: u64,
    /// Found events that belong to no annotated one.
    pub inserted: u64,
    /// Found events that join annotated ones.
    pub merging: u64,
    /// Found events that are pieces of an annotated one.
    pub fragmenting: u64,
    /// Found events that are both.
    pub fragmenting_and_merging: u64,
}

impl MisalignedEvents {
    /// The sum of two.
    pub fn plus(&self, other: &Self) -> Self {
        Self {
            num_truth: self.num_truth + other.num_truth,
            num_found: self.num_found + other.num_found,
            correct: self.correct + other.correct,
            deleted: self.deleted + other.deleted,
            fragmented: self.fragmented + other.fragmented,
            merged: self.merged + other.merged,
            fragmented_and_merged: self.fragmented_and_merged + other.fragmented_and_merged,
            inserted: self.inserted + other.inserted,
            merging: self.merging + other.merging,
            fragmenting: self.fragmenting + other.fragmenting,
            fragmenting_and_merging: self.fragmenting_and_merging + other.fragmenting_and_merging,
        }
    }
}

/// Misalignment of each class: insertions, deletions, merges, fragmentations, overfill and underfill.
///
/// Time is cut where an annotation or a detection of the class starts or ends. What is only found, or only annotated, is
/// judged by whether the pieces before and after it are both annotated and found. An event is judged by the pieces in it;
/// events that touch are one.
///
/// # Errors
/// If a segment or a length is not usable.
///
/// # Source
/// ward-metrics 0.9.5, after Ward, Lukowicz and Gellersen, *Performance Metrics for Activity Recognition* (2011). As
/// there, a found event that joins annotated ones counts for the third fragmented one no longer, and an annotated one in
/// pieces likewise. Unlike there, nothing stops it if nothing was annotated or found.
pub fn misalignment(
    recordings: &[LabelledRecording<'_>],
) -> Result<Vec<ClassMisalignment>, MeasureError> {
    check_labelled(recordings)?;
    let classes = all_classes(recordings).into_iter();
    Ok(classes.map(|label| of_class(recordings, label)).collect())
}

fn of_class(recordings: &[LabelledRecording<'_>], label: u32) -> ClassMisalignment {
    let mut time = MisalignedTime::default();
    let mut events = MisalignedEvents::default();
    for recording in recordings {
        let bounds = Segment::new(0.0, recording.duration);
        let of = |instances: &[Instance]| -> Vec<Segment> {
            let rows = instances.iter().filter(|row| row.label == label);
            let inside = rows.map(|row| row.segment.clamp_to(bounds));
            united(inside.filter(|segment| segment.length() > 0.0).collect())
        };
        let (truth, found) = (of(recording.truth), of(recording.found));
        let stretches = stretches(&truth, &found, recording.duration);
        let kind_at = |at: Option<usize>| {
            let stretch = at.and_then(|at| stretches.get(at));
            stretch.map_or(Kind::Nothing, Stretch::kind)
        };
        for (at, stretch) in stretches.iter().enumerate() {
            let (before, after) = (kind_at(at.checked_sub(1)), kind_at(Some(at + 1)));
            *time.kind(stretch, before, after) += stretch.length;
        }
        events = events.plus(&judged(&stretches, truth.len(), found.len()));
    }
    ClassMisalignment {
        label,
        time,
        events,
    }
}

/// Time without a change, with the events that it belongs to.
struct Stretch {
    length: f64,
    truth: Option<usize>,
    found: Option<usize>,
}

#[derive(Clone, Copy, PartialEq)]
enum Kind {
    Hit,
    Missed,
    Found,
    Nothing,
}

impl Stretch {
    fn kind(&self) -> Kind {
        match (self.truth, self.found) {
            (Some(_), Some(_)) => Kind::Hit,
            (Some(_), None) => Kind::Missed,
            (None, Some(_)) => Kind::Found,
            (None, None) => Kind::Nothing,
        }
    }
}

fn stretches(truth: &[Segment], found: &[Segment], duration: f64) -> Vec<Stretch> {
    let ends = truth.iter().chain(found).flat_map(|s| [s.start, s.end]);
    let mut cuts: Vec<f64> = ends.chain([0.0, duration]).collect();
    cuts.sort_by(f64::total_cmp);
    cuts.dedup();
    let event_at = |events: &[Segment], time: f64| {
        let next = events.partition_point(|event| event.end <= time);
        (next < events.len() && events[next].start <= time).then_some(next)
    };
    let pairs = cuts.windows(2).map(|pair| Stretch {
        length: pair[1] - pair[0],
        truth: event_at(truth, pair[0]),
        found: event_at(found, pair[0]),
    });
    pairs.collect()
}

/// Events by kind of error. An event has as many partners as there are stretches that it shares with one; marks of its
/// partners' errors are counted up to the point at which the original no longer knows them.
fn judged(stretches: &[Stretch], num_truth: usize, num_found: usize) -> MisalignedEvents {
    let mut hits: Vec<(usize, usize)> = stretches
        .iter()
        .filter_map(|stretch| stretch.truth.zip(stretch.found))
        .collect();
    hits.sort_unstable();
    hits.dedup();
    let (mut num_pieces, mut num_joined) = (vec![0; num_truth], vec![0; num_found]);
    for (truth, found) in &hits {
        num_pieces[*truth] += 1;
        num_joined[*found] += 1;
    }
    let (mut merge_marks, mut fragment_marks) = (vec![0; num_truth], vec![0; num_found]);
    for (truth, found) in hits {
        if num_joined[found] > 1 && fragment_marks[found] < 2 {
            merge_marks[truth] += 1;
        }
        if num_pieces[truth] > 1 && merge_marks[truth] < 2 {
            fragment_marks[found] += 1;
        }
    }
    let mut events = MisalignedEvents {
        num_truth: num_truth as u64,
        num_found: num_found as u64,
        ..MisalignedEvents::default()
    };
    for (pieces, marks) in num_pieces.iter().zip(merge_marks) {
        *match (pieces, marks) {
            (0, _) => &mut events.deleted,
            (1, 0) => &mut events.correct,
            (1, _) => &mut events.merged,
            (_, 0) => &mut events.fragmented,
            (_, _) => &mut events.fragmented_and_merged,
        } += 1;
    }
    for (joined, marks) in num_joined.iter().zip(fragment_marks) {
        match (joined, marks) {
            (0, _) => events.inserted += 1,
            (1, 0) => {}
            (1, _) => events.fragmenting += 1,
            (_, 0) => events.merging += 1,
            (_, _) => events.fragmenting_and_merging += 1,
        }
    }
    events
}
