//! `tal features weights`: public weight files.

use anyhow::{Result, anyhow};
use serde_json::{Value, json};
use tal_backbone::{BackboneError, Checksum, ReleasedWeights, released_weights, sha256};
use tal_core::nearest_name;

use crate::args::ReleasedWeightsArgs;
use crate::console::Console;
use crate::failure::{UsageError, bail_usage};

pub(crate) fn run(args: &ReleasedWeightsArgs, console: &Console) -> Result<()> {
    let known = released_weights();
    if args.json {
        let list: Vec<_> = known.iter().map(in_json).collect();
        return console.print(&serde_json::to_string_pretty(&list)?);
    }
    if let Some(name) = &args.download {
        return download(args, wanted(name, &known)?, console);
    }
    if args.files.is_empty() {
        for file in &known {
            let checksum = match file.checksum {
                Checksum::Whole(digits) => digits.to_owned(),
                Checksum::Start(digits) => format!("{digits}… (the part that the authors publish)"),
                Checksum::Unknown => "not published".to_owned(),
            };
            let source = file.url.as_deref().unwrap_or(file.page);
            console.print(&format!(
                "{}\n    network  {}, trained on {}\n    licence  {}\n    source   {source}\n    SHA-256  {checksum}",
                file.file,
                file.network.name(),
                file.training,
                file.licence,
            ))?;
        }
        return Ok(());
    }
    let mut wrong = 0;
    for path in &args.files {
        let found = sha256(path).map_err(|error| anyhow!("{error}"))?;
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let by_name = known.iter().find(|file| file.file == name);
        let by_digest = known
            .iter()
            .find(|file| !matches!(file.checksum, Checksum::Unknown) && file.checksum.fits(&found));
        let verdict = match (by_digest, by_name) {
            (Some(file), _) => format!("{} ({}, {})", file.file, file.network.name(), file.licence),
            (None, Some(file)) if matches!(file.checksum, Checksum::Unknown) => {
                format!(
                    "{}, by its name; the authors publish no checksum",
                    file.file
                )
            }
            (None, Some(file)) => {
                wrong += 1;
                format!("not the published {}: another SHA-256", file.file)
            }
            (None, None) => "no public file of this list".to_owned(),
        };
        console.print(&format!(
            "{}\n    SHA-256  {found}\n    {verdict}",
            path.display()
        ))?;
    }
    match wrong {
        0 => Ok(()),
        _ => Err(anyhow!(
            "{wrong} files differ from the published ones: download them again"
        )),
    }
}

/// The file of the list with this name.
fn wanted<'a>(name: &str, known: &'a [ReleasedWeights]) -> Result<&'a ReleasedWeights, UsageError> {
    let found = known.iter().find(|file| file.file == name);
    found.ok_or_else(|| {
        let names = known.iter().map(|file| file.file);
        let hint = nearest_name(name, names)
            .map_or_else(String::new, |near| format!("; did you mean {near}?"));
        UsageError(format!(
            "--download {name}: `tal features weights` lists no such file{hint}"
        ))
    })
}

fn download(args: &ReleasedWeightsArgs, file: &ReleasedWeights, console: &Console) -> Result<()> {
    let Some(url) = args.from.as_ref().or(file.url.as_ref()) else {
        bail_usage!(
            "--download {}: the list has no address of this file; see {}, or name one with --from URL",
            file.file,
            file.page
        );
    };
    console.on_interrupt(match file.has_checksum() {
        true => "stopped; the same command goes on where it was",
        false => "stopped; the same command begins anew",
    });
    let found = match file.download(url, &args.out, console.has_bars()) {
        Err(error @ BackboneError::Address { .. }) => bail_usage!("--from {error}"),
        found => found?,
    };
    let path = found.path.display();
    let source = match found.received {
        0 => "was there already".to_owned(),
        bytes => format!("{bytes} bytes from {url}"),
    };
    let verdict = match file.checksum {
        Checksum::Whole(_) => "that of the list",
        Checksum::Start(_) => "its start is that of the list; the authors publish no more",
        Checksum::Unknown => "the authors publish none, so nothing was compared",
    };
    console.print(&format!(
        "{path}: {source}\n    licence  {}\n    SHA-256  {} ({verdict})",
        file.licence, found.sha256
    ))
}

fn in_json(file: &ReleasedWeights) -> Value {
    let (sha256, start) = match file.checksum {
        Checksum::Whole(digits) => (Some(digits), None),
        Checksum::Start(digits) => (None, Some(digits)),
        Checksum::Unknown => (None, None),
    };
    json!({
        "file": file.file,
        "network": file.network.name(),
        "training": file.training,
        "licence": file.licence,
        "page": file.page,
        "url": file.url,
        "sha256": sha256,
        "start_of_sha256": start,
    })
}
