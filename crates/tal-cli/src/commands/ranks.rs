//! `tal train --ranks N`: several processes of this program on one machine that train together.

use std::ffi::OsString;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use tal_engine::MeetingPoint;

use super::own_program::{interrupt, keep_interrupts_from, last_error, own_program};
use crate::console::Console;

/// Time between two looks at the processes.
const TICK: Duration = Duration::from_millis(20);
/// Time between two looks of a rank at its starter.
#[cfg(unix)]
const WATCH: Duration = Duration::from_millis(500);
/// Time that the other ranks have to end by themselves if one has failed.
const PATIENCE: Duration = Duration::from_secs(10);
/// Variable that tells a rank the number of the process that started it.
const STARTER: &str = "TAL_RANKS_STARTER";
/// Exit code of a panic.
const PANIC: i32 = 101;

struct Rank {
    child: Child,
    messages: tempfile::NamedTempFile,
    status: Option<ExitStatus>,
}

impl Drop for Rank {
    /// An error in this process must not leave a rank behind.
    fn drop(&mut self) {
        if self.status.is_none() {
            // One that has just ended cannot be reached.
            let _ = self.child.kill();
            let _ = self.child.wait();
        }
    }
}

/// Starts `size` ranks of this program with its own arguments, and waits for their end. Only rank 0 prints. The program ends with
/// the exit code of rank 0 if that failed.
pub(crate) fn run(size: usize, threads: Option<usize>, console: &Console) -> Result<()> {
    let stop = console.catch_interrupts_saying("stopping all ranks after this step");
    let meeting = MeetingPoint::open()?;
    let mut ranks = Vec::new();
    for rank in 0..size {
        ranks.push(start(&meeting, rank, size, threads)?);
    }
    let mut was_told = false;
    let mut failed_at: Option<Instant> = None;
    loop {
        for rank in ranks.iter_mut().filter(|rank| rank.status.is_none()) {
            rank.status = rank.child.try_wait().context("cannot wait for a rank")?;
        }
        let mut ended = ranks.iter().filter_map(|rank| rank.status);
        if ended.clone().count() == size {
            break;
        }
        if failed_at.is_none() && ended.any(|status| !status.success()) {
            failed_at = Some(Instant::now());
        }
        if failed_at.is_some_and(|at| at.elapsed() > PATIENCE) {
            end_all(&mut ranks);
        }
        if !was_told && stop.load(Ordering::SeqCst) {
            was_told = true;
            let running = ranks.iter().filter(|rank| rank.status.is_none());
            running.for_each(|rank| interrupt(&rank.child));
        }
        std::thread::sleep(TICK);
    }
    outcome(ranks)
}

fn start(meeting: &MeetingPoint, rank: usize, size: usize, threads: Option<usize>) -> Result<Rank> {
    let messages = tempfile::NamedTempFile::new().context("cannot make a temporary file")?;
    let mut command = Command::new(own_program()?);
    if threads.is_none() {
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        command.args(["--threads", &(cores / size).max(1).to_string()]);
    }
    command
        .args(own_arguments(std::env::args_os().skip(1)))
        .envs(meeting.place(rank, size).variables())
        .env(STARTER, std::process::id().to_string())
        .stdin(Stdio::null());
    if cfg!(target_os = "linux") && std::env::var_os("GLOO_SOCKET_IFNAME").is_none() {
        command.env("GLOO_SOCKET_IFNAME", "lo");
    }
    if rank > 0 {
        command.stdout(Stdio::null());
        command.stderr(messages.reopen().context("cannot open a temporary file")?);
    }
    keep_interrupts_from(&mut command);
    let child = command.spawn();
    let child = child.with_context(|| format!("cannot start rank {rank}"))?;
    Ok(Rank {
        child,
        messages,
        status: None,
    })
}

/// Ends this process as SIGTERM does if it is a rank whose starter is gone, killed or told twice: nobody waits for it then.
pub(crate) fn watch_starter() {
    #[cfg(unix)]
    if let Some(starter) = std::env::var(STARTER)
        .ok()
        .and_then(|id| id.parse::<u32>().ok())
    {
        use nix::sys::signal::{Signal, raise};
        std::thread::spawn(move || {
            while std::os::unix::process::parent_id() == starter {
                std::thread::sleep(WATCH);
            }
            // This process can always be reached.
            let _ = raise(Signal::SIGTERM);
        });
    }
}

/// The arguments of this program without `--ranks N`.
fn own_arguments(all: impl Iterator<Item = OsString>) -> Vec<OsString> {
    let mut own = Vec::new();
    let mut is_value = false;
    for argument in all {
        let is_ranks = argument == "--ranks";
        let is_both = argument.to_string_lossy().starts_with("--ranks=");
        if !is_value && !is_ranks && !is_both {
            own.push(argument);
        }
        is_value = is_ranks;
    }
    own
}

fn end_all(ranks: &mut [Rank]) {
    for rank in ranks.iter_mut().filter(|rank| rank.status.is_none()) {
        // One that has just ended cannot be reached.
        let _ = rank.child.kill();
    }
}

fn outcome(ranks: Vec<Rank>) -> Result<()> {
    let failed = |rank: &&Rank| rank.status.is_some_and(|status| !status.success());
    if !ranks.iter().any(|rank| failed(&rank)) {
        return Ok(());
    }
    // A panic, such as that of a full GPU, tells the other ranks nothing.
    let has_panicked = |rank: &&Rank| rank.status.and_then(|status| status.code()) == Some(PANIC);
    let mut panicked = ranks.iter().skip(1).filter(has_panicked);
    if let Some(error) = panicked.find_map(Rank::said) {
        bail!("{error}");
    }
    let first = ranks.first().and_then(|rank| rank.status);
    if let Some(code) = first.and_then(|status| status.code())
        && code != 0
    {
        // Rank 0 has said why. The exit would leave the files of messages.
        drop(ranks);
        std::process::exit(code);
    }
    let said = ranks.iter().filter(failed).find_map(Rank::said);
    match (said, first) {
        (Some(error), _) => bail!("{error}"),
        (None, Some(status)) if !status.success() => {
            bail!("rank 0 ended by {status}; the run continues from its last save with --resume")
        }
        _ => {
            bail!("a rank ended without a word; the run continues from its last save with --resume")
        }
    }
}

impl Rank {
    /// The error in its messages.
    fn said(&self) -> Option<String> {
        let text = std::fs::read_to_string(self.messages.path()).ok()?;
        last_error(&text).map(str::to_owned)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranks_get_the_other_arguments() {
        let own = |text: &str| {
            let all = text.split(' ').map(OsString::from);
            own_arguments(all).join(std::ffi::OsStr::new(" "))
        };
        assert_eq!(
            own("train a.yaml --ranks 2 --out b"),
            "train a.yaml --out b"
        );
        assert_eq!(own("-q train --ranks=2 a.yaml"), "-q train a.yaml");
    }
}
