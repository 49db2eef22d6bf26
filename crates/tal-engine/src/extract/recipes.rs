//! The recipes that come with the program, and those of users.

use std::path::Path;

use tal_video::Recipe;

use super::ExtractError;

/// Name and text of a file in `configs/features`.
macro_rules! shipped {
    ($name:literal) => {
        (
            $name,
            include_str!(concat!("../../../../configs/features/", $name, ".yaml")),
        )
    };
}

/// All of them.
const SHIPPED: [(&str, &str); 9] = [
    shipped!("efficientnet_lite0_frames"),
    shipped!("r2plus1d_18"),
    shipped!("tsp_anet"),
    shipped!("tsp_thumos"),
    shipped!("i3d_thumos_centre"),
    shipped!("i3d_thumos_resize"),
    shipped!("i3d_video_features"),
    shipped!("videomaev2_thumos"),
    shipped!("videomaev2_fineaction"),
];

/// The names of the recipes that come with the program.
pub fn recipe_names() -> impl Iterator<Item = &'static str> {
    SHIPPED.into_iter().map(|(name, _)| name)
}

/// A recipe and its name.
#[derive(Clone, Debug, PartialEq)]
pub struct NamedRecipe {
    /// The name; of a user's file its name without folder and extension.
    pub name: String,
    /// The values.
    pub recipe: Recipe,
    /// The comment at the beginning of the file.
    pub summary: String,
    /// The whole file.
    pub text: String,
}

impl NamedRecipe {
    /// The recipe of a name, or that of a YAML file.
    ///
    /// # Errors
    /// If there is no such recipe or file, or its values are wrong.
    pub fn open(name: &str) -> Result<Self, ExtractError> {
        if let Some((name, text)) = SHIPPED.into_iter().find(|(known, _)| *known == name) {
            return Self::parse(name, text, Path::new(name));
        }
        let path = Path::new(name);
        if !path.is_file() {
            return Err(ExtractError::UnknownRecipe {
                name: name.to_owned(),
                known: recipe_names().collect::<Vec<_>>().join(", "),
            });
        }
        let text = std::fs::read_to_string(path).map_err(|error| ExtractError::Recipe {
            path: path.to_owned(),
            reason: format!("cannot be read: {error}"),
        })?;
        let stem = path.file_stem().unwrap_or_default().to_string_lossy();
        Self::parse(&stem, &text, path)
    }

    fn parse(name: &str, text: &str, path: &Path) -> Result<Self, ExtractError> {
        let recipe: Recipe = serde_yaml::from_str(text).map_err(|error| ExtractError::Recipe {
            path: path.to_owned(),
            reason: format!("is no recipe: {error}"),
        })?;
        recipe
            .validate()
            .map_err(|source| ExtractError::RecipeValues {
                name: name.to_owned(),
                source,
            })?;
        let comment = text.lines().map_while(|line| line.strip_prefix('#'));
        Ok(Self {
            name: name.to_owned(),
            recipe,
            summary: comment.map(str::trim).collect::<Vec<_>>().join(" "),
            text: text.to_owned(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_shipped_recipes_are_right_and_described() {
        for name in recipe_names() {
            let found = NamedRecipe::open(name).unwrap();
            assert_eq!(found.name, name);
            assert!(found.summary.len() > 40, "{name}: {}", found.summary);
        }
    }

    #[test]
    fn faults_of_a_users_recipe_are_named() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("mine.yaml");
        let open = |text: String| {
            std::fs::write(&path, text).unwrap();
            NamedRecipe::open(path.to_str().unwrap())
        };
        let text = SHIPPED[0].1;
        assert_eq!(open(text.to_owned()).unwrap().name, "mine");
        let wrong = open(text.replace("window: 1", "windows: 1")).unwrap_err();
        assert!(wrong.to_string().contains("windows"), "{wrong}");
        let wrong = open(text.replace("window: 1", "window: 0")).unwrap_err();
        assert!(wrong.to_string().contains("frames.window"), "{wrong}");
        let wrong = NamedRecipe::open("nothing").unwrap_err().to_string();
        assert!(wrong.contains("tsp_anet"), "{wrong}");
    }
}
