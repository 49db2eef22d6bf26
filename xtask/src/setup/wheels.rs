//! The wheels that LibTorch is taken from, pinned by version and checksum.
//!
//! tch 0.24 expects PyTorch 2.11.0, whose wheel for Linux on x86-64 is built with CUDA 13. Its
//! `libtorch_cpu.so` needs two small CUDA libraries even on a CPU; the other ones are those that
//! `libtorch_cuda.so` needs, in the versions that PyTorch's own metadata asks for.

/// The version of LibTorch.
pub(crate) const VERSION: &str = "2.11.0";

/// The Python that the wheels are for; ours need not be of that version, for it only unpacks them.
pub(super) const PYTHON_TAG: &str = "cp311";

/// How much of LibTorch is wanted; the later holds the earlier.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Set {
    /// Builds everything and runs on a CPU.
    Cpu,
    /// Also runs on an NVIDIA GPU.
    Cuda,
}

impl Set {
    pub(super) const ALL: [Set; 2] = [Set::Cpu, Set::Cuda];

    /// The wheels of this set.
    pub(super) fn wheels(self) -> impl Iterator<Item = &'static Wheel> {
        WHEELS
            .iter()
            .filter(move |wheel| !wheel.members(self).is_empty())
    }

    /// What the set takes on the disk when unpacked.
    pub(super) fn unpacked_bytes(self) -> u64 {
        match self {
            Set::Cpu => 496_916_096,
            Set::Cuda => 3_531_940_534,
        }
    }
}

/// One file of the package index, and what is taken from it.
#[derive(Debug)]
pub(super) struct Wheel {
    pub(super) package: &'static str,
    pub(super) version: &'static str,
    pub(super) file: &'static str,
    pub(super) sha256: &'static str,
    pub(super) bytes: u64,
    pub(super) cpu: &'static [&'static str],
    pub(super) cuda: &'static [&'static str],
}

impl Wheel {
    /// The members that a set takes; one that ends in `/` is a folder.
    pub(super) fn members(&self, set: Set) -> Vec<&'static str> {
        let cuda = match set {
            Set::Cpu => &[],
            Set::Cuda => self.cuda,
        };
        self.cpu.iter().chain(cuda).copied().collect()
    }
}

const WHEELS: &[Wheel] = &[
    Wheel {
        package: "torch",
        version: "2.11.0",
        file: "torch-2.11.0-cp311-cp311-manylinux_2_28_x86_64.whl",
        sha256: "7aa2f9bbc6d4595ba72138026b2074be1233186150e9292865e04b7a63b8c67a",
        bytes: 530_604_548,
        cpu: &[
            "torch/include/",
            "torch/lib/libc10.so",
            "torch/lib/libgomp.so.1",
            "torch/lib/libtorch.so",
            "torch/lib/libtorch_cpu.so",
        ],
        cuda: &[
            "torch/lib/libc10_cuda.so",
            "torch/lib/libcaffe2_nvrtc.so",
            "torch/lib/libtorch_cuda.so",
            "torch/lib/libtorch_cuda_linalg.so",
            "torch/lib/libtorch_nvshmem.so",
        ],
    },
    Wheel {
        package: "nvidia-cuda-runtime",
        version: "13.0.96",
        file: "nvidia_cuda_runtime-13.0.96-py3-none-manylinux2014_x86_64.manylinux_2_17_x86_64.whl",
        sha256: "7f82250d7782aa23b6cfe765ecc7db554bd3c2870c43f3d1821f1d18aebf0548",
        bytes: 2_243_632,
        cpu: &["nvidia/cu13/lib/libcudart.so.13"],
        cuda: &[],
    },
    Wheel {
        package: "nvidia-cuda-cupti",
        version: "13.0.85",
        file: "nvidia_cuda_cupti-13.0.85-py3-none-manylinux_2_25_x86_64.whl",
        sha256: "4eb01c08e859bf924d222250d2e8f8b8ff6d3db4721288cf35d14252a4d933c8",
        bytes: 10_715_597,
        cpu: &["nvidia/cu13/lib/libcupti.so.13"],
        cuda: &[],
    },
    Wheel {
        package: "nvidia-cublas",
        version: "13.1.0.3",
        file: "nvidia_cublas-13.1.0.3-py3-none-manylinux_2_27_x86_64.whl",
        sha256: "ee8722c1f0145ab246bccb9e452153b5e0515fd094c3678df50b2a0888b8b171",
        bytes: 423_133_236,
        cpu: &[],
        cuda: &[
            "nvidia/cu13/lib/libcublas.so.13",
            "nvidia/cu13/lib/libcublasLt.so.13",
        ],
    },
    Wheel {
        package: "nvidia-cuda-nvrtc",
        version: "13.0.88",
        file: "nvidia_cuda_nvrtc-13.0.88-py3-none-manylinux2010_x86_64.manylinux_2_12_x86_64.whl",
        sha256: "ad9b6d2ead2435f11cbb6868809d2adeeee302e9bb94bcf0539c7a40d80e8575",
        bytes: 90_215_200,
        cpu: &[],
        cuda: &[
            "nvidia/cu13/lib/libnvrtc-builtins.so.13.0",
            "nvidia/cu13/lib/libnvrtc.so.13",
        ],
    },
    Wheel {
        package: "nvidia-cudnn-cu13",
        version: "9.19.0.56",
        file: "nvidia_cudnn_cu13-9.19.0.56-py3-none-manylinux_2_27_x86_64.whl",
        sha256: "d20e1734305e9d68889a96e3f35094d733ff1f83932ebe462753973e53a572bf",
        bytes: 366_066_321,
        cpu: &[],
        cuda: &[
            "nvidia/cudnn/lib/libcudnn.so.9",
            "nvidia/cudnn/lib/libcudnn_adv.so.9",
            "nvidia/cudnn/lib/libcudnn_cnn.so.9",
            "nvidia/cudnn/lib/libcudnn_engines_precompiled.so.9",
            "nvidia/cudnn/lib/libcudnn_engines_runtime_compiled.so.9",
            "nvidia/cudnn/lib/libcudnn_graph.so.9",
            "nvidia/cudnn/lib/libcudnn_heuristic.so.9",
            "nvidia/cudnn/lib/libcudnn_ops.so.9",
        ],
    },
    Wheel {
        package: "nvidia-cufft",
        version: "12.0.0.61",
        file: "nvidia_cufft-12.0.0.61-py3-none-manylinux2014_x86_64.manylinux_2_17_x86_64.whl",
        sha256: "6c44f692dce8fd5ffd3e3df134b6cdb9c2f72d99cf40b62c32dde45eea9ddad3",
        bytes: 214_085_489,
        cpu: &[],
        cuda: &["nvidia/cu13/lib/libcufft.so.12"],
    },
    Wheel {
        package: "nvidia-cufile",
        version: "1.15.1.6",
        file: "nvidia_cufile-1.15.1.6-py3-none-manylinux2014_x86_64.manylinux_2_17_x86_64.whl",
        sha256: "08a3ecefae5a01c7f5117351c64f17c7c62efa5fffdbe24fc7d298da19cd0b44",
        bytes: 1_223_672,
        cpu: &[],
        cuda: &["nvidia/cu13/lib/libcufile.so.0"],
    },
    Wheel {
        package: "nvidia-curand",
        version: "10.4.0.35",
        file: "nvidia_curand-10.4.0.35-py3-none-manylinux_2_27_x86_64.whl",
        sha256: "1aee33a5da6e1db083fe2b90082def8915f30f3248d5896bcec36a579d941bfc",
        bytes: 59_544_258,
        cpu: &[],
        cuda: &["nvidia/cu13/lib/libcurand.so.10"],
    },
    Wheel {
        package: "nvidia-cusolver",
        version: "12.0.4.66",
        file: "nvidia_cusolver-12.0.4.66-py3-none-manylinux_2_27_x86_64.whl",
        sha256: "0a759da5dea5c0ea10fd307de75cdeb59e7ea4fcb8add0924859b944babf1112",
        bytes: 200_941_980,
        cpu: &[],
        cuda: &["nvidia/cu13/lib/libcusolver.so.12"],
    },
    Wheel {
        package: "nvidia-cusparse",
        version: "12.6.3.3",
        file: "nvidia_cusparse-12.6.3.3-py3-none-manylinux2014_x86_64.manylinux_2_17_x86_64.whl",
        sha256: "2b3c89c88d01ee0e477cb7f82ef60a11a4bcd57b6b87c33f789350b59759360b",
        bytes: 145_942_937,
        cpu: &[],
        cuda: &["nvidia/cu13/lib/libcusparse.so.12"],
    },
    Wheel {
        package: "nvidia-cusparselt-cu13",
        version: "0.8.0",
        file: "nvidia_cusparselt_cu13-0.8.0-py3-none-manylinux2014_x86_64.whl",
        sha256: "25e30a8a7323935d4ad0340b95a0b69926eee755767e8e0b1cf8dd85b197d3fd",
        bytes: 169_884_119,
        cpu: &[],
        cuda: &["nvidia/cusparselt/lib/libcusparseLt.so.0"],
    },
    Wheel {
        package: "nvidia-nccl-cu13",
        version: "2.28.9",
        file: "nvidia_nccl_cu13-2.28.9-py3-none-manylinux_2_18_x86_64.whl",
        sha256: "e4553a30f34195f3fa1da02a6da3d6337d28f2003943aa0a3d247bbc25fefc42",
        bytes: 196_493_177,
        cpu: &[],
        cuda: &["nvidia/nccl/lib/libnccl.so.2"],
    },
    Wheel {
        package: "nvidia-nvjitlink",
        version: "13.0.88",
        file: "nvidia_nvjitlink-13.0.88-py3-none-manylinux2010_x86_64.manylinux_2_12_x86_64.whl",
        sha256: "13a74f429e23b921c1109976abefacc69835f2f433ebd323d3946e11d804e47b",
        bytes: 40_713_933,
        cpu: &[],
        cuda: &["nvidia/cu13/lib/libnvJitLink.so.13"],
    },
    Wheel {
        package: "nvidia-nvshmem-cu13",
        version: "3.4.5",
        file: "nvidia_nvshmem_cu13-3.4.5-py3-none-manylinux2014_x86_64.manylinux_2_17_x86_64.whl",
        sha256: "290f0a2ee94c9f3687a02502f3b9299a9f9fe826e6d0287ee18482e78d495b80",
        bytes: 60_412_546,
        cpu: &[],
        cuda: &["nvidia/nvshmem/lib/libnvshmem_host.so.3"],
    },
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sets_grow() {
        let names = |set: Set| set.wheels().map(|wheel| wheel.package).collect::<Vec<_>>();
        let cpu = ["torch", "nvidia-cuda-runtime", "nvidia-cuda-cupti"];
        assert_eq!(names(Set::Cpu), cpu);
        assert_eq!(names(Set::Cuda)[..3], cpu);
        assert_eq!(names(Set::Cuda).len(), WHEELS.len());
        assert!(Set::Cpu.unpacked_bytes() < Set::Cuda.unpacked_bytes());
        assert!(Set::Cpu < Set::Cuda);
    }

    #[test]
    fn every_pin_is_consistent() {
        for wheel in WHEELS {
            let stem = format!("{}-{}-", wheel.package.replace('-', "_"), wheel.version);
            assert!(wheel.file.starts_with(&stem), "{}", wheel.file);
            assert!(wheel.file.ends_with("x86_64.whl"), "{}", wheel.file);
            assert_eq!(wheel.sha256.len(), 64, "{}", wheel.file);
        }
    }
}
