//! One run of a grid as a process of its own, so that its memory can be measured and a crash ends only this run.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};

use anyhow::{Context, Result};
use indicatif::ProgressBar;
use tal_engine::DeviceChoice;
use tal_engine::ablation::Run;
use tal_engine::metrics::{Metric, StepMetrics};
use tal_engine::run::{METRICS, RunFigures};

use crate::commands::output;
use crate::commands::own_program::{interrupt, keep_interrupts_from, last_error, own_program};
use crate::console::Console;

/// How a process ended.
pub(super) enum Ended {
    /// The run is finished.
    Finished,
    /// The run failed for this reason.
    Failed(String),
}

/// A run in progress.
pub(super) struct Process {
    run: Run,
    child: Child,
    log: PathBuf,
    bar: ProgressBar,
}

impl Process {
    /// Starts `tal train` on the run's configuration. The configuration and the messages of the process are written beside the
    /// run folder.
    pub(super) fn start(
        run: Run,
        device: DeviceChoice,
        threads: usize,
        console: &Console,
    ) -> Result<Self> {
        let config = run.folder.with_extension("yaml");
        let log = run.folder.with_extension("log");
        let parent = run.folder.parent().unwrap_or(Path::new(""));
        output::create_folder(parent)?;
        if let Some(held_out) = &run.held_out {
            let folds = held_out.file().parent().unwrap_or(Path::new(""));
            output::create_folder(folds)?;
            held_out.write()?;
        }
        output::write_text(&config, &tal_config::to_yaml(&run.config))?;
        let open = || File::create(&log).with_context(|| format!("cannot write {}", log.display()));
        let messages = open()?;
        let mut command = Command::new(own_program()?);
        command
            .args(["--threads", &threads.to_string()])
            .args(["--device", &device.to_string()])
            .arg("train")
            .arg(&config)
            .arg("--out")
            .arg(&run.folder)
            .arg("--resume")
            .stdin(Stdio::null())
            .stdout(messages.try_clone().context("cannot share the log file")?)
            .stderr(messages);
        keep_interrupts_from(&mut command);
        let child = command
            .spawn()
            .with_context(|| format!("cannot start {}", config.display()))?;
        let template = "{prefix} {bar:20} epoch {pos}/{len}  {msg}";
        let bar = console.bar(run.config.train.num_epochs() as u64, 0, template);
        bar.set_prefix(run.title());
        Ok(Self {
            run,
            child,
            log,
            bar,
        })
    }

    /// Asks the process to save and stop.
    pub(super) fn interrupt(&self) {
        interrupt(&self.child);
    }

    /// Updates the bar. Returns the outcome if the process has ended.
    pub(super) fn poll(&mut self) -> Result<Option<Ended>> {
        if let Some(step) = last_step(&self.run.folder.join(METRICS)) {
            self.bar.set_position(step.epoch.saturating_sub(1));
            self.bar.set_message(format!("loss {:.3}", step.loss));
        }
        let status = self.child.try_wait();
        let Some(status) = status.context("cannot wait for a training process")? else {
            return Ok(None);
        };
        self.bar.finish_and_clear();
        Ok(Some(self.ended(status)?))
    }

    fn ended(&self, status: ExitStatus) -> Result<Ended> {
        let title = self.run.title();
        if status.success()
            && let Some(figures) = RunFigures::read(&self.run.folder)?
        {
            let percent = 100.0 * figures.average_map;
            tracing::info!("{title}: average mAP {percent:.2}");
            return Ok(Ended::Finished);
        }
        let text = std::fs::read_to_string(&self.log).unwrap_or_default();
        let last =
            last_error(&text).map_or_else(|| status.to_string(), |error| format!("error: {error}"));
        let log = self.log.display();
        let reason = format!("{title}: {last} (messages: {log})");
        Ok(Ended::Failed(reason))
    }
}

impl Drop for Process {
    /// An error in this process must not leave a run behind.
    fn drop(&mut self) {
        if let Ok(None) = self.child.try_wait() {
            self.interrupt();
            let _ = self.child.wait();
        }
    }
}

/// The last step in a metrics file, read from its end.
fn last_step(path: &Path) -> Option<StepMetrics> {
    const TAIL: u64 = 4096;
    let mut file = File::open(path).ok()?;
    let len = file.metadata().ok()?.len();
    file.seek(SeekFrom::Start(len.saturating_sub(TAIL))).ok()?;
    let mut tail = Vec::new();
    file.read_to_end(&mut tail).ok()?;
    let tail = String::from_utf8_lossy(&tail);
    tail.lines()
        .rev()
        .find_map(|line| match serde_json::from_str(line) {
            Ok(Metric::Step(step)) => Some(step),
            _ => None,
        })
}
