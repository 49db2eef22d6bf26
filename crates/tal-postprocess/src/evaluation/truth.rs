//! The annotations that count.

use tal_core::{Instance, Recording, Segment, remove_duplicates};

use super::EvaluationError;
use super::dialect::{Rules, ShortInstances, TOLERANCE};

/// Recordings that count, by id, and their annotations.
#[derive(Debug)]
pub(super) struct Truth<'a> {
    pub(super) recordings: Vec<&'a Recording>,
    /// For each recording as given its position in `recordings`; none for a blocked one.
    pub(super) positions: Vec<Option<u32>>,
    /// Per recording the annotations that count. Those without length are still there where they go last.
    pub(super) instances: Vec<Vec<Instance>>,
    /// Per recording the annotations of the ambiguous class.
    pub(super) ambiguous: Vec<Vec<Segment>>,
    /// Number of annotations of recordings that count, of all classes but the ambiguous one.
    pub(super) num_annotations: usize,
}

impl<'a> Truth<'a> {
    pub(super) fn new(
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

    /// The annotations that are looked for, with the position of their recording.
    pub(super) fn counted(&self, rules: &Rules) -> impl Iterator<Item = (u32, &Instance)> {
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

    /// The position of a recording, where it counts.
    pub(super) fn position(&self, id: &str) -> Option<u32> {
        self.recordings
            .binary_search_by(|recording| recording.id.as_str().cmp(id))
            .ok()
            .map(|position| position as u32)
    }

    /// Whether a segment of a recording has a part in common with an annotation of the ambiguous class.
    pub(super) fn is_ambiguous(&self, recording: u32, segment: Segment) -> bool {
        self.ambiguous
            .get(recording as usize)
            .is_some_and(|marked| marked.iter().any(|m| m.intersection(segment) > 0.0))
    }
}

fn check(recording: &Recording) -> Result<(), EvaluationError> {
    let unusable = |instance: &Instance| !instance.segment.is_ordered();
    match recording.instances.iter().position(unusable) {
        None => Ok(()),
        Some(row) => Err(EvaluationError::Instance {
            recording: recording.id.clone(),
            row,
            start: recording.instances[row].segment.start,
            end: recording.instances[row].segment.end,
        }),
    }
}

/// The annotations without those that go before duplicates are looked for, and without those that repeat an earlier one
/// that stays.
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
