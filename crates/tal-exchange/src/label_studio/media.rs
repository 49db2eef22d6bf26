//! Addresses of films, sounds and tables in tasks of Label Studio.

use crate::options::{file_name, stem};

/// Whether a text may be the path or URL of a film, sound or table.
pub(super) fn is_file(text: &str) -> bool {
    let name = text.split('?').next().unwrap_or(text);
    let name = text.split_once("?d=").map_or(name, |(_, path)| path);
    let ending = file_name(name).rsplit_once('.').map(|(_, ending)| ending);
    ending.is_some_and(|ending| {
        (1..=5).contains(&ending.len()) && ending.bytes().all(|b| b.is_ascii_alphanumeric())
    })
}

/// Id of a recording from the address of its file, which an upload and a local folder change.
pub(super) fn name_of(media: &str) -> String {
    let path = match media.split_once("?d=") {
        Some((_, path)) => path.split('&').next().unwrap_or(path),
        None => media.split('?').next().unwrap_or(media),
    };
    let name = decoded(stem(path));
    // Uploaded files have eight hexadecimal digits in front.
    let upload = name.split_once('-').filter(|(mark, rest)| {
        mark.len() == 8 && !rest.is_empty() && mark.bytes().all(|b| b.is_ascii_hexdigit())
    });
    match upload {
        Some((_, rest)) if media.contains("/upload/") => rest.to_owned(),
        _ => name,
    }
}

/// A text without the escapes of a URL; as it is if they are no UTF-8.
fn decoded(text: &str) -> String {
    let mut bytes = Vec::new();
    let mut rest = text.as_bytes();
    while let [first, tail @ ..] = rest {
        let code = tail
            .get(..2)
            .filter(|_| *first == b'%')
            .and_then(|code| std::str::from_utf8(code).ok());
        match code.and_then(|code| u8::from_str_radix(code, 16).ok()) {
            Some(byte) => {
                bytes.push(byte);
                rest = &tail[2..];
            }
            None => {
                bytes.push(*first);
                rest = tail;
            }
        }
    }
    String::from_utf8(bytes).unwrap_or_else(|_| text.to_owned())
}
