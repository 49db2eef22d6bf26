//! What a measurement was made on.

use std::fmt;
use std::fs;
use std::thread::available_parallelism;

use serde::{Deserialize, Serialize};

/// A computer.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Machine {
    /// As the processor calls itself.
    pub(super) cpu: String,
    /// Processors that this program may use.
    pub(super) cores: usize,
    pub(super) memory_bytes: Option<u64>,
}

impl Machine {
    /// The one that this program runs on; Linux tells.
    pub(super) fn this() -> Self {
        let read = |path| fs::read_to_string(path).unwrap_or_default();
        Self {
            cpu: cpu(&read("/proc/cpuinfo")),
            cores: available_parallelism().map_or(1, usize::from),
            memory_bytes: memory_bytes(&read("/proc/meminfo")),
        }
    }
}

/// `PROCESSOR, N cores, X GB`
impl fmt::Display for Machine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}, {} cores, ", self.cpu, self.cores)?;
        match self.memory_bytes {
            Some(bytes) => write!(f, "{:.1} GB", bytes as f64 / 1e9),
            None => f.write_str("memory unknown"),
        }
    }
}

fn cpu(cpuinfo: &str) -> String {
    field(cpuinfo, "model name").unwrap_or_else(|| format!("unknown {}", std::env::consts::ARCH))
}

fn memory_bytes(meminfo: &str) -> Option<u64> {
    let value = field(meminfo, "MemTotal")?;
    let kibibytes: u64 = value.strip_suffix("kB")?.trim().parse().ok()?;
    Some(kibibytes * 1024)
}

fn field(text: &str, name: &str) -> Option<String> {
    text.lines().find_map(|line| {
        let (key, value) = line.split_once(':')?;
        (key.trim() == name).then(|| value.trim().to_owned())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_linux_tells() {
        let cpuinfo = "processor\t: 0\nmodel name\t: AMD EPYC 9R14\nflags\t: fpu\n";
        assert_eq!(cpu(cpuinfo), "AMD EPYC 9R14");
        assert!(cpu("").starts_with("unknown "));
        let meminfo = "MemTotal:       16384 kB\nMemFree:  1 kB\n";
        assert_eq!(memory_bytes(meminfo), Some(16384 * 1024));
        assert_eq!(memory_bytes("MemTotal: much\n"), None);
        assert!(Machine::this().cores > 0);
    }
}
