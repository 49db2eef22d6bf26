//! XML, read without entities, external files and addresses.

use std::path::Path;

use roxmltree::{Document, Node, ParsingOptions};

use super::ExchangeError;

/// Largest number of elements, attributes and texts.
const MOST_NODES: u32 = 20_000_000;

/// The text of a file in UTF-8.
pub(super) fn text<'a>(bytes: &'a [u8], path: &Path) -> Result<&'a str, ExchangeError> {
    std::str::from_utf8(bytes).map_err(|error| {
        let line = 1 + bytes[..error.valid_up_to()]
            .iter()
            .filter(|b| **b == b'\n')
            .count();
        ExchangeError::part(
            path,
            format!("line {line}"),
            "bytes that are not text",
            "UTF-8 or UTF-16",
        )
    })
}

/// The document of a file's text. A document type definition, which could define entities, is refused.
pub(super) fn document<'a>(
    text: &'a str,
    path: &Path,
    expected: &'static str,
) -> Result<Document<'a>, ExchangeError> {
    let options = ParsingOptions {
        allow_dtd: false,
        nodes_limit: MOST_NODES,
        ..ParsingOptions::default()
    };
    Document::parse_with_options(text, options).map_err(|error| {
        let message = match error {
            roxmltree::Error::DtdDetected => "it has a document type definition (DTD)".to_owned(),
            error => format!("not well-formed: {error}"),
        };
        let path = path.to_owned();
        ExchangeError::Xml {
            path,
            message,
            expected,
        }
    })
}

/// Line and name of an element.
pub(super) fn place(node: Node) -> String {
    let line = node.document().text_pos_at(node.range().start).row;
    format!("line {line}, element {}", node.tag_name().name())
}

/// An attribute that must be there.
pub(super) fn attribute<'a>(
    node: Node<'a, '_>,
    name: &str,
    path: &Path,
    expected: &str,
) -> Result<&'a str, ExchangeError> {
    node.attribute(name)
        .ok_or_else(|| ExchangeError::part(path, place(node), &format!("no {name}"), expected))
}

/// Child elements of a name.
pub(super) fn children<'a, 'b>(
    node: Node<'a, 'b>,
    name: &'static str,
) -> impl Iterator<Item = Node<'a, 'b>> {
    node.children()
        .filter(move |child| child.has_tag_name(name))
}

/// A text for an attribute or between two tags.
pub(super) fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            letter => out.push(letter),
        }
    }
    out
}
