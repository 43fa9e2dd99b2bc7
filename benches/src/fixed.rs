//! One fixed answer to everyone, as the ceilings are told it: status, headers and a file.

use std::{fs, io, path::PathBuf};

use clap::Args;

/// The answer as it stands on the command line.
#[derive(Clone, Debug, Args)]
pub struct FixedArguments {
    /// The status of every answer.
    #[arg(long, default_value_t = 200, value_parser = clap::value_parser!(u16).range(200..600))]
    pub status: u16,
    /// A header of every answer, as `name: value`; the server adds the length and the date.
    #[arg(long = "header", value_parser = header)]
    pub headers: Vec<(String, String)>,
    /// A file with the body of every answer.
    #[arg(long)]
    pub body: PathBuf,
}

impl FixedArguments {
    /// The body.
    ///
    /// # Errors
    ///
    /// If the file cannot be read; the error names it.
    pub fn read_body(&self) -> io::Result<Vec<u8>> {
        let named = |error| io::Error::other(format!("{}: {error}", self.body.display()));
        fs::read(&self.body).map_err(named)
    }
}

fn header(text: &str) -> Result<(String, String), &'static str> {
    let (name, value) = text.split_once(": ").ok_or("a header is `name: value`")?;
    Ok((name.to_owned(), value.to_owned()))
}
