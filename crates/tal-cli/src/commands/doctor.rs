//! `tal doctor`: whether this machine has what is needed.

use anyhow::{Result, anyhow};
use serde_json::json;
use tal_engine::DeviceChoice;
use tal_engine::doctor::{DoctorOptions, Finding, Verdict, examine};

use super::weight_file;
use crate::args::DoctorArgs;
use crate::console::Console;

pub(crate) fn run(args: &DoctorArgs, device: DeviceChoice, console: &Console) -> Result<()> {
    let findings = examine(&DoctorOptions {
        device,
        folder: args.out.clone(),
        videos: args.video,
        weights: args.weights.clone().or_else(weight_file::set_up),
    });
    let missing: Vec<&str> = findings
        .iter()
        .filter(|finding| finding.verdict == Verdict::Missing)
        .map(|finding| finding.subject)
        .collect();
    match args.json {
        true => {
            let report = json!({
                "version": env!("CARGO_PKG_VERSION"),
                "ready": missing.is_empty(),
                "findings": findings,
            });
            console.print(&serde_json::to_string_pretty(&report)?)?;
        }
        false => console.print(&shown(&findings))?,
    }
    match missing.is_empty() {
        true => Ok(()),
        false => Err(anyhow!(
            "{} will not do; {} what to do",
            missing.join(", "),
            if args.json {
                "\"advice\" says"
            } else {
                "the arrows above say"
            }
        )),
    }
}

fn shown(findings: &[Finding]) -> String {
    let width = findings
        .iter()
        .map(|finding| finding.subject.len())
        .max()
        .unwrap_or(0);
    let mut lines = Vec::new();
    for finding in findings {
        let verdict = match finding.verdict {
            Verdict::Fine => "ok     ",
            Verdict::Note => "note   ",
            Verdict::Missing => "MISSING",
        };
        lines.push(format!(
            "{verdict}  {:width$}  {}",
            finding.subject, finding.found
        ));
        if let Some(advice) = &finding.advice {
            lines.push(format!("         {:width$}  → {advice}", ""));
        }
    }
    lines.join("\n")
}
