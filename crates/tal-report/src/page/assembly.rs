//! The page, put together from its parts.

use std::io;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest, Sha256};

use super::Report;
use super::island::packed;
use super::model::Model;

const PAGE: &str = include_str!("../../assets/page.html");

/// Style sheets, in their order.
const STYLES: &[&str] = &[
    include_str!("../../assets/css/base.css"),
    include_str!("../../assets/css/figures.css"),
    include_str!("../../assets/css/timeline.css"),
    include_str!("../../assets/css/print.css"),
];

/// Scripts, in their order; they share one scope.
const SCRIPTS: &[&str] = &[
    include_str!("../../assets/js/data.js"),
    include_str!("../../assets/js/dom.js"),
    include_str!("../../assets/js/state.js"),
    include_str!("../../assets/js/charts.js"),
    include_str!("../../assets/js/summary.js"),
    include_str!("../../assets/js/classes.js"),
    include_str!("../../assets/js/errors.js"),
    include_str!("../../assets/js/training.js"),
    include_str!("../../assets/js/controls.js"),
    include_str!("../../assets/js/recordings.js"),
    include_str!("../../assets/js/lanes.js"),
    include_str!("../../assets/js/drawing.js"),
    include_str!("../../assets/js/timeline.js"),
    include_str!("../../assets/js/details.js"),
    include_str!("../../assets/js/film.js"),
    include_str!("../../assets/js/main.js"),
];

/// The report as one HTML document.
///
/// # Errors
/// If a figure is not a number, which JSON cannot hold.
pub fn html(report: &Report<'_>) -> io::Result<String> {
    let style = STYLES.concat();
    let script = format!("(() => {{\n\"use strict\";\n{}}})();\n", SCRIPTS.concat());
    // Neither data nor markup of anybody else can run or fetch anything. Films lie beside the page.
    let policy = format!(
        "default-src 'none'; script-src 'sha256-{}'; style-src 'sha256-{}'; img-src data:; media-src 'self' file: blob:; \
         base-uri 'none'; form-action 'none'",
        hash(&script),
        hash(&style)
    );
    let values = [
        ("title", escaped(&report.title)),
        ("policy", policy),
        ("style", style),
        ("data", packed(&Model::new(report))?),
        ("script", script),
    ];
    Ok(filled(PAGE, &values))
}

/// The report as an element for a notebook or another page: a frame that holds the document of [`html`].
///
/// A frame keeps styles and scripts of the two pages apart.
///
/// # Errors
/// Those of [`html`].
pub fn fragment(report: &Report<'_>) -> io::Result<String> {
    Ok(format!(
        "<iframe title=\"{}\" width=\"100%\" height=\"760\" loading=\"lazy\" frameborder=\"0\" allowfullscreen srcdoc=\"{}\">\
         </iframe>\n",
        escaped(&report.title),
        escaped(&html(report)?)
    ))
}

fn hash(text: &str) -> String {
    STANDARD.encode(Sha256::digest(text.as_bytes()))
}

/// Text that stays text in HTML, also within quotes.
fn escaped(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '"' => safe.push_str("&quot;"),
            '\'' => safe.push_str("&#39;"),
            other => safe.push(other),
        }
    }
    safe
}

/// A template with `{{name}}` replaced by its value; values are not looked into.
fn filled(template: &str, values: &[(&str, String)]) -> String {
    let mut parts = template.split("{{");
    let mut text = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let (name, rest) = part.split_once("}}").unwrap_or((part, ""));
        let value = values.iter().find(|(known, _)| *known == name);
        text.push_str(value.map_or("", |(_, value)| value));
        text.push_str(rest);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_put_in_as_they_are() {
        let values = [("a", "{{b}}".to_owned()), ("b", "x".to_owned())];
        assert_eq!(filled("1 {{a}} 2 {{b}}.", &values), "1 {{b}} 2 x.");
        assert_eq!(escaped("<a b='\"&'>"), "&lt;a b=&#39;&quot;&amp;&#39;&gt;");
    }

    #[test]
    fn scripts_cannot_end_their_element() {
        for script in SCRIPTS.iter().chain(STYLES) {
            assert!(!script.contains("</") && !script.contains("<!--"));
        }
    }

    #[test]
    fn every_mark_of_the_template_has_a_value() {
        let names: Vec<&str> = PAGE
            .split("{{")
            .skip(1)
            .filter_map(|part| part.split("}}").next())
            .collect();
        assert_eq!(names, ["policy", "title", "style", "data", "script"]);
    }
}
