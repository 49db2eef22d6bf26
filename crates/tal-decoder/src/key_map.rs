//! Names of the decoder's weights in released checkpoints.

use tal_core::weights::KeyMap;

/// Released name (a regular expression for the whole name, without `module.`) and ours.
const RULES: &[(&str, &str)] = &[
    (r"decls\.contrans\.(.+)", "decoder.dcm.up.${1}"),
    (r"decls\.conv_l\.(.+)", "decoder.dcm.lateral.${1}"),
    (r"decls\.attn\.1\.(.+)", "decoder.dcm.gate.${1}"),
    (r"dereg\.down\.(.+)", "decoder.drm.down.${1}"),
    (r"dereg\.conv_l\.(.+)", "decoder.drm.lateral.${1}"),
    (r"dereg\.attn\.1\.(.+)", "decoder.drm.gate.${1}"),
    (r"cross_level\.conv\.(.+)", "decoder.clff.down.${1}"),
    (r"cross_level\.convtrans\.(.+)", "decoder.clff.up.${1}"),
    (
        r"cls_head\.head\.(\d+)\.conv\.(.+)",
        "decoder.classification.tower.${1}.conv.${2}",
    ),
    (
        r"cls_head\.norm\.(\d+)\.(.+)",
        "decoder.classification.tower.${1}.norm.${2}",
    ),
    (
        r"cls_head\.cls_head\.conv\.(.+)",
        "decoder.classification.output.${1}",
    ),
    (
        r"(start|end)_head\.head\.(\d+)\.conv\.(.+)",
        "decoder.${1}.tower.${2}.conv.${3}",
    ),
    (
        r"(start|end)_head\.norm\.(\d+)\.(.+)",
        "decoder.${1}.tower.${2}.norm.${3}",
    ),
    (
        r"(start|end)_head\.cls_head\.conv\.(.+)",
        "decoder.${1}.output.${2}",
    ),
    (
        r"reg_head\.head\.(\d+)\.conv\.(.+)",
        "decoder.regression.tower.${1}.conv.${2}",
    ),
    (
        r"reg_head\.norm\.(\d+)\.(.+)",
        "decoder.regression.tower.${1}.norm.${2}",
    ),
    (
        r"reg_head\.offset_head\.conv\.(.+)",
        "decoder.regression.output.${1}",
    ),
    (
        r"reg_head\.scale\.(\d+)\.scale",
        "decoder.regression.scale.${1}",
    ),
    (
        r"refineHead\.head\.(\d+)\.conv\.(.+)",
        "decoder.refinement.tower.${1}.conv.${2}",
    ),
    (
        r"refineHead\.norm\.(\d+)\.(.+)",
        "decoder.refinement.tower.${1}.norm.${2}",
    ),
    (
        r"refineHead\.s_offset_head\.conv\.(.+)",
        "decoder.refinement.start_offset.${1}",
    ),
    (
        r"refineHead\.e_offset_head\.conv\.(.+)",
        "decoder.refinement.end_offset.${1}",
    ),
    (
        r"refineHead\.prob_head\.conv\.(.+)",
        "decoder.refinement.score.${1}",
    ),
    (
        r"refineHead\.scale\.(\d+)\.scale",
        "decoder.refinement.scale.${1}",
    ),
];

/// Translates the decoder's names in a released checkpoint, without their prefix `module.`, into ours below `decoder`.
///
/// The heads of released TriDet, ActionFormer and TemporalMaxer checkpoints have the same names, as far as these methods have
/// the heads: classification, start, end and regression for TriDet, classification and regression for the others.
///
/// # Source
/// The authors' public code.
pub fn released_key_map() -> KeyMap {
    KeyMap::new(RULES).expect("the rules are constant and a test builds them")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_all_parts() {
        let map = released_key_map();
        for (released, ours) in [
            ("decls.attn.1.weight", "decoder.dcm.gate.weight"),
            ("cross_level.convtrans.bias", "decoder.clff.up.bias"),
            (
                "cls_head.cls_head.conv.bias",
                "decoder.classification.output.bias",
            ),
            ("end_head.norm.1.weight", "decoder.end.tower.1.norm.weight"),
            ("reg_head.scale.3.scale", "decoder.regression.scale.3"),
            (
                "refineHead.prob_head.conv.weight",
                "decoder.refinement.score.weight",
            ),
        ] {
            assert_eq!(map.map(released).as_deref(), Some(ours));
        }
        assert_eq!(map.map("backbone.embd.0.conv.weight"), None);
    }
}
