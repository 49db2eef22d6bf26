//! The modules of a crate, each with its file.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use syn::{Attribute, Item, Meta};

/// A module: its place in the crate, its file and its items.
#[derive(Debug)]
pub(super) struct Module {
    /// Names from the crate's root on; empty for the root.
    pub(super) path: Vec<String>,
    /// The file in which it stands.
    pub(super) file: PathBuf,
    /// Its items, but those of tests.
    pub(super) items: Vec<Item>,
}

/// All modules of a crate.
#[derive(Debug)]
pub(super) struct Tree {
    pub(super) modules: Vec<Module>,
}

impl Tree {
    /// Reads a crate from the file of its root.
    ///
    /// # Errors
    ///
    /// If a file is missing, unreadable or not Rust.
    pub(super) fn read(root: &Path) -> Result<Self> {
        let mut tree = Self {
            modules: Vec::new(),
        };
        let folder = root.parent().unwrap_or(Path::new(""));
        let items = parse(root)?;
        tree.add(Vec::new(), root.to_owned(), folder.to_owned(), items)?;
        Ok(tree)
    }

    /// The files, each once.
    pub(super) fn files(&self) -> BTreeSet<&Path> {
        self.modules.iter().map(|m| m.file.as_path()).collect()
    }

    /// The module at a place.
    pub(super) fn find(&self, path: &[String]) -> Option<&Module> {
        self.modules.iter().find(|module| module.path == path)
    }

    /// Adds a module and those inside it; `folder` is where the files of its children lie.
    fn add(
        &mut self,
        path: Vec<String>,
        file: PathBuf,
        folder: PathBuf,
        items: Vec<Item>,
    ) -> Result<()> {
        let items: Vec<Item> = items.into_iter().filter(|item| !is_test(item)).collect();
        let mut children = Vec::new();
        for item in &items {
            if let Item::Mod(module) = item {
                children.push(module.clone());
            }
        }
        self.modules.push(Module {
            path: path.clone(),
            file: file.clone(),
            items,
        });
        for child in children {
            let name = child.ident.to_string();
            let mut place = path.clone();
            place.push(name.clone());
            let own_folder = folder.join(&name);
            if let Some((_, items)) = child.content {
                self.add(place, file.clone(), own_folder, items)?;
                continue;
            }
            let candidates = [folder.join(format!("{name}.rs")), own_folder.join("mod.rs")];
            let Some(found) = candidates.iter().find(|path| path.is_file()) else {
                bail!("{} declares mod {name}, which has no file", file.display());
            };
            let items = parse(found)?;
            self.add(place, found.clone(), own_folder, items)?;
        }
        Ok(())
    }
}

fn parse(file: &Path) -> Result<Vec<Item>> {
    let text =
        fs::read_to_string(file).with_context(|| format!("cannot read {}", file.display()))?;
    let parsed =
        syn::parse_file(&text).with_context(|| format!("cannot parse {}", file.display()))?;
    Ok(parsed.items)
}

/// Whether an item is compiled for tests only.
fn is_test(item: &Item) -> bool {
    let attributes: &[Attribute] = match item {
        Item::Const(item) => &item.attrs,
        Item::Fn(item) => &item.attrs,
        Item::Impl(item) => &item.attrs,
        Item::Mod(item) => &item.attrs,
        Item::Static(item) => &item.attrs,
        Item::Struct(item) => &item.attrs,
        Item::Use(item) => &item.attrs,
        _ => &[],
    };
    attributes.iter().any(|attribute| match &attribute.meta {
        Meta::List(list) if list.path.is_ident("cfg") => list.tokens.to_string() == "test",
        meta => meta.path().is_ident("test"),
    })
}
