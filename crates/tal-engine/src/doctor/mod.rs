//! Whether this machine has what the program needs, and what to do if it has not.

mod cuda;
mod libtorch;
mod memory;
mod processor;
mod storage;
mod video;

use std::path::PathBuf;

use serde::Serialize;

use crate::device::DeviceChoice;

/// What is looked for.
#[derive(Debug, Clone)]
pub struct DoctorOptions {
    /// The device that networks will run on; a GPU that is named is needed.
    pub device: DeviceChoice,
    /// Folder for runs; it need not exist.
    pub folder: PathBuf,
    /// Whether features of videos will be computed, so that ffmpeg and weights are needed.
    pub videos: bool,
    /// The file of a video network's weights; `None` if it was not found.
    pub weights: Option<PathBuf>,
}

/// One finding.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Finding {
    /// What was looked at.
    pub subject: &'static str,
    /// Whether it will do.
    pub verdict: Verdict,
    /// What was found.
    pub found: String,
    /// What to do; `None` if nothing is to be done.
    pub advice: Option<String>,
}

/// Whether something will do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Verdict {
    /// It will.
    Fine,
    /// It will, but more is possible.
    Note,
    /// It is needed, and it will not.
    Missing,
}

impl Finding {
    fn fine(subject: &'static str, found: impl Into<String>) -> Self {
        Self {
            subject,
            verdict: Verdict::Fine,
            found: found.into(),
            advice: None,
        }
    }

    fn note(subject: &'static str, found: impl Into<String>, advice: impl Into<String>) -> Self {
        Self {
            verdict: Verdict::Note,
            advice: Some(advice.into()),
            ..Self::fine(subject, found)
        }
    }

    fn missing(subject: &'static str, found: impl Into<String>, advice: impl Into<String>) -> Self {
        Self {
            verdict: Verdict::Missing,
            ..Self::note(subject, found, advice)
        }
    }

    /// Missing if it is needed, else a note.
    fn lacking(
        subject: &'static str,
        is_needed: bool,
        found: impl Into<String>,
        advice: impl Into<String>,
    ) -> Self {
        match is_needed {
            true => Self::missing(subject, found, advice),
            false => Self::note(subject, found, advice),
        }
    }
}

/// Looks at the machine.
pub fn examine(options: &DoctorOptions) -> Vec<Finding> {
    vec![
        // Before the first tensor: LibTorch looks for CUDA once per process.
        cuda::finding(options.device),
        libtorch::finding(),
        processor::cores(),
        processor::instructions(),
        memory::finding(),
        storage::finding(&options.folder),
        video::ffmpeg(options.videos),
        video::weights(options.weights.as_deref(), options.videos),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_needed_and_not_there_is_missing_with_advice() {
        let folder = tempfile::tempdir().unwrap();
        let options = DoctorOptions {
            device: DeviceChoice::Cuda(4711),
            folder: folder.path().join("not/yet/there"),
            videos: true,
            weights: Some(folder.path().join("nothing.pth")),
        };
        let findings = examine(&options);
        let of = |subject: &str| findings.iter().find(|one| one.subject == subject).unwrap();
        assert_eq!(of("LibTorch").verdict, Verdict::Fine, "{findings:?}");
        for subject in ["CUDA", "weights"] {
            assert_eq!(of(subject).verdict, Verdict::Missing, "{findings:?}");
        }
        assert!(of("CUDA").advice.as_ref().unwrap().contains("--device cpu"));
        for one in &findings {
            assert_eq!(
                one.advice.is_none(),
                one.verdict == Verdict::Fine,
                "{one:?}"
            );
            assert!(!one.found.is_empty());
        }
    }

    #[test]
    fn nothing_but_the_cpu_is_needed_without_videos() {
        let folder = tempfile::tempdir().unwrap();
        let findings = examine(&DoctorOptions {
            device: DeviceChoice::Cpu,
            folder: folder.path().to_owned(),
            videos: false,
            weights: None,
        });
        for subject in ["CUDA", "ffmpeg", "weights"] {
            let one = findings.iter().find(|one| one.subject == subject).unwrap();
            assert_ne!(one.verdict, Verdict::Missing, "{one:?}");
        }
    }
}
