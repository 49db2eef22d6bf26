//! What the workloads cost elsewhere: the PyTorch original, the floor, and the limit that we hold ourselves to.

/// Figures of one workload, in units and GB; what is not known is none.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Target {
    /// The workload's name in the example `units`.
    pub(super) name: &'static str,
    /// What it is.
    pub(super) description: &'static str,
    /// The PyTorch original, in units: its released code with the best of its settings, 2 threads, timed beside the unit on a
    /// machine with 2 cores.
    pub(super) original: Option<f64>,
    /// Its largest resident set in GB, of the same measurement.
    pub(super) original_memory: Option<f64>,
    /// The multiplications of the dense layers on the valid length, divided by those of the unit.
    pub(super) floor: Option<f64>,
    /// At most so many units.
    pub(super) limit: Option<f64>,
    /// At most so many GB.
    pub(super) memory_limit: Option<f64>,
}

/// Only what was measured or counted stands here; docs/performance.md tells how.
pub(super) const TARGETS: [Target; 11] = [
    Target {
        original: Some(25.0),
        floor: Some(16.7),
        limit: Some(20.0),
        ..target(
            "predict/thumos14_i3d/2304",
            "one recording: forward, decoding, suppression",
        )
    },
    Target {
        original: Some(24.5),
        floor: Some(8.1),
        limit: Some(10.5),
        ..target("predict/thumos14_i3d/750", "the same, padded to 2304")
    },
    Target {
        original: Some(4.5),
        limit: Some(2.0),
        ..target(
            "predict/activitynet_tsp/110",
            "one recording, padded to 768",
        )
    },
    Target {
        original: Some(48.0),
        floor: Some(21.6),
        limit: Some(26.0),
        ..target(
            "predict/epic_kitchens100_noun/2304",
            "one recording, 300 classes",
        )
    },
    target("predict/gtea/1152", "one recording"),
    Target {
        limit: Some(12.0),
        ..target(
            "predict/thumos14_i3d/2304/bfloat16",
            "one recording, convolutions multiply in bfloat16",
        )
    },
    target(
        "predict/thumos14_i3d/750/bfloat16",
        "the same, padded to 2304",
    ),
    Target {
        original: Some(145.0),
        original_memory: Some(3.9),
        floor: Some(95.0),
        limit: Some(115.0),
        memory_limit: Some(2.9),
        ..target(
            "train_step/thumos14_i3d/2304",
            "batch of 2: forward, backward, clip, AdamW, EMA",
        )
    },
    Target {
        original: Some(145.0),
        floor: Some(62.0),
        limit: Some(76.0),
        ..target(
            "train_step/thumos14_i3d/1207",
            "the same, mean length of the data set",
        )
    },
    Target {
        original: Some(378.0),
        original_memory: Some(5.6),
        floor: Some(125.0),
        limit: Some(160.0),
        memory_limit: Some(3.2),
        ..target(
            "train_step/epic_kitchens100_noun/2304",
            "batch of 2 with 60 segments each",
        )
    },
    target("train_step/gtea/1152", "batch of 2"),
];

const fn target(name: &'static str, description: &'static str) -> Target {
    Target {
        name,
        description,
        original: None,
        original_memory: None,
        floor: None,
        limit: None,
        memory_limit: None,
    }
}

/// The target of a workload; one without figures where none is known.
pub(super) fn of(name: &str) -> Target {
    let known = TARGETS.into_iter().find(|target| target.name == name);
    known.unwrap_or(target("", ""))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::shell::Workspace;

    #[test]
    fn every_target_is_a_workload_that_is_measured() {
        let path = Workspace::find().path("benches/workload.rs");
        let text = std::fs::read_to_string(path).unwrap();
        for Target { name, .. } in TARGETS {
            let parts: Vec<&str> = name.split('/').collect();
            let call = format!("workload(\"{}\", {}, ", parts[1], parts[2]);
            let calls: Vec<&str> = text.lines().filter(|line| line.contains(&call)).collect();
            assert!(!calls.is_empty(), "{name}");
            let is_known = match parts[3..] {
                [] => true,
                ["bfloat16"] => calls.iter().any(|call| call.contains(".in_bfloat16()")),
                _ => false,
            };
            assert!(is_known, "{name}");
        }
    }

    #[test]
    fn limits_lie_between_floor_and_original() {
        for target in TARGETS {
            let values: Vec<f64> = [target.floor, target.limit, target.original]
                .into_iter()
                .flatten()
                .collect();
            assert!(values.is_sorted(), "{}", target.name);
        }
        assert_eq!(of("predict/none/1"), target("", ""));
    }
}
