//! Long looks at a data set, with a bar and a clean stop.

use tal_corpus::audit::Watch;

use crate::console::Console;

/// Runs `work` with a bar over the recordings, named by the verb, and a flag that Ctrl-C sets after printing `on_stop`.
pub(super) fn watched<T>(
    console: &Console,
    verb: &str,
    on_stop: &'static str,
    work: impl FnOnce(&Watch<'_>) -> T,
) -> T {
    let stop = console.catch_interrupts_saying(on_stop);
    let template = format!("{verb} {{bar:30}} {{pos}}/{{len}} recordings, {{eta}} left");
    let bar = console.bar(0, 0, &template);
    let progress = |done: usize, total: usize| {
        bar.set_length(total as u64);
        bar.set_position(done as u64);
    };
    let result = work(&Watch {
        progress: &progress,
        stop: &stop,
    });
    bar.finish_and_clear();
    result
}
