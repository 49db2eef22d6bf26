//! Development tasks of the workspace: `cargo xtask --help`.
//!
//! Depends on none of our crates, so that it builds in seconds and runs before LibTorch is there.

mod bench_report;
mod book;
mod browser;
mod circles;
mod curve_references;
mod fuzz;
mod launchers;
mod layering;
mod pip;
mod python;
mod real_reports;
mod references;
mod sanitize;
mod setup;
mod shell;
mod steps;
mod testing;
mod tidy;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand};

use shell::{Cargo, Workspace};

#[derive(Parser)]
#[command(
    name = "cargo xtask",
    bin_name = "cargo xtask",
    about = "Development tasks of the workspace",
    disable_version_flag = true
)]
struct Arguments {
    #[command(subcommand)]
    task: Task,
}

#[derive(Subcommand)]
enum Task {
    /// Put LibTorch 2.11.0 into .libtorch (once; later calls return at once)
    ///
    /// Fetches PyPI wheels with pip into .libtorch-cache (0.55 GB), checks their SHA-256, unpacks the
    /// headers and libraries beside .libtorch and renames the result when it is complete. Every finished
    /// wheel is kept, so after an interruption only the wheel that was under way is fetched again (pip
    /// 25.1 and later first try to continue it). A damaged .libtorch is noticed and replaced. If LIBTORCH
    /// or LIBTORCH_USE_PYTORCH is set to something of your own, nothing is done.
    Setup {
        /// Also fetch the CUDA libraries (2 GB more), for machines with an NVIDIA GPU and no PyTorch
        #[arg(long)]
        cuda: bool,
        /// Also fetch ffmpeg 9.0.2 (68 MB) into .ffmpeg and the weights of EfficientNet-Lite0 (17 MB) into .weights
        #[arg(long)]
        video: bool,
    },
    /// Set up, build and run `tal demo`: trains on synthetic data and prints the mAP table
    Demo {
        /// Arguments for `tal demo`
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        arguments: Vec<String>,
    },
    /// Set up, build and run all tests
    ///
    /// Tests on real recordings (crates/*/tests/real_*.rs) need TAL_DATA and are listed at the end
    /// if it is not set.
    Test {
        /// Only the crates that need no LibTorch, and no set-up
        #[arg(long)]
        no_torch: bool,
        /// Arguments for `cargo test`; for the test programs: `-- -- --nocapture`
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        arguments: Vec<String>,
    },
    /// Run all checks, cheapest first, up to the first that fails
    Ci,
    /// Check: rustfmt
    Fmt,
    /// Check: rules about source files and documents
    Tidy,
    /// Check: which crate may depend on which
    Layering,
    /// Check: no file takes part in a circle of imports within its crate
    Circles,
    /// Check: the crates that need no LibTorch, and their tests, compile without it
    NoTorch,
    /// Check: docs/configuration.md is what the configuration types say
    Docs {
        /// Write the file instead of checking it
        #[arg(long)]
        write: bool,
    },
    /// Check: the book of docs/ builds (into target/book), and its links lead somewhere
    Book,
    /// Check: measures of other fields, files of annotation tools and curves agree with public programs (Python packages, into
    /// target/references)
    ///
    /// Random cases, and with TAL_DATA the real recordings in that folder. A package that cannot be installed is named, and
    /// its measures are left out.
    References {
        /// Number of random cases
        #[arg(long, default_value_t = references::NUM_CASES)]
        cases: u32,
    },
    /// Check: pages of `tal report` in Chromium (packages from npm, into target/browser)
    ///
    /// Slider, zoom, pan, keys, search, jumps, films, hostile names, accessibility by axe-core; prints load time and frame
    /// rate of a large report. Chromium is that of TAL_CHROMIUM or in PATH, or is fetched by Playwright; without one, without
    /// npm, or without ffmpeg for a film, the step says what it leaves out.
    Browser {
        /// Also write the pictures of docs/figures
        #[arg(long)]
        pictures: bool,
    },
    /// Check: training and prediction under mpirun, srun, batch scripts and arrays of Slurm, and torchrun (into target/launchers)
    ///
    /// Mpirun is that in PATH or comes as a Python package; Slurm's programs must be in PATH, and run as a cluster of this
    /// machine for the length of the check; torchrun is that of TAL_TORCHRUN or in PATH. The step says what it leaves out.
    Launchers,
    /// Check: both Python packages build, and their tests, types and notebook pass (environments in target/python)
    ///
    /// With Python 3.10 and the newest Python of this machine, from PATH or pyenv; one that is missing is named. The library is
    /// built with the release profile, the program with that of the tests.
    Python {
        /// Program for the wheel tal-cli [default: built as for the tests]
        #[arg(long, value_name = "FILE")]
        program: Option<PathBuf>,
    },
    /// Build the Python packages tal-postprocess and tal-cli into target/wheels
    ///
    /// Needs Python 3 with pip and venv; maturin comes from the package index into target/python.
    Wheel(python::WheelArgs),
    /// Check: clippy on all targets, warnings denied
    Clippy,
    /// Check: the projects outside the workspace (crates/*/examples/*/Cargo.toml) compile, and embedding runs
    Example,
    /// Check: rustdoc, warnings denied
    Rustdoc,
    /// Measure prediction and training steps, and write the table of docs/benchmarks.md
    ///
    /// Every workload runs in a process of its own with the release profile, for some minutes in all, on
    /// all cores: leave the machine alone meanwhile. Raw figures are kept in target/bench-report.json (with --beside in
    /// target/beside.json).
    BenchReport(bench_report::BenchReportArgs),
    /// Run the tests of tal-kernels under Miri and AddressSanitizer (needs a nightly compiler with Miri; takes long)
    Sanitize,
    /// Feed random input to the readers of files (needs cargo-fuzz and a nightly compiler)
    Fuzz {
        /// A target of fuzz/; without it all, one after the other
        target: Option<String>,
        /// How long each target runs
        #[arg(long, default_value_t = 60, value_parser = clap::value_parser!(u32).range(1..))]
        seconds: u32,
    },
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    match run(arguments.task) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(task: Task) -> anyhow::Result<()> {
    let workspace = Workspace::find();
    match task {
        Task::Setup { cuda, video } => {
            if video {
                setup::video(&workspace)?;
            }
            setup::run(&workspace, cuda)
        }
        Task::Demo { arguments } => {
            setup::before_build(&workspace)?;
            Cargo::new(["run", "--release", "--package", "tal-cli", "--", "demo"])
                .arguments(arguments)
                .run(&workspace)
        }
        Task::Test {
            no_torch,
            arguments,
        } => testing::run(&workspace, no_torch, &arguments),
        Task::Ci => steps::ci(&workspace),
        Task::Fmt => steps::fmt(&workspace),
        Task::Tidy => tidy::run(&workspace),
        Task::Layering => layering::run(&workspace),
        Task::Circles => circles::run(&workspace),
        Task::NoTorch => testing::compile_pure(&workspace),
        Task::Docs { write } => steps::docs(&workspace, write),
        Task::Book => book::run(&workspace),
        Task::References { cases } => references::run(&workspace, cases),
        Task::Browser { pictures } => browser::run(&workspace, pictures),
        Task::Launchers => launchers::run(&workspace),
        Task::Python { program } => python::check(&workspace, program.as_deref()),
        Task::Wheel(arguments) => python::wheel(&workspace, &arguments),
        Task::Clippy => steps::clippy(&workspace),
        Task::Example => steps::example(&workspace),
        Task::Rustdoc => steps::rustdoc(&workspace),
        Task::BenchReport(arguments) => bench_report::run(&workspace, &arguments),
        Task::Sanitize => sanitize::run(&workspace),
        Task::Fuzz { target, seconds } => fuzz::run(&workspace, target.as_deref(), seconds),
    }
}
