//! Scores of a classifier of whole recordings, in JSON.
//!
//! Three layouts are in use: that of the CUHK classifier for ActivityNet, a plain one, and the results of ActivityNet's
//! classification challenge.
//!
//! ```json
//! {"results": {"ID": [0.9, 0.1]}, "class": ["jump", "run"]}
//! {"ID": {"jump": 0.9, "run": 0.1}}
//! {"results": {"ID": [{"label": "jump", "score": 0.9}, {"label": "run", "score": 0.1}]}}
//! ```
//!
//! With a key `results` the recordings stand under it and other keys than `class` are ignored; otherwise the whole file
//! consists of recordings. The scores of a recording are a list or an object. A list follows the names under `class`;
//! without these, the score of class `c` is at position `c`. A class that the file does not name has the score 0.
//!
//! Recording ids stay as the file has them. For ActivityNet some files write `v_` before the id and others do not; whoever
//! looks scores up should try the id as it is first, then with `v_` more or less.

pub(crate) mod error;
mod node;

use crate::ClassScoresFileError;
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use tal_core::{ClassMap, FileError};

use node::Node;

use crate::json::{Entries, from_json};
use crate::text;

/// Reads class scores by recording id; the score of class `c` is at position `c`.
///
/// All recordings have equally many scores: at least one for each id up to the largest of `classes`.
///
/// # Errors
/// A file that is missing or unreadable; JSON syntax (with line and column); another layout; a recording or class that
/// occurs twice; an unknown class; too few or too many scores; a score that is not a number or is negative.
///
/// # Source
/// The authors' public code (external class scores).
pub fn read(
    path: &Path,
    classes: &ClassMap,
) -> Result<BTreeMap<String, Vec<f64>>, ClassScoresFileError> {
    let bytes = text::open(path).map_err(FileError::at("read class scores from", path))?;
    parse(&bytes, path, classes)
}

/// [`read`] of a file's content; errors name `path`.
///
/// # Errors
/// Those of [`read`], except for those of the file system.
pub fn parse(
    bytes: &[u8],
    path: &Path,
    classes: &ClassMap,
) -> Result<BTreeMap<String, Vec<f64>>, ClassScoresFileError> {
    let root: Node = from_json(bytes, path)?;
    from_document(root, classes).map_err(|Wrong { place, message }| ClassScoresFileError::Value {
        path: path.to_owned(),
        place,
        message,
    })
}

/// Fault and its place.
struct Wrong {
    place: String,
    message: String,
}

fn wrong<T>(place: impl Into<String>, message: impl Into<String>) -> Result<T, Wrong> {
    Err(Wrong {
        place: place.into(),
        message: message.into(),
    })
}

fn from_document(root: Node, classes: &ClassMap) -> Result<BTreeMap<String, Vec<f64>>, Wrong> {
    let Node::Object(Entries(mut entries)) = root else {
        let message = format!("the file is {root}; expected an object of recordings");
        return wrong("", message);
    };
    let mut layout = Layout {
        ids: classes
            .iter()
            .map(|(id, name)| (name, id as usize))
            .collect(),
        num_scores: classes.id_bound() as usize,
        listed: None,
    };
    if entries.iter().any(|(key, _)| key == "results") {
        let names = take(&mut entries, "class")?;
        let results = take(&mut entries, "results")?;
        if let Some(names) = names {
            layout.listed = Some(layout.class_list(&names)?);
        }
        entries = match results {
            Some(Node::Object(Entries(recordings))) => recordings,
            other => {
                let found = other.map_or(String::new(), |node| node.to_string());
                let message = format!("it is {found}; expected an object of recordings");
                return wrong("\"results\": ", message);
            }
        };
    }

    let is_labelled = |node: &Node| match node {
        Node::List(nodes) => matches!(nodes.first(), Some(Node::Object(_))),
        _ => false,
    };
    let is_challenge = entries.iter().any(|(_, node)| is_labelled(node));
    let mut all = BTreeMap::new();
    for (id, node) in entries {
        let scores = match node {
            Node::List(nodes) if is_challenge => layout.by_name(&id, &labelled(&id, nodes)?)?,
            Node::List(nodes) => layout.by_position(&id, &nodes)?,
            Node::Object(Entries(entries)) => layout.by_name(&id, &entries)?,
            other => {
                let message = format!(
                    "it is {other}; expected a list of scores, or an object from class names to scores"
                );
                return wrong(format!("recording {id:?}: "), message);
            }
        };
        if all.contains_key(&id) {
            let message = "it occurs twice; give each recording its scores once";
            return wrong(format!("recording {id:?}: "), message);
        }
        all.insert(id, scores);
    }
    // Objects may have come before the first list, which says how many classes there are.
    for scores in all.values_mut() {
        scores.resize(layout.num_scores, 0.0);
    }
    Ok(all)
}

/// `{"label", "score"}` as names and scores.
fn labelled(id: &str, nodes: Vec<Node>) -> Result<Vec<(String, Node)>, Wrong> {
    let label = |(position, node): (usize, Node)| {
        let expected = || {
            let message = "expected {\"label\": the name of a class, \"score\": a number}";
            wrong(format!("recording {id:?}, position {position}: "), message)
        };
        let Node::Object(Entries(mut entries)) = node else {
            return expected();
        };
        match (take(&mut entries, "label")?, take(&mut entries, "score")?) {
            (Some(Node::Text(name)), Some(score)) => Ok((name, score)),
            _ => expected(),
        }
    };
    nodes.into_iter().enumerate().map(label).collect()
}

/// Removes the value of a key that may occur once.
fn take(entries: &mut Vec<(String, Node)>, key: &str) -> Result<Option<Node>, Wrong> {
    let Some(position) = entries.iter().position(|(found, _)| found == key) else {
        return Ok(None);
    };
    let (_, node) = entries.swap_remove(position);
    if entries.iter().any(|(found, _)| found == key) {
        return wrong("", format!("key {key:?} occurs twice; expected it once"));
    }
    Ok(Some(node))
}

/// Which score belongs to which class.
struct Layout<'a> {
    ids: BTreeMap<&'a str, usize>,
    /// Length of the result; at least one more than the largest class id.
    num_scores: usize,
    /// The class ids of lists.
    listed: Option<ClassList>,
}

enum ClassList {
    /// As `class` names them.
    Named(Vec<usize>),
    /// Position is id; the recording with the first list says how many there are.
    Ids { first: String },
}

impl Layout<'_> {
    fn class_list(&self, names: &Node) -> Result<ClassList, Wrong> {
        let Node::List(names) = names else {
            let message = format!("it is {names}; expected a list of class names");
            return wrong("\"class\": ", message);
        };
        let mut ids = Vec::with_capacity(names.len());
        let mut seen = BTreeSet::new();
        for (position, name) in names.iter().enumerate() {
            let place = || format!("\"class\", position {position}: ");
            let Node::Text(name) = name else {
                return wrong(
                    place(),
                    format!("it is {name}; expected the name of a class"),
                );
            };
            let id = self.id(place, name)?;
            if !seen.insert(id) {
                let message = format!("class {name:?} occurs twice; expected each class once");
                return wrong(place(), message);
            }
            ids.push(id);
        }
        Ok(ClassList::Named(ids))
    }

    fn id(&self, place: impl Fn() -> String, name: &str) -> Result<usize, Wrong> {
        self.ids.get(name).copied().ok_or_else(|| {
            let known: Vec<&str> = self.ids.keys().copied().take(5).collect();
            let known = known.join(", ");
            Wrong {
                place: place(),
                message: format!("{name:?} is not a class; the classes begin with {known}"),
            }
        })
    }

    fn by_position(&mut self, id: &str, nodes: &[Node]) -> Result<Vec<f64>, Wrong> {
        let num = nodes.len();
        let refuse = |expected: String| {
            let message = format!("{num} scores; expected {expected}");
            wrong(format!("recording {id:?}: "), message)
        };
        match &self.listed {
            Some(ClassList::Named(ids)) if num != ids.len() => {
                return refuse(format!("{}, one for each name under \"class\"", ids.len()));
            }
            Some(ClassList::Ids { first }) if num != self.num_scores => {
                let expected = self.num_scores;
                return refuse(format!("{expected}, as many as recording {first:?} has"));
            }
            None if num < self.num_scores => {
                return refuse(format!(
                    "at least {}, one for each class id",
                    self.num_scores
                ));
            }
            Some(_) => {}
            None => {
                self.num_scores = num;
                let first = id.to_owned();
                self.listed = Some(ClassList::Ids { first });
            }
        }
        let mut scores = vec![0.0; self.num_scores];
        for (position, node) in nodes.iter().enumerate() {
            let class = match &self.listed {
                Some(ClassList::Named(ids)) => ids[position],
                _ => position,
            };
            scores[class] = score(|| format!("recording {id:?}, position {position}: "), node)?;
        }
        Ok(scores)
    }

    fn by_name(&self, id: &str, entries: &[(String, Node)]) -> Result<Vec<f64>, Wrong> {
        let mut scores = vec![0.0; self.num_scores];
        let mut seen = BTreeSet::new();
        for (name, node) in entries {
            let class = self.id(|| format!("recording {id:?}: "), name)?;
            let place = || format!("recording {id:?}, class {name:?}: ");
            if !seen.insert(class) {
                return wrong(place(), "it occurs twice; expected each class once");
            }
            scores[class] = score(place, node)?;
        }
        Ok(scores)
    }
}

fn score(place: impl Fn() -> String, node: &Node) -> Result<f64, Wrong> {
    match node {
        Node::Number(value) if value.is_finite() && *value >= 0.0 => Ok(*value),
        other => wrong(
            place(),
            format!("score {other}; expected a finite number, at least 0"),
        ),
    }
}
