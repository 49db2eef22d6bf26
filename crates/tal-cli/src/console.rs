//! Progress on the terminal, and messages on standard error and in the log file of a run.

use std::fmt;
use std::fs::{File, OpenOptions};
use std::io::{self, IsTerminal, Write};
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use anyhow::{Result, anyhow};
use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressState, ProgressStyle};
use tracing_subscriber::filter::LevelFilter;
use tracing_subscriber::prelude::*;

use crate::args::GlobalArgs;

/// Output of the commands.
pub(crate) struct Console {
    bars: MultiProgress,
    log: LateFile,
    stop: Arc<AtomicBool>,
    /// Words of the handler of Ctrl-C; empty until it is installed.
    on_stop: Arc<Mutex<&'static str>>,
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
            .with_ansi(interactive)
            .with_writer({
                let bars = bars.clone();
                move || AboveBars(bars.clone())
            })
            .with_filter(level);
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
        }
    }

    /// Writes all further messages to a log file, too.
    pub(crate) fn log_to(&self, path: &Path) -> io::Result<()> {
        let file = OpenOptions::new().create(true).append(true).open(path)?;
        *self.log.0.lock().expect("no writer panics") = Some(file);
        Ok(())
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

    /// [`Console::catch_interrupts`] with another message.
    pub(crate) fn catch_interrupts_saying(&self, message: &'static str) -> Arc<AtomicBool> {
        // A command with several long parts says something else in each; there is one handler in a process.
        let before = std::mem::replace(
            &mut *self.on_stop.lock().expect("no holder panics"),
            message,
        );
        let (stop, on_stop) = (Arc::clone(&self.stop), Arc::clone(&self.on_stop));
        let handler = move || {
            if stop.swap(true, Ordering::SeqCst) {
                std::process::exit(130);
            }
            let _ = writeln!(
                io::stderr(),
                "\n{}",
                on_stop.lock().expect("no holder panics")
            );
        };
        if before.is_empty()
            && let Err(error) = ctrlc::set_handler(handler)
        {
            tracing::warn!("Ctrl-C will end the program without saving: {error}");
        }
        Arc::clone(&self.stop)
    }
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
