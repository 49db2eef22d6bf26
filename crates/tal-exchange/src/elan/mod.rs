//! ELAN's `.eaf`: XML with tiers, times in whole milliseconds.

mod slots;
mod write;

use std::path::Path;

use roxmltree::Node;

use crate::clue::Clue;
use crate::format::{Carries, Format, Layout};
use crate::model::{Project, Track};
use crate::options::id_of;
use crate::xml::{self, attribute, children, place};
use crate::{ExchangeError, ReadOptions, tiers};
use slots::{Annotations, EXPECTED, interpolate, slots};

pub(super) static FORMAT: Format = Format {
    name: "elan",
    title: "ELAN",
    extensions: &["eaf"],
    layout: Layout::OneEach,
    carries: Carries {
        scores: true,
        subjects: true,
        annotators: true,
        media: true,
        ..Carries::SEGMENTS
    },
    recognise: is_eaf,
    read: Some(read),
    write: Some(write::write),
    ..Format::PLAIN
};

fn is_eaf(clue: &Clue) -> bool {
    clue.text().contains("<ANNOTATION_DOCUMENT")
}

fn read(bytes: &[u8], path: &Path, options: &ReadOptions) -> Result<Project, ExchangeError> {
    let document = xml::document(xml::text(bytes, path)?, path, EXPECTED)?;
    let root = document.root_element();
    if !root.has_tag_name("ANNOTATION_DOCUMENT") {
        return Err(ExchangeError::part(
            path,
            place(root),
            "the first element",
            "ANNOTATION_DOCUMENT",
        ));
    }
    let header = children(root, "HEADER").next();
    if let Some(units) = header.and_then(|header| header.attribute("TIME_UNITS"))
        && units != "milliseconds"
    {
        return Err(ExchangeError::part(
            path,
            "HEADER, TIME_UNITS",
            units,
            "milliseconds",
        ));
    }
    let media = header.and_then(|header| children(header, "MEDIA_DESCRIPTOR").next());
    let media = media.and_then(|media| {
        let url = |name| media.attribute(name).filter(|url| !url.is_empty());
        url("RELATIVE_MEDIA_URL").or(url("MEDIA_URL"))
    });
    let mut slots = slots(root, path)?;
    let all: Vec<Node> = children(root, "TIER").collect();
    let names: Vec<&str> = (all.iter())
        .map(
            |tier| match attribute(*tier, "TIER_ID", path, "the name of the tier")? {
                name if name.trim().is_empty() => Err(ExchangeError::part(
                    path,
                    place(*tier),
                    "an empty TIER_ID",
                    "the name of the tier",
                )),
                name => Ok(name),
            },
        )
        .collect::<Result<_, _>>()?;
    tiers::check(&names, options)?;
    for tier in &all {
        interpolate(*tier, &mut slots);
    }
    let annotations = Annotations::new(&all, path)?;
    let mut events = Vec::new();
    for (tier, name) in all.iter().zip(&names) {
        if !tiers::is_wanted(name, options) {
            continue;
        }
        for annotation in children(*tier, "ANNOTATION").flat_map(|one| one.children()) {
            if annotation.is_element() {
                let [start, end] = annotations.time(annotation, &slots, path)?;
                let value = children(annotation, "ANNOTATION_VALUE").next();
                let value = value
                    .and_then(|value| value.text())
                    .unwrap_or_default()
                    .trim();
                let mut event = tiers::event(name, value, options.class_from);
                (event.start, event.end) = (start / 1e3, Some(end / 1e3));
                let text = |name| tier.attribute(name).filter(|text| !text.is_empty());
                if let Some(subject) = text("PARTICIPANT") {
                    event.subject = Some(subject.to_owned());
                }
                event.annotator = text("ANNOTATOR").map(str::to_owned);
                events.push(event);
            }
        }
    }
    let track = Track {
        id: id_of(path),
        media: media.map(str::to_owned),
        events,
        ..Track::default()
    };
    Ok(Project::new(vec![track]))
}
