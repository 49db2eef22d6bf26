//! Programs and files that features of videos need.

use std::path::Path;

use tal_backbone::released_weights;
use tal_video::Ffmpeg;

use super::Finding;

pub(super) fn ffmpeg(is_needed: bool) -> Finding {
    const SUBJECT: &str = "ffmpeg";
    match Ffmpeg::find(None) {
        Ok(found) => Finding::fine(
            SUBJECT,
            format!("{}, {}", found.version(), found.path().display()),
        ),
        Err(error) => Finding::lacking(
            SUBJECT,
            is_needed,
            error.to_string(),
            "only videos need it: `cargo xtask setup --video` fetches it, or install the package ffmpeg",
        ),
    }
}

pub(super) fn weights(file: Option<&Path>, is_needed: bool) -> Finding {
    const SUBJECT: &str = "weights";
    let Some(file) = file else {
        return Finding::lacking(
            SUBJECT,
            is_needed,
            "none of a video network",
            "only videos need them: `cargo xtask setup --video` fetches those of EfficientNet-Lite0, `tal features weights` lists \
             others",
        );
    };
    let name = file.file_name().unwrap_or_default().to_string_lossy();
    let place = file.display();
    let known = released_weights()
        .into_iter()
        .find(|known| known.file == name);
    let checked = match &known {
        Some(known) => known.verify(file).map(|_| format!("{place}, as published")),
        None => tal_backbone::sha256(file).map(|_| format!("{place}, none of the public files")),
    };
    match checked {
        Ok(found) => Finding::fine(SUBJECT, found),
        Err(error) => Finding::lacking(
            SUBJECT,
            is_needed,
            error.to_string(),
            "fetch the file again: `cargo xtask setup --video`, or the addresses of `tal features weights`",
        ),
    }
}
