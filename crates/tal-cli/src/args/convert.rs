//! Arguments of `tal data convert`.

use clap::Subcommand;

use super::convert_annotations::ConvertAnnotationsArgs;
use super::convert_detections::ConvertDetectionsArgs;
use super::convert_features::ConvertFeaturesArgs;

#[derive(Debug, Subcommand)]
pub(crate) enum ConvertCommand {
    /// Convert annotations of a publisher or of an annotation tool to another format
    ///
    /// Reads and writes BORIS, ELAN, VIA and others, and makes the shared JSON that training reads. Reports gaps in the result,
    /// and what was left out.
    Annotations(Box<ConvertAnnotationsArgs>),
    /// Write detections as drafts that an annotation tool opens
    ///
    /// The best detections become segments with their classes, for a person to correct.
    Detections(ConvertDetectionsArgs),
    /// Convert the features of a data set to another format
    ///
    /// Converts the recordings of all training and test subsets of a configuration, and prints the lines of a configuration
    /// that reads the result.
    Features(ConvertFeaturesArgs),
}
