//! The program `tal`: arguments, printing and exit codes. `tal-engine` and the crates below it do the work.

mod args;
mod commands;
mod console;
mod failure;
mod restart;
mod tables;

use std::process::ExitCode;

use clap::FromArgMatches;

use args::{Arguments, Command, ConvertCommand, DataCommand, FeaturesCommand};
use console::Console;

/// Serves LibTorch, too. Tensors whose lengths keep changing leave glibc's heap full of holes.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    failure::install_panic_message();
    if std::env::args_os().len() == 1 {
        return ended(commands::newcomer::run());
    }
    // `Arguments::parse` would leave out the examples.
    let arguments = Arguments::from_arg_matches(&args::command().get_matches())
        .unwrap_or_else(|error| error.exit());
    if arguments.command.runs_network() {
        restart::with_settings();
    }
    let mut arguments = arguments;
    if let Command::Train(_) = &arguments.command
        && let Ok(Some(place)) = commands::train::place()
    {
        // Rank 0 speaks for all.
        arguments.global.quiet |= place.rank > 0;
    }
    let console = Console::start(&arguments.global);
    console.explain_interrupts(arguments.command.half_written());
    // The demo's network is too small to gain from a second thread, and loses much if another program wants the core.
    let threads = match arguments.command {
        Command::Demo(_) => arguments.global.threads.or(Some(1)),
        _ => arguments.global.threads,
    };
    set_threads(threads);
    let device = arguments.global.device;
    let outcome = match arguments.command {
        Command::Train(args) => commands::train::run(&args, device, threads, &console),
        Command::Test(args) => commands::test::run(&args, device, &console),
        Command::Predict(args) => commands::predict::run(&args, device, &console),
        Command::Merge(args) => commands::merge::run(&args, &console),
        Command::Tune(args) => commands::tune::run(&args, device, &console),
        Command::Evaluate(args) => commands::evaluate::run(&args),
        Command::Report(args) => commands::report::run(&args, &console),
        Command::Ablate(args) => {
            commands::ablate::run(&args, device, threads.unwrap_or(1), &console)
        }
        Command::Ensemble(args) => commands::ensemble::run(&args, &console),
        Command::Runs(args) => commands::runs::run(&args, &console),
        Command::Inspect(args) => commands::inspect::run(&args, &console),
        Command::Import(args) => commands::import::run(&args),
        Command::Config(command) => commands::config::run(&command),
        Command::Features(command) => match command {
            FeaturesCommand::Extract(args) => commands::extract::run(&args, device, &console),
            FeaturesCommand::Probe(args) => commands::probe::run(&args, &console),
            FeaturesCommand::Recipes(args) => commands::recipes::run(&args, &console),
            FeaturesCommand::Weights(args) => commands::released_weights::run(&args, &console),
            FeaturesCommand::Check(args) => commands::sidecars::run(&args, &console),
        },
        Command::Data(DataCommand::Check(args)) => commands::check::run(&args, &console),
        Command::Data(DataCommand::Stats(args)) => commands::stats::run(&args, &console),
        Command::Data(DataCommand::Synth(args)) => commands::synth::run(&args, &console),
        Command::Data(DataCommand::Prepare(args)) => commands::prepare::run(&args),
        Command::Data(DataCommand::Convert(ConvertCommand::Annotations(args))) => {
            commands::convert_annotations::run(&args)
        }
        Command::Data(DataCommand::Split(args)) => commands::split::run(&args),
        Command::Data(DataCommand::Clicks(args)) => commands::clicks::run(&args),
        Command::Data(DataCommand::Clips(args)) => commands::clips::run(&args),
        Command::Data(DataCommand::Convert(ConvertCommand::Detections(args))) => {
            commands::convert_detections::run(&args)
        }
        Command::Data(DataCommand::Convert(ConvertCommand::Features(args))) => {
            commands::convert_features::run(&args, &console)
        }
        Command::Demo(args) => commands::demo::run(&args, device, &console),
        Command::Doctor(args) => commands::doctor::run(&args, device, &console),
        Command::Completions(args) => commands::completions::run(&args),
        Command::Man(args) => commands::man::run(&args),
    };
    if outcome.is_err() {
        console.await_end();
    }
    ended(outcome)
}

fn ended(outcome: anyhow::Result<()>) -> ExitCode {
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => failure::report(&error),
    }
}

/// Limits the threads of LibTorch's operations and of our own parallel loops, which share the cores.
fn set_threads(threads: Option<usize>) {
    let Some(threads) = threads else {
        return;
    };
    tal_engine::set_num_threads(threads);
    if let Err(error) = rayon::ThreadPoolBuilder::new()
        .num_threads(threads)
        .build_global()
    {
        tracing::warn!("--threads does not reach the parallel loops: {error}");
    }
    tracing::debug!(
        "threads: {} of LibTorch, {} of parallel loops",
        tal_engine::num_threads(),
        rayon::current_num_threads()
    );
}
