//! Progress on the terminal, and messages on standard error and in the log file of a run.

use std::ffi::OsString;
use std::fmt;
use std::fs::{File, OpenOptions};
use std::io::{self, IsTerminal, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use anyhow::{Result, anyhow};
use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressState, ProgressStyle};
use tal_core::atomic::remove_partial;
use tracing_subscriber::filter::{FilterExt, LevelFilter, filter_fn};
use tracing_subscriber::prelude::*;

use crate::args::GlobalArgs;

/// Target of messages that belong into the log file only.
const LOG_ONLY: &str = "log";

/// Output of the commands.
pub(crate) struct Console {
    bars: MultiProgress,
    log: LateFile,
    stop: Arc<AtomicBool>,
    /// Words of the handler of Ctrl-C; empty until it is installed.
    on_stop: Arc<Mutex<&'static str>>,
    /// Whether the work looks at `stop`; otherwise Ctrl-C ends the program.
    is_graceful: Arc<AtomicBool>,
    /// A folder to clean if the program ends.
    half_written: Arc<Mutex<Option<PathBuf>>>,
    /// Whether the handler of Ctrl-C is about to end the program.
    is_ending: Arc<AtomicBool>,
}

impl Console {
    /// Sets up messages. Without a terminal there are no bars; messages take their place.
    pub(crate) fn start(args: &GlobalArgs) -> Self {
        let bars = MultiProgress::new();
        let interactive = io::stderr().is_terminal() && !args.quiet;
        if !interactive {
            bars.set_draw_target(ProgressDrawTarget::hidden());
        }
        let level = match (args.quiet, args.verbose, interactive) {
            (true, ..) | (_, 0, true) => LevelFilter::WARN,
            (_, 0, false) | (_, 1, _) => LevelFilter::INFO,
            _ => LevelFilter::DEBUG,
        };
        let log = LateFile::default();
        let screen = tracing_subscriber::fmt::layer()
            .with_target(false)
            .without_time()
            .with_ansi(interactive && allows_colours())
            .with_writer({
                let bars = bars.clone();
                move || AboveBars(bars.clone())
            })
            .with_filter(level.and(filter_fn(|message| message.target() != LOG_ONLY)));
        let file = tracing_subscriber::fmt::layer()
            .with_target(false)
            .with_ansi(false)
            .with_writer({
                let log = log.clone();
                move || log.clone()
            })
            .with_filter(LevelFilter::INFO);
        let registry = tracing_subscriber::registry();
        registry.with(screen).with(file).init();
        Self {
            bars,
            log,
            stop: Arc::default(),
            on_stop: Arc::default(),
            is_graceful: Arc::default(),
            half_written: Arc::default(),
            is_ending: Arc::default(),
        }
    }

    /// Writes an error into the log file only.
    pub(crate) fn log_error(&self, text: &str) {
        tracing::error!(target: LOG_ONLY, "{text}");
    }

    /// Writes all further messages to a log file, too.
    pub(crate) fn log_to(&self, path: &Path) -> io::Result<()> {
        let file = OpenOptions::new().create(true).append(true).open(path)?;
        *self.log.0.lock().expect("no writer panics") = Some(file);
        Ok(())
    }

    /// Whether bars are shown.
    pub(crate) fn has_bars(&self) -> bool {
        !self.bars.is_hidden()
    }

    /// A bar over `len` steps, of which `done` are done. `template` is that of indicatif, with `rate` for steps per second.
    pub(crate) fn bar(&self, len: u64, done: u64, template: &str) -> ProgressBar {
        let style = ProgressStyle::with_template(template)
            .expect("our own templates are valid")
            .with_key("rate", |state: &ProgressState, out: &mut dyn fmt::Write| {
                let _ = write!(out, "{:.1}/s", state.per_sec());
            })
            .progress_chars("━╸─");
        // The rate counts from here, without the steps of an earlier process.
        let bar = self
            .bars
            .add(ProgressBar::new(len).with_style(style).with_position(done));
        bar.reset_eta();
        bar.enable_steady_tick(Duration::from_millis(200));
        bar
    }

    /// [`print()`], above the bars.
    pub(crate) fn print(&self, text: &str) -> Result<()> {
        self.bars.suspend(|| print(text))
    }

    /// Makes Ctrl-C (and SIGTERM) ask for a clean stop; a second one ends the program at once.
    pub(crate) fn catch_interrupts(&self) -> Arc<AtomicBool> {
        let message = "stopping after this step and saving; again to stop at once without saving";
        self.catch_interrupts_saying(message)
    }

    /// Makes Ctrl-C (and SIGTERM) say how to go on before it ends the program, as long as no work asks for a clean stop. What
    /// is half-written in `folder` is removed.
    pub(crate) fn explain_interrupts(&self, folder: Option<PathBuf>) {
        *self.half_written.lock().expect("no holder panics") = folder;
        self.on_interrupt(
            "stopped; results are written whole at the end, so files that were there are as before: run the same command again",
        );
    }

    /// [`Console::catch_interrupts`] with another message.
    pub(crate) fn catch_interrupts_saying(&self, message: &'static str) -> Arc<AtomicBool> {
        self.is_graceful.store(true, Ordering::SeqCst);
        self.on_interrupt(message);
        Arc::clone(&self.stop)
    }

    /// Waits for the end if the handler of Ctrl-C is ending the program: a command that fails since its half-written folder
    /// is gone has nothing to say.
    pub(crate) fn await_end(&self) {
        while self.is_ending.load(Ordering::SeqCst) {
            std::thread::park();
        }
    }

    /// Sets the message of Ctrl-C.
    pub(crate) fn on_interrupt(&self, message: &'static str) {
        // A command with several long parts says something else in each; there is one handler in a process.
        let before = std::mem::replace(
            &mut *self.on_stop.lock().expect("no holder panics"),
            message,
        );
        let (stop, on_stop) = (Arc::clone(&self.stop), Arc::clone(&self.on_stop));
        let is_graceful = Arc::clone(&self.is_graceful);
        let half_written = Arc::clone(&self.half_written);
        let is_ending = Arc::clone(&self.is_ending);
        let handler = move || {
            if stop.swap(true, Ordering::SeqCst) {
                std::process::exit(130);
            }
            let _ = writeln!(
                io::stderr(),
                "\n{}",
                on_stop.lock().expect("no holder panics")
            );
            if !is_graceful.load(Ordering::SeqCst) {
                is_ending.store(true, Ordering::SeqCst);
                if let Some(folder) = half_written.lock().expect("no holder panics").as_deref() {
                    remove_partial(folder);
                }
                std::process::exit(130);
            }
        };
        if before.is_empty()
            && let Err(error) = ctrlc::set_handler(handler)
        {
            tracing::warn!("Ctrl-C will end the program without saving: {error}");
        }
    }
}

/// Whether the user allows colours.
pub(crate) fn allows_colours() -> bool {
    wants_colours(std::env::var_os("NO_COLOR"))
}

/// Whether text may be coloured: any value of `NO_COLOR` but an empty one forbids it (<https://no-color.org>).
fn wants_colours(no_color: Option<OsString>) -> bool {
    no_color.is_none_or(|value| value.is_empty())
}

/// Prints a line of results on standard output. If the reader has gone (`tal … | head`), the program ends without an error.
pub(crate) fn print(text: &str) -> Result<()> {
    let mut out = io::stdout().lock();
    match writeln!(out, "{text}").and_then(|()| out.flush()) {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => std::process::exit(0),
        outcome => outcome.map_err(|error| anyhow!("cannot write to the standard output: {error}")),
    }
}

/// Writer of messages above the bars.
struct AboveBars(MultiProgress);

impl Write for AboveBars {
    fn write(&mut self, buffer: &[u8]) -> io::Result<usize> {
        self.0.suspend(|| io::stderr().write(buffer))
    }

    fn flush(&mut self) -> io::Result<()> {
        io::stderr().flush()
    }
}

/// A log file that is opened only after the run folder has been checked.
#[derive(Clone, Default)]
struct LateFile(Arc<Mutex<Option<File>>>);

impl Write for LateFile {
    fn write(&mut self, buffer: &[u8]) -> io::Result<usize> {
        match self.0.lock().expect("no writer panics").as_mut() {
            Some(file) => file.write(buffer),
            None => Ok(buffer.len()),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_color_is_obeyed() {
        assert!(wants_colours(None));
        assert!(wants_colours(Some("".into())));
        assert!(!wants_colours(Some("1".into())));
        assert!(!wants_colours(Some("0".into())));
    }
}
