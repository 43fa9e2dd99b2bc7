//! What a run found, for people and for programs.
//!
//! Owns the one result and where it is written: text by `Display`, JSON by `Serialize`, a page
//! and pictures by [`html`] and [`chart`]. Everything a reader needs to repeat the run (seed,
//! window, pace) is in it. The renderings only read; none of them judges.

mod chart;
mod figure;
mod html;
pub(crate) mod number;
mod result;
#[cfg(test)]
mod sample;
mod scale;
mod schedule;
mod text;

use std::fs;
use std::path::Path;

use serde::Serialize;

pub use result::Report;
pub(crate) use result::{Latencies, Setting, Traffic};
pub(crate) use schedule::Schedule;

/// Where the report goes besides the terminal.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Files<'a> {
    pub(crate) json: Option<&'a Path>,
    pub(crate) html: Option<&'a Path>,
    /// Each chart as a file of its own.
    pub(crate) svg_dir: Option<&'a Path>,
}

impl Files<'_> {
    /// Refuses before the run what could not be written after it.
    pub(crate) fn check(&self) -> Result<(), String> {
        for path in [self.json, self.html].into_iter().flatten() {
            let dir = path.parent().filter(|dir| !dir.as_os_str().is_empty());
            if dir.is_some_and(|dir| !dir.is_dir()) {
                return Err(format!(
                    "{}: there is no such directory to write it in",
                    path.display()
                ));
            }
        }
        self.svg_dir.map_or(Ok(()), make_dir)
    }
}

impl Report {
    /// Writes what is asked for. The error names the file.
    pub(crate) fn write(&self, files: &Files<'_>) -> Result<(), String> {
        if let Some(path) = files.json {
            write_json(path, self)?;
        }
        if let Some(path) = files.html {
            write(path, html::Page(self).to_string().as_bytes())?;
        }
        if let Some(dir) = files.svg_dir {
            make_dir(dir)?;
            for figure in figure::figures(self) {
                let path = dir.join(figure.chart.id).with_extension("svg");
                write(&path, figure.chart.alone().to_string().as_bytes())?;
            }
        }
        Ok(())
    }
}

fn make_dir(dir: &Path) -> Result<(), String> {
    fs::create_dir_all(dir).map_err(|error| format!("{}: {error}", dir.display()))
}

/// Writes a result for programs.
pub(crate) fn write_json(path: &Path, result: &impl Serialize) -> Result<(), String> {
    let text = serde_json::to_vec_pretty(result).map_err(|error| error.to_string())?;
    write(path, &text)
}

fn write(path: &Path, bytes: &[u8]) -> Result<(), String> {
    fs::write(path, bytes).map_err(|error| format!("{}: {error}", path.display()))
}
