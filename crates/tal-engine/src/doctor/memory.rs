//! Memory of the machine, and what a container allows.

use std::fs;

use super::Finding;

const SUBJECT: &str = "memory";
const GIB: f64 = (1_u64 << 30) as f64;
/// Below this, the libraries and a small network have no room.
const LEAST: f64 = 0.75 * GIB;
/// Below this, the cache of features is likely to be too large.
const COMFORTABLE: f64 = 3.0 * GIB;

pub(super) fn finding() -> Finding {
    let info = fs::read_to_string("/proc/meminfo").unwrap_or_default();
    let Some((total, free)) = field(&info, "MemTotal:").zip(field(&info, "MemAvailable:")) else {
        return Finding::fine(SUBJECT, "the system does not tell");
    };
    let (total, free) = match limit() {
        Some((limit, used)) if limit < total => (limit, free.min(limit - used)),
        _ => (total, free),
    };
    judged(total, free)
}

fn judged(total: f64, free: f64) -> Finding {
    let found = format!("{:.1} GiB free of {:.1} GiB", free / GIB, total / GIB);
    if free < LEAST {
        Finding::missing(
            SUBJECT,
            found,
            "end other programs, or use a machine with more memory",
        )
    } else if free < COMFORTABLE {
        let advice =
            "if memory runs out: lower train.cache_mb, train.batch_size or dataset.max_seq_len";
        Finding::note(SUBJECT, found, advice)
    } else {
        Finding::fine(SUBJECT, found)
    }
}

/// Bytes of a line such as `MemTotal:  16 kB`.
fn field(info: &str, name: &str) -> Option<f64> {
    let value = info.lines().find_map(|line| line.strip_prefix(name))?;
    let kilobytes: f64 = value.trim().strip_suffix(" kB")?.trim().parse().ok()?;
    Some(1024.0 * kilobytes)
}

/// Limit and use of a container's memory, in bytes; `None` if there is no limit.
fn limit() -> Option<(f64, f64)> {
    let read = |name: &str| -> Option<f64> {
        let text = fs::read_to_string(format!("/sys/fs/cgroup/{name}")).ok()?;
        text.trim().parse().ok()
    };
    read("memory.max").zip(read("memory.current"))
}

#[cfg(test)]
mod tests {
    use super::super::Verdict;
    use super::*;

    #[test]
    fn little_memory_is_told() {
        let verdict = |free: f64| judged(16.0 * GIB, free * GIB).verdict;
        assert_eq!(verdict(8.0), Verdict::Fine);
        assert_eq!(verdict(2.0), Verdict::Note);
        assert_eq!(verdict(0.5), Verdict::Missing);
        assert_eq!(
            field("A: 1 kB\nMemTotal:   2 kB\n", "MemTotal:"),
            Some(2048.0)
        );
    }
}
