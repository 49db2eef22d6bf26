//! Device of a network, chosen at run time.

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;
use std::sync::OnceLock;

use tal_core::Usage;
use tch::Device;

/// A wish for a device: `auto`, `cpu`, `cuda` or `cuda:N`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum DeviceChoice {
    /// The first usable GPU, otherwise the CPU.
    Auto,
    /// The CPU.
    #[default]
    Cpu,
    /// The GPU of this number.
    Cuda(usize),
}

/// An error of the choice of a device.
#[derive(Debug, Clone, thiserror::Error)]
#[non_exhaustive]
pub enum DeviceError {
    /// An unknown name.
    #[error("unknown device {0:?}; use auto, cpu, cuda or cuda:N")]
    Unknown(String),
    /// LibTorch's CUDA part cannot be loaded.
    #[error(
        "the device {choice} needs LibTorch's CUDA libraries, which could not be loaded ({reason}); run `cargo xtask \
         setup --cuda`, or point {LIBRARY_VARIABLE} to the folder that holds libtorch_cuda.so of PyTorch {VERSION}"
    )]
    NoCuda {
        /// The wish.
        choice: DeviceChoice,
        /// The error of the loader.
        reason: String,
    },
    /// The libraries are there, the GPU is not.
    #[error(
        "the device {choice} does not exist; this machine shows {count} CUDA device(s) (CUDA 13 needs an NVIDIA driver of \
         version 580 or later)"
    )]
    NoDevice {
        /// The wish.
        choice: DeviceChoice,
        /// Devices found.
        count: i64,
    },
}

/// A wish for a device that the machine does not have is a wrong request.
impl Usage for DeviceError {
    fn is_usage(&self) -> bool {
        true
    }
}

/// Environment variable that names the folder of `libtorch_cuda.so`.
const LIBRARY_VARIABLE: &str = "TAL_LIBTORCH_CUDA";

/// The version of LibTorch that this build needs.
pub(crate) const VERSION: &str = "2.11";

impl fmt::Display for DeviceChoice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            DeviceChoice::Auto => f.write_str("auto"),
            DeviceChoice::Cpu => f.write_str("cpu"),
            DeviceChoice::Cuda(index) => write!(f, "cuda:{index}"),
        }
    }
}

impl FromStr for DeviceChoice {
    type Err = DeviceError;

    fn from_str(text: &str) -> Result<Self, DeviceError> {
        match text {
            "auto" => Ok(DeviceChoice::Auto),
            "cpu" => Ok(DeviceChoice::Cpu),
            "cuda" => Ok(DeviceChoice::Cuda(0)),
            _ => text
                .strip_prefix("cuda:")
                .and_then(|index| index.parse().ok())
                .map(DeviceChoice::Cuda)
                .ok_or_else(|| DeviceError::Unknown(text.to_owned())),
        }
    }
}

impl DeviceChoice {
    /// [`DeviceChoice::resolve`] for one of several processes of a machine: each takes the GPU with its number, if several are
    /// visible.
    ///
    /// # Errors
    /// As [`DeviceChoice::resolve`].
    pub fn resolve_for(self, local_rank: usize) -> Result<Device, DeviceError> {
        let device = self.resolve()?;
        Ok(match device {
            Device::Cuda(_) if tch::Cuda::device_count() > 1 => {
                let count = usize::try_from(tch::Cuda::device_count()).unwrap_or(1);
                Device::Cuda(local_rank % count)
            }
            device => device,
        })
    }

    /// The device, with LibTorch's CUDA part loaded if it is needed. `Auto` never fails.
    ///
    /// Call it before anything that seeds LibTorch or computes a gradient, a [`crate::Trainer`] on the CPU included: LibTorch
    /// looks for CUDA once per process, and does not see it if it is loaded later.
    ///
    /// # Errors
    /// If a GPU is asked for and there is none, or LibTorch cannot use it.
    pub fn resolve(self) -> Result<Device, DeviceError> {
        match self {
            DeviceChoice::Cpu => Ok(Device::Cpu),
            DeviceChoice::Auto => match load_cuda() {
                Ok(()) if tch::Cuda::device_count() > 0 => Ok(Device::Cuda(0)),
                Ok(()) => Ok(Device::Cpu),
                Err(reason) => {
                    tracing::debug!("no CUDA: {reason}");
                    Ok(Device::Cpu)
                }
            },
            DeviceChoice::Cuda(index) => {
                load_cuda().map_err(|reason| DeviceError::NoCuda {
                    choice: self,
                    reason,
                })?;
                let count = tch::Cuda::device_count();
                if (index as i64) < count {
                    Ok(Device::Cuda(index))
                } else {
                    Err(DeviceError::NoDevice {
                        choice: self,
                        count,
                    })
                }
            }
        }
    }
}

/// Opens `libtorch_cuda.so`, once, for the life of the process. The linker drops it from the program because no code refers to
/// it; once it is open, LibTorch finds its CUDA functions by itself.
fn load_cuda() -> Result<(), String> {
    static LOADED: OnceLock<Result<libloading::os::unix::Library, String>> = OnceLock::new();
    LOADED
        .get_or_init(|| {
            let name = "libtorch_cuda.so";
            let path = std::env::var_os(LIBRARY_VARIABLE)
                .map_or_else(|| PathBuf::from(name), |dir| PathBuf::from(dir).join(name));
            let flags = libloading::os::unix::RTLD_NOW | libloading::os::unix::RTLD_GLOBAL;
            // SAFETY: loading runs the library's initialisers; it is the library that LibTorch itself ships.
            unsafe { libloading::os::unix::Library::open(Some(path), flags) }
                .map_err(|error| error.to_string())
        })
        .as_ref()
        .map(|_| ())
        .map_err(Clone::clone)
}

/// Number of threads of LibTorch's operations.
pub fn num_threads() -> usize {
    usize::try_from(tch::get_num_threads()).unwrap_or(1)
}

/// Sets the number of threads of LibTorch's operations.
pub fn set_num_threads(num_threads: usize) {
    tch::set_num_threads(i32::try_from(num_threads).unwrap_or(i32::MAX));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_read_and_written() {
        for name in ["auto", "cpu", "cuda:0", "cuda:3"] {
            assert_eq!(name.parse::<DeviceChoice>().unwrap().to_string(), name);
        }
        assert_eq!(
            "cuda".parse::<DeviceChoice>().unwrap(),
            DeviceChoice::Cuda(0)
        );
        for name in ["", "gpu", "cuda:", "cuda:x", "CPU"] {
            assert!(name.parse::<DeviceChoice>().is_err(), "{name}");
        }
    }

    #[test]
    fn the_cpu_is_always_there() {
        assert_eq!(DeviceChoice::Cpu.resolve().unwrap(), Device::Cpu);
        DeviceChoice::Auto.resolve().unwrap();
        let error = DeviceChoice::Cuda(4711).resolve().unwrap_err().to_string();
        assert!(error.contains("cuda:4711"), "{error}");
    }
}
