//! Memory use of this process.

use std::fs;

/// Largest resident set of this process so far, in bytes; `None` if the system does not tell (Linux does).
pub fn peak_resident_bytes() -> Option<u64> {
    field("VmHWM:")
}

/// Resident set of this process, in bytes; `None` if the system does not tell (Linux does).
pub fn resident_bytes() -> Option<u64> {
    field("VmRSS:")
}

fn field(name: &str) -> Option<u64> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let value = status.lines().find_map(|line| line.strip_prefix(name))?;
    let kilobytes: u64 = value.trim().strip_suffix(" kB")?.trim().parse().ok()?;
    Some(kilobytes * 1024)
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    #[test]
    fn what_is_touched_counts() {
        let before = resident_bytes().unwrap();
        let block = vec![1u8; 64 << 20];
        let after = resident_bytes().unwrap();
        assert!(after >= before + (32 << 20), "{before} {after}");
        assert!(peak_resident_bytes().unwrap() >= after);
        drop(block);
    }
}
