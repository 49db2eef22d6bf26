//! Arguments for the tasks of Label Studio.

use clap::{Args, ValueEnum};
use tal_exchange::{EndFrame, LabelStudioResults, LabelStudioTemplate, WriteOptions};

/// How tasks of Label Studio are written and read.
#[derive(Debug, Args)]
#[command(next_help_heading = "Label Studio")]
pub(crate) struct LabelStudioArgs {
    /// Way of labelling [default: by the ending of the first film or sound]
    #[arg(long, value_name = "TEMPLATE")]
    pub(crate) template: Option<TemplateArg>,
    /// Drafts or finished work [default: predictions if there are scores, else annotations]
    #[arg(long, value_name = "KIND")]
    pub(crate) results: Option<ResultsArg>,
    /// Whether the end of a timeline label is its last frame, or the one behind it [default: included]
    #[arg(long, value_name = "RULE")]
    pub(crate) end_frame: Option<EndFrameArg>,
}

/// Way of labelling.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum TemplateArg {
    /// Timeline labels of a video, in frames
    Timeline,
    /// Labels of a sound, or of a video along its sound, in seconds
    Labels,
    /// Labels of a time series, in seconds
    TimeSeries,
}

/// Drafts or finished work.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum ResultsArg {
    /// Drafts with scores
    Predictions,
    /// The work of a person
    Annotations,
}

/// Meaning of an end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum EndFrameArg {
    /// The last frame of the event, as Label Studio's editor draws it
    Included,
    /// The frame behind the event, as some machine learning backends write it
    Excluded,
}

impl LabelStudioArgs {
    /// The meaning of ends.
    pub(crate) fn end_frame(&self) -> EndFrame {
        match self.end_frame {
            None | Some(EndFrameArg::Included) => EndFrame::Included,
            Some(EndFrameArg::Excluded) => EndFrame::Excluded,
        }
    }

    /// Options with those of Label Studio.
    pub(crate) fn applied(&self, options: WriteOptions) -> WriteOptions {
        WriteOptions {
            template: self.template.map(|template| match template {
                TemplateArg::Timeline => LabelStudioTemplate::Timeline,
                TemplateArg::Labels => LabelStudioTemplate::Labels,
                TemplateArg::TimeSeries => LabelStudioTemplate::TimeSeries,
            }),
            results: self.results.map(|results| match results {
                ResultsArg::Predictions => LabelStudioResults::Predictions,
                ResultsArg::Annotations => LabelStudioResults::Annotations,
            }),
            end_frame: self.end_frame(),
            ..options
        }
    }
}
