//! The sections that have one key.

use std::path::PathBuf;

use super::kinds::{FromText, Text};
use super::section::section;

section! {
    /// Where the journal lives.
    Data = "data" {
        /// the data directory, made if it is not there
        dir: Text<PathBuf> = Text(PathBuf::from("data")),
    }
}

section! {
    /// The built-in pages.
    Pages = "pages" {
        /// true: the built-in page plays the payment provider; only in a demo
        demo_payment: bool = false,
    }
}

impl FromText for PathBuf {
    const ALLOWED: &'static str = "a path";

    fn from_text(text: &str) -> Option<Self> {
        (!text.is_empty()).then(|| Self::from(text))
    }

    fn to_text(&self) -> String {
        self.display().to_string()
    }
}
