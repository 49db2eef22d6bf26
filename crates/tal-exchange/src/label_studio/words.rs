//! Names that Label Studio has for its parts.

use crate::options::LabelStudioTemplate;

/// Name for people.
pub(super) const TITLE: &str = "Label Studio";
pub(super) const DATA: &str = "data";
/// Results of people, and those of detectors.
pub(super) const LISTS: [&str; 2] = ["annotations", "predictions"];
/// Fields of a task's data that are ours.
pub(super) const RECORDING: &str = "recording";
pub(super) const FPS: &str = "fps";
pub(super) const DURATION: &str = "duration";

/// The words that a template has for its parts.
pub(super) struct Words {
    /// Type of a result, and key of its labels.
    pub(super) kind: &'static str,
    /// Tag that holds the labels.
    pub(super) control: &'static str,
    /// Name of the tag that shows the recording, and field of the task's data.
    pub(super) object: &'static str,
}

/// Name of the tag that holds the labels.
pub(super) const CONTROL: &str = "label";

impl Words {
    pub(super) fn of(template: LabelStudioTemplate) -> Self {
        let (kind, control, object) = match template {
            LabelStudioTemplate::Timeline => ("timelinelabels", "TimelineLabels", "video"),
            LabelStudioTemplate::Labels => ("labels", "Labels", "audio"),
            LabelStudioTemplate::TimeSeries => ("timeserieslabels", "TimeSeriesLabels", "series"),
        };
        Self {
            kind,
            control,
            object,
        }
    }
}
