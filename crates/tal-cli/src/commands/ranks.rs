//! `tal train --ranks N`: several processes of this program on one machine that train together.

use std::ffi::OsString;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, anyhow};
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
    // The first rank that failed.
    let mut failed: Option<(usize, Instant)> = None;
    loop {
        for (number, rank) in ranks.iter_mut().enumerate() {
            if rank.status.is_none() {
                rank.status = rank.child.try_wait().context("cannot wait for a rank")?;
                if failed.is_none() && rank.has_failed() {
                    failed = Some((number, Instant::now()));
                }
            }
        }
        if ranks.iter().all(|rank| rank.status.is_some()) {
            break;
        }
        if failed.is_some_and(|(_, at)| at.elapsed() > PATIENCE) {
            end_all(&mut ranks);
        }
        if !was_told && stop.load(Ordering::SeqCst) {
            was_told = true;
            let running = ranks.iter().filter(|rank| rank.status.is_none());
            running.for_each(|rank| interrupt(&rank.child));
        }
        std::thread::sleep(TICK);
    }
    match failed {
        Some((number, _)) => Err(failure(ranks, number)),
        None => Ok(()),
    }
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
        // One that is stopped could not look.
        #[cfg(target_os = "linux")]
        let _ = nix::sys::prctl::set_pdeathsig(Signal::SIGCONT);
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

/// The error of ranks of which `number` failed first.
fn failure(ranks: Vec<Rank>, number: usize) -> anyhow::Error {
    // A panic, such as that of a full GPU, tells the other ranks nothing.
    let has_panicked = |rank: &&Rank| rank.code() == Some(PANIC);
    let mut panicked = ranks.iter().skip(1).filter(has_panicked);
    if let Some(error) = panicked.find_map(Rank::said) {
        return anyhow!("{error}");
    }
    if let Some(code) = ranks.first().and_then(Rank::code)
        && code != 0
    {
        // Rank 0 has said why. The exit would leave the files of messages.
        drop(ranks);
        std::process::exit(code);
    }
    if let Some(error) = ranks
        .iter()
        .filter(|rank| rank.has_failed())
        .find_map(Rank::said)
    {
        return anyhow!("{error}");
    }
    let status = ranks[number].status;
    let status = status.map_or_else(String::new, |status| format!(" ({status})"));
    anyhow!(
        "rank {number} ended without a word{status}; the run continues from its last save with --resume"
    )
}

impl Rank {
    fn has_failed(&self) -> bool {
        self.status.is_some_and(|status| !status.success())
    }

    /// Its exit code; `None` while it runs, or if a signal has ended it.
    fn code(&self) -> Option<i32> {
        self.status.and_then(|status| status.code())
    }

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
