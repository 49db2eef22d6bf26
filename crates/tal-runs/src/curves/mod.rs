//! Curves of a run in the formats of other tools.

mod dvclive;
mod event;
mod scalars;
mod tensorboard;

use std::path::Path;

use tal_core::FileError;
use tal_core::config::CurveFormat;

use dvclive::DvcLive;
use scalars::{ScalarReader, Scalars};
use tensorboard::EventFile;

/// Writer of curves beside `metrics.jsonl`: each of its lines becomes one point of several curves.
///
/// A curve is named after the event and the field, such as `train/loss`, `epoch/mean_loss` or `evaluation/map@50`. Its x-axis is
/// the number of the step; an epoch and an evaluation stand at the number of steps done.
pub struct Curves {
    reader: ScalarReader,
    events: Option<EventFile>,
    tables: Option<DvcLive>,
}

impl Curves {
    /// Opens the curves of a run folder in the given formats. `metrics` is the text of `metrics.jsonl` so far: the curves then
    /// hold its lines and no others, whatever was written before.
    ///
    /// # Errors
    /// If a file cannot be written.
    pub fn open(folder: &Path, formats: &[CurveFormat], metrics: &str) -> Result<Self, FileError> {
        let mut reader = ScalarReader::default();
        let kept: Vec<Scalars> = match formats.is_empty() {
            true => Vec::new(),
            false => metrics
                .lines()
                .filter_map(|line| reader.read(line))
                .collect(),
        };
        let wants = |format| formats.contains(&format);
        Ok(Self {
            reader,
            events: match wants(CurveFormat::Tensorboard) {
                true => Some(EventFile::open(folder, &kept)?),
                false => None,
            },
            tables: match wants(CurveFormat::Dvclive) {
                true => Some(DvcLive::open(folder, &kept)?),
                false => None,
            },
        })
    }

    /// Adds a line of `metrics.jsonl`.
    ///
    /// # Errors
    /// If a file cannot be written.
    pub fn add(&mut self, line: &str) -> Result<(), FileError> {
        if self.events.is_none() && self.tables.is_none() {
            return Ok(());
        }
        let Some(scalars) = self.reader.read(line) else {
            return Ok(());
        };
        if let Some(events) = &mut self.events {
            events.add(&scalars)?;
        }
        if let Some(tables) = &mut self.tables {
            tables.add(&scalars)?;
        }
        Ok(())
    }
}

/// Whether a file or folder of a run folder holds curves of this crate.
pub fn is_curve_file(name: &str) -> bool {
    name == dvclive::FOLDER || tensorboard::is_event_file(name)
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    const BOTH: [CurveFormat; 2] = [CurveFormat::Tensorboard, CurveFormat::Dvclive];
    const STEP: &str =
        r#"{"event":"step","epoch":1,"step":0,"loss":1.5,"sensitivity":{"cls_weight":0.25}}"#;
    const EPOCH: &str = r#"{"event":"epoch","epoch":1,"step":1,"mean_loss":1.5,"seconds":2.0}"#;
    const TEST: &str = r#"{"event":"evaluation","epoch":1,"subsets":["test"],"average_map":0.1,"map":[0.1,0.2],"tiou_thresholds":[0.3,0.5],"seconds":1.0}"#;

    fn event_files(folder: &Path) -> Vec<String> {
        let entries = fs::read_dir(folder).unwrap();
        let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
        names.filter(|name| name.contains("tfevents")).collect()
    }

    #[test]
    fn a_resumed_run_holds_every_step_once() {
        let whole = tempfile::tempdir().unwrap();
        let mut curves = Curves::open(whole.path(), &BOTH, "").unwrap();
        for line in [STEP, EPOCH, TEST] {
            curves.add(line).unwrap();
        }
        let resumed = tempfile::tempdir().unwrap();
        let mut curves = Curves::open(resumed.path(), &BOTH, "").unwrap();
        // The first process dies after a step that its saved state lacks.
        for line in [STEP, EPOCH, EPOCH] {
            curves.add(line).unwrap();
        }
        let kept = format!("{STEP}\n{EPOCH}\n");
        let mut curves = Curves::open(resumed.path(), &BOTH, &kept).unwrap();
        curves.add(TEST).unwrap();
        let read = |folder: &Path, name: &str| {
            fs::read_to_string(folder.join("dvclive").join(name)).unwrap()
        };
        for name in [
            "metrics.json",
            "plots/metrics/train/loss.tsv",
            "plots/metrics/train/sensitivity/cls_weight.tsv",
            "plots/metrics/epoch/mean_loss.tsv",
            "plots/metrics/evaluation/map@50.tsv",
        ] {
            assert_eq!(
                read(whole.path(), name),
                read(resumed.path(), name),
                "{name}"
            );
        }
        assert_eq!(
            read(whole.path(), "plots/metrics/evaluation/map@50.tsv"),
            "step\tmap@50\n1\t0.2\n"
        );
        let points = |folder: &Path| -> Vec<(i64, usize)> {
            let names = event_files(folder);
            assert_eq!(names.len(), 1, "{names:?}");
            let bytes = fs::read(folder.join(&names[0])).unwrap();
            event::records(&bytes)
                .map(|record| (record.step, record.bytes.len()))
                .collect()
        };
        assert_eq!(points(whole.path()), points(resumed.path()));
        assert_eq!(points(whole.path()).len(), 4);
    }

    #[test]
    fn times_of_the_steps_that_stay_stay() {
        let folder = tempfile::tempdir().unwrap();
        let times = || -> Vec<f64> {
            let names = event_files(folder.path());
            let bytes = fs::read(folder.path().join(&names[0])).unwrap();
            event::records(&bytes)
                .map(|record| record.wall_time)
                .collect()
        };
        let mut curves = Curves::open(folder.path(), &BOTH, "").unwrap();
        curves.add(STEP).unwrap();
        let before = times();
        drop(Curves::open(folder.path(), &BOTH, &format!("{STEP}\n")).unwrap());
        assert_eq!(times()[1], before[1]);
    }

    #[test]
    fn files_of_others_stay() {
        let folder = tempfile::tempdir().unwrap();
        let theirs = folder.path().join("events.out.tfevents.17.laptop.8.0");
        fs::write(&theirs, "theirs").unwrap();
        drop(Curves::open(folder.path(), &BOTH, "").unwrap());
        assert_eq!(fs::read(theirs).unwrap(), b"theirs");
        assert!(is_curve_file("dvclive") && !is_curve_file("metrics.jsonl"));
        assert!(!is_curve_file("events.out.tfevents.17.laptop.8.0"));
    }

    #[test]
    fn nothing_is_written_that_was_not_asked_for() {
        let folder = tempfile::tempdir().unwrap();
        let mut curves = Curves::open(folder.path(), &[], STEP).unwrap();
        curves.add(STEP).unwrap();
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
    }
}
