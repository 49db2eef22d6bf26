//! Reading labels, classes and splits.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use tal_core::ClassMap;

use super::{FrameLabelConfig, FrameLabelError};
use crate::source::{ClassList, SourceError};
use tal_data::TextFileError;
use tal_data::text;

/// A labelled video.
pub(super) struct Video {
    pub(super) id: String,
    pub(super) subset: &'static str,
    /// A class id per frame, nothing for the background.
    pub(super) labels: Vec<Option<u32>>,
}

pub(super) struct Corpus {
    pub(super) classes: ClassMap,
    pub(super) videos: Vec<Video>,
}

pub(super) fn corpus(folder: &Path, config: &FrameLabelConfig) -> Result<Corpus, FrameLabelError> {
    let (classes, ids) = classes(&folder.join("mapping.txt"), config)?;
    let mut videos = Vec::new();
    for (id, subset) in subsets(&folder.join("splits"), config.split)? {
        let labels = labels(&folder.join("groundTruth").join(format!("{id}.txt")), &ids)?;
        videos.push(Video { id, subset, labels });
    }
    Ok(Corpus { classes, videos })
}

type Ids = BTreeMap<String, Option<u32>>;

/// The classes without the background, and the id of every name.
fn classes(path: &Path, config: &FrameLabelConfig) -> Result<(ClassMap, Ids), FrameLabelError> {
    let bytes = text::open(path).map_err(|source| unreadable(path, source))?;
    let all = ClassList::parse(&bytes, path)?;
    let mut ids: Ids = all
        .classes()
        .iter()
        .map(|(_, name)| (name.to_owned(), None))
        .collect();
    for name in &config.background {
        if !ids.contains_key(name) {
            return Err(FrameLabelError::NoBackground {
                path: path.to_owned(),
                name: name.clone(),
            });
        }
    }
    let actions = all
        .classes()
        .iter()
        .map(|(_, name)| name)
        .filter(|name| !config.background.iter().any(|other| other == name));
    let classes = ClassMap::from_names(actions).map_err(|source| SourceError::Classes {
        path: path.to_owned(),
        source,
    })?;
    for (id, name) in classes.iter() {
        ids.insert(name.to_owned(), Some(id));
    }
    Ok((classes, ids))
}

/// The videos of a split, training first, in the order of the files.
fn subsets(folder: &Path, split: usize) -> Result<Vec<(String, &'static str)>, FrameLabelError> {
    let present = splits(folder)?;
    if !present.contains(&split) {
        let names: Vec<String> = present.iter().map(usize::to_string).collect();
        return Err(FrameLabelError::NoSplit {
            path: folder.to_owned(),
            split,
            present: if names.is_empty() {
                "none".into()
            } else {
                names.join(", ")
            },
        });
    }
    let mut seen = BTreeSet::new();
    let mut videos = Vec::new();
    for (name, subset) in [("train", "training"), ("test", "test")] {
        let path = folder.join(format!("{name}.split{split}.bundle"));
        for (index, line) in lines(&path)?.into_iter().enumerate() {
            let wrong = |expected| TextFileError::line(&path, index + 1, &line, expected);
            if line.is_empty() {
                continue;
            }
            let id = line.strip_suffix(".txt").unwrap_or(&line);
            if id.is_empty() || id.contains(['/', '\\']) || id.starts_with('.') {
                let expected = "the name of a file in groundTruth/, such as S1_Tea_C1.txt";
                return Err(wrong(expected).into());
            }
            if !seen.insert(id.to_owned()) {
                return Err(wrong("each recording once, in one of the two subsets").into());
            }
            videos.push((id.to_owned(), subset));
        }
    }
    Ok(videos)
}

/// The numbers of the splits of a folder.
fn splits(folder: &Path) -> Result<BTreeSet<usize>, FrameLabelError> {
    let mut found = BTreeSet::new();
    for entry in std::fs::read_dir(folder).map_err(|source| unreadable(folder, source))? {
        let name = entry
            .map_err(|source| unreadable(folder, source))?
            .file_name();
        let number: Option<usize> = name
            .to_str()
            .and_then(|name| name.strip_prefix("train.split")?.strip_suffix(".bundle"))
            .and_then(|number| number.parse().ok());
        found.extend(number);
    }
    Ok(found)
}

fn labels(path: &Path, ids: &Ids) -> Result<Vec<Option<u32>>, FrameLabelError> {
    let mut lines = lines(path)?;
    while lines.last().is_some_and(String::is_empty) {
        lines.pop();
    }
    let wrong = |index: usize, found: &str, expected| {
        TextFileError::line(path, index + 1, found, expected).into()
    };
    if lines.is_empty() {
        return Err(wrong(0, "", "the name of a class for each frame"));
    }
    lines
        .iter()
        .enumerate()
        .map(|(index, name)| {
            let id = ids.get(name).copied();
            id.ok_or_else(|| wrong(index, name, "a class of mapping.txt"))
        })
        .collect()
}

/// The lines of a file, without space around them.
fn lines(path: &Path) -> Result<Vec<String>, FrameLabelError> {
    let bytes = text::open(path).map_err(|source| unreadable(path, source))?;
    let text = String::from_utf8(bytes).map_err(|error| {
        unreadable(
            path,
            std::io::Error::new(std::io::ErrorKind::InvalidData, error),
        )
    })?;
    Ok(text.lines().map(|line| line.trim().to_owned()).collect())
}

fn unreadable(path: &Path, source: std::io::Error) -> FrameLabelError {
    FrameLabelError::Read {
        path: path.to_owned(),
        source,
    }
}
