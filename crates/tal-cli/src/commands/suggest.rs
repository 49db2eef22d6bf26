//! `tal config suggest`: a configuration for a data set.

use std::path::Path;

use anyhow::{Result, anyhow};
use tal_corpus::suggestion::{FeatureTiming, suggest};

use super::output;
use crate::args::SuggestArgs;
use crate::console::print;

pub(crate) fn run(args: &SuggestArgs) -> Result<()> {
    if let Some(out) = &args.out {
        output::check("--out", out, &["yaml", "yml"])?;
        output::check_new("--out", out, args.force)?;
    }
    let absolute = |path: &Path| {
        std::path::absolute(path)
            .map_err(|error| anyhow!("cannot find {}: {error}", path.display()))
    };
    let known = FeatureTiming {
        fps: args.fps,
        feat_stride: args.feat_stride,
        num_frames: args.num_frames,
    };
    let (annotations, features) = (absolute(&args.annotations)?, absolute(&args.features)?);
    let text = suggest(&annotations, &features, &known)?.to_yaml();
    tal_config::from_yaml(&text, "the suggested configuration", Path::new(""), &[])?;
    let Some(out) = &args.out else {
        return print(text.trim_end());
    };
    output::write_text(out, &text)?;
    let out = out.display();
    print(&format!(
        "{out}: every choice has its reason beside it. Next: tal data check {out}, then tal train {out}"
    ))
}
