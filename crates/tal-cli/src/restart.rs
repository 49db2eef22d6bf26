//! Settings that libraries read when they are loaded, before the first line of this program runs.

#[cfg(any(unix, test))]
use std::ffi::OsStr;

/// Settings that make a run faster; values that the user has set win. `.cargo/config.toml` has the same for benchmarks, and
/// docs/performance.md has the figures.
#[cfg(any(unix, test))]
const SETTINGS: [(&str, &str); 3] = [
    // Number of looks for work of a LibTorch thread before it sleeps. GNU's default takes milliseconds, which on a busy
    // machine are lost to the thread that it waits for.
    ("GOMP_SPINCOUNT", "10000"),
    // Pages of 2 MB, if the system has them.
    ("MIMALLOC_ALLOW_LARGE_OS_PAGES", "1"),
    // The next step uses memory again instead of giving it back.
    ("MIMALLOC_PURGE_DELAY", "-1"),
];

/// The settings that `variable` does not know.
#[cfg(any(unix, test))]
fn missing(
    variable: impl Fn(&str) -> bool,
) -> impl Iterator<Item = (&'static OsStr, &'static OsStr)> {
    let missing = SETTINGS
        .into_iter()
        .filter(move |(name, _)| !variable(name));
    missing.map(|(name, value)| (OsStr::new(name), OsStr::new(value)))
}

/// Starts this program again, in the same process, with the settings that the environment lacks. Returns if none is missing,
/// or if that is impossible; then the program is only slower.
#[cfg(unix)]
pub(crate) fn with_settings() {
    use std::env;
    use std::os::unix::process::CommandExt;
    use std::process::Command;

    let mut missing = missing(|name| env::var_os(name).is_some()).peekable();
    let mut arguments = env::args_os();
    let (Some(name), Ok(program)) = (arguments.next(), env::current_exe()) else {
        return;
    };
    if missing.peek().is_some() {
        let _failed = Command::new(program)
            .arg0(name)
            .args(arguments)
            .envs(missing)
            .exec();
    }
}

/// Elsewhere a program cannot take the place of itself.
#[cfg(not(unix))]
pub(crate) fn with_settings() {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_of_the_user_stay() {
        let names: Vec<_> = missing(|name| name == "GOMP_SPINCOUNT")
            .map(|(name, _)| name)
            .collect();
        assert_eq!(
            names,
            ["MIMALLOC_ALLOW_LARGE_OS_PAGES", "MIMALLOC_PURGE_DELAY"]
        );
        assert_eq!(missing(|_| true).count(), 0);
    }

    #[test]
    fn benchmarks_run_with_the_same() {
        let config = include_str!("../../../.cargo/config.toml");
        for (name, value) in SETTINGS {
            assert!(config.contains(&format!("{name} = \"{value}\"")), "{name}");
        }
    }
}
