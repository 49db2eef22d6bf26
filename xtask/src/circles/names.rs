//! Which module a name comes from.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use proc_macro2::{TokenStream, TokenTree};
use syn::visit::{self, Visit};
use syn::{Item, UseTree, Visibility};

use super::search::Import;
use super::tree::{Module, Tree};

/// How many re-exports a name may pass through; more is a circle of `use`.
const MAX_REEXPORTS: usize = 16;

/// A name brought into a module by `use`.
struct Use {
    /// The name there; `None` for a glob.
    name: Option<String>,
    /// As written.
    path: Vec<String>,
    /// Whether others may take it from here.
    is_reexport: bool,
}

/// A module with its names.
struct Scope<'a> {
    module: &'a Module,
    items: BTreeSet<String>,
    uses: Vec<Use>,
}

/// All imports between different files of a crate.
pub(super) fn imports(tree: &Tree) -> Vec<Import> {
    let scopes: Vec<Scope<'_>> = tree.modules.iter().map(Scope::new).collect();
    let names = Names { tree, scopes };
    let mut found: BTreeMap<(PathBuf, PathBuf), BTreeSet<String>> = BTreeMap::new();
    for scope in &names.scopes {
        for path in scope.paths() {
            let Some(home) = names.home(scope.module, &path, 0) else {
                continue;
            };
            if !is_family(scope.module, home) {
                found
                    .entry((scope.module.file.clone(), home.file.clone()))
                    .or_default()
                    .extend(path.last().cloned());
            }
        }
    }
    found
        .into_iter()
        .map(|((from, to), names)| Import { from, to, names })
        .collect()
}

/// Whether one of two modules is inside the other, or they share a file: a module and its parts may use each other.
fn is_family(a: &Module, b: &Module) -> bool {
    a.file == b.file || a.path.starts_with(&b.path) || b.path.starts_with(&a.path)
}

struct Names<'a> {
    tree: &'a Tree,
    scopes: Vec<Scope<'a>>,
}

impl Names<'_> {
    /// The module that defines what `path`, written in `module`, leads to; `None` for other crates' items.
    fn home(&self, module: &Module, path: &[String], depth: usize) -> Option<&Module> {
        if depth > MAX_REEXPORTS {
            return None;
        }
        let mut place = module.path.clone();
        let mut rest = path;
        let mut relative = true;
        while let [first, others @ ..] = rest {
            match first.as_str() {
                "crate" => place.clear(),
                "super" => {
                    place.pop()?;
                }
                "self" => {}
                _ => break,
            }
            relative = false;
            rest = others;
        }
        let [first, others @ ..] = rest else {
            return None;
        };
        // A lone name is a local one, or came by a `use` that counts itself.
        if relative && others.is_empty() {
            return None;
        }
        self.inside(&place, first, others, depth)
    }

    /// The module that defines `name`, and what follows it, in the module at `place`.
    fn inside(
        &self,
        place: &[String],
        name: &str,
        rest: &[String],
        depth: usize,
    ) -> Option<&Module> {
        let mut child = place.to_vec();
        child.push(name.to_owned());
        if let Some(module) = self.tree.find(&child) {
            return match rest {
                // The module itself is named, not something in it: whoever uses it names what he takes.
                [] => None,
                [next, others @ ..] => self
                    .inside(&child, next, others, depth) // A name that a macro makes is not seen, but belongs there.
                    .or(Some(module)),
            };
        }
        let scope = self.scopes.iter().find(|s| s.module.path == place)?;
        if scope.items.contains(name) {
            return Some(scope.module);
        }
        let named = scope.uses.iter().find(|u| u.name.as_deref() == Some(name));
        if let Some(import) = named {
            let mut path = import.path.clone();
            path.extend(rest.iter().cloned());
            return self.home(scope.module, &path, depth + 1);
        }
        scope
            .uses
            .iter()
            .filter(|import| import.name.is_none() && import.is_reexport)
            .find_map(|import| {
                let mut path = import.path.clone();
                path.push(name.to_owned());
                path.extend(rest.iter().cloned());
                self.home(scope.module, &path, depth + 1)
            })
    }
}

impl<'a> Scope<'a> {
    fn new(module: &'a Module) -> Self {
        let mut items = BTreeSet::new();
        let mut uses = Vec::new();
        for item in &module.items {
            let name = match item {
                Item::Const(item) => &item.ident,
                Item::Enum(item) => &item.ident,
                Item::Fn(item) => &item.sig.ident,
                Item::Static(item) => &item.ident,
                Item::Struct(item) => &item.ident,
                Item::Trait(item) => &item.ident,
                Item::Type(item) => &item.ident,
                Item::Union(item) => &item.ident,
                Item::Use(item) => {
                    let is_reexport = !matches!(item.vis, Visibility::Inherited);
                    leaves(&item.tree, &mut Vec::new(), is_reexport, &mut uses);
                    continue;
                }
                _ => continue,
            };
            items.insert(name.to_string());
        }
        Self {
            module,
            items,
            uses,
        }
    }

    /// Every path that the module's code names.
    fn paths(&self) -> Vec<Vec<String>> {
        let mut paths = Paths::default();
        for item in &self.module.items {
            // Modules inside are scopes of their own.
            if !matches!(item, Item::Use(_) | Item::Mod(_)) {
                paths.visit_item(item);
            }
        }
        let mut globs = Vec::new();
        for import in &self.uses {
            match (&import.name, import.is_reexport) {
                (Some(_), false) => paths.0.push(import.path.clone()),
                (None, false) => globs.push(&import.path),
                _ => {}
            }
        }
        // What a private glob brings is seen where it is named.
        let lone: Vec<String> = paths
            .0
            .iter()
            .filter(|p| p.len() == 1)
            .map(|p| p[0].clone())
            .collect();
        for glob in globs {
            paths.0.extend(lone.iter().map(|name| {
                let mut path = glob.clone();
                path.push(name.clone());
                path
            }));
        }
        paths.0
    }
}

/// Takes a `use` apart into names.
fn leaves(tree: &UseTree, before: &mut Vec<String>, is_reexport: bool, uses: &mut Vec<Use>) {
    let mut add = |name: Option<String>, path: Vec<String>| {
        uses.push(Use {
            name,
            path,
            is_reexport,
        });
    };
    match tree {
        UseTree::Path(path) => {
            before.push(path.ident.to_string());
            leaves(&path.tree, before, is_reexport, uses);
            before.pop();
        }
        UseTree::Name(name) => {
            let mut path = before.clone();
            // `use a::{self}` names `a`.
            if name.ident != "self" {
                path.push(name.ident.to_string());
            }
            add(path.last().cloned(), path);
        }
        UseTree::Rename(rename) => {
            let mut path = before.clone();
            if rename.ident != "self" {
                path.push(rename.ident.to_string());
            }
            add(Some(rename.rename.to_string()), path);
        }
        UseTree::Glob(_) => add(None, before.clone()),
        UseTree::Group(group) => {
            for tree in &group.items {
                leaves(tree, before, is_reexport, uses);
            }
        }
    }
}

/// Collects paths, those in the arguments of macros, too.
#[derive(Default)]
struct Paths(Vec<Vec<String>>);

impl<'ast> Visit<'ast> for Paths {
    fn visit_path(&mut self, path: &'ast syn::Path) {
        let names = path.segments.iter().map(|s| s.ident.to_string());
        self.0.push(names.collect());
        visit::visit_path(self, path);
    }

    fn visit_item_use(&mut self, item: &'ast syn::ItemUse) {
        let mut uses = Vec::new();
        leaves(&item.tree, &mut Vec::new(), false, &mut uses);
        self.0.extend(uses.into_iter().map(|import| import.path));
    }

    fn visit_macro(&mut self, call: &'ast syn::Macro) {
        self.tokens(call.tokens.clone());
        visit::visit_macro(self, call);
    }
}

impl Paths {
    /// Words joined by `::`.
    fn tokens(&mut self, tokens: TokenStream) {
        let mut path: Vec<String> = Vec::new();
        let mut colons = 0;
        for token in tokens {
            match token {
                TokenTree::Ident(word) => {
                    if colons != 2 {
                        self.end(&mut path);
                    }
                    path.push(word.to_string());
                    colons = 0;
                }
                TokenTree::Punct(mark) if mark.as_char() == ':' => colons += 1,
                TokenTree::Group(group) => {
                    self.end(&mut path);
                    colons = 0;
                    self.tokens(group.stream());
                }
                _ => {
                    self.end(&mut path);
                    colons = 0;
                }
            }
        }
        self.end(&mut path);
    }

    fn end(&mut self, path: &mut Vec<String>) {
        if !path.is_empty() {
            self.0.push(std::mem::take(path));
        }
    }
}
