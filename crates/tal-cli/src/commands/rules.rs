//! Rules for detections, from the options and files of several commands.

use std::path::Path;

use anyhow::Result;
use tal_core::{ClassMap, quoted_list};
use tal_engine::tuning::RulesFile;
use tal_postprocess::DetectionRules;

use crate::args::{ChoiceArgs, TunedArgs};
use crate::failure::bail_usage;

/// The file of rules that an option names.
pub(super) fn read(path: Option<&Path>) -> Result<Option<RulesFile>> {
    Ok(path.map(RulesFile::read).transpose()?)
}

/// The choice of the options and of the file that they name.
pub(super) fn choice(
    args: &ChoiceArgs,
    file: Option<&RulesFile>,
    classes: &ClassMap,
) -> Result<DetectionRules> {
    let mut rules = of_file(args.thresholds.as_deref(), file, classes)?;
    rules.min_score = args.min_score.or(rules.min_score);
    rules.top = args.top;
    if !args.classes.is_empty() {
        let mut labels = std::collections::BTreeSet::new();
        for name in &args.classes {
            match classes.id(name) {
                Some(label) => labels.insert(label),
                None => bail_usage!(
                    "--classes {name}: is not a class of the detector{}; its classes are {}",
                    classes
                        .nearest(name)
                        .map_or_else(String::new, |near| format!(", did you mean {near}?")),
                    quoted_list(classes.iter().map(|(_, name)| name))
                ),
            };
        }
        rules.classes = Some(labels);
    }
    Ok(rules)
}

/// The rules of a file; none without one.
pub(super) fn of_file(
    path: Option<&Path>,
    file: Option<&RulesFile>,
    classes: &ClassMap,
) -> Result<DetectionRules> {
    match (path, file) {
        (Some(path), Some(file)) => Ok(file.rules(classes, path)?),
        _ => Ok(DetectionRules::default()),
    }
}

/// Refuses figures on recordings that rules were tuned on, or returns the sentence that has to stand beside them.
pub(super) fn note<'a>(
    args: &TunedArgs,
    file: Option<&RulesFile>,
    ids: impl IntoIterator<Item = &'a str>,
) -> Result<Option<String>> {
    let (Some(path), Some(file)) = (&args.thresholds, file) else {
        return Ok(None);
    };
    if !args.tuned_here {
        file.check_unseen(ids, path)?;
        return Ok(Some(format!("With the rules of {}.", path.display())));
    }
    let num = file.num_seen(ids);
    Ok(Some(format!(
        "With the rules of {}, tuned on {num} of these recordings: figures of others will be lower.",
        path.display()
    )))
}
