//! The sections that have one key.

use std::{path::PathBuf, time::Duration};

use super::kinds::{FromText, Text, Whole};
use super::section::section;

section! {
    /// Where the journal lives.
    Data = "data" {
        /// the data directory, made if it is not there
        dir: Text<PathBuf> = Text(PathBuf::from("data")),
        /// seconds that a sale has been over before it is archived by itself.
        /// See [archived sales](#archived-sales)
        archive_after_seconds ("604800", "when an operator says so"): Option<Whole<1, 315_360_000>> = None,
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

impl Data {
    /// How long a sale has been over before it is archived by itself.
    pub fn archive_after(&self) -> Option<Duration> {
        self.archive_after_seconds.map(|seconds| Duration::from_secs(seconds.get()))
    }
}
