//! Scores of all classes over time, in files.

use std::io::Write;
use std::path::PathBuf;

use anyhow::{Result, anyhow};
use serde_json::json;
use tal_core::ClassMap;
use tal_core::atomic::write_atomic;
use tal_data::features::npy;
use tal_engine::{Detector, FrameScores};

use super::sink::file_of;
use crate::args::{PredictArgs, ScoresFormatArg};
use crate::commands::output;
use crate::failure::bail_usage;

/// The folder of `--scores`.
pub(super) struct ScoresFolder {
    folder: PathBuf,
    format: ScoresFormatArg,
    classes: ClassMap,
}

impl ScoresFolder {
    /// The folder that the options name.
    pub(super) fn open(args: &PredictArgs, detector: &Detector) -> Result<Option<Self>> {
        let Some(folder) = &args.scores else {
            return Ok(None);
        };
        if detector.external_scores().is_some() {
            bail_usage!(
                "--scores: this detector takes its classes from inference.external_scores, and has no scores of them over time"
            );
        }
        output::create_folder(folder)?;
        Ok(Some(Self {
            folder: folder.clone(),
            format: args.scores_format,
            classes: detector.classes().clone(),
        }))
    }

    /// Writes the scores of a recording.
    pub(super) fn write(&self, scores: &FrameScores, id: &str) -> Result<()> {
        let names = (0..scores.num_classes as u32).map(|label| self.classes.display_name(label));
        let names: Vec<String> = names.collect();
        match self.format {
            ScoresFormatArg::Npy => {
                let shape = [scores.len, scores.num_classes];
                npy::write(&file_of(&self.folder, id, "npy")?, &scores.values, &shape)?;
                let about = json!({
                    "recording": id,
                    "shape": shape,
                    "axes": ["time", "class"],
                    "classes": names,
                    "first": scores.first,
                    "step": scores.step,
                });
                output::write_json(&file_of(&self.folder, id, "json")?, &about)
            }
            ScoresFormatArg::Csv => {
                let path = file_of(&self.folder, id, "csv")?;
                write_atomic(&path, |out| table(out, scores, &names))
                    .map_err(|error| anyhow!("cannot write {}: {error}", path.display()))
            }
        }
    }
}

fn table(out: &mut dyn Write, scores: &FrameScores, names: &[String]) -> std::io::Result<()> {
    let quoted = |name: &String| match name.contains([',', '"', '\n']) {
        true => format!("\"{}\"", name.replace('"', "\"\"")),
        false => name.clone(),
    };
    let names: Vec<String> = names.iter().map(quoted).collect();
    writeln!(out, "time,{}", names.join(","))?;
    for step in 0..scores.len {
        write!(out, "{}", scores.time(step))?;
        for score in scores.row(step) {
            write!(out, ",{score}")?;
        }
        writeln!(out)?;
    }
    Ok(())
}
