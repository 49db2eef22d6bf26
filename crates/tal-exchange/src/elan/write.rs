//! ELAN's files written.

use std::fmt::Write;

use crate::lanes;
use crate::model::{Project, Track};
use crate::options::is_sound;
use crate::xml::escaped;
use crate::{ExchangeError, WriteOptions};

/// One recording, with a tier for each class, and further ones for events that overlap.
pub(super) fn write(project: &Project, options: &WriteOptions) -> Result<Vec<u8>, ExchangeError> {
    let empty = Track::default();
    let track = project.tracks.first().unwrap_or(&empty);
    let media = options.media_of(track);
    let kind = if is_sound(&media) {
        "audio/x-wav"
    } else {
        "video/mp4"
    };
    let lanes = lanes::lanes(&project.classes, &track.events, 1e3, 1);
    let (mut slots, mut tiers) = (String::new(), String::new());
    let mut number = 0;
    // Writing to memory does not fail.
    for (lane, name) in lanes.iter().zip(lanes::names(&lanes)) {
        let _ = write!(tiers, "    <TIER LINGUISTIC_TYPE_REF=\"default-lt\"");
        for (attribute, value) in [("PARTICIPANT", lane.subject), ("ANNOTATOR", lane.annotator)] {
            if let Some(value) = value {
                let _ = write!(tiers, " {attribute}=\"{}\"", escaped(value));
            }
        }
        let _ = writeln!(tiers, " TIER_ID=\"{}\">", escaped(&name));
        for (start, end, event) in &lane.events {
            let (first, last) = (2 * number + 1, 2 * number + 2);
            number += 1;
            for (slot, time) in [(first, start), (last, end)] {
                let _ = writeln!(
                    slots,
                    "        <TIME_SLOT TIME_SLOT_ID=\"ts{slot}\" TIME_VALUE=\"{time}\"/>"
                );
            }
            let value = escaped(&lanes::value(event));
            let _ = writeln!(
                tiers,
                "        <ANNOTATION><ALIGNABLE_ANNOTATION ANNOTATION_ID=\"a{number}\" TIME_SLOT_REF1=\"ts{first}\" \
                 TIME_SLOT_REF2=\"ts{last}\"><ANNOTATION_VALUE>{value}</ANNOTATION_VALUE></ALIGNABLE_ANNOTATION></ANNOTATION>"
            );
        }
        tiers.push_str("    </TIER>\n");
    }
    let (date, url, is_local) = (&options.date, escaped(&media), !media.contains("://"));
    let relative = if is_local && !media.starts_with(['/', '.']) {
        "./"
    } else {
        ""
    };
    let absolute = if is_local { "file:///" } else { "" };
    let text = format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n\
         <ANNOTATION_DOCUMENT AUTHOR=\"tal\" DATE=\"{date}+00:00\" FORMAT=\"3.0\" VERSION=\"3.0\" \
         xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\" \
         xsi:noNamespaceSchemaLocation=\"http://www.mpi.nl/tools/elan/EAFv3.0.xsd\">\n    \
         <HEADER MEDIA_FILE=\"\" TIME_UNITS=\"milliseconds\">\n        \
         <MEDIA_DESCRIPTOR MEDIA_URL=\"{absolute}{}\" MIME_TYPE=\"{kind}\" RELATIVE_MEDIA_URL=\"{relative}{url}\"/>\n    \
         </HEADER>\n    <TIME_ORDER>\n{slots}    </TIME_ORDER>\n{tiers}    \
         <LINGUISTIC_TYPE GRAPHIC_REFERENCES=\"false\" LINGUISTIC_TYPE_ID=\"default-lt\" TIME_ALIGNABLE=\"true\"/>\n\
         </ANNOTATION_DOCUMENT>\n",
        url.trim_start_matches('/')
    );
    Ok(text.into_bytes())
}
