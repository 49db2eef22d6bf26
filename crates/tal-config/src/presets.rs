//! The YAML files of the presets.

use tal_core::config::Preset;

/// The defaults of a preset as YAML, to be laid over those of its [`base`](Preset::base).
pub fn preset_yaml(preset: Preset) -> &'static str {
    match preset {
        Preset::Released => include_str!("presets/released.yaml"),
        Preset::Paper => include_str!("presets/paper.yaml"),
        Preset::Compact => include_str!("presets/compact.yaml"),
        Preset::BackTalThumos14 => include_str!("presets/backtal_thumos14.yaml"),
        Preset::BackTalActivityNet12 => include_str!("presets/backtal_activitynet12.yaml"),
        Preset::BackTalHacs => include_str!("presets/backtal_hacs.yaml"),
    }
}
