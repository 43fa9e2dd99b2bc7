//! The section of what is logged.

use serde::{Deserialize, Serialize};

use super::kinds::{FromText, Kind, Span, Text, Whole};
use super::section::section;
use crate::access::AccessOptions;
use crate::logging::LogFormat;

section! {
    /// What is logged.
    Log = "log" {
        /// which events are logged
        filter: Text<Filter> = Text(Filter("info".to_owned())),
        /// `text` for people, `json` for machines
        format: Format = Format::Text,
        /// one request in this many is logged whatever its outcome; 1: all, 0: no samples.
        /// As far as `access_per_second` allows: [the access log](#the-access-log)
        access_sample: Whole<0, 1_000_000_000> = Whole::of(1_000),
        /// an answer that takes this long is always logged
        access_slow_ms: Span<1, 600_000> = Span::of_ms(1_000),
        /// events of each kind in a second; 0: no access log
        access_per_second: Whole<0, 1_000_000> = Whole::of(100),
    }
}

impl Log {
    /// Which requests are worth an event.
    pub fn access(&self) -> AccessOptions {
        AccessOptions {
            sample: self.access_sample.as_u32(),
            slow: self.access_slow_ms.get(),
            per_second: self.access_per_second.as_u32(),
        }
    }
}

/// A `tracing` filter that can be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Filter(pub String);

impl FromText for Filter {
    const ALLOWED: &'static str = "a tracing filter, as info or info,api=debug";

    fn from_text(text: &str) -> Option<Self> {
        let parsed = text.parse::<tracing_subscriber::filter::Targets>();
        parsed.is_ok().then(|| Self(text.to_owned()))
    }

    fn to_text(&self) -> String {
        self.0.clone()
    }
}

/// How a line of the log looks.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Format {
    /// For people.
    Text,
    /// One object a line.
    Json,
}

impl Kind for Format {
    fn allowed() -> String {
        "text, json".to_owned()
    }

    #[cfg(test)]
    fn range() -> String {
        String::new()
    }
}

impl From<Format> for LogFormat {
    fn from(format: Format) -> Self {
        match format {
            Format::Text => Self::Text,
            Format::Json => Self::Json,
        }
    }
}
