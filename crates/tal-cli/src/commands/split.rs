//! `tal data split`: recordings dealt to subsets.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use anyhow::Result;
use tal_core::{GroundTruth, Recording, plain_list};
use tal_corpus::split;
use tal_data::annotations;

use super::output;
use crate::args::SplitArgs;
use crate::console::print;
use crate::failure::{UsageError, bail_usage};
use crate::tables::{row, table};

const TRAINING: &str = "training";
const VALIDATION: &str = "validation";
const TEST: &str = "test";

pub(crate) fn run(args: &SplitArgs) -> Result<()> {
    let files = files(args)?;
    let bytes = tal_data::text::open(&args.annotations).map_err(|source| {
        tal_data::AnnotationError::Read {
            path: args.annotations.clone(),
            source,
        }
    })?;
    let truth = annotations::parse(&bytes, &args.annotations, None)?;
    let chosen: Vec<&Recording> = chosen(args, &truth)?;
    let groups = chosen.iter().map(|recording| group(args, &recording.id));
    let groups = groups.collect::<Result<Vec<String>, UsageError>>()?;
    let (names, shares) = plan(args)?;
    let parts = split::assign(&chosen, &groups, &shares, args.seed)
        .map_err(|error| UsageError(error.to_string()))?;

    for (fold, file) in files.iter().enumerate() {
        let subset = |(recording, part): (&&Recording, &usize)| {
            let subset = match args.folds {
                Some(_) if *part == fold => TEST,
                Some(_) => TRAINING,
                None => names[*part].as_str(),
            };
            (recording.id.clone(), subset.to_owned())
        };
        let subsets: BTreeMap<_, _> = chosen.iter().zip(&parts).map(subset).collect();
        annotations::subsets::write(file, &bytes, &args.annotations, &subsets)?;
    }
    report(args, &truth, &chosen, &groups, &names, &parts)
}

/// The files to write. None of them exists, or they may be replaced.
fn files(args: &SplitArgs) -> Result<Vec<PathBuf>> {
    let Some(folds) = args.folds else {
        output::check("--out", &args.out, &["json"])?;
        output::check_new("--out", &args.out, args.force)?;
        return Ok(vec![args.out.clone()]);
    };
    if args.out.exists() && !args.out.is_dir() {
        let out = args.out.display();
        bail_usage!("--out {out}: is a file; give a folder for the folds");
    }
    let name = |fold| args.out.join(format!("fold{fold}.json"));
    let files: Vec<PathBuf> = (1..=folds).map(name).collect();
    for file in &files {
        output::check_new("--out", file, args.force)?;
    }
    output::create_folder(&args.out)?;
    Ok(files)
}

/// Names of the parts and their shares.
fn plan(args: &SplitArgs) -> Result<(Vec<String>, Vec<f64>), UsageError> {
    if let Some(folds) = args.folds {
        let names = (1..=folds).map(|fold| format!("fold{fold}")).collect();
        return Ok((names, vec![1.0 / folds as f64; folds]));
    }
    let held_out = [(VALIDATION, args.validation_share), (TEST, args.test_share)];
    let rest = 1.0 - held_out.iter().filter_map(|(_, share)| *share).sum::<f64>();
    if rest <= 0.0 {
        bail_usage!(
            "--test-share and --validation-share: must be below 1 together, so that some recordings are left to train on"
        );
    }
    let parts = std::iter::once((TRAINING, Some(rest))).chain(held_out);
    Ok(parts
        .filter_map(|(name, share)| Some((name.to_owned(), share?)))
        .unzip())
}

fn chosen<'a>(
    args: &'a SplitArgs,
    truth: &'a GroundTruth,
) -> Result<Vec<&'a Recording>, UsageError> {
    output::check_subsets(truth, &args.subset)?;
    Ok(if args.subset.is_empty() {
        truth.recordings.iter().collect()
    } else {
        truth.subset(&args.subset).collect()
    })
}

/// The name of a recording's group; its own id if there is no rule.
fn group(args: &SplitArgs, id: &str) -> Result<String, UsageError> {
    if let Some(regex) = &args.group {
        let Some(captures) = regex.captures(id) else {
            bail_usage!("--group {regex}: does not match the recording {id:?}");
        };
        let found = captures.get(1).or_else(|| captures.get(0));
        return Ok(found.map_or("", |text| text.as_str()).to_owned());
    }
    match &args.group_prefix {
        Some(prefix) => match id.split_once(prefix) {
            Some((group, _)) => Ok(group.to_owned()),
            None => bail_usage!("--group-prefix {prefix}: does not occur in the recording {id:?}"),
        },
        None => Ok(id.to_owned()),
    }
}

fn report(
    args: &SplitArgs,
    truth: &GroundTruth,
    chosen: &[&Recording],
    groups: &[String],
    names: &[String],
    parts: &[usize],
) -> Result<()> {
    let mut table = table(row("", names.iter().cloned()));
    let members = |part: usize| {
        let all = chosen.iter().zip(groups).zip(parts);
        all.filter(move |(_, p)| **p == part)
            .map(|(member, _)| member)
    };
    let mut row = |name: &str, count: &dyn Fn(usize) -> usize| {
        let counts = (0..names.len()).map(|part| count(part).to_string());
        table.add_row(row(name, counts));
    };
    row("recordings", &|part| members(part).count());
    if args.group.is_some() || args.group_prefix.is_some() {
        let groups = |part| members(part).map(|(_, group)| group);
        row("groups", &|part| {
            groups(part).collect::<BTreeSet<_>>().len()
        });
    }
    let count = |part: usize, class: u32| {
        members(part)
            .flat_map(|(recording, _)| &recording.instances)
            .filter(|instance| instance.label == class)
            .count()
    };
    let mut missing = Vec::new();
    for (class, name) in truth.classes.iter() {
        row(name, &|part| count(part, class));
        let absent = (0..names.len()).filter(|part| count(*part, class) == 0);
        missing.extend(absent.map(|part| format!("{name} in {}", names[part])));
    }
    let (out, count) = (args.out.display(), chosen.len());
    let mut text = format!("{out}: {count} recordings split\n{table}");
    if !missing.is_empty() {
        text += &format!("\nno annotation of {}", plain_list(&missing));
    }
    print(&text)
}
