//! Work of other programs.

use std::fs;

/// Time that processors have worked, in all and for this process and its ended children.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Load {
    own: u64,
    busy: u64,
    all: u64,
}

impl Load {
    /// The times up to now; `None` if the system does not tell (Linux does).
    pub fn now() -> Option<Self> {
        let read = |path| fs::read_to_string(path).ok();
        Self::of(&read("/proc/stat")?, &read("/proc/self/stat")?)
    }

    /// `system` is what `/proc/stat` says, `process` what `/proc/self/stat` says.
    fn of(system: &str, process: &str) -> Option<Self> {
        let line = system.lines().find_map(|line| line.strip_prefix("cpu "))?;
        let times = line.split_whitespace().map(|time| time.parse().ok());
        // Ours, niced, the system's, idle, waiting, two kinds of interrupts, stolen; guests are in the first two.
        let times: Vec<u64> = times.take(8).collect::<Option<_>>()?;
        let (all, idle) = (times.iter().sum::<u64>(), times.get(3)? + times.get(4)?);
        // The name may hold spaces and brackets.
        let (_, fields) = process.rsplit_once(')')?;
        let fields: Vec<&str> = fields.split_whitespace().collect();
        // User and system time of the process, then of its children.
        let own = fields.get(11..15)?.iter().map(|time| time.parse::<u64>());
        Some(Self {
            own: own.sum::<Result<_, _>>().ok()?,
            busy: all - idle,
            all,
        })
    }

    /// Share of all processors' time between `earlier` and this that other programs took.
    pub fn of_others_since(&self, earlier: &Self) -> f64 {
        let own = self.own.saturating_sub(earlier.own);
        let others = self.busy.saturating_sub(earlier.busy).saturating_sub(own);
        others as f64 / self.all.saturating_sub(earlier.all).max(1) as f64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn own_work_and_idle_time_do_not_count() {
        let process = |own| format!("7 (a) b) S 1 1 1 0 -1 4194560 1 2 3 4 {own} 5 0 1 20 0 1 0");
        let system =
            |user, idle| format!("cpu  {user} 0 10 {idle} 5 0 0 1 0 0\ncpu0 1 2 3\nintr 9\n");
        let earlier = Load::of(&system(100, 1000), &process(50)).unwrap();
        let later = Load::of(&system(190, 1110), &process(110)).unwrap();
        // Of 200 ticks 90 were busy, 60 of them ours.
        assert_eq!(later.of_others_since(&earlier), 0.15);
        assert_eq!(earlier.of_others_since(&earlier), 0.0);
        assert_eq!(Load::of("cpu  1 2 3\n", &process(1)), None);
        assert_eq!(Load::of(&system(1, 2), "7 a"), None);
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn linux_tells() {
        let earlier = Load::now().unwrap();
        let share = Load::now().unwrap().of_others_since(&earlier);
        assert!((0.0..=1.0).contains(&share), "{share}");
    }
}
