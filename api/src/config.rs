//! Configuration: file, environment and command line become plain options, or every problem told.
//!
//! This module alone reads configuration files and the environment. Later sources win: defaults,
//! then the file, then `RUSHGATE__SECTION__KEY`, then the command line. Unknown keys are refused
//! wherever they come from. Sections are declared in the files of this folder and read by [`sections`]; without a file the
//! program runs the demo sale of `config/demo.toml`, which is built in.

mod arbiter;
#[cfg(test)]
mod describe;
mod jwt;
mod keys;
mod kinds;
mod limits;
mod log;
mod options;
mod pipeline;
mod reader;
mod section;
mod sections;
mod selling;
mod server;
mod shop;
mod small;
#[cfg(test)]
mod tests;
mod zone;

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};

use engine::spec::SaleSpec;

pub use arbiter::ArbiterKind;
pub use kinds::{Secret, Text};
pub use options::Config;
pub use pipeline::{BUILT_IN_SINKS, Sink};
pub use selling::{Card, Deals, KakaoPay, Media, Payments, Push};
pub use shop::{Doubles, Google, Hidden, Kakao, Login, Mail, Shop, Tax, Url, Word};
pub use zone::Zone;

use crate::wire::{FieldProblem, Node, Problems};

/// The demo: what runs without a configuration file.
const DEMO: &str = include_str!("../../config/demo.toml");

/// The start of every environment variable that is configuration.
const ENVIRONMENT_PREFIX: &str = "RUSHGATE__";

/// The largest configuration file that is read, in bytes.
const FILE_BYTES_MAX: u64 = 4 * 1024 * 1024;

/// What the command line sets over file and environment.
#[derive(Clone, Debug, Default)]
pub struct Overrides {
    /// `--listen`.
    pub listen: Option<String>,
    /// `--ops-listen`.
    pub ops_listen: Option<String>,
    /// `--data`.
    pub data: Option<String>,
    /// `--node`.
    pub node: Option<String>,
    /// `--rebuild-store`.
    pub rebuild_store: bool,
}

/// Why there is no configuration to run with; the program exits 2.
#[derive(Debug)]
pub enum ConfigError {
    /// The file cannot be read.
    Unreadable(PathBuf, std::io::Error),
    /// The file is not TOML; the text names the line.
    NotToml(PathBuf, String),
    /// Keys with wrong values, all of them.
    Invalid(Vec<FieldProblem>),
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unreadable(path, error) => write!(f, "cannot read {}: {error}", path.display()),
            Self::NotToml(path, text) => write!(f, "{} is not TOML: {text}", path.display()),
            Self::Invalid(problems) => {
                f.write_str("the configuration is not valid:")?;
                problems.iter().try_for_each(|problem| write!(f, "\n  {problem}"))
            }
        }
    }
}

impl std::error::Error for ConfigError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Unreadable(_, error) => Some(error),
            Self::NotToml(..) | Self::Invalid(_) => None,
        }
    }
}

/// Reads the configuration of this process: `file` or the demo, its environment, `overrides`.
pub fn load(file: Option<&Path>, overrides: Overrides) -> Result<Config, ConfigError> {
    let environment = std::env::vars_os().filter_map(|(name, value)| {
        let name = name.into_string().ok()?;
        name.starts_with(ENVIRONMENT_PREFIX).then(|| (name, value.to_string_lossy().into_owned()))
    });
    let text = file.map(read_file).transpose()?;
    let (path, text) = (file.unwrap_or_else(|| Path::new("demo")), text.as_deref());
    build(path, text.unwrap_or(DEMO), environment, overrides)
}

/// The same for a program that mounts nothing: its only sinks are those of the list.
pub fn load_alone(file: Option<&Path>, overrides: Overrides) -> Result<Config, ConfigError> {
    let config = load(file, overrides)?;
    let mut problems = Problems::default();
    config.pipeline.check_alone(&mut problems);
    problems.check(config).map_err(ConfigError::Invalid)
}

/// The sales of the built-in demo.
pub fn demo_sales() -> Vec<SaleSpec> {
    let config = build(Path::new("demo"), DEMO, std::iter::empty(), Overrides::default());
    config.map(|config| config.sales).unwrap_or_default()
}

fn read_file(path: &Path) -> Result<String, ConfigError> {
    let unreadable = |error| ConfigError::Unreadable(path.to_owned(), error);
    let length = std::fs::metadata(path).map_err(unreadable)?.len();
    if length > FILE_BYTES_MAX {
        return Err(unreadable(std::io::Error::other("it is larger than 4 MiB")));
    }
    std::fs::read_to_string(path).map_err(unreadable)
}

fn build(
    path: &Path,
    text: &str,
    environment: impl Iterator<Item = (String, String)>,
    overrides: Overrides,
) -> Result<Config, ConfigError> {
    let table: toml::Table = toml::from_str(text)
        .map_err(|error| ConfigError::NotToml(path.to_owned(), where_and_why(&error, text)))?;
    let mut layers = Layers {
        document: node_of(toml::Value::Table(table)),
        sources: BTreeMap::new(),
        problems: Problems::default(),
    };
    environment.for_each(|(name, value)| layers.set_variable(name, value));
    layers.set_command_line(overrides);
    let Layers { document, sources, mut problems } = layers;
    let config = sections::read(&document, &mut problems);
    problems.check(config).map_err(|problems| ConfigError::Invalid(told(problems, &sources)))
}

/// A TOML value as a document's; dates become their text.
fn node_of(value: toml::Value) -> Node {
    match value {
        toml::Value::String(text) => Node::Text(text),
        toml::Value::Integer(number) => Node::Integer(number.into()),
        toml::Value::Float(number) => Node::Float(number),
        toml::Value::Boolean(value) => Node::Bool(value),
        toml::Value::Datetime(time) => Node::Text(time.to_string()),
        toml::Value::Array(values) => Node::List(values.into_iter().map(node_of).collect()),
        toml::Value::Table(table) => {
            Node::Table(table.into_iter().map(|(name, value)| (name, node_of(value))).collect())
        }
    }
}

/// What is wrong with a file that is not TOML. The parser's own words show the line, which may hold a secret.
fn where_and_why(error: &toml::de::Error, text: &str) -> String {
    let at = error.span().map_or(0, |span| span.start);
    let before = text.get(..at).unwrap_or(text);
    let line = before.matches('\n').count() + 1;
    let column = before.rsplit('\n').next().unwrap_or_default().chars().count() + 1;
    format!("line {line}, column {column}: {}", error.message())
}

/// The file, and what is laid over it.
struct Layers {
    document: Node,
    /// By what the keys that do not stand as in the file were set: a variable or an option.
    sources: BTreeMap<String, String>,
    problems: Problems,
}

impl Layers {
    fn set_variable(&mut self, name: String, value: String) {
        let lower = name[ENVIRONMENT_PREFIX.len()..].to_ascii_lowercase();
        let section_and_key = lower.rsplit_once("__");
        let section_and_key = section_and_key.map(|(part, key)| (part.replace("__", "."), key));
        match section_and_key {
            Some((section, key))
                if section != "sale"
                    && !key.is_empty()
                    && (!section.contains('.') || sections::NESTED.contains(&section.as_str())) =>
            {
                self.set((&section, key), value, name);
            }
            _ => self.problems.note_stray(
                name,
                "this variable names no key",
                "use RUSHGATE__SECTION__KEY; sales are set in the file or by the admin API",
            ),
        }
    }

    fn set_command_line(&mut self, overrides: Overrides) {
        let options = [
            (("server", "listen"), "--listen", overrides.listen),
            (("server", "ops_listen"), "--ops-listen", overrides.ops_listen),
            (("server", "node"), "--node", overrides.node),
            (("data", "dir"), "--data", overrides.data),
            (
                ("redis", "rebuild_store"),
                "--rebuild-store",
                overrides.rebuild_store.then(|| "true".to_owned()),
            ),
        ];
        for (key, option, value) in options {
            if let Some(value) = value {
                self.set(key, value, option.to_owned());
            }
        }
    }

    fn set(&mut self, (section, key): (&str, &str), value: String, source: String) {
        self.document.set(section, key, Node::Raw(value));
        self.sources.insert(format!("{section}.{key}"), source);
    }
}

/// The manual, or the example file, with all sections as they should be.
#[cfg(test)]
fn described(text: &str, is_manual: bool) -> String {
    fn one<S: section::Section>(text: &str, is_manual: bool) -> String {
        if is_manual { describe::in_manual::<S>(text) } else { describe::in_example::<S>(text) }
    }
    let sections = [
        one::<server::Server>,
        one::<limits::Limits>,
        one::<small::Data>,
        one::<arbiter::Arbiter>,
        one::<arbiter::Redis>,
        one::<keys::Keys>,
        one::<jwt::Jwt>,
        one::<pipeline::Pipeline>,
        one::<small::Pages>,
        one::<Shop>,
        one::<Mail>,
        one::<Kakao>,
        one::<Google>,
        one::<Tax>,
        one::<Deals>,
        one::<KakaoPay>,
        one::<Card>,
        one::<Media>,
        one::<Push>,
        one::<Doubles>,
        one::<log::Log>,
    ];
    sections.into_iter().fold(text.to_owned(), |text, section| section(&text, is_manual))
}

/// Problems with the words where to look for them, if not in the file.
fn told(problems: Vec<FieldProblem>, sources: &BTreeMap<String, String>) -> Vec<FieldProblem> {
    let told = |mut problem: FieldProblem| {
        if let Some(source) = sources.get(&problem.field) {
            problem.found.push_str(" in ");
            problem.found.push_str(source);
        }
        problem
    };
    problems.into_iter().map(told).collect()
}
