//! No circles among the files of a crate, nor among the modules of one folder.
//!
//! A file stands on another if it names something that is defined there, whatever it is re-exported
//! through on the way. A module that only re-exports what its children define does not stand on
//! them. One that uses it does, and then the children cannot use the module: what both need belongs
//! in a file below both. Of two modules in one folder, each with all that is in it, only one may stand
//! on the other. Tests stand on what they like.
//!
//! Owns the graph of a crate and the search for its circles; [`source`] reads the files. What a
//! method call or an inferred type needs is not seen.

mod source;

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use self::source::Source;
use super::{finding::Finding, tree::Tree};

/// How many re-exports a name is followed through.
const RE_EXPORTS_MAX: usize = 8;

pub(super) fn circles(tree: &Tree) -> Vec<Finding> {
    let mut crates: BTreeMap<&str, Vec<(&str, &str)>> = BTreeMap::new();
    for file in tree.texts_in("rs") {
        if let Some((home, _)) = file.path.split_once("/src/") {
            crates.entry(home).or_default().push((file.path, file.text));
        }
    }
    crates.into_iter().flat_map(|(home, files)| of_crate(home, &files)).collect()
}

fn of_crate(home: &str, files: &[(&str, &str)]) -> Vec<Finding> {
    let mut findings = Vec::new();
    let root = format!("{home}/src/");
    let has_lib = files.iter().any(|(path, _)| *path == format!("{root}lib.rs"));
    let mut graph = Graph::default();
    for &(path, text) in files {
        let inner = path.trim_start_matches(&root).trim_end_matches(".rs");
        let module: Module = match inner {
            "lib" => Vec::new(),
            "main" if !has_lib => Vec::new(),
            _ => inner.split('/').map(str::to_owned).collect(),
        };
        match Source::read(text) {
            Ok(source) => drop(graph.modules.insert(module, (path.to_owned(), source))),
            Err(error) => findings.push(Finding::of_file(path, format!("is no Rust: {error}"))),
        }
    }
    graph.leave_tests_out();
    let files = graph.files();
    let path = |module: &Module| graph.modules[module].0.clone();
    let mut circles = told("files", &root, &files, path);
    if circles.is_empty() {
        let folder = |module: &Module| format!("{root}{}", module.join("/"));
        circles = told("modules", &root, &neighbours(&files), folder);
    }
    findings.extend(circles);
    findings
}

/// The circles of a graph whose modules have these paths.
fn told(what: &str, root: &str, graph: &Edges, path: impl Fn(&Module) -> String) -> Vec<Finding> {
    let finding = |circle: Vec<Step>| {
        let paths: Vec<String> = circle.iter().map(|step| path(&step.from)).collect();
        let shown = |path: &String| path.trim_start_matches(root).to_owned();
        let names = circle.iter().map(|step| &step.name);
        let steps = paths.iter().zip(names).map(|(at, name)| format!("{} ─ {name} ─▶ ", shown(at)));
        let steps: String = steps.collect();
        let words = format!("a circle of {what}: {steps}{}", shown(&paths[0]));
        Finding::of_file(&paths[0], words)
    };
    circles_of(graph).into_iter().map(finding).collect()
}

/// The modules of each folder, and which of them stand on which.
fn neighbours(files: &Edges) -> Edges {
    let mut edges = Edges::new();
    for Step { from, name, next } in files.values().flatten() {
        let shared = from.iter().zip(next).take_while(|(a, b)| a == b).count();
        if shared < from.len() && shared < next.len() {
            let (from, next) = (from[..=shared].to_vec(), next[..=shared].to_vec());
            let steps = edges.entry(from.clone()).or_default();
            if steps.iter().all(|step| step.next != next) {
                steps.push(Step { from, name: name.clone(), next });
            }
        }
    }
    edges
}

/// A module's path below its crate.
type Module = Vec<String>;

/// One edge: a module, and what it names of the next one.
#[derive(Clone, Debug)]
struct Step {
    from: Module,
    name: String,
    next: Module,
}

/// What each module stands on.
type Edges = BTreeMap<Module, Vec<Step>>;

/// The modules of one crate that are files, with their paths.
#[derive(Debug, Default)]
struct Graph {
    modules: BTreeMap<Module, (String, Source)>,
}

impl Graph {
    /// Files that only tests are made of are no part of the crate.
    fn leave_tests_out(&mut self) {
        let tests: BTreeSet<Module> = self
            .modules
            .iter()
            .flat_map(|(module, (_, source))| {
                source
                    .tests
                    .iter()
                    .map(|name| [module.as_slice(), std::slice::from_ref(name)].concat())
            })
            .collect();
        self.modules.retain(|module, _| !tests.iter().any(|test| module.starts_with(test)));
    }

    /// Which files stand on which.
    fn files(&self) -> Edges {
        self.modules.keys().map(|module| (module.clone(), self.steps(module))).collect()
    }

    /// The files that a module stands on.
    fn steps(&self, module: &Module) -> Vec<Step> {
        let Some((_, source)) = self.modules.get(module) else { return Vec::new() };
        let mut steps: BTreeMap<Module, String> = BTreeMap::new();
        let mut stand = |next: Option<Module>, path: &[String]| {
            if let Some(next) = next.filter(|next| next != module) {
                steps.entry(next).or_insert_with(|| path.last().cloned().unwrap_or_default());
            }
        };
        for import in &source.uses {
            let next = self.defines(module, &import.path, RE_EXPORTS_MAX);
            let is_facade = import.is_public
                && next.as_ref().is_some_and(|next| next.starts_with(module))
                && !source.names.contains(&import.name);
            if !is_facade {
                stand(next, &import.path);
            }
        }
        for path in &source.paths {
            stand(self.defines(module, path, RE_EXPORTS_MAX), path);
        }
        let step = |(next, name)| Step { from: module.clone(), name, next };
        steps.into_iter().map(step).collect()
    }

    /// The module that defines what a path means in `module`; `None` if that is not of this crate.
    fn defines(&self, module: &Module, path: &[String], left: usize) -> Option<Module> {
        let left = left.checked_sub(1)?;
        let (_, source) = self.modules.get(module)?;
        let ups = path.iter().take_while(|part| *part == "super").count();
        let (mut at, mut rest) = match path.first()?.as_str() {
            "crate" => (Module::new(), &path[1..]),
            "self" => (module.clone(), &path[1..]),
            "super" => (module[..module.len().checked_sub(ups)?].to_vec(), &path[ups..]),
            child if source.children.contains(child) => (module.clone(), path),
            _ => return None,
        };
        while let Some((child, more)) = rest.split_first() {
            let below = [at.as_slice(), std::slice::from_ref(child)].concat();
            if !self.modules.contains_key(&below) {
                break;
            }
            (at, rest) = (below, more);
        }
        let (_, source) = self.modules.get(&at)?;
        let Some(item) = rest.first().filter(|item| *item != "*") else { return Some(at) };
        if let Some(import) = source.uses.iter().find(|import| import.name == *item) {
            return self.defines(&at, &import.path, left);
        }
        let globs = source.uses.iter().filter(|import| import.name == "*" && import.is_public);
        let mut through = globs.filter_map(|import| {
            let (_, all) = import.path.split_last()?;
            let found = self.defines(&at, &[all, std::slice::from_ref(item)].concat(), left)?;
            self.modules[&found].1.defined.contains(item).then_some(found)
        });
        through.next().or(Some(at))
    }
}

/// Circles that have no module in common, each as short as any through its first module.
fn circles_of(edges: &Edges) -> Vec<Vec<Step>> {
    let mut found = BTreeSet::new();
    let mut circles = Vec::new();
    for module in edges.keys() {
        if found.contains(module) {
            continue;
        }
        if let Some(circle) = shortest(edges, module) {
            found.extend(circle.iter().map(|step| step.next.clone()));
            circles.push(circle);
        }
    }
    circles
}

/// A shortest way from a module back to itself.
fn shortest(edges: &Edges, start: &Module) -> Option<Vec<Step>> {
    let mut ways = VecDeque::from([(start.clone(), Vec::new())]);
    let mut seen = BTreeSet::new();
    while let Some((at, way)) = ways.pop_front() {
        for step in edges.get(&at).into_iter().flatten() {
            let way = [way.as_slice(), std::slice::from_ref(step)].concat();
            if step.next == *start {
                return Some(way);
            }
            if seen.insert(step.next.clone()) {
                ways.push_back((step.next.clone(), way));
            }
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn faults(files: &[(&str, &str)]) -> Vec<String> {
        circles(&Tree::of(files)).iter().map(|finding| finding.what.clone()).collect()
    }

    #[test]
    fn two_files_that_name_each_other_are_a_circle_and_one_way_is_none() {
        let lib = ("c/src/lib.rs", "pub mod a;\npub mod b;\n");
        let a = ("c/src/a.rs", "use crate::b::B;\npub struct A(B);\n");
        let back = ("c/src/b.rs", "pub struct B;\nfn f() -> crate::a::A { g() }\n");
        assert_eq!(faults(&[lib, a, ("c/src/b.rs", "pub struct B;\n")]), [""; 0]);
        assert_eq!(faults(&[lib, a, back]), ["a circle of files: a.rs ─ B ─▶ b.rs ─ A ─▶ a.rs"]);
        let elsewhere = ("d/src/b.rs", back.1);
        assert_eq!(faults(&[lib, a, elsewhere]), [""; 0], "another crate is another graph");
    }

    #[test]
    fn a_name_counts_where_it_is_defined_and_not_where_it_is_re_exported() {
        let lib = ("c/src/lib.rs", "mod a;\nmod b;\n");
        let a = ("c/src/a.rs", "mod x;\nmod y;\npub use x::X;\npub(crate) use self::y::*;\n");
        let x = ("c/src/a/x.rs", "use super::Y;\npub struct X(Y);\n");
        let y = ("c/src/a/y.rs", "pub struct Y;\n");
        let b = ("c/src/b.rs", "use crate::a::{self, X};\npub struct B(X, a::Y);\n");
        assert_eq!(faults(&[lib, a, x, y, b]), [""; 0]);
        let upside = ("c/src/a/y.rs", "pub struct Y(crate::b::B);\n");
        let expected = ["a circle of files: a/x.rs ─ Y ─▶ a/y.rs ─ B ─▶ b.rs ─ X ─▶ a/x.rs"];
        assert_eq!(faults(&[lib, a, x, upside, b]), expected);
    }

    #[test]
    fn a_module_that_uses_its_children_is_not_used_by_them() {
        let lib = ("c/src/lib.rs", "mod a;\n");
        let child = ("c/src/a/x.rs", "use super::A;\npub(in crate::a) struct X;\nimpl A {}\n");
        let uses = ("c/src/a.rs", "mod x;\npub use x::X;\npub struct A(X);\n");
        let circle = ["a circle of files: a.rs ─ X ─▶ a/x.rs ─ A ─▶ a.rs"];
        assert_eq!(faults(&[lib, child, uses]), circle);
        let by_path = ("c/src/a.rs", "mod x;\npub struct A;\nfn f() { x::g() }\n");
        assert_eq!(
            faults(&[lib, child, by_path]),
            ["a circle of files: a.rs ─ g ─▶ a/x.rs ─ A ─▶ a.rs"]
        );
        let facade = ("c/src/a.rs", "mod x;\npub use x::X;\npub struct A;\n");
        assert_eq!(faults(&[lib, child, facade]), [""; 0]);
    }

    #[test]
    fn of_two_modules_in_a_folder_one_stands_on_the_other() {
        let lib = ("c/src/lib.rs", "mod a;\nmod b;\n");
        let (a, b) = (("c/src/a.rs", "mod x;\nmod y;\n"), ("c/src/b.rs", "mod z;\n"));
        let x = ("c/src/a/x.rs", "use crate::b::z::Z;\n");
        let y = ("c/src/a/y.rs", "pub struct Y;\n");
        let below = ("c/src/b/z.rs", "pub struct Z;\n");
        assert_eq!(faults(&[lib, a, b, x, y, below]), [""; 0]);
        let back = ("c/src/b/z.rs", "use crate::a::y::Y;\npub struct Z;\n");
        let circle = ["a circle of modules: a ─ Z ─▶ b ─ Y ─▶ a"];
        assert_eq!(faults(&[lib, a, b, x, y, back]), circle);
    }

    #[test]
    fn tests_comments_and_texts_name_nothing() {
        let lib = ("c/src/lib.rs", "mod a;\nmod b;\n");
        let b = ("c/src/b.rs", "use crate::a::A;\n#[cfg(test)]\nmod tests;\n");
        let tests = ("c/src/b/tests.rs", "use super::*;\nuse crate::a::A;\n");
        let a = "//! See crate::b::B.\npub struct A;\nconst T: &str = \"crate::b::B\";\n\
                 #[cfg(test)]\nuse crate::b::{B, C};\n\
                 #[cfg(test)]\nmod tests {\n    use crate::b::B;\n}\n\
                 impl A {\n    #[cfg(test)]\n    fn f() -> crate::b::B { g() }\n}\n";
        assert_eq!(faults(&[lib, ("c/src/a.rs", a), b, tests]), [""; 0]);
        let after = format!("{a}fn g() -> crate::b::B {{ h() }}\n");
        assert_eq!(faults(&[lib, ("c/src/a.rs", &after), b, tests]).len(), 1);
    }

    #[test]
    fn macros_and_inline_modules_name_what_they_name() {
        let lib = ("c/src/lib.rs", "mod a;\nmod b;\n");
        let b = ("c/src/b.rs", "use crate::a::A;\n");
        let macros = ("c/src/a.rs", "pub struct A;\nfn f() { say!(\"{}\", crate::b::B) }\n");
        assert_eq!(faults(&[lib, macros, b]).len(), 1);
        let inline = ("c/src/a.rs", "pub struct A;\nmod i {\n    use super::A;\n}\n");
        assert_eq!(faults(&[lib, inline, b]), [""; 0]);
        let deeper = ("c/src/a.rs", "pub struct A;\nmod i {\n    use super::super::b::B;\n}\n");
        assert_eq!(faults(&[lib, deeper, b]).len(), 1);
    }
}
