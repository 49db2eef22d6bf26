//! The text files of THUMOS14 and MultiTHUMOS: one per class, a line `video start end` per annotation.

use std::path::Path;

use tal_core::Segment;

use super::SourceError;
use super::raw::{Label, Parsed, RawInstance, RawRecording};
use tal_data::text::{self, TextFileError, finite};

/// Ends of the names of THUMOS14's files.
const SUFFIXES: [&str; 2] = ["_val", "_test"];

/// Files beside those of the classes.
const OTHER_FILES: [&str; 3] = ["class_list.txt", "detclasslist.txt", "readme.txt"];

/// Whether a file of a folder belongs to THUMOS14's annotations.
pub(super) fn is_thumos_file(name: &str) -> bool {
    name.strip_suffix(".txt")
        .is_some_and(|stem| SUFFIXES.iter().any(|suffix| stem.ends_with(suffix)))
}

/// Whether a file of a folder belongs to the annotations of MultiTHUMOS.
pub(super) fn is_multi_thumos_file(name: &str) -> bool {
    name.ends_with(".txt") && !OTHER_FILES.contains(&name.to_lowercase().as_str())
}

/// A file of THUMOS14, `CLASS_val.txt` or `CLASS_test.txt`.
pub(super) fn parse_thumos(bytes: &[u8], path: &Path) -> Result<Parsed, SourceError> {
    let stem = stem(path)?;
    let class = SUFFIXES.iter().find_map(|suffix| stem.strip_suffix(suffix));
    match class {
        Some(class) if !class.is_empty() => lines(bytes, class, path),
        _ => Err(SourceError::FileName {
            path: path.to_owned(),
            expected: "CLASS_val.txt or CLASS_test.txt",
        }),
    }
}

/// A file of MultiTHUMOS, `CLASS.txt`.
pub(super) fn parse_multi_thumos(bytes: &[u8], path: &Path) -> Result<Parsed, SourceError> {
    lines(bytes, stem(path)?, path)
}

fn stem(path: &Path) -> Result<&str, SourceError> {
    path.file_stem()
        .and_then(|stem| stem.to_str())
        .ok_or_else(|| SourceError::FileName {
            path: path.to_owned(),
            expected: "the name of a class",
        })
}

fn lines(bytes: &[u8], class: &str, path: &Path) -> Result<Parsed, SourceError> {
    let mut recordings = Vec::new();
    for line in text::lines(bytes, path) {
        let (number, line) = line?;
        let wrong = |expected: &str| TextFileError::line(path, number, line.trim(), expected);
        let fields: Vec<&str> = line.split_whitespace().collect();
        let (id, start, end) = match fields[..] {
            [] => continue,
            [id, start, end] => match (finite(start), finite(end)) {
                (Some(start), Some(end)) => (id, start, end),
                _ => return Err(wrong("a video and two numbers of seconds").into()),
            },
            _ => {
                let expected = "three fields: video, start and end in seconds";
                return Err(wrong(expected).into());
            }
        };
        recordings.push(RawRecording {
            id: id.to_owned(),
            subset: subset(id).map(str::to_owned),
            duration: None,
            fps: None,
            instances: vec![RawInstance {
                segment: Segment::new(start, end),
                label: Label::Name(class.to_owned()),
            }],
            not_primary: Vec::new(),
            path: path.to_owned(),
        });
    }
    Ok(Parsed {
        recordings,
        classes: None,
    })
}

/// `validation` of `video_validation_0000266`.
fn subset(id: &str) -> Option<&str> {
    let (subset, _) = id.strip_prefix("video_")?.split_once('_')?;
    ["validation", "test"].contains(&subset).then_some(subset)
}
