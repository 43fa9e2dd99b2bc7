//! The files under test, read where they are.

use std::{fs, path::PathBuf};

use serde_json::Value;

/// A path of the repository.
pub(crate) fn path(inside: &str) -> PathBuf {
    PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/..")).join(inside)
}

pub(crate) fn text(inside: &str) -> String {
    fs::read_to_string(path(inside)).unwrap_or_else(|error| panic!("{inside}: {error}"))
}

/// The documents of a YAML file.
pub(crate) fn yaml(inside: &str) -> Vec<Value> {
    serde_saphyr::from_multiple(&text(inside)).unwrap_or_else(|error| panic!("{inside}: {error}"))
}
