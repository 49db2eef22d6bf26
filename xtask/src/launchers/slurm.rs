//! A cluster of one machine, for the length of the checks.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

use super::free_port;
use crate::shell::{children, find_program, quoted, succeed};

/// Programs that are needed.
const PROGRAMS: [&str; 5] = ["slurmctld", "slurmd", "srun", "sbatch", "sinfo"];
/// Variable that tells all of them where the settings are.
const VARIABLE: &str = "SLURM_CONF";
/// Time that the cluster has to start.
const PATIENCE: Duration = Duration::from_secs(30);

/// The controller and the one node of a cluster; they end with this value.
pub(super) struct Slurm {
    settings: PathBuf,
    folder: PathBuf,
    daemons: Vec<Child>,
}

impl Slurm {
    /// Starts the cluster with its files in `folder`; `None` if a program is missing.
    ///
    /// # Errors
    ///
    /// If a program cannot be started or the node does not become idle.
    pub(super) fn start(folder: &Path) -> Result<Option<Self>> {
        if PROGRAMS.iter().any(|name| program(name).is_none()) {
            return Ok(None);
        }
        let folder = folder.join("slurm");
        for name in ["state", "spool"] {
            let path = folder.join(name);
            fs::create_dir_all(&path)
                .with_context(|| format!("cannot create {}", path.display()))?;
        }
        let settings = folder.join("slurm.conf");
        fs::write(&settings, text(&folder)?)
            .with_context(|| format!("cannot write {}", settings.display()))?;
        let mut slurm = Self {
            settings,
            folder,
            daemons: Vec::new(),
        };
        for name in ["slurmctld", "slurmd"] {
            let log = slurm.folder.join(format!("{name}.out"));
            let log =
                File::create(&log).with_context(|| format!("cannot create {}", log.display()))?;
            let mut daemon = slurm.command(name);
            daemon.arg("-D").stdin(Stdio::null());
            daemon.stdout(log.try_clone().context("cannot share a file")?);
            daemon.stderr(log);
            let child = daemon.spawn();
            slurm
                .daemons
                .push(child.with_context(|| format!("cannot start {name}"))?);
        }
        slurm.wait()?;
        Ok(Some(slurm))
    }

    /// A program of Slurm that speaks with this cluster.
    pub(super) fn command(&self, name: &str) -> Command {
        let mut command = Command::new(program(name).unwrap_or_else(|| name.into()));
        command.env(VARIABLE, &self.settings);
        command
    }

    /// Runs a command in a batch script and waits for its end.
    ///
    /// # Errors
    ///
    /// If the job fails; what it printed is shown.
    pub(super) fn batch(&self, options: &[&str], words: &[String]) -> Result<()> {
        let output = self.folder.join("job-%A-%a.txt");
        let mut sbatch = self.command("sbatch");
        sbatch.args(["--wait", "--output"]).arg(&output);
        let words: Vec<String> = words.iter().map(|word| quoted(word.as_ref())).collect();
        sbatch.args(options).args(["--wrap", &words.join(" ")]);
        let result = succeed(&mut sbatch, Path::new("."));
        if result.is_err() {
            for path in children(&self.folder)? {
                if path.extension().is_some_and(|ending| ending == "txt") {
                    eprintln!("{}", fs::read_to_string(path).unwrap_or_default());
                }
            }
        }
        result
    }

    /// Waits until the node takes jobs.
    fn wait(&self) -> Result<()> {
        let start = Instant::now();
        while start.elapsed() < PATIENCE {
            let mut sinfo = self.command("sinfo");
            let output = sinfo
                .args(["--noheader", "--format", "%t"])
                .output()
                .context("cannot start sinfo")?;
            if String::from_utf8_lossy(&output.stdout).trim() == "idle" {
                return Ok(());
            }
            sleep(Duration::from_millis(100));
        }
        bail!(
            "Slurm's node is not idle after {} s; its logs are in {}",
            PATIENCE.as_secs(),
            self.folder.display()
        )
    }
}

impl Drop for Slurm {
    fn drop(&mut self) {
        // The node goes first, so that it can say so to the controller. Those that are gone cannot be reached.
        for mut daemon in self.daemons.drain(..).rev() {
            let id = daemon.id().to_string();
            let _ = Command::new("kill").arg(id).status();
            let _ = daemon.wait();
        }
    }
}

/// A program in `PATH`, or where Debian has daemons.
fn program(name: &str) -> Option<PathBuf> {
    let daemons = Path::new("/usr/sbin").join(name);
    find_program(&[name]).or_else(|| daemons.is_file().then_some(daemons))
}

/// The settings of a cluster of this machine, without a service for passwords and without groups of processes.
fn text(folder: &Path) -> Result<String> {
    let output = |words: &[&str]| -> Result<String> {
        let output = Command::new(words[0])
            .args(&words[1..])
            .output()
            .with_context(|| format!("cannot start {}", words[0]))?;
        Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
    };
    let (host, user) = (output(&["hostname", "-s"])?, output(&["id", "-un"])?);
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let (controller, node) = (free_port()?, free_port()?);
    let folder = folder.display();
    // With fewer than two cores, two tasks share one.
    let cores = cores.max(2);
    Ok(format!(
        "ClusterName=tal
SlurmctldHost={host}(127.0.0.1)
SlurmUser={user}
SlurmdUser={user}
AuthType=auth/none
CredType=cred/none
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
JobAcctGatherType=jobacct_gather/none
AccountingStorageType=accounting_storage/none
SwitchType=switch/none
MpiDefault=none
SlurmdParameters=config_overrides
ReturnToService=2
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd.pid
SlurmctldPort={controller}
SlurmdPort={node}
NodeName={host} NodeAddr=127.0.0.1 CPUs={cores} State=UNKNOWN
PartitionName=main Nodes=ALL Default=YES MaxTime=INFINITE State=UP
"
    ))
}
