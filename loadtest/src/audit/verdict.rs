//! What a rule came to, and what contradicted it.

use serde::Serialize;

use crate::witness::EXAMPLES_MAX;

/// One rule's result.
#[derive(Clone, Debug, Serialize)]
pub struct Verdict {
    /// The rule, in words.
    pub rule: &'static str,
    /// True when nothing contradicts it.
    pub ok: bool,
    /// What was counted.
    pub seen: String,
    /// What broke it, at most a few.
    pub examples: Vec<String>,
}

impl Verdict {
    pub(super) fn new(rule: &'static str, seen: String, broken: Broken) -> Self {
        Self { rule, ok: broken.count == 0, seen, examples: broken.examples }
    }
}

/// Contradictions to one rule, counted, with the first few kept.
#[derive(Debug, Default)]
pub(super) struct Broken {
    pub(super) count: u64,
    pub(super) examples: Vec<String>,
}

impl Broken {
    pub(super) fn note(&mut self, example: String) {
        self.count += 1;
        if self.examples.len() < EXAMPLES_MAX {
            self.examples.push(example);
        }
    }

    pub(super) fn check(&mut self, holds: bool, example: impl FnOnce() -> String) {
        if !holds {
            self.note(example());
        }
    }
}
