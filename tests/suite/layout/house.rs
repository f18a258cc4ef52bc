//! The sources as modules, and what a path that one of them writes leads to.

use std::collections::{BTreeMap, BTreeSet};

use super::reading::{self, Function, Mention, Name};

/// One file under `src/`.
pub(super) struct File {
    /// Below `src/`: `web/site.rs`.
    pub(super) name: String,
    pub(super) text: String,
    /// The module that it is: `["web", "site"]`.
    pub(super) module: Vec<String>,
    pub(super) mentions: Vec<Mention>,
    pub(super) functions: Vec<Function>,
    /// The lines that name `MasterKey`.
    pub(super) master_key: Vec<usize>,
}

/// All of them.
pub(super) struct House {
    pub(super) files: Vec<File>,
    /// Every module; those within a file too.
    modules: BTreeSet<Vec<String>>,
    /// What `use` binds in a module: the name, and the path that it stands for.
    bound: BTreeMap<Name, Vec<String>>,
}

/// What a path leads to.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Target {
    /// Modules of this crate: the one that was written, and the ones that it hands on from.
    Modules(Vec<Vec<String>>),
    /// Another package, or a name that this reader does not follow: a type, a variable.
    Package(String),
}

/// `use a as b` may lead in a ring: nobody follows further than this.
const MOST_STEPS: usize = 16;

impl House {
    /// Reads `files`, named as below `src/`.
    pub(super) fn of<N: Into<String>, T: Into<String>>(
        files: impl IntoIterator<Item = (N, T)>,
    ) -> Self {
        let mut house = Self {
            files: Vec::new(),
            modules: BTreeSet::from([Vec::new()]),
            bound: BTreeMap::new(),
        };
        for (name, text) in files {
            let (name, text) = (name.into(), text.into());
            let ast = syn::parse_file(&text).unwrap_or_else(|why| panic!("{name}: {why}"));
            let module = module_of(&name);
            let read = reading::read(&ast, &module);
            // A folder is a module, whether its `mod.rs` was handed in or not.
            house.modules.extend((1..module.len()).map(|length| module[..length].to_vec()));
            house.modules.extend(read.modules);
            house.bound.extend(read.bound);
            let (mentions, functions, master_key) =
                (read.mentions, read.functions, read.master_key);
            house.files.push(File { name, text, module, mentions, functions, master_key });
        }
        house
    }

    /// The modules of this crate that `mention` leads to.
    pub(super) fn modules(&self, mention: &Mention) -> Vec<Vec<String>> {
        match self.resolve(&mention.module, &mention.path, MOST_STEPS) {
            // A macro writes modules of its own around: its `super::super` may be one too many.
            Target::Modules(mut modules) => {
                modules.retain(|module| !(mention.in_macro && module.is_empty()));
                modules
            }
            Target::Package(_) => Vec::new(),
        }
    }

    /// The package that `mention` leads to.
    pub(super) fn package(&self, mention: &Mention) -> Option<String> {
        match self.resolve(&mention.module, &mention.path, MOST_STEPS) {
            Target::Modules(_) => None,
            Target::Package(package) => Some(package),
        }
    }

    /// The parts of a folder: the modules right below it.
    pub(super) fn parts(&self, folder: &[String]) -> BTreeSet<String> {
        let below = self.files.iter().filter(|file| file.module.len() > folder.len());
        let below = below.filter(|file| file.module.starts_with(folder));
        below.map(|file| file.module[folder.len()].clone()).collect()
    }

    /// The folders: every module that has files below it, the crate itself first.
    pub(super) fn folders(&self) -> BTreeSet<Vec<String>> {
        let files = self.files.iter().map(|file| file.module.as_slice());
        files.filter_map(|module| module.split_last()).map(|(_, folder)| folder.to_vec()).collect()
    }

    fn resolve(&self, module: &[String], path: &[String], steps: usize) -> Target {
        let Some((head, rest)) = path.split_first() else {
            return Target::Modules(vec![module.to_vec()]);
        };
        match head.as_str() {
            "crate" | "portcullis" => self.descend(Vec::new(), rest, steps),
            "self" => self.descend(module.to_vec(), rest, steps),
            "super" => {
                let mut above = module.to_vec();
                above.pop();
                // What follows may be `super` again.
                if rest.first().is_some_and(|next| next == "super") {
                    return self.resolve(&above, rest, steps);
                }
                self.descend(above, rest, steps)
            }
            _ if self.modules.contains(&child(module, head)) => {
                self.descend(module.to_vec(), path, steps)
            }
            _ => match self.bound.get(&(module.to_vec(), head.clone())) {
                // `use diesel;` binds what it names.
                Some(known) if steps > 0 && known[..] != path[..1] => {
                    let path: Vec<String> = known.iter().chain(rest).cloned().collect();
                    self.resolve(module, &path, steps - 1)
                }
                _ => Target::Package(head.clone()),
            },
        }
    }

    /// Goes down from a module as far as there are modules, and on where an item is handed on.
    fn descend(&self, mut at: Vec<String>, path: &[String], steps: usize) -> Target {
        for (index, name) in path.iter().enumerate() {
            let below = child(&at, name);
            if self.modules.contains(&below) {
                at = below;
                continue;
            }
            let mut reached = vec![at.clone()];
            if let Some(known) = self.bound.get(&(at.clone(), name.clone())).filter(|_| steps > 0) {
                let on: Vec<String> = known.iter().chain(&path[index + 1..]).cloned().collect();
                if let Target::Modules(further) = self.resolve(&at, &on, steps - 1) {
                    reached.extend(further);
                }
            }
            return Target::Modules(reached);
        }
        Target::Modules(vec![at])
    }
}

fn child(module: &[String], name: &str) -> Vec<String> {
    module.iter().cloned().chain([name.to_owned()]).collect()
}

fn module_of(name: &str) -> Vec<String> {
    let path = name.trim_end_matches(".rs");
    let path = path.strip_suffix("/mod").unwrap_or(path);
    if path == "lib" { Vec::new() } else { path.split('/').map(str::to_owned).collect() }
}

/// A module as it is written: `web::site`.
pub(super) fn written(module: &[String]) -> String {
    module.join("::")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The modules and packages that the second file's mentions lead to.
    fn leads(
        others: &[(&str, &str)],
        name: &str,
        text: &str,
    ) -> (BTreeSet<String>, BTreeSet<String>) {
        let house = House::of(others.iter().copied().chain([(name, text)]));
        let file = house.files.last().unwrap();
        let modules = file.mentions.iter().flat_map(|mention| house.modules(mention));
        let packages = file.mentions.iter().filter_map(|mention| house.package(mention));
        (modules.map(|module| written(&module)).collect(), packages.collect())
    }

    const OTHERS: &[(&str, &str)] = &[
        ("lib.rs", ""),
        ("a/mod.rs", "mod b; mod c; pub use c::Thing; pub use self::b::Other as Renamed;"),
        ("a/b.rs", "pub struct Other;"),
        ("a/c.rs", "pub struct Thing;"),
        ("d.rs", ""),
    ];

    #[track_caller]
    fn assert_leads(name: &str, text: &str, modules: &[&str], packages: &[&str]) {
        let (found, used) = leads(OTHERS, name, text);
        assert_eq!(found, modules.iter().map(|module| (*module).to_owned()).collect(), "{text}");
        assert_eq!(used, packages.iter().map(|package| (*package).to_owned()).collect(), "{text}");
    }

    #[test]
    fn groups_renames_and_globs_are_read() {
        assert_leads(
            "x.rs",
            "use crate::{a::{b::Other, c as d_}, d::*};",
            &["a::b", "a::c", "d"],
            &[],
        );
        assert_leads(
            "x.rs",
            "use {crate::d as e, tera::Tera}; fn f() { e::g() }",
            &["d"],
            &["tera"],
        );
        assert_leads("x.rs", "use crate::d::{self, It};", &["d"], &[]);
    }

    #[test]
    fn self_and_super_are_the_modules_that_they_mean() {
        assert_leads("a/x.rs", "use super::b::Other;", &["a::b"], &[]);
        assert_leads("a/x/y.rs", "use super::super::c; use super::Up;", &["a::c", "a::x"], &[]);
        assert_leads(
            "a/x.rs",
            "mod tests { use super::super::b; use super::It; }",
            &["a::b", "a::x"],
            &[],
        );
        assert_leads(
            "a/e/mod.rs",
            "mod own { pub struct It; } use self::own::It;",
            &["a::e::own"],
            &[],
        );
    }

    #[test]
    fn what_a_module_hands_on_leads_to_where_it_is() {
        assert_leads("x.rs", "use crate::a::Thing;", &["a", "a::c"], &[]);
        assert_leads("x.rs", "use crate::a::Renamed as Y;", &["a", "a::b"], &[]);
    }

    #[test]
    fn paths_in_expressions_types_attributes_and_macros_are_read() {
        assert_leads(
            "x.rs",
            "fn f(x: crate::a::b::Other) -> Y { crate::d::g(x) }",
            &["a::b", "d"],
            &[],
        );
        assert_leads(
            "x.rs",
            "fn f() { m!(y => [crate::d::g(x), redis::cmd(1)]) }",
            &["d"],
            &["redis"],
        );
        assert_leads("x.rs", "m! { use crate::a::{b::Other, c::*}; }", &["a::b", "a::c"], &[]);
        assert_leads("x.rs", "macro_rules! m { () => { $crate::d::g() } }", &["d"], &[]);
        assert_leads("x.rs", "#[derive(utoipa::ToSchema)] struct X;", &[], &["utoipa"]);
        assert_leads("x.rs", "struct X { #[serde(with = \"crate::d\")] y: u8 }", &["d"], &[]);
        assert_leads("x.rs", "fn f() { use crate::d; if let d::It = x {} }", &["d"], &[]);
        assert_leads("x.rs", "fn f() { ::diesel::insert_into(t) }", &[], &["diesel"]);
        assert_leads("main.rs", "fn main() { portcullis::d::main() }", &["d"], &[]);
    }

    #[test]
    fn a_module_of_the_same_name_is_no_package() {
        assert_leads("a/x.rs", "use super::redis::It; fn f() { redis::g() }", &["a"], &["redis"]);
        assert_leads(
            "x.rs",
            "mod redis { pub struct It; } fn f() { redis::It }",
            &["x::redis"],
            &[],
        );
        assert_leads(
            "x.rs",
            "// use redis::It\n/// [`redis::It`]\nfn f() { \"redis::It\" }",
            &[],
            &[],
        );
    }
}
