//! The name of this program, for lines to type.

/// What starts this program: its name, or a call of cargo if it lies where cargo builds.
pub(super) fn own_name() -> &'static str {
    let is_built_here = std::env::current_exe().is_ok_and(|program| {
        let mut parts = program.components();
        parts.any(|part| part.as_os_str() == "target")
    });
    match is_built_here {
        true => "cargo run --release -p tal-cli --",
        false => "tal",
    }
}
