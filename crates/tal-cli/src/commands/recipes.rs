//! `tal features recipes`: the recipes that come with the program.

use anyhow::Result;
use tal_engine::extract::{NamedRecipe, recipe_names};

use crate::args::RecipesArgs;
use crate::console::Console;

pub(crate) fn run(args: &RecipesArgs, console: &Console) -> Result<()> {
    if let Some(name) = &args.name {
        return console.print(NamedRecipe::open(name)?.text.trim_end());
    }
    for name in recipe_names() {
        let found = NamedRecipe::open(name)?;
        console.print(&format!("{name}\n    {}", found.summary))?;
    }
    console.print("\n`tal features recipes NAME` prints one; a changed copy can be given to `tal features extract` as a file.")
}
