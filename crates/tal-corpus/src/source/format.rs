//! Formats of annotations, each a row of one table.

use std::path::Path;

use super::raw::Parsed;
use super::{
    SourceError, actions, activity_net, bsn, charades, ego4d, epic, instances, shared, thumos,
};

/// A format of annotations, see the [module](super).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum SourceFormat {
    /// The JSON that ActionFormer, TriDet and OpenTAD share.
    Json,
    /// A table with a row per annotation.
    Csv,
    /// ActivityNet 1.2 or 1.3.
    ActivityNet,
    /// BSN, BMN and mmaction2.
    Bsn,
    /// HACS Segments.
    Hacs,
    /// THUMOS14.
    Thumos,
    /// MultiTHUMOS.
    MultiThumos,
    /// EPIC-Kitchens-100, the verb classes.
    EpicVerbs,
    /// EPIC-Kitchens-100, the noun classes.
    EpicNouns,
    /// Charades.
    Charades,
    /// Ego4D, Moments Queries.
    Ego4dMoments,
}

/// Properties of a format.
pub(super) struct Entry {
    format: SourceFormat,
    name: &'static str,
    /// Files that belong to the format, of those in a folder.
    pub(super) takes: fn(&str) -> bool,
    /// Names of these files, for messages.
    pub(super) files: &'static str,
    pub(super) parse: fn(&[u8], &Path) -> Result<Parsed, SourceError>,
    /// Name of a class that the format only numbers.
    pub(super) number_name: fn(u32) -> String,
    /// Whether a recording's annotations are spread over the files. The class `Ambiguous` comes last then.
    pub(super) is_one_file_per_class: bool,
}

/// A format whose annotations lie in one file of any name.
const ONE_FILE: Entry = Entry {
    format: SourceFormat::Json,
    name: "json",
    takes: |_| false,
    files: "the name of a file instead",
    parse: shared::parse,
    number_name: |number| format!("class_{number}"),
    is_one_file_per_class: false,
};

const FORMATS: [Entry; 11] = [
    ONE_FILE,
    Entry {
        format: SourceFormat::Csv,
        name: "csv",
        parse: instances::parse,
        ..ONE_FILE
    },
    Entry {
        format: SourceFormat::ActivityNet,
        name: "activitynet",
        parse: activity_net::parse,
        ..ONE_FILE
    },
    Entry {
        format: SourceFormat::Bsn,
        name: "bsn",
        parse: bsn::parse,
        ..ONE_FILE
    },
    Entry {
        format: SourceFormat::Hacs,
        name: "hacs",
        parse: activity_net::parse,
        ..ONE_FILE
    },
    Entry {
        format: SourceFormat::Thumos,
        name: "thumos14",
        takes: thumos::is_thumos_file,
        files: "CLASS_val.txt or CLASS_test.txt",
        parse: thumos::parse_thumos,
        is_one_file_per_class: true,
        ..ONE_FILE
    },
    Entry {
        format: SourceFormat::MultiThumos,
        name: "multithumos",
        takes: thumos::is_multi_thumos_file,
        files: "CLASS.txt, one per class",
        parse: multi_thumos,
        is_one_file_per_class: true,
        ..ONE_FILE
    },
    Entry {
        format: SourceFormat::EpicVerbs,
        name: "epic-kitchens-verb",
        takes: |name| epic::FILES.contains(&name),
        files: "EPIC_100_train.csv or EPIC_100_validation.csv",
        parse: |bytes, path| epic::parse(bytes, path, "verb_class"),
        number_name: |number| format!("verb_{number}"),
        ..ONE_FILE
    },
    Entry {
        format: SourceFormat::EpicNouns,
        name: "epic-kitchens-noun",
        takes: |name| epic::FILES.contains(&name),
        files: "EPIC_100_train.csv or EPIC_100_validation.csv",
        parse: |bytes, path| epic::parse(bytes, path, "noun_class"),
        number_name: |number| format!("noun_{number}"),
        ..ONE_FILE
    },
    Entry {
        format: SourceFormat::Charades,
        name: "charades",
        takes: |name| charades::FILES.contains(&name),
        files: "Charades_v1_train.csv or Charades_v1_test.csv",
        parse: charades::parse,
        number_name: |number| format!("c{number:03}"),
        ..ONE_FILE
    },
    Entry {
        format: SourceFormat::Ego4dMoments,
        name: "ego4d-mq",
        takes: |name| ego4d::FILES.contains(&name),
        files: "moments_train.json or moments_val.json",
        parse: ego4d::parse,
        ..ONE_FILE
    },
];

impl SourceFormat {
    /// All formats, in the order of the [module](super)'s table.
    pub fn all() -> impl Iterator<Item = Self> {
        FORMATS.iter().map(|entry| entry.format)
    }

    /// The format of a name, as the command line spells it.
    pub fn of_name(name: &str) -> Option<Self> {
        Self::all().find(|format| format.name() == name)
    }

    /// Name of the format, as the command line spells it.
    pub fn name(self) -> &'static str {
        self.entry().name
    }

    /// The row of the table. Rows stand in the order of the variants, which a test checks.
    pub(super) fn entry(self) -> &'static Entry {
        &FORMATS[self as usize]
    }
}

/// MultiTHUMOS as its publisher ships it, or as the JSON that models of overlapping actions read.
fn multi_thumos(bytes: &[u8], path: &Path) -> Result<Parsed, SourceError> {
    match path.extension() {
        Some(extension) if extension.eq_ignore_ascii_case("json") => actions::parse(bytes, path),
        _ => thumos::parse_multi_thumos(bytes, path),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_stand_in_the_order_of_the_variants() {
        for (index, format) in SourceFormat::all().enumerate() {
            assert_eq!(format as usize, index, "{format:?}");
            assert_eq!(SourceFormat::of_name(format.name()), Some(format));
        }
    }
}
