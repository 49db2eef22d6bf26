//! GPUs.

use std::path::Path;
use std::process::{Command, Stdio};

use tch::Device;

use super::Finding;
use crate::device::DeviceChoice;

const SUBJECT: &str = "CUDA";

pub(super) fn finding(wish: DeviceChoice) -> Finding {
    let is_needed = matches!(wish, DeviceChoice::Cuda(_));
    let tried = match is_needed {
        true => wish,
        false => DeviceChoice::Cuda(0),
    };
    match tried.resolve() {
        Ok(Device::Cuda(index)) => {
            let names = gpus().unwrap_or_else(|| format!("device {index}"));
            match wish {
                DeviceChoice::Cpu => Finding::note(SUBJECT, names, "`--device cuda` uses it"),
                _ => Finding::fine(SUBJECT, names),
            }
        }
        Ok(_) => Finding::fine(SUBJECT, "not used"),
        Err(error) if is_needed => Finding::missing(
            SUBJECT,
            error.to_string(),
            "mend that, or use `--device cpu`, the default",
        ),
        Err(_) => match gpus() {
            None => Finding::fine(SUBJECT, "no GPU; the CPU is used"),
            Some(names) => Finding::note(
                SUBJECT,
                format!("{names}, but LibTorch's CUDA libraries are not there"),
                "`cargo xtask setup --cuda` fetches them; until then the CPU is used",
            ),
        },
    }
}

/// Names, memory and driver of the GPUs in the words of NVIDIA's program; `None` if there is no driver.
fn gpus() -> Option<String> {
    let output = Command::new("nvidia-smi")
        .args([
            "--query-gpu=name,memory.total,driver_version",
            "--format=csv,noheader",
        ])
        .stdin(Stdio::null())
        .output();
    let names = output.ok().filter(|output| output.status.success());
    let names = names.map(|output| String::from_utf8_lossy(&output.stdout).into_owned());
    let names = names
        .map(|text| text.trim().replace('\n', "; "))
        .filter(|text| !text.is_empty());
    let has_driver = || Path::new("/proc/driver/nvidia/version").exists();
    names.or_else(|| has_driver().then(|| "an NVIDIA driver".to_owned()))
}
