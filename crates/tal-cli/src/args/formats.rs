//! Formats of annotations: those of publishers and those of annotation tools.

use clap::ValueEnum;
use clap::builder::{PossibleValue, PossibleValuesParser, TypedValueParser};
use tal_corpus::source::SourceFormat;
use tal_exchange::{FORMATS, Format};

/// Name of the choice to look at the content.
const AUTO: &str = "auto";

/// Format of annotations to read.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum FromArg {
    /// The one that the content shows.
    Auto,
    /// A publisher's.
    Source(SourceArg),
    /// An annotation tool's.
    Tool(&'static Format),
}

/// Format of annotations to write.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum ToArg {
    /// One for data sets.
    Data(TargetArg),
    /// An annotation tool's.
    Tool(&'static Format),
}

/// Reads the name of a format to read.
pub(super) fn sources() -> impl TypedValueParser<Value = FromArg> {
    let auto = PossibleValue::new(AUTO).help("The one that the content shows");
    let own = SourceArg::value_variants().iter();
    let own = own.filter_map(SourceArg::to_possible_value);
    let tools = tools(Format::can_read);
    PossibleValuesParser::new(std::iter::once(auto).chain(own).chain(tools)).map(|name: String| {
        match (SourceArg::from_str(&name, false), Format::of_name(&name)) {
            (Ok(source), _) => FromArg::Source(source),
            (_, Some(tool)) => FromArg::Tool(tool),
            _ => FromArg::Auto,
        }
    })
}

/// Reads the name of a format to write.
pub(super) fn targets() -> impl TypedValueParser<Value = ToArg> {
    let own = TargetArg::value_variants().iter();
    let own = own.filter_map(TargetArg::to_possible_value);
    PossibleValuesParser::new(own.chain(tools(Format::can_write))).map(|name: String| {
        match Format::of_name(&name) {
            Some(tool) => ToArg::Tool(tool),
            None => ToArg::Data(TargetArg::from_str(&name, false).unwrap_or(TargetArg::Json)),
        }
    })
}

/// Reads the name of a tool's format to write.
pub(super) fn tool_targets() -> impl TypedValueParser<Value = &'static Format> {
    PossibleValuesParser::new(tools(Format::can_write)).try_map(|name: String| {
        Format::of_name(&name).ok_or_else(|| format!("{name} is no format"))
    })
}

fn tools(fits: fn(&Format) -> bool) -> impl Iterator<Item = PossibleValue> {
    let fitting = FORMATS.iter().filter(move |format| fits(format));
    fitting.map(|format| {
        let extensions = format.extensions.join(", .");
        PossibleValue::new(format.name).help(format!("{} (.{extensions})", format.title))
    })
}

/// Format of a publisher.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum SourceArg {
    /// JSON as shared by ActionFormer, TriDet, OpenTAD and this program
    Json,
    /// Table with the columns recording, start, end and label; subset, duration, fps and label_id if known
    ///
    /// The columns of TSP (filename, t-start, t-end, action-label) and of G-TAD and AFSD (video, start, end, type) do, too.
    Csv,
    /// ActivityNet 1.2 and 1.3 (JSON)
    #[value(name = "activitynet")]
    ActivityNet,
    /// BSN, BMN and mmaction2 (JSON without subsets)
    Bsn,
    /// HACS Segments (JSON)
    Hacs,
    /// THUMOS14 (CLASS_val.txt, CLASS_test.txt)
    Thumos14,
    /// MultiTHUMOS (CLASS.txt, or the JSON with actions)
    #[value(name = "multithumos")]
    MultiThumos,
    /// EPIC-Kitchens-100, verbs (EPIC_100_train.csv, EPIC_100_validation.csv)
    EpicKitchensVerb,
    /// EPIC-Kitchens-100, nouns
    EpicKitchensNoun,
    /// Charades (Charades_v1_train.csv, Charades_v1_test.csv)
    Charades,
    /// Ego4D Moments Queries (moments_train.json, moments_val.json)
    Ego4dMq,
}

impl From<SourceArg> for SourceFormat {
    fn from(format: SourceArg) -> Self {
        match format {
            SourceArg::Json => SourceFormat::Json,
            SourceArg::Csv => SourceFormat::Csv,
            SourceArg::ActivityNet => SourceFormat::ActivityNet,
            SourceArg::Bsn => SourceFormat::Bsn,
            SourceArg::Hacs => SourceFormat::Hacs,
            SourceArg::Thumos14 => SourceFormat::Thumos,
            SourceArg::MultiThumos => SourceFormat::MultiThumos,
            SourceArg::EpicKitchensVerb => SourceFormat::EpicVerbs,
            SourceArg::EpicKitchensNoun => SourceFormat::EpicNouns,
            SourceArg::Charades => SourceFormat::Charades,
            SourceArg::Ego4dMq => SourceFormat::Ego4dMoments,
        }
    }
}

/// Format for data sets.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum TargetArg {
    /// JSON that the commands of this program read
    Json,
    /// JSON of ActivityNet, without label ids
    #[value(name = "activitynet")]
    ActivityNet,
    /// Table with one row per annotation
    Csv,
}
