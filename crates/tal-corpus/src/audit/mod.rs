//! Audit of a whole data set: [`check`] finds its faults, [`statistics()`] describes it.
//!
//! Nothing here stops at the first problem. Work is spread over rayon's threads; each holds the features of one recording
//! at a time.

mod annotations;
mod clicks;
mod consequences;
mod distribution;
mod features;
mod finding;
mod labels;
mod learning;
mod length;
mod positives;
mod rate;
mod recording;
mod spelling;
mod statistics;
mod subsets;
mod timing;
mod units;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use rayon::prelude::*;
use serde::Serialize;
use tal_core::config::Config;
use tal_core::{GroundTruth, Recording};

use annotations::is_in;
use features::{Files, Loaded};
use finding::Findings;
use labels::Labels;
use learning::Lesson;
use length::Length;
use positives::Assigner;
use recording::{Member, Surroundings};
use tal_data::FeatureStore;

pub use distribution::Distribution;
pub use finding::{Code, Finding, Severity};
pub use statistics::{
    ClassStatistics, LengthAdvice, Level, LevelStatistics, RangeAdvice, Seconds, Statistics,
    SubsetStatistics, statistics,
};

/// How the work of looking at a data set goes on.
pub struct Watch<'a> {
    /// Called with the number of recordings that are done and of all, from any thread.
    pub progress: &'a (dyn Fn(usize, usize) + Sync),
    /// Set it to end the work early; the findings so far are returned.
    pub stop: &'a AtomicBool,
}

/// Everything that [`check`] found.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Audit {
    /// Number of findings that are errors.
    pub num_errors: usize,
    /// Number of findings that are warnings.
    pub num_warnings: usize,
    /// Number of findings that are notes.
    pub num_notes: usize,
    /// Whether feature files were only looked for, and not read.
    pub quick: bool,
    /// False if the work was ended early.
    pub complete: bool,
    /// The used subsets.
    pub subsets: Vec<SubsetCounts>,
    /// The findings: errors first, then by code, those of a code in the order of the annotation file.
    pub findings: Vec<Finding>,
}

/// How much of a subset there is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SubsetCounts {
    /// Its name in the configuration.
    pub name: String,
    /// `training` or `test`.
    pub role: &'static str,
    /// Recordings.
    pub num_recordings: usize,
    /// Annotations of them.
    pub num_annotations: usize,
    /// Recordings whose features were read without error.
    pub num_features_read: usize,
}

/// Looks for mistakes in the data set of a configuration: in the annotations, in the feature files of all recordings of the
/// used subsets, and in how they fit together and to the network.
///
/// `quick` leaves the feature files unread: whether they exist is checked, their shapes and values are not.
pub fn check(config: &Config, quick: bool, watch: &Watch<'_>) -> Audit {
    let dataset = &config.dataset;
    let mut findings = Findings::default();
    if let Err(error) = tal_data::check_inertial_grid(dataset) {
        let expected = "feat_stride and num_frames as the windows are cut";
        let found = error.to_string();
        findings.add(Severity::Error, Code::GridMismatch, None, found, expected);
    }
    let store = tal_data::features::open(dataset);
    let Some(read) = annotations::read(dataset, &mut findings) else {
        let dir = &dataset.features.dir;
        if !dir.to_string_lossy().contains('{') && !dir.is_dir() {
            findings.add(
                Severity::Error,
                Code::FeatureDirMissing,
                None,
                format!("there is no folder {}", dir.display()),
                "the folder of the feature files (dataset.features.dir)",
            );
        }
        return audit(findings, Vec::new(), quick, true);
    };
    let labels = Labels::read(config, &read.truth, &mut findings);
    subsets::check(config, &read.truth, &labels, &mut findings);
    let files = Files::list(&store, &read.truth, &read.damaged);
    files.check(&dataset.features, &mut findings);

    let members = members(config, &read.truth, &read.damaged);
    let recordings: Vec<&Recording> = members.iter().map(|member| member.recording).collect();
    let skip = dataset.skip_missing_features;
    let present = features::present(&recordings, &store, &files, skip, &mut findings);
    if skip {
        let trained = |index: usize| members[index].trained_on;
        features::check_left_out(&present, trained, &mut findings);
    }
    let around = Surroundings {
        config,
        classes: &read.truth.classes,
        labels,
        assigner: assigner(config),
    };
    let done = AtomicUsize::new(0);
    let looked_at: Vec<Option<Looked>> = members
        .par_iter()
        .zip(&present)
        .map(|(member, present)| {
            if watch.stop.load(Ordering::Relaxed) {
                return None;
            }
            let store = (*present && !quick).then_some(&store);
            let looked = look(member, store, &around);
            let done = done.fetch_add(1, Ordering::Relaxed) + 1;
            (watch.progress)(done, members.len());
            Some(looked)
        })
        .collect();
    let complete = looked_at.iter().all(Option::is_some);
    let counts = counts(config, &members, &looked_at);
    together(&around, &members, &looked_at, &mut findings);
    let own = looked_at.into_iter().flatten();
    findings.0.extend(own.flat_map(|looked| looked.findings.0));
    let mut trained = members.iter().filter(|member| member.trained_on);
    let unlabelled = trained.all(|member| around.labels.of(member.recording).is_empty());
    consequences::remove(&mut findings.0, unlabelled);
    audit(findings, counts, quick, complete)
}

/// Findings that concern several recordings.
fn together(
    around: &Surroundings<'_>,
    members: &[Member<'_>],
    looked: &[Option<Looked>],
    findings: &mut Findings,
) {
    repeated(members, looked, findings);
    features::check_constant(
        members
            .iter()
            .zip(looked)
            .filter(|(member, _)| member.trained_on)
            .filter_map(|(_, looked)| looked.as_ref()?.loaded.as_ref()),
        findings,
    );
    let looked: Vec<Option<&Looked>> = looked.iter().map(Option::as_ref).collect();
    let lens: Vec<Option<usize>> = looked
        .iter()
        .map(|looked| Some((*looked)?.loaded.as_ref()?.len))
        .collect();
    units::check(&around.config.dataset, members, &lens, findings);
    let lengths = members.iter().zip(&looked).filter_map(|(member, looked)| {
        let length = (*looked)?.length?;
        Some((member.recording.id.as_str(), length))
    });
    rate::check(&lengths.collect::<Vec<_>>(), findings);
    // What a damaged recording would teach is not known.
    let taught = members
        .iter()
        .zip(&looked)
        .filter(|(member, _)| member.trained_on);
    let lessons: Option<Vec<&Vec<Lesson>>> = taught
        .map(|(member, looked)| match member.damaged {
            true => None,
            false => (*looked)?.lessons.as_ref(),
        })
        .collect();
    if let Some(lessons) = lessons {
        let lessons: Vec<Lesson> = lessons.into_iter().flatten().copied().collect();
        learning::check(&lessons, around.classes, findings);
    }
}

/// Findings about one recording.
struct Looked {
    findings: Findings,
    loaded: Option<Loaded>,
    length: Option<Length>,
    lessons: Option<Vec<Lesson>>,
}

fn look(member: &Member<'_>, store: Option<&FeatureStore>, around: &Surroundings<'_>) -> Looked {
    let mut findings = Findings::default();
    let recording = member.recording;
    let loaded = store.and_then(|store| features::load(recording, store, &mut findings));
    let len = loaded.as_ref().map(|loaded| loaded.len);
    let lessons = recording::check(member, len, around, &mut findings);
    let grid = timing::stored_grid(&around.config.dataset, recording);
    let length = match (len, grid, recording.duration) {
        (Some(found), Some(grid), Some(duration)) => Some(Length {
            found,
            grid,
            duration,
        }),
        _ => None,
    };
    Looked {
        findings,
        loaded,
        length,
        lessons,
    }
}

fn members<'a>(
    config: &Config,
    truth: &'a GroundTruth,
    damaged: &BTreeSet<String>,
) -> Vec<Member<'a>> {
    let dataset = &config.dataset;
    let used = truth.recordings.iter().filter_map(|recording| {
        let trained_on = is_in(&recording.subset, &dataset.train_subsets);
        let used = trained_on || is_in(&recording.subset, &dataset.test_subsets);
        used.then(|| Member {
            recording,
            trained_on,
            damaged: damaged.contains(&recording.id),
        })
    });
    used.collect()
}

fn assigner(config: &Config) -> Assigner {
    Assigner::new(
        &config.decoder.regression_range,
        config.loss.assignment.center_radius,
    )
}

fn counts(config: &Config, members: &[Member<'_>], looked: &[Option<Looked>]) -> Vec<SubsetCounts> {
    let dataset = &config.dataset;
    let roles = [
        ("training", &dataset.train_subsets),
        ("test", &dataset.test_subsets),
    ];
    let names = roles
        .into_iter()
        .flat_map(|(role, names)| names.iter().map(move |name| (role, name)));
    names
        .map(|(role, name)| {
            let mut counts = SubsetCounts {
                name: name.clone(),
                role,
                num_recordings: 0,
                num_annotations: 0,
                num_features_read: 0,
            };
            for (member, looked) in members.iter().zip(looked) {
                if !is_in(&member.recording.subset, std::slice::from_ref(name)) {
                    continue;
                }
                counts.num_recordings += 1;
                counts.num_annotations += member.recording.instances.len();
                let read = looked
                    .as_ref()
                    .is_some_and(|looked| looked.loaded.is_some());
                counts.num_features_read += usize::from(read);
            }
            counts
        })
        .collect()
}

/// Recordings with the features of another.
fn repeated(members: &[Member<'_>], looked: &[Option<Looked>], findings: &mut Findings) {
    let mut seen: BTreeMap<u64, &Member<'_>> = BTreeMap::new();
    for (member, looked) in members.iter().zip(looked) {
        let loaded = looked.as_ref().and_then(|looked| looked.loaded.as_ref());
        let Some(digest) = loaded.and_then(|loaded| loaded.digest) else {
            continue;
        };
        let Some(first) = seen.get(&digest) else {
            seen.insert(digest, member);
            continue;
        };
        let (severity, what) = if first.trained_on == member.trained_on {
            (Severity::Warning, "")
        } else {
            (Severity::Error, ": one is trained on, the other tested on")
        };
        findings.add(
            severity,
            Code::FeatureRepeated,
            Some(&member.recording.id),
            format!("the same features as {:?}{what}", first.recording.id),
            "features of its own for each recording",
        );
    }
}

fn audit(findings: Findings, subsets: Vec<SubsetCounts>, quick: bool, complete: bool) -> Audit {
    let mut audit = Audit {
        num_errors: 0,
        num_warnings: 0,
        num_notes: 0,
        quick,
        complete,
        subsets,
        findings: findings.0,
    };
    audit.sort_and_count();
    audit
}

impl Audit {
    fn sort_and_count(&mut self) {
        let findings = &mut self.findings;
        findings.sort_by_key(|finding| (finding.severity, finding.code));
        let count = |severity| {
            let same = findings.iter().filter(|one| one.severity == severity);
            same.count()
        };
        self.num_errors = count(Severity::Error);
        self.num_warnings = count(Severity::Warning);
        self.num_notes = count(Severity::Note);
    }
}
