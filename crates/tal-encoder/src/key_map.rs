//! Names of the released checkpoints of CLTDR-GMG, TriDet, ActionFormer and TemporalMaxer.

use tal_core::weights::KeyMap;

/// Parts outside the blocks: released name (a regular expression) and ours.
const OUTSIDE: [(&str, &str); 3] = [
    (
        r"backbone\.embd\.(\d+)\.conv\.(\w+)",
        "encoder.projection.${1}.conv.${2}",
    ),
    (
        r"backbone\.embd_norm\.(\d+)\.(\w+)",
        "encoder.projection.${1}.norm.${2}",
    ),
    (r"neck\.fpn_norms\.(\d+)\.(\w+)", "neck.norms.${1}.${2}"),
];

/// Parts of a block, as far as it has them: released name (a regular expression whose groups count from 3) and ours. All
/// methods share names; those that only TriDet or ActionFormer has come last.
const PARTS: [(&str, &str); 22] = [
    (r"([wb][12])", "filter.${3}"),
    (r"ln\.(\w+)", "norm.${3}"),
    (r"gn\.(\w+)", "group_norm.${3}"),
    (r"fc\.(\w+)", "instant.${3}"),
    (r"convw\.(\w+)", "local.${3}"),
    (r"mlp\.0\.(\w+)", "mlp.expand.${3}"),
    (r"mlp\.2\.(\w+)", "mlp.contract.${3}"),
    (r"drop_path_out\.scale", "drop_path_mixer.scale"),
    (r"drop_path_mlp\.scale", "drop_path_mlp.scale"),
    (r"downsample\.1\.(\w+)", "downsampling.${3}"),
    (r"global_fc\.(\w+)", "instant_gate.${3}"),
    (r"convkw\.(\w+)", "wide.${3}"),
    (r"psi\.(\w+)", "local_gate.${3}"),
    (r"ln1\.(\w+)", "norm.${3}"),
    (r"ln2\.(\w+)", "norm_mlp.${3}"),
    (
        r"attn\.(query|key|value)_conv\.conv\.weight",
        "attention.${3}.conv.weight",
    ),
    (
        r"attn\.(query|key|value)_norm\.(\w+)",
        "attention.${3}.norm.${4}",
    ),
    (
        r"attn\.(query|key|value)\.(\w+)",
        "attention.${3}.projection.${4}",
    ),
    (r"attn\.proj\.(\w+)", "attention.output.${3}"),
    (r"attn\.rel_pe", "attention.relative_bias"),
    (r"mlp\.3\.(\w+)", "mlp.contract.${3}"),
    (r"drop_path_attn\.scale", "drop_path_mixer.scale"),
];

/// The key map from the names of the released methods (without their prefix `module.`) to the names of [`crate::Encoder`] below
/// `encoder` and [`crate::Neck`] below `neck`.
pub fn released_key_map() -> KeyMap {
    let outside = OUTSIDE.map(|(released, ours)| (released.to_owned(), ours.to_owned()));
    let parts = PARTS.map(|(released, ours)| {
        let released = format!(r"backbone\.(stem|branch)\.(\d+)\.{released}");
        (released, format!("encoder.${{1}}.${{2}}.{ours}"))
    });
    let rules: Vec<(String, String)> = outside.into_iter().chain(parts).collect();
    KeyMap::new(&rules).expect("constant rules that a test compiles")
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
