//! The labelling configuration of Label Studio that fits the tasks.

use std::fmt::Write;

use super::words::{CONTROL, FPS, Words};
use crate::options::{LabelStudioTemplate, is_sound};
use crate::xml::escaped;
use crate::{ExchangeError, Project, WriteOptions};

pub(super) fn write(project: &Project, options: &WriteOptions) -> Result<Vec<u8>, ExchangeError> {
    let template = template(project, options);
    let words = Words::of(template);
    let (control, object) = (words.control, words.object);
    let mut text = format!("<View>\n  <{control} name=\"{CONTROL}\" toName=\"{object}\">\n");
    for class in &project.classes {
        // Writing to memory does not fail.
        let _ = writeln!(text, "    <Label value=\"{}\"/>", escaped(class));
    }
    let _ = writeln!(text, "  </{control}>");
    let object = match template {
        LabelStudioTemplate::Timeline => {
            format!("  <Video name=\"{object}\" value=\"${object}\" frameRate=\"${FPS}\"/>\n")
        }
        LabelStudioTemplate::Labels if is_video(project, options) => format!(
            "  <Video name=\"video\" value=\"${object}\" sync=\"{object}\"/>\n  \
             <Audio name=\"{object}\" value=\"${object}\" sync=\"video\"/>\n"
        ),
        LabelStudioTemplate::Labels => {
            format!("  <Audio name=\"{object}\" value=\"${object}\"/>\n")
        }
        LabelStudioTemplate::TimeSeries => format!(
            "  <!-- Name the columns of your tables here; times are in seconds. -->\n  \
             <TimeSeries name=\"{object}\" value=\"${object}\" valueType=\"url\" timeColumn=\"time\">\n    \
             <Channel column=\"value\"/>\n  </TimeSeries>\n"
        ),
    };
    text.push_str(&object);
    text.push_str("</View>\n");
    Ok(text.into_bytes())
}

/// The template of the options, or else the one that fits the first recording.
pub(super) fn template(project: &Project, options: &WriteOptions) -> LabelStudioTemplate {
    let media = media(project, options);
    let is_table = || media.ends_with(".csv") || media.ends_with(".tsv");
    options.template.unwrap_or(if is_sound(&media) {
        LabelStudioTemplate::Labels
    } else if is_table() {
        LabelStudioTemplate::TimeSeries
    } else {
        LabelStudioTemplate::Timeline
    })
}

fn is_video(project: &Project, options: &WriteOptions) -> bool {
    !is_sound(&media(project, options))
}

fn media(project: &Project, options: &WriteOptions) -> String {
    let first = project.tracks.first();
    first.map_or_else(String::new, |track| options.media_of(track).to_lowercase())
}
