//! Launchers, recognised by the environment variables that they set.

use std::fmt::Display;
use std::str::FromStr;

/// The place of this process among those that a launcher has started, and where they meet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// The launcher.
    pub launcher: &'static str,
    /// Number of this process, from 0.
    pub rank: usize,
    /// Number of processes.
    pub size: usize,
    /// Number of this process on its machine, from 0.
    pub local_rank: usize,
    /// The machine where they meet: that of rank 0, or of the launcher.
    pub host: String,
    /// The port there.
    pub port: u16,
    /// Whether the launcher serves the store at that port; otherwise rank 0 does.
    pub launcher_serves: bool,
    /// The job that the processes belong to; empty if the launcher gives it no name.
    pub job: String,
    /// How often the launcher has started all processes anew.
    pub restarts: u64,
}

/// Variables of a launcher that make no sense.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum LauncherError {
    /// A variable that is needed is missing.
    #[error(
        "{launcher} started this process, but the environment variable {name} is not set; set it to {hint}"
    )]
    Missing {
        /// The launcher.
        launcher: &'static str,
        /// The variable.
        name: &'static str,
        /// What it should be.
        hint: &'static str,
    },
    /// A variable has no usable value.
    #[error("the environment variable {name} is {value:?}; expected {expected}")]
    Value {
        /// The variable.
        name: &'static str,
        /// Its value.
        value: String,
        /// What would be right.
        expected: String,
    },
}

/// Port of a group if nothing says another.
const PORT: u16 = 29500;
const ADDRESS: &str = "the address of the machine of rank 0";

/// Names of the variables of a launcher for rank, size, rank on the machine, and job.
struct Names {
    launcher: &'static str,
    rank: &'static str,
    size: &'static str,
    local_rank: &'static str,
    /// Those that are set name the job together.
    job: &'static [&'static str],
}

/// RANK goes before all others: torchrun runs within a step of Slurm, not the other way round. So does mpirun, whose daemons srun
/// starts. The batch script of Slurm itself has a rank and a number of tasks, too; only a step has SLURM_STEP_NUM_TASKS.
const LAUNCHERS: [Names; 4] = [
    Names {
        launcher: "torchrun",
        rank: "RANK",
        size: "WORLD_SIZE",
        local_rank: "LOCAL_RANK",
        job: &["TORCHELASTIC_RUN_ID"],
    },
    Names {
        launcher: "an indexed job of Kubernetes",
        rank: "JOB_COMPLETION_INDEX",
        size: "WORLD_SIZE",
        local_rank: "LOCAL_RANK",
        job: &[],
    },
    Names {
        launcher: "mpirun",
        rank: "OMPI_COMM_WORLD_RANK",
        size: "OMPI_COMM_WORLD_SIZE",
        local_rank: "OMPI_COMM_WORLD_LOCAL_RANK",
        // Open MPI 4 sets both, Open MPI 5 the first.
        job: &["PMIX_NAMESPACE", "OMPI_MCA_ess_base_jobid"],
    },
    Names {
        launcher: "srun",
        rank: "SLURM_PROCID",
        size: "SLURM_STEP_NUM_TASKS",
        local_rank: "SLURM_LOCALID",
        job: &["SLURM_JOB_ID", "SLURM_STEP_ID", "SLURM_RESTART_COUNT"],
    },
];

impl Place {
    /// The place that the variables tell; `None` if no launcher started this process, or it started only one.
    ///
    /// # Errors
    /// If a launcher's variables are incomplete or wrong.
    pub fn of(variable: impl Fn(&str) -> Option<String>) -> Result<Option<Self>, LauncherError> {
        let variable = |name: &str| variable(name).filter(|value| !value.is_empty());
        let is_set = |names: &&Names| {
            [names.rank, names.size]
                .iter()
                .all(|n| variable(n).is_some())
        };
        let Some(names) = LAUNCHERS.iter().find(is_set) else {
            return Ok(None);
        };
        let expected = "a whole number";
        let number = |name| parsed::<usize>(name, variable(name), expected);
        let size = number(names.size)?.unwrap_or(1);
        if size == 1 {
            return Ok(None);
        }
        let rank = number(names.rank)?.unwrap_or(0);
        if rank >= size {
            return Err(LauncherError::Value {
                name: names.rank,
                value: rank.to_string(),
                expected: format!("a number below {} = {size}", names.size),
            });
        }
        let launcher = names.launcher;
        let missing = |name, hint| LauncherError::Missing {
            launcher,
            name,
            hint,
        };
        let job: Vec<String> = names.job.iter().filter_map(|name| variable(name)).collect();
        let job = job.join(".");
        let given = variable("MASTER_ADDR");
        let port = parsed::<u16>("MASTER_PORT", variable("MASTER_PORT"), "a port")?;
        let has_own_port = matches!(launcher, "srun" | "mpirun") && !job.is_empty();
        let port = port.unwrap_or_else(|| if has_own_port { job_port(&job) } else { PORT });
        let host = match launcher {
            "srun" => {
                let list = variable("SLURM_STEP_NODELIST").or_else(|| variable("SLURM_NODELIST"));
                let host = given.or_else(|| list.as_deref().map(first_host));
                host.ok_or_else(|| missing("SLURM_STEP_NODELIST", ADDRESS))?
            }
            "mpirun" => {
                let on_machine = number("OMPI_COMM_WORLD_LOCAL_SIZE")?;
                let local = (on_machine == Some(size)).then(|| "127.0.0.1".to_owned());
                given
                    .or(local)
                    .ok_or_else(|| missing("MASTER_ADDR", ADDRESS))?
            }
            _ => given.ok_or_else(|| missing("MASTER_ADDR", ADDRESS))?,
        };
        let restarts = parsed::<u64>(
            "TORCHELASTIC_RESTART_COUNT",
            variable("TORCHELASTIC_RESTART_COUNT"),
            expected,
        )?;
        let agent = variable("TORCHELASTIC_USE_AGENT_STORE");
        Ok(Some(Place {
            launcher,
            rank,
            size,
            local_rank: number(names.local_rank)?.unwrap_or(0),
            host,
            port,
            launcher_serves: launcher == "torchrun" && agent.as_deref() == Some("True"),
            job,
            restarts: restarts.unwrap_or(0),
        }))
    }

    /// Whether this process serves the store.
    pub(super) fn serves_store(&self) -> bool {
        self.rank == 0 && !self.launcher_serves
    }

    /// The variables that tell this place to a process, as torchrun would set them.
    pub fn variables(&self) -> [(&'static str, String); 8] {
        let agent = if self.launcher_serves {
            "True"
        } else {
            "False"
        };
        [
            ("RANK", self.rank.to_string()),
            ("WORLD_SIZE", self.size.to_string()),
            ("LOCAL_RANK", self.local_rank.to_string()),
            ("MASTER_ADDR", self.host.clone()),
            ("MASTER_PORT", self.port.to_string()),
            ("TORCHELASTIC_USE_AGENT_STORE", agent.to_owned()),
            ("TORCHELASTIC_RUN_ID", self.job.clone()),
            ("TORCHELASTIC_RESTART_COUNT", self.restarts.to_string()),
        ]
    }
}

fn parsed<T: FromStr>(
    name: &'static str,
    value: Option<String>,
    expected: impl Display,
) -> Result<Option<T>, LauncherError> {
    let parse = |value: String| match value.parse::<T>() {
        Ok(number) => Ok(number),
        Err(_) => Err(LauncherError::Value {
            name,
            value,
            expected: expected.to_string(),
        }),
    };
    value.map(parse).transpose()
}

/// The first host of a list of Slurm: `node[03-07,12],other` begins with `node03`.
fn first_host(list: &str) -> String {
    let end = list.find([',', '[']).unwrap_or(list.len());
    let (name, rest) = list.split_at(end);
    let Some(rest) = rest.strip_prefix('[') else {
        return name.to_owned();
    };
    let (numbers, behind) = rest.split_once(']').unwrap_or((rest, ""));
    let first = numbers.split([',', '-']).next().unwrap_or_default();
    let behind = behind.split(',').next().unwrap_or_default();
    format!("{name}{first}{behind}")
}

/// A port for a job, most often another one than that of other jobs on the machine, and none of those that Linux gives to
/// connections (32768 and up). The hash is FNV-1a.
fn job_port(job: &str) -> u16 {
    let hash = job.bytes().fold(0xCBF2_9CE4_8422_2325, |hash: u64, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01B3)
    });
    20_000 + (hash % 12_000) as u16
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(variables: &str) -> Result<Option<Place>, LauncherError> {
        let all: Vec<(&str, &str)> = variables
            .split_whitespace()
            .filter_map(|pair| pair.split_once('='))
            .collect();
        let find = |name: &str| all.iter().find(|(key, _)| *key == name);
        Place::of(|name| find(name).map(|(_, value)| (*value).to_owned()))
    }

    fn found(variables: &str) -> (&'static str, usize, usize, usize, String, bool) {
        let place = place(variables).unwrap().unwrap();
        let address = format!("{}:{}", place.host, place.port);
        let Place {
            launcher,
            rank,
            size,
            local_rank,
            ..
        } = place;
        (
            launcher,
            rank,
            size,
            local_rank,
            address,
            place.launcher_serves,
        )
    }

    #[test]
    fn torchrun_and_pytorch_jobs() {
        let torchrun = "RANK=3 WORLD_SIZE=4 LOCAL_RANK=1 MASTER_ADDR=a MASTER_PORT=1234 TORCHELASTIC_USE_AGENT_STORE=True";
        assert_eq!(
            found(torchrun),
            ("torchrun", 3, 4, 1, "a:1234".to_owned(), true)
        );
        let again = "TORCHELASTIC_RESTART_COUNT=2 TORCHELASTIC_RUN_ID=mine";
        let again = place(&format!("{torchrun} {again}")).unwrap().unwrap();
        assert_eq!((again.restarts, again.job.as_str()), (2, "mine"));
        let job = "RANK=1 WORLD_SIZE=2 MASTER_ADDR=job-master-0 MASTER_PORT=23456";
        assert_eq!(
            found(job),
            ("torchrun", 1, 2, 0, "job-master-0:23456".to_owned(), false)
        );
        // Within a step of Slurm, torchrun counts.
        let within = format!("{torchrun} SLURM_PROCID=0 SLURM_STEP_NUM_TASKS=2");
        assert_eq!(found(&within).1, 3);
    }

    #[test]
    fn what_it_tells_is_understood() {
        let first = place("RANK=1 WORLD_SIZE=2 LOCAL_RANK=1 MASTER_ADDR=a MASTER_PORT=9").unwrap();
        let variables = first.as_ref().unwrap().variables();
        let text: Vec<String> = variables.iter().map(|(k, v)| format!("{k}={v}")).collect();
        assert_eq!(place(&text.join(" ")).unwrap(), first);
    }

    #[test]
    fn srun() {
        let step =
            "SLURM_PROCID=2 SLURM_STEP_NUM_TASKS=4 SLURM_LOCALID=0 SLURM_STEP_NODELIST=gpu[07-08]";
        assert_eq!(
            found(step),
            ("srun", 2, 4, 0, "gpu07:29500".to_owned(), false)
        );
        // Each step of each job has a name and a port of its own.
        let ports = [("41234", "0"), ("41234", "1"), ("41235", "0")].map(|(job, id)| {
            let ids = format!("{step} SLURM_JOB_ID={job} SLURM_STEP_ID={id}");
            let place = place(&ids).unwrap().unwrap();
            assert_eq!(place.job, format!("{job}.{id}"));
            assert!((20_000..32_000).contains(&place.port), "{}", place.port);
            place.port
        });
        assert!(ports[0] != ports[1] && ports[0] != ports[2] && ports[1] != ports[2]);
        assert_eq!(found(&format!("{step} MASTER_PORT=7")).4, "gpu07:7");
        // The batch script itself is no step.
        let script = "SLURM_PROCID=0 SLURM_NTASKS=2 SLURM_JOB_ID=7 SLURM_NODELIST=gpu[07-08]";
        assert_eq!(place(script), Ok(None));
    }

    #[test]
    fn mpirun() {
        let all = "OMPI_COMM_WORLD_RANK=1 OMPI_COMM_WORLD_SIZE=2 OMPI_COMM_WORLD_LOCAL_RANK=1";
        let local = format!("{all} OMPI_COMM_WORLD_LOCAL_SIZE=2");
        assert_eq!(
            found(&local),
            ("mpirun", 1, 2, 1, "127.0.0.1:29500".to_owned(), false)
        );
        // Its daemons are a step of Slurm.
        let daemon = "SLURM_PROCID=0 SLURM_STEP_NUM_TASKS=2 SLURM_STEP_NODELIST=n1 SLURM_JOB_ID=3";
        assert_eq!(found(&format!("{local} {daemon}")).0, "mpirun");
        for name in ["OMPI_MCA_ess_base_jobid", "PMIX_NAMESPACE"] {
            let of_job = |id| place(&format!("{local} {name}={id}")).unwrap().unwrap();
            let (one, other) = (of_job("3748528129"), of_job("3748528130"));
            assert_eq!(one.job, "3748528129");
            assert_ne!(one.port, other.port);
        }
        let apart = place(&format!("{all} OMPI_COMM_WORLD_LOCAL_SIZE=1")).unwrap_err();
        assert!(apart.to_string().contains("MASTER_ADDR"), "{apart}");
    }

    #[test]
    fn kubernetes() {
        let pod = "JOB_COMPLETION_INDEX=1 WORLD_SIZE=2 MASTER_ADDR=job-0.tal";
        let expected = (
            "an indexed job of Kubernetes",
            1,
            2,
            0,
            "job-0.tal:29500".to_owned(),
            false,
        );
        assert_eq!(found(pod), expected);
        // An array of independent jobs has no size of a group.
        assert_eq!(place("JOB_COMPLETION_INDEX=1"), Ok(None));
    }

    #[test]
    fn alone_and_wrong() {
        assert_eq!(place(""), Ok(None));
        assert_eq!(place("RANK=0 WORLD_SIZE=1"), Ok(None));
        for (variables, part) in [
            ("RANK=2 WORLD_SIZE=2 MASTER_ADDR=a", "below WORLD_SIZE = 2"),
            ("RANK=x WORLD_SIZE=2 MASTER_ADDR=a", "RANK is \"x\""),
            ("RANK=0 WORLD_SIZE=2", "MASTER_ADDR is not set"),
            (
                "RANK=0 WORLD_SIZE=2 MASTER_ADDR=a MASTER_PORT=70000",
                "expected a port",
            ),
        ] {
            let error = place(variables).unwrap_err().to_string();
            assert!(error.contains(part), "{error}");
        }
    }

    #[test]
    fn hosts_of_slurm() {
        for (list, host) in [
            ("one", "one"),
            ("one,two", "one"),
            ("n[3,5]", "n3"),
            ("n[03-07,12],other", "n03"),
            ("n[1-2]-ib,m", "n1-ib"),
        ] {
            assert_eq!(first_host(list), host);
        }
    }
}
