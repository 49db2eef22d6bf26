//! The shard that a scheduler gives to this process.

use tal_data::results::Shard;

use super::PredictError;

/// The shard that the variables of a scheduler name, and the variable of its number; `None` if there are none.
///
/// Slurm's array (`SLURM_ARRAY_TASK_ID`, `_COUNT`, `_MIN`, `_STEP`) comes before an indexed job of Kubernetes
/// (`JOB_COMPLETION_INDEX`, and `JOB_COMPLETIONS`, which the job has to set itself) and torchrun (`RANK`, `WORLD_SIZE`).
///
/// # Errors
/// A number that is none, or outside of its range; a number without a count.
pub fn shard_of_environment(
    variable: impl Fn(&str) -> Option<String>,
) -> Result<Option<(Shard, &'static str)>, PredictError> {
    let number = |name: &str| -> Result<Option<usize>, PredictError> {
        let parsed = variable(name).map(|text| {
            text.trim().parse().map_err(|_| {
                PredictError::Environment(format!("{name} is {text:?}, must be a number"))
            })
        });
        parsed.transpose()
    };
    for (index_name, count_name) in [
        ("SLURM_ARRAY_TASK_ID", "SLURM_ARRAY_TASK_COUNT"),
        ("JOB_COMPLETION_INDEX", "JOB_COMPLETIONS"),
        ("RANK", "WORLD_SIZE"),
    ] {
        let Some(mut index) = number(index_name)? else {
            continue;
        };
        let Some(count) = number(count_name)? else {
            return Err(PredictError::Environment(format!(
                "{index_name} is set, but {count_name}, the number of shards, is not; set it, or give --shard I/N"
            )));
        };
        if index_name.starts_with("SLURM") {
            // An array may begin anywhere and leave numbers out.
            let first = number("SLURM_ARRAY_TASK_MIN")?.unwrap_or(0);
            let step = number("SLURM_ARRAY_TASK_STEP")?.unwrap_or(1).max(1);
            index = index.saturating_sub(first) / step;
        }
        if index >= count {
            return Err(PredictError::Environment(format!(
                "{index_name} and {count_name} name shard {index} of {count}; expected one from 0 to {}",
                count.saturating_sub(1)
            )));
        }
        return Ok(Some((Shard { index, count }, index_name)));
    }
    Ok(None)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(variables: &[(&str, &str)]) -> Result<Option<(Shard, &'static str)>, PredictError> {
        shard_of_environment(|name| {
            let pair = variables.iter().find(|(key, _)| *key == name);
            pair.map(|(_, value)| (*value).to_owned())
        })
    }

    #[test]
    fn each_scheduler_is_understood() {
        let shard = |index, count| Shard { index, count };
        let slurm = [
            ("SLURM_ARRAY_TASK_ID", "7"),
            ("SLURM_ARRAY_TASK_COUNT", "4"),
            ("SLURM_ARRAY_TASK_MIN", "1"),
            ("SLURM_ARRAY_TASK_STEP", "2"),
            ("RANK", "0"),
            ("WORLD_SIZE", "1"),
        ];
        assert_eq!(
            found(&slurm).unwrap(),
            Some((shard(3, 4), "SLURM_ARRAY_TASK_ID"))
        );
        assert_eq!(found(&slurm[4..]).unwrap(), Some((shard(0, 1), "RANK")));
        let job = [("JOB_COMPLETION_INDEX", "2"), ("JOB_COMPLETIONS", "3")];
        assert_eq!(
            found(&job).unwrap(),
            Some((shard(2, 3), "JOB_COMPLETION_INDEX"))
        );
        assert_eq!(found(&[]).unwrap(), None);
    }

    #[test]
    fn wrong_variables_are_named() {
        for (variables, part) in [
            (&[("JOB_COMPLETION_INDEX", "2")][..], "JOB_COMPLETIONS"),
            (&[("RANK", "x"), ("WORLD_SIZE", "2")], "RANK is \"x\""),
            (&[("RANK", "2"), ("WORLD_SIZE", "2")], "from 0 to 1"),
        ] {
            let message = found(variables).unwrap_err().to_string();
            assert!(message.contains(part), "{message}");
        }
    }
}
