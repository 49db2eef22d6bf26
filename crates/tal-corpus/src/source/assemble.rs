//! Annotations with class ids, made from the recordings of the files.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use tal_core::{ClassMap, Instance, Recording, plain_list};

use super::raw::{Label, Parsed, RawInstance, RawRecording};
use super::{
    ClassList, Converted, DropReason, Dropped, ONLY_SUBSET, SourceError, SourceFormat,
    SourceOptions,
};
use tal_data::annotations::{SegmentFault, segment_fault};

pub(super) fn converted(
    format: SourceFormat,
    parsed: Vec<Parsed>,
    options: &SourceOptions,
) -> Result<Converted, SourceError> {
    let list = class_list(&parsed, options)?;
    let all: Vec<RawRecording> = parsed
        .into_iter()
        .flat_map(|file| file.recordings)
        .collect();
    let labels = Labels::new(format, &all, list, options)?;
    // Before recordings are joined, so that the error names the right file.
    for recording in &all {
        labels.check(recording)?;
    }
    let all = collect(format, all)?;
    if all.is_empty() {
        return Err(SourceError::NoRecordings);
    }
    let mut converted = Converted::default();
    if format == SourceFormat::Csv
        && options.default_subset.is_none()
        && all.iter().all(|raw| raw.subset.is_none())
    {
        converted.assumed_subset = Some(ONLY_SUBSET.to_owned());
    }
    let default_subset = options
        .default_subset
        .clone()
        .or_else(|| converted.assumed_subset.clone());
    let mut subsets = BTreeSet::new();
    for raw in all {
        converted.used.default_subset += usize::from(raw.subset.is_none());
        let subset = raw.subset.clone().or_else(|| default_subset.clone());
        let Some(subset) = subset else {
            return Err(SourceError::NoSubset {
                path: raw.path,
                id: raw.id,
            });
        };
        let renamed = options.subset_map.get(&subset.to_lowercase());
        subsets.insert(subset.to_lowercase());
        let recording = recording(
            raw,
            renamed.unwrap_or(&subset),
            &labels,
            options,
            &mut converted,
        )?;
        converted.truth.recordings.push(recording);
    }
    if format.entry().is_one_file_per_class {
        converted.truth.recordings.sort_by(|a, b| a.id.cmp(&b.id));
        for recording in &mut converted.truth.recordings {
            recording.instances.sort_by(|a, b| {
                (a.segment.start.total_cmp(&b.segment.start))
                    .then(a.segment.end.total_cmp(&b.segment.end))
                    .then(a.label.cmp(&b.label))
            });
        }
    }
    if let Some(absent) = options
        .subset_map
        .keys()
        .find(|name| !subsets.contains(*name))
    {
        let names: Vec<&str> = subsets.iter().map(String::as_str).collect();
        return Err(SourceError::Absent {
            option: "subset",
            name: absent.clone(),
            hint: format!("; they have {}", plain_list(names)),
        });
    }
    if let Some(info) = &options.video_info
        && converted.used.video_info == 0
    {
        return Err(SourceError::OtherRecordings {
            table: info.ids().map(str::to_owned).collect(),
            annotations: converted
                .truth
                .recordings
                .into_iter()
                .map(|one| one.id)
                .collect(),
        });
    }
    converted.truth.classes = labels.classes;
    Ok(converted)
}

fn recording(
    raw: RawRecording,
    subset: &str,
    labels: &Labels,
    options: &SourceOptions,
    converted: &mut Converted,
) -> Result<Recording, SourceError> {
    let (duration, fps) = match &options.video_info {
        Some(info) => info.get(&raw.id),
        None => (None, None),
    };
    let told = duration.is_some() || fps.is_some();
    converted.used.video_info += usize::from(told);
    converted.used.fps += usize::from(fps.or(raw.fps).is_none());
    let duration = duration.or(raw.duration);
    let mut instances = Vec::with_capacity(raw.instances.len());
    let (used, unused) = if options.all_labels {
        ([raw.instances, raw.not_primary].concat(), Vec::new())
    } else {
        (raw.instances, raw.not_primary)
    };
    let mut drop = |instance: &RawInstance, reason| {
        converted.dropped.push(Dropped {
            recording: raw.id.clone(),
            label: labels.display(&instance.label),
            segment: instance.segment,
            reason,
        });
    };
    for instance in unused {
        drop(&instance, DropReason::NotPrimary);
    }
    for instance in used {
        let fault = segment_fault(instance.segment);
        if let Some(fault) = fault.filter(|_| options.strict) {
            return Err(SourceError::Unusable {
                path: raw.path,
                id: raw.id,
                label: labels.display(&instance.label),
                start: instance.segment.start,
                end: instance.segment.end,
                fault: match fault {
                    SegmentFault::Reversed => "ends before it starts",
                    SegmentFault::Empty => "has no length",
                },
            });
        }
        if labels.dropped.contains(&instance.label) {
            drop(&instance, DropReason::Class);
        } else if let Some(fault) = fault {
            let reason = match fault {
                SegmentFault::Reversed => DropReason::Reversed,
                SegmentFault::Empty => DropReason::ZeroLength,
            };
            drop(&instance, reason);
        } else {
            converted.num_beyond_end +=
                usize::from(duration.is_some_and(|duration| instance.segment.end > duration));
            instances.push(Instance {
                segment: instance.segment,
                label: labels.id(&instance.label, &raw.id, &raw.path)?,
            });
        }
    }
    Ok(Recording {
        id: raw.id,
        subset: subset.to_owned(),
        duration,
        fps: fps.or(raw.fps).or(options.fps),
        instances,
    })
}

/// The classes of the options, or else those that the files list; `None` if neither does.
fn class_list(
    parsed: &[Parsed],
    options: &SourceOptions,
) -> Result<Option<(ClassList, &'static str)>, SourceError> {
    if let Some(list) = &options.class_names {
        return Ok(Some((list.clone(), "the given class list")));
    }
    let mut all: Option<ClassMap> = None;
    for file in parsed {
        let Some(list) = &file.classes else { continue };
        let map = all.get_or_insert_default();
        for (id, name) in list.classes().iter() {
            map.insert(id, name)
                .map_err(|source| SourceError::Classes {
                    path: file
                        .recordings
                        .first()
                        .map(|recording| recording.path.clone())
                        .unwrap_or_default(),
                    source,
                })?;
        }
    }
    Ok(all.map(|map| (ClassList::from_map(map), "the list of classes in the file")))
}

/// All recordings in the order of the files; those of one id become one where every class has a file of its own.
fn collect(
    format: SourceFormat,
    separate: Vec<RawRecording>,
) -> Result<Vec<RawRecording>, SourceError> {
    let mut places: BTreeMap<String, usize> = BTreeMap::new();
    let mut all: Vec<RawRecording> = Vec::new();
    for recording in separate {
        match places.get(&recording.id) {
            None => {
                places.insert(recording.id.clone(), all.len());
                all.push(recording);
            }
            Some(place) if format.entry().is_one_file_per_class => {
                all[*place].instances.extend(recording.instances);
            }
            Some(_) => {
                return Err(SourceError::RepeatedRecording {
                    path: recording.path,
                    id: recording.id,
                });
            }
        }
    }
    Ok(all)
}

/// The class of THUMOS14 that marks unclear passages.
const AMBIGUOUS: &str = "Ambiguous";

/// Which id a label has.
struct Labels {
    format: SourceFormat,
    classes: ClassMap,
    ids: BTreeMap<Label, u32>,
    dropped: BTreeSet<Label>,
    list: &'static str,
    all_labels: bool,
}

impl Labels {
    fn new(
        format: SourceFormat,
        all: &[RawRecording],
        list: Option<(ClassList, &'static str)>,
        options: &SourceOptions,
    ) -> Result<Self, SourceError> {
        let used: BTreeSet<&Label> = all
            .iter()
            .flat_map(|recording| {
                let others = recording.not_primary.iter();
                recording
                    .instances
                    .iter()
                    .chain(others.filter(|_| options.all_labels))
            })
            .map(|instance| &instance.label)
            .collect();
        let mut labels = Self {
            format,
            classes: ClassMap::default(),
            ids: BTreeMap::new(),
            dropped: BTreeSet::new(),
            all_labels: options.all_labels,
            list: list.as_ref().map_or("the annotations", |(_, name)| *name),
        };
        // Without a list the label itself is the name, and a number its own id.
        let name_of = |label: &Label| match (label, &list) {
            (Label::Number(number), Some((list, _))) => {
                let id = list.id_of_number(*number)?;
                Some((list.classes().name(id)?.to_owned(), Some(id)))
            }
            (Label::Name(name), Some((list, _))) => {
                Some((name.clone(), Some(list.classes().id(name)?)))
            }
            (Label::Number(number), None) => {
                Some(((format.entry().number_name)(*number), Some(*number)))
            }
            (Label::Name(name), None) => Some((name.clone(), None)),
        };
        // THUMOS14 publishes its class list without the class that marks unclear passages.
        let is_extra = |label: &Label| {
            format.entry().is_one_file_per_class
                && list.is_some()
                && *label == Label::Name(AMBIGUOUS.to_owned())
        };
        let mut known: BTreeSet<String> = BTreeSet::new();
        let mut extra: Option<u32> = None;
        let mut named: Vec<(String, &Label)> = Vec::new();
        for label in used {
            let found = name_of(label);
            let name = match (&found, label) {
                (Some((name, _)), _) | (None, Label::Name(name)) => name.clone(),
                (None, Label::Number(number)) => (format.entry().number_name)(*number),
            };
            if options.drop_classes.contains(&name) {
                labels.dropped.insert(label.clone());
            } else if found.is_none() && is_extra(label) {
                let bound = list
                    .as_ref()
                    .map_or(0, |(list, _)| list.classes().id_bound());
                labels.ids.insert(label.clone(), bound);
                extra = Some(bound);
            } else if let Some((name, id)) = found {
                match id {
                    Some(id) => drop(labels.ids.insert(label.clone(), id)),
                    None => named.push((name, label)),
                }
            }
            // A label without id is reported at its place.
            known.insert(name);
        }
        let is_last = |name: &str| format.entry().is_one_file_per_class && name == AMBIGUOUS;
        named.sort_by_key(|(name, _)| (is_last(name), name.clone()));
        for (id, (_, label)) in (0..).zip(named) {
            labels.ids.insert(label.clone(), id);
        }
        if let Some(absent) = options
            .drop_classes
            .iter()
            .find(|name| !known.contains(*name))
        {
            let known = class_map((0..).zip(known.iter().map(String::as_str)));
            return Err(SourceError::Absent {
                option: "class",
                name: absent.clone(),
                hint: meant(known.nearest(absent)),
            });
        }
        labels.classes = match list {
            Some((list, _)) => {
                let extra = extra.map(|id| (id, AMBIGUOUS));
                let kept = list.classes().iter().chain(extra);
                class_map(kept.filter(|(_, name)| !options.drop_classes.iter().any(|n| n == name)))
            }
            None => {
                let pairs: BTreeMap<u32, String> = labels
                    .ids
                    .iter()
                    .filter_map(|(label, id)| Some((*id, name_of(label)?.0)))
                    .collect();
                class_map(pairs.iter().map(|(id, name)| (*id, name.as_str())))
            }
        };
        Ok(labels)
    }

    /// Whether every label that is used has an id.
    fn check(&self, recording: &RawRecording) -> Result<(), SourceError> {
        let others = recording.not_primary.iter().filter(|_| self.all_labels);
        for instance in recording.instances.iter().chain(others) {
            if !self.dropped.contains(&instance.label) {
                self.id(&instance.label, &recording.id, &recording.path)?;
            }
        }
        Ok(())
    }

    fn id(&self, label: &Label, recording: &str, path: &Path) -> Result<u32, SourceError> {
        self.ids.get(label).copied().ok_or_else(|| {
            let (found, near) = match label {
                Label::Name(name) => (format!("{name:?}"), self.classes.nearest(name)),
                Label::Number(number) => (number.to_string(), None),
            };
            SourceError::UnknownLabel {
                path: path.to_owned(),
                id: recording.to_owned(),
                label: found,
                list: self.list.to_owned(),
                hint: meant(near),
            }
        })
    }

    fn display(&self, label: &Label) -> String {
        match label {
            Label::Name(name) => name.clone(),
            Label::Number(number) => self
                .ids
                .get(label)
                .and_then(|id| self.classes.name(*id))
                .map_or_else(|| (self.format.entry().number_name)(*number), str::to_owned),
        }
    }
}

fn meant(near: Option<&str>) -> String {
    near.map_or_else(String::new, |near| format!("; is {near:?} meant?"))
}

/// Pairs with ids and names that differ.
fn class_map<'a>(pairs: impl Iterator<Item = (u32, &'a str)>) -> ClassMap {
    let mut map = ClassMap::default();
    for (id, name) in pairs {
        // Cannot fail, see above.
        let _ = map.insert(id, name);
    }
    map
}
