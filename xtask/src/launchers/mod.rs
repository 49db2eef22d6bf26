//! `cargo xtask launchers`: training and prediction started by mpirun, srun and torchrun themselves.

mod slurm;

use std::env;
use std::fs;
use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, Result, bail};
use serde_json::Value;

use crate::references::environment;
use crate::setup;
use crate::shell::{Tal, Workspace, empty, find_program, succeed};
use slurm::Slurm;

/// Data, runs and logs.
const FOLDER: &str = "target/launchers";
/// Open MPI as a Python package.
const REQUIREMENTS: &str = "xtask/src/launchers/requirements.txt";
const ENVIRONMENT: &str = "target/launchers-python";
/// Mpirun refuses to run as root without these, and to start more ranks than there are cores without the others.
const MPIRUN: [(&str, &str); 6] = [
    ("OMPI_ALLOW_RUN_AS_ROOT", "1"),
    ("OMPI_ALLOW_RUN_AS_ROOT_CONFIRM", "1"),
    ("PRTE_ALLOW_RUN_AS_ROOT", "1"),
    ("PRTE_ALLOW_RUN_AS_ROOT_CONFIRM", "1"),
    ("OMPI_MCA_rmaps_base_oversubscribe", "1"),
    ("PRTE_MCA_rmaps_default_mapping_policy", ":oversubscribe"),
];
/// Fields of a line of `metrics.jsonl` that depend on numbers alone.
const FIGURES: [&str; 5] = ["step", "loss", "grad_norm", "num_positives", "normalizer"];

/// Trains a small network under each launcher, and predicts under Slurm's arrays; the results must be those without a launcher.
///
/// A launcher that is not there is named, and its checks are left out.
///
/// # Errors
///
/// If a command fails, or its results differ.
pub(crate) fn run(workspace: &Workspace) -> Result<()> {
    setup::before_build(workspace)?;
    let place = Place::prepare(workspace)?;
    match mpirun(workspace)? {
        Some(program) => {
            let mut command = Command::new(program);
            command.envs(MPIRUN).args(["-np", "2"]);
            place.train_under("mpirun", command)?;
        }
        None => skip(
            "mpirun",
            "it is not in PATH, and the Python package openmpi cannot be had",
        ),
    }
    match torchrun() {
        Some(program) => {
            let mut command = Command::new(program);
            command.args(["--no-python", "--nproc-per-node", "2"]);
            command.args(["--master-port", &free_port()?.to_string()]);
            place.train_under("torchrun", command)?;
        }
        None => skip(
            "torchrun",
            "it is neither in PATH nor named by TAL_TORCHRUN",
        ),
    }
    match Slurm::start(&place.folder)? {
        Some(slurm) => under_slurm(&place, &slurm)?,
        None => skip(
            "Slurm",
            "slurmctld, slurmd, srun and sbatch are not all in PATH",
        ),
    }
    Ok(())
}

fn skip(name: &str, reason: &str) {
    eprintln!("SKIPPED the checks under {name}: {reason}");
}

/// A data set, and what runs without a launcher make of it.
struct Place {
    tal: Tal,
    root: PathBuf,
    folder: PathBuf,
}

impl Place {
    fn prepare(workspace: &Workspace) -> Result<Self> {
        let tal = Tal::build(workspace)?;
        let folder = workspace.path(FOLDER);
        empty(&folder)?;
        fs::create_dir_all(&folder).with_context(|| format!("cannot create {FOLDER}"))?;
        let root = workspace.root().to_path_buf();
        let place = Self { tal, root, folder };
        let data = place.text("data");
        let sizes = ["--num-train", "8", "--num-test", "6"];
        place
            .tal
            .run(["data", "synth", "--out", &data].iter().chain(&sizes))?;
        place.tal.run(place.training("one"))?;
        let two = ["--ranks".to_owned(), "2".to_owned()];
        place
            .tal
            .run(place.training("two").into_iter().chain(two))?;
        if place.figures("one")? == place.figures("two")? {
            bail!(
                "one rank and two round alike, so that the launchers' runs could not be told apart"
            );
        }
        Ok(place)
    }

    fn text(&self, name: &str) -> String {
        self.folder.join(name).display().to_string()
    }

    /// Arguments of `tal` for a short training into the folder `out`.
    fn training(&self, out: &str) -> Vec<String> {
        let annotations = format!("dataset.annotations={}", self.text("data/annotations.json"));
        let features = format!("dataset.features.dir={}", self.text("data/features"));
        let out = self.text(out);
        let words = [
            "--threads",
            "1",
            "train",
            "configs/demo.yaml",
            "--set",
            &annotations,
            "--set",
            &features,
            "--set",
            "train.epochs=2",
            "--set",
            "train.warmup_epochs=1",
            "--out",
            &out,
        ];
        words.map(str::to_owned).to_vec()
    }

    /// Trains under a launcher; `command` is the launcher with its options.
    fn train_under(&self, name: &str, mut command: Command) -> Result<()> {
        command.arg(&self.tal.program).args(self.training(name));
        succeed(&mut command, &self.root)?;
        self.compare(name, "two")
    }

    /// The numbers of the steps of a run.
    fn figures(&self, run: &str) -> Result<Vec<Vec<Value>>> {
        let path = self.folder.join(run).join("metrics.jsonl");
        let text =
            fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
        let mut steps = Vec::new();
        for line in text.lines() {
            let line: Value = serde_json::from_str(line)
                .with_context(|| format!("{} has a line that is no JSON", path.display()))?;
            if line["event"] == "step" {
                steps.push(FIGURES.iter().map(|key| line[key].clone()).collect());
            }
        }
        if steps.is_empty() {
            bail!("{} has no steps", path.display());
        }
        Ok(steps)
    }

    /// Requires that two runs have the same steps, bit for bit.
    fn compare(&self, run: &str, expected: &str) -> Result<()> {
        if self.figures(run)? != self.figures(expected)? {
            bail!(
                "the steps in {} are not those in {}",
                self.text(run),
                self.text(expected)
            );
        }
        eprintln!("{run}: the steps are those of the run {expected}");
        Ok(())
    }
}

/// Two ranks by srun, one process by a batch script alone, and the parts of a prediction by an array.
fn under_slurm(place: &Place, slurm: &Slurm) -> Result<()> {
    let mut srun = slurm.command("srun");
    srun.args(["--ntasks", "2"]);
    place.train_under("srun", srun)?;
    let program = place.tal.program.display().to_string();
    let quiet = |words: Vec<String>| {
        let start = [program.clone(), "--quiet".to_owned()];
        start.into_iter().chain(words).collect::<Vec<String>>()
    };
    slurm.batch(&["--ntasks", "2"], &quiet(place.training("batch")))?;
    place.compare("batch", "one")?;
    let (run, data) = (place.text("one"), place.text("data/features"));
    let predict = |out: &str| {
        let words = [
            "--threads",
            "1",
            "predict",
            &run,
            &data,
            "--resume",
            "--out",
            out,
        ];
        words.map(str::to_owned).to_vec()
    };
    let (whole, parts) = (place.text("whole"), place.text("parts"));
    place.tal.run(predict(&whole))?;
    slurm.batch(&["--array", "3-7:2"], &quiet(predict(&parts)))?;
    let merged = |folder: &str| -> Result<Vec<u8>> {
        let file = format!("{folder}.jsonl");
        place.tal.run(["merge", folder, "--out", &file])?;
        fs::read(&file).with_context(|| format!("cannot read {file}"))
    };
    if merged(&parts)? != merged(&whole)? {
        bail!("the merged parts of an array are not the prediction of one process");
    }
    eprintln!("array: the merged parts are the prediction of one process");
    Ok(())
}

/// The program in `PATH`, or that of the Python package.
fn mpirun(workspace: &Workspace) -> Result<Option<PathBuf>> {
    if let Some(program) = find_program(&["mpirun"]) {
        return Ok(Some(program));
    }
    let python = environment(ENVIRONMENT, REQUIREMENTS, workspace)?;
    let program = python.with_file_name("mpirun");
    Ok(program.is_file().then_some(program))
}

/// The program that `TAL_TORCHRUN` names, or the one in `PATH`.
fn torchrun() -> Option<PathBuf> {
    let own = env::var_os("TAL_TORCHRUN").filter(|value| !value.is_empty());
    own.map(PathBuf::from)
        .or_else(|| find_program(&["torchrun"]))
}

/// A port that nobody uses now.
fn free_port() -> Result<u16> {
    let listener = std::net::TcpListener::bind(("127.0.0.1", 0)).context("no free port")?;
    Ok(listener.local_addr().context("no free port")?.port())
}
