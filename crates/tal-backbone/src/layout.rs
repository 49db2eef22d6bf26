//! Spellings of the same parameters in files of different origin.

use tal_core::weights::NamedTensors;

/// Spelling of the names in a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Layout {
    /// The names of [`crate::Network::parameters`].
    Plain,
    /// All names but the classifier's below `features.` (TSP).
    Features,
    /// I3D as in kinetics_i3d_pytorch and video_features; the names of pytorch-i3d are the plain ones.
    I3dBranches,
}

impl Layout {
    /// The spelling of a file, by one of its names.
    pub(crate) fn of(tensors: &NamedTensors) -> Self {
        let starts = |prefix: &str| tensors.keys().any(|name| name.starts_with(prefix));
        if starts("features.stem.") || starts("features.layer1.") {
            Self::Features
        } else if starts("conv3d_1a_7x7.") || starts("mixed_3b.") {
            Self::I3dBranches
        } else {
            Self::Plain
        }
    }

    /// The name of a parameter in the file.
    pub(crate) fn file_name(self, name: &str) -> String {
        match self {
            Self::Plain => name.to_owned(),
            Self::Features => match name.split('.').next() {
                Some("stem" | "layer1" | "layer2" | "layer3" | "layer4") => {
                    format!("features.{name}")
                }
                _ => name.to_owned(),
            },
            Self::I3dBranches => i3d_branches(name),
        }
    }
}

fn i3d_branches(name: &str) -> String {
    let parts = name.split('.').enumerate().map(|(place, part)| match part {
        "logits" => "conv3d_0c_1x1".to_owned(),
        "bn" => "batch3d".to_owned(),
        "b0" => "branch_0".to_owned(),
        "b1a" => "branch_1.0".to_owned(),
        "b1b" => "branch_1.1".to_owned(),
        "b2a" => "branch_2.0".to_owned(),
        "b2b" => "branch_2.1".to_owned(),
        "b3b" => "branch_3.1".to_owned(),
        module if place == 0 => module.to_lowercase(),
        other => other.to_owned(),
    });
    parts.collect::<Vec<_>>().join(".")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_spelled_as_in_the_file() {
        let branches = [
            ("Conv3d_1a_7x7.conv3d.weight", "conv3d_1a_7x7.conv3d.weight"),
            ("Mixed_3b.b2a.bn.bias", "mixed_3b.branch_2.0.batch3d.bias"),
            (
                "Mixed_5c.b3b.conv3d.weight",
                "mixed_5c.branch_3.1.conv3d.weight",
            ),
            ("logits.conv3d.bias", "conv3d_0c_1x1.conv3d.bias"),
        ];
        for (plain, file) in branches {
            assert_eq!(Layout::I3dBranches.file_name(plain), file);
            assert_eq!(Layout::Plain.file_name(plain), plain);
        }
        assert_eq!(
            Layout::Features.file_name("stem.0.weight"),
            "features.stem.0.weight"
        );
        assert_eq!(Layout::Features.file_name("fc1.bias"), "fc1.bias");
    }
}
