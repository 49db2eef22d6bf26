//! Names of the released checkpoints of CLTDR-GMG, TriDet, ActionFormer and TemporalMaxer.

use tal_core::weights::KeyMap;

/// Rules from the released names (without their prefix `module.`) to `encoder.…` and `neck.…`. Shared parts have the same
/// name in all methods; the blocks of TriDet and CLTDR-GMG come first, as they share most.
const RULES: &[(&str, &str)] = &[
    (
        r"backbone\.embd\.(\d+)\.conv\.(\w+)",
        "encoder.projection.${1}.conv.${2}",
    ),
    (
        r"backbone\.embd_norm\.(\d+)\.(\w+)",
        "encoder.projection.${1}.norm.${2}",
    ),
    (
        r"backbone\.(stem|branch)\.(\d+)\.([wb][12])",
        "encoder.${1}.${2}.filter.${3}",
    ),
    (
        r"backbone\.(stem|branch)\.(\d+)\.ln\.(\w+)",
        "encoder.${1}.${2}.norm.${3}",
    ),
    (
        r"backbone\.(stem|branch)\.(\d+)\.gn\.(\w+)",
        "encoder.${1}.${2}.group_norm.${3}",
    ),
    (
        r"backbone\.(stem|branch)\.(\d+)\.fc\.(\w+)",
        "encoder.${1}.${2}.instant.${3}",
    ),
    (
        r"backbone\.(stem|branch)\.(\d+)\.convw\.(\w+)",
        "encoder.${1}.${2}.local.${3}",
    ),
    (
        r"backbone\.(stem|branch)\.(\d+)\.mlp\.0\.(\w+)",
        "encoder.${1}.${2}.mlp.expand.${3}",
    ),
    (
        r"backbone\.(stem|branch)\.(\d+)\.mlp\.2\.(\w+)",
        "encoder.${1}.${2}.mlp.contract.${3}",
    ),
    (
        r"backbone\.(stem|branch)\.(\d+)\.drop_path_out\.scale",
        "encoder.${1}.${2}.drop_path_mixer.scale",
    ),
    (
        r"backbone\.(stem|branch)\.(\d+)\.drop_path_mlp\.scale",
        "encoder.${1}.${2}.drop_path_mlp.scale",
    ),
    (
        r"backbone\.(stem|branch)\.(\d+)\.downsample\.1\.(\w+)",
        "encoder.${1}.${2}.downsampling.${3}",
    ),
    // TriDet
    (
        r"backbone\.(stem|branch)\.(\d+)\.global_fc\.(\w+)",
        "encoder.${1}.${2}.instant_gate.${3}",
    ),
    (
        r"backbone\.(stem|branch)\.(\d+)\.convkw\.(\w+)",
        "encoder.${1}.${2}.wide.${3}",
    ),
    (
        r"backbone\.(stem|branch)\.(\d+)\.psi\.(\w+)",
        "encoder.${1}.${2}.local_gate.${3}",
    ),
    // ActionFormer
    (
        r"backbone\.(stem|branch)\.(\d+)\.ln1\.(\w+)",
        "encoder.${1}.${2}.norm.${3}",
    ),
    (
        r"backbone\.(stem|branch)\.(\d+)\.ln2\.(\w+)",
        "encoder.${1}.${2}.norm_mlp.${3}",
    ),
    (
        r"backbone\.(stem|branch)\.(\d+)\.attn\.(query|key|value)_conv\.conv\.weight",
        "encoder.${1}.${2}.attention.${3}.conv.weight",
    ),
    (
        r"backbone\.(stem|branch)\.(\d+)\.attn\.(query|key|value)_norm\.(\w+)",
        "encoder.${1}.${2}.attention.${3}.norm.${4}",
    ),
    (
        r"backbone\.(stem|branch)\.(\d+)\.attn\.(query|key|value)\.(\w+)",
        "encoder.${1}.${2}.attention.${3}.projection.${4}",
    ),
    (
        r"backbone\.(stem|branch)\.(\d+)\.attn\.proj\.(\w+)",
        "encoder.${1}.${2}.attention.output.${3}",
    ),
    (
        r"backbone\.(stem|branch)\.(\d+)\.attn\.rel_pe",
        "encoder.${1}.${2}.attention.relative_bias",
    ),
    (
        r"backbone\.(stem|branch)\.(\d+)\.mlp\.3\.(\w+)",
        "encoder.${1}.${2}.mlp.contract.${3}",
    ),
    (
        r"backbone\.(stem|branch)\.(\d+)\.drop_path_attn\.scale",
        "encoder.${1}.${2}.drop_path_mixer.scale",
    ),
    (r"neck\.fpn_norms\.(\d+)\.(\w+)", "neck.norms.${1}.${2}"),
];

/// The key map from the names of the released methods (without their prefix `module.`) to the names of [`crate::Encoder`] below
/// `encoder` and [`crate::Neck`] below `neck`.
pub fn released_key_map() -> KeyMap {
    KeyMap::new(RULES).expect("constant rules that a test compiles")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_the_average_and_of_others() {
        let map = released_key_map();
        assert_eq!(
            map.map("backbone.branch.3.downsample.1.weight").as_deref(),
            Some("encoder.branch.3.downsampling.weight")
        );
        assert_eq!(map.map("decls.conv_l.weight"), None);
        assert_eq!(map.map("module.backbone.stem.0.w1"), None);
    }
}
