//! JSON whose objects keep their order and repeated keys.

use std::fmt;

use serde::Deserialize;

use crate::json::Entries;
use crate::text::cut;

/// Any JSON value; a map would silently keep the last of two equal keys.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
pub(super) enum Node {
    Null,
    Bool(bool),
    Number(f64),
    Text(String),
    List(Vec<Node>),
    Object(Entries<Node>),
}

/// Description for errors: numbers and texts themselves, the others by their kind.
impl fmt::Display for Node {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Null => f.write_str("null"),
            Self::Bool(value) => write!(f, "{value}"),
            Self::Number(value) => write!(f, "{value}"),
            Self::Text(value) => write!(f, "the text {:?}", cut(value, 40)),
            Self::List(_) => f.write_str("a list"),
            Self::Object(_) => f.write_str("an object"),
        }
    }
}
