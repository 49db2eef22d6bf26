//! Options for reading and writing.

use std::path::Path;

use super::model::Track;

/// Options for what the files do not say, and for what is to be read.
///
/// # Units
/// `fps` in frames per second.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct ReadOptions {
    /// Where tiers hold the class.
    pub class_from: ClassFrom,
    /// Where the id of a recording comes from.
    pub ids: IdSource,
    /// Tiers that are read; all if it is empty.
    pub tiers: Vec<String>,
    /// Subjects whose events are read; all if it is empty.
    pub subjects: Vec<String>,
    /// Annotators whose events are read; all if it is empty.
    pub annotators: Vec<String>,
    /// Modifiers become part of the class: `behaviour:modifier`.
    pub modifiers_in_class: bool,
    /// Frame rate of formats that count frames.
    pub fps: Option<f64>,
    /// Label Studio: meaning of the end of a timeline label.
    pub end_frame: EndFrame,
}

/// Where tiers hold the class.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ClassFrom {
    /// In the value of an annotation; the name of the tier is the subject if it is not the class. An annotation without
    /// value has the name of its tier as class.
    #[default]
    Value,
    /// In the name of the tier; the value is a comment.
    Tier,
}

/// Where the id of a recording comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum IdSource {
    /// From the name that the file gives it, such as an observation's, or else from the name of the file.
    #[default]
    Name,
    /// From the name of the film or sound, without its ending. Several with one film become one recording.
    Media,
}

/// How people label in Label Studio.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LabelStudioTemplate {
    /// Timeline labels of a video, in frames.
    Timeline,
    /// Labels of a sound, or of the sound of a video, in seconds.
    Labels,
    /// Labels of a time series, in seconds.
    TimeSeries,
}

/// Whether events become drafts or finished work in Label Studio.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LabelStudioResults {
    /// Drafts, with scores.
    Predictions,
    /// The work of a person.
    Annotations,
}

/// The end of a timeline label in Label Studio.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum EndFrame {
    /// The last frame of the event: its editor draws a label of one frame from that frame to itself.
    #[default]
    Included,
    /// The frame behind the event, as examples of its machine learning backend write it.
    Excluded,
}

/// Options for what the annotations do not say.
///
/// # Units
/// `fps` in frames per second.
#[derive(Debug, Clone, PartialEq)]
pub struct WriteOptions {
    /// Path or URL of the films: with `{id}`, which stands for a recording's id, or else a folder.
    pub media: Option<String>,
    /// Frame rate of formats that count frames, if a recording has none.
    pub fps: Option<f64>,
    /// Label Studio: how people label; by the ending of the first film or sound if it is not given.
    pub template: Option<LabelStudioTemplate>,
    /// Label Studio: drafts or finished work; drafts if an event has a score if it is not given.
    pub results: Option<LabelStudioResults>,
    /// Label Studio: meaning of the end of a timeline label.
    pub end_frame: EndFrame,
    /// Time of writing in UTC, such as `2026-11-30T12:00:00`.
    pub date: String,
}

impl Default for WriteOptions {
    fn default() -> Self {
        let now = time::OffsetDateTime::now_utc();
        let (hour, minute, second) = now.to_hms();
        Self {
            media: None,
            fps: None,
            template: None,
            results: None,
            end_frame: EndFrame::default(),
            date: format!("{}T{hour:02}:{minute:02}:{second:02}", now.date()),
        }
    }
}

impl WriteOptions {
    /// Path, URL or name of a recording's film; `ID.mp4` if nothing says it.
    pub fn media_of(&self, track: &Track) -> String {
        let name = || match &track.media {
            Some(media) => file_name(media).to_owned(),
            None => format!("{}.mp4", track.id),
        };
        match (&self.media, &track.media) {
            (Some(template), _) if template.contains("{id}") => template.replace("{id}", &track.id),
            (Some(folder), _) => format!("{}/{}", folder.trim_end_matches('/'), name()),
            (None, Some(media)) => media.clone(),
            (None, None) => name(),
        }
    }

    /// Frame rate of a recording.
    pub fn fps_of(&self, track: &Track) -> Option<f64> {
        track.fps.or(self.fps)
    }
}

/// Last part of a path or URL, of Windows, too.
pub(super) fn file_name(media: &str) -> &str {
    media.rsplit(['/', '\\']).next().unwrap_or(media)
}

/// Last part of a path or URL without its ending.
pub(super) fn stem(media: &str) -> &str {
    let name = file_name(media);
    match name.rsplit_once('.') {
        Some((stem, _)) if !stem.is_empty() => stem,
        _ => name,
    }
}

/// Name of a file without its ending, as the id of the recording that it describes.
pub(super) fn id_of(path: &Path) -> String {
    let name = path.file_stem().unwrap_or(path.as_os_str());
    name.to_string_lossy().into_owned()
}

/// Whether a film or sound is a sound, by its ending.
pub(super) fn is_sound(media: &str) -> bool {
    const ENDINGS: [&str; 6] = ["wav", "mp3", "flac", "ogg", "m4a", "aac"];
    let ending = media.rsplit('.').next().unwrap_or_default();
    ENDINGS.contains(&ending.to_ascii_lowercase().as_str())
}
