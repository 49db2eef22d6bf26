//! Annotations that count.

use tal_core::{Instance, Recording, Segment, remove_duplicates};

use super::dialect::{Rules, ShortInstances, TOLERANCE};
use super::error::{EvaluationError, InputError, InputErrorKind};

/// Recordings that count, sorted by id, and their annotations.
#[derive(Debug)]
pub(crate) struct Truth<'a> {
    pub(crate) recordings: Vec<&'a Recording>,
    /// Position in `recordings` of each given recording; `None` for a blocked one.
    pub(crate) positions: Vec<Option<u32>>,
    /// Annotations that count, per recording. Those without length are still there if the rules drop them last.
    pub(crate) instances: Vec<Vec<Instance>>,
    /// Annotations of the ambiguous class, per recording.
    pub(crate) ambiguous: Vec<Vec<Segment>>,
    /// Number of annotations of these recordings, those of the ambiguous class excluded.
    pub(crate) num_annotations: usize,
}

impl<'a> Truth<'a> {
    pub(crate) fn new(
        recordings: impl IntoIterator<Item = &'a Recording>,
        rules: &Rules,
    ) -> Result<Self, EvaluationError> {
        let given: Vec<&Recording> = recordings.into_iter().collect();
        if given.is_empty() {
            return Err(EvaluationError::NoRecordings);
        }
        let mut order: Vec<usize> = (0..given.len()).collect();
        order.sort_by(|a, b| given[*a].id.cmp(&given[*b].id));
        if let Some(pair) = order
            .windows(2)
            .find(|pair| given[pair[0]].id == given[pair[1]].id)
        {
            let recording = given[pair[0]].id.clone();
            return Err(EvaluationError::DuplicateRecording { recording });
        }
        order.retain(|index| !rules.blocked.contains(&given[*index].id));
        if order.is_empty() {
            let num_recordings = given.len();
            return Err(EvaluationError::AllBlocked { num_recordings });
        }

        let mut truth = Self {
            recordings: Vec::with_capacity(order.len()),
            positions: vec![None; given.len()],
            instances: Vec::with_capacity(order.len()),
            ambiguous: Vec::with_capacity(order.len()),
            num_annotations: 0,
        };
        for (position, index) in order.into_iter().enumerate() {
            let recording = given[index];
            check(recording)?;
            let (ambiguous, instances): (Vec<Instance>, Vec<Instance>) = recording
                .instances
                .iter()
                .copied()
                .partition(|instance| Some(instance.label) == rules.ambiguous);
            truth.positions[index] = Some(position as u32);
            truth.recordings.push(recording);
            truth.num_annotations += instances.len();
            truth.instances.push(kept(instances, rules));
            truth
                .ambiguous
                .push(ambiguous.iter().map(|instance| instance.segment).collect());
        }
        Ok(truth)
    }

    /// Annotations to be found, with the position of their recording.
    pub(crate) fn counted(&self, rules: &Rules) -> impl Iterator<Item = (u32, &Instance)> {
        let all = rules.short != ShortInstances::EmptyLast;
        self.instances
            .iter()
            .enumerate()
            .flat_map(|(recording, instances)| {
                instances
                    .iter()
                    .map(move |instance| (recording as u32, instance))
            })
            .filter(move |(_, instance)| all || instance.segment.length() > 0.0)
    }

    /// Position of a recording; `None` if it does not count.
    pub(crate) fn position(&self, id: &str) -> Option<u32> {
        self.recordings
            .binary_search_by(|recording| recording.id.as_str().cmp(id))
            .ok()
            .map(|position| position as u32)
    }

    /// Whether a segment of a recording overlaps an annotation of the ambiguous class.
    pub(crate) fn is_ambiguous(&self, recording: u32, segment: Segment) -> bool {
        self.ambiguous
            .get(recording as usize)
            .is_some_and(|marked| marked.iter().any(|m| m.intersection(segment) > 0.0))
    }
}

fn check(recording: &Recording) -> Result<(), InputError> {
    let mut segments = recording.instances.iter().map(|instance| instance.segment);
    match segments.position(|segment| !is_usable(segment)) {
        None => Ok(()),
        Some(row) => {
            let Segment { start, end } = recording.instances[row].segment;
            let kind = InputErrorKind::Annotation { start, end };
            Err(InputError::new(&recording.id, row, kind))
        }
    }
}

/// Whether the ends are in order and the length is a number: two huge finite ends may lie infinitely far apart.
pub(super) fn is_usable(segment: Segment) -> bool {
    segment.is_ordered() && segment.length().is_finite()
}

/// The annotations except those that are too short and those that repeat an earlier one that stays.
fn kept(mut instances: Vec<Instance>, rules: &Rules) -> Vec<Instance> {
    instances.retain(|instance| match rules.short {
        ShortInstances::Kept | ShortInstances::EmptyLast => true,
        ShortInstances::BelowTolerance => instance.segment.length() >= TOLERANCE,
        ShortInstances::Empty => instance.segment.length() > 0.0,
    });
    if rules.without_duplicates {
        return remove_duplicates(&instances);
    }
    instances
}
