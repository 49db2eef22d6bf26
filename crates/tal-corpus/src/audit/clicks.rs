//! Background clicks that do not fit the annotations.

use std::collections::BTreeSet;
use std::path::Path;

use tal_core::GroundTruth;
use tal_core::config::DatasetConfig;

use super::finding::Findings;
use super::{Audit, Code, Severity};
use tal_data::ClickError;
use tal_data::annotations;
use tal_data::clicks::{Clicks, released};

impl Audit {
    /// Looks for mistakes in background clicks, from a file or a folder as [`tal_data::WeakOptions::clicks`] has it, and adds what
    /// it finds. Does nothing if the annotation file cannot be read, since [`super::check`] reports that.
    pub fn check_clicks(&mut self, dataset: &DatasetConfig, path: &Path) {
        let Ok(salvage) = annotations::salvage(&dataset.annotations, None) else {
            return;
        };
        let recordings = &salvage.truth.recordings;
        let mut findings = Findings::default();
        let clicks = if path.is_dir() {
            released::read_clicks(path, recordings)
        } else {
            Clicks::read(path)
        };
        match clicks {
            Ok(clicks) => compare(&clicks, &salvage.truth, path, &mut findings),
            Err(error) => {
                let expected = "a click file, or a folder of archives in the released layout";
                let (severity, code) = (Severity::Error, Code::ClicksUnreadable);
                findings.add(severity, code, None, error.to_string(), expected);
            }
        }
        self.findings.append(&mut findings.0);
        self.sort_and_count();
    }
}

fn compare(clicks: &Clicks, truth: &GroundTruth, path: &Path, findings: &mut Findings) {
    let known: BTreeSet<&str> = truth.recordings.iter().map(|r| r.id.as_str()).collect();
    for (id, _) in clicks.iter().filter(|(id, _)| !known.contains(id)) {
        findings.add(
            Severity::Warning,
            Code::ClickOfUnknownRecording,
            Some(id),
            format!(
                "clicks in {}, but no recording of this name",
                path.display()
            ),
            "clicks of recordings that the annotation file has",
        );
    }
    for recording in &truth.recordings {
        if let Err(ClickError::Outside {
            click, duration, ..
        }) = clicks.check_durations([recording], path)
        {
            findings.add(
                Severity::Error,
                Code::ClickOutside,
                Some(&recording.id),
                format!("a click at {click} s, but the recording lasts {duration} s"),
                format!("clicks from 0 to {duration} s"),
            );
        }
        for found in clicks.in_actions([recording]) {
            let class = truth.classes.display_name(found.action.label);
            let (start, end) = (found.action.segment.start, found.action.segment.end);
            findings.add(
                Severity::Warning,
                Code::ClickInAction,
                Some(&recording.id),
                format!(
                    "a click at {} s, in {class:?} from {start} to {end} s",
                    found.click
                ),
                "clicks where no action happens; an annotator may err",
            );
        }
    }
}
