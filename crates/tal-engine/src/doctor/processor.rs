//! Cores and instruction sets.

use std::fs;
use std::num::NonZero;

use super::Finding;

pub(super) fn cores() -> Finding {
    let count = std::thread::available_parallelism().map_or(1, NonZero::get);
    let info = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = info
        .lines()
        .find_map(|line| line.strip_prefix("model name")?.split_once(':'));
    let model = model.map_or(String::new(), |(_, name)| format!(", {}", name.trim()));
    let found = format!("{count}{model}");
    match count {
        1 => Finding::note(
            "cores",
            found,
            "training waits for its own loading: `--set train.num_workers=0` saves the switching",
        ),
        _ => Finding::fine("cores", found),
    }
}

pub(super) fn instructions() -> Finding {
    const SUBJECT: &str = "instructions";
    let (present, absent) = sets();
    let found = match present.is_empty() {
        true => "none that speed up products".to_owned(),
        false => present.join(", "),
    };
    match absent {
        None => Finding::fine(SUBJECT, found),
        Some(absent) => Finding::note(
            SUBJECT,
            found,
            format!(
                "without {absent} training takes several times as long; a newer processor has it"
            ),
        ),
    }
}

/// Instruction sets that are there, and the one that is sorely missed.
#[cfg(target_arch = "x86_64")]
fn sets() -> (Vec<&'static str>, Option<&'static str>) {
    let all = [
        ("AVX2", is_x86_feature_detected!("avx2")),
        ("FMA", is_x86_feature_detected!("fma")),
        ("AVX-512", is_x86_feature_detected!("avx512f")),
        ("AVX-512 BF16", is_x86_feature_detected!("avx512bf16")),
    ];
    let present: Vec<&str> = all
        .iter()
        .filter(|(_, there)| *there)
        .map(|(name, _)| *name)
        .collect();
    let absent = all[..2].iter().find(|(_, there)| !there);
    (present, absent.map(|(name, _)| *name))
}

/// Instruction sets that are there; every processor of this kind has the one that counts.
#[cfg(target_arch = "aarch64")]
fn sets() -> (Vec<&'static str>, Option<&'static str>) {
    let mut present = vec!["NEON"];
    if std::arch::is_aarch64_feature_detected!("bf16") {
        present.push("BF16");
    }
    (present, None)
}

/// Other processors are not looked at.
#[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
fn sets() -> (Vec<&'static str>, Option<&'static str>) {
    (vec![std::env::consts::ARCH], None)
}
