//! What a rule says of the tree.

use std::fmt;

/// A place where a rule is broken.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Finding {
    /// Relative to the root of the repository.
    pub(super) path: String,
    /// Counted from 1; none if it is about the whole file.
    pub(super) line: Option<usize>,
    pub(super) what: String,
    pub(super) weight: Weight,
}

/// Whether a finding fails the chore.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Weight {
    Fault,
    Remark,
}

impl Finding {
    pub(super) fn of_file(path: &str, what: impl Into<String>) -> Self {
        Self { path: path.to_owned(), line: None, what: what.into(), weight: Weight::Fault }
    }

    pub(super) fn of_line(path: &str, line: usize, what: impl Into<String>) -> Self {
        Self { line: Some(line), ..Self::of_file(path, what) }
    }

    pub(super) fn remark(path: &str, what: impl Into<String>) -> Self {
        Self { weight: Weight::Remark, ..Self::of_file(path, what) }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.path)?;
        if let Some(line) = self.line {
            write!(f, ":{line}")?;
        }
        let weight = match self.weight {
            Weight::Fault => "",
            Weight::Remark => "remark: ",
        };
        write!(f, ": {weight}{}", self.what)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_finding_reads_like_a_compiler_message() {
        let fault = Finding::of_line("a/b.rs", 3, "wrong");
        assert_eq!(fault.to_string(), "a/b.rs:3: wrong");
        assert_eq!(Finding::remark("a/b.rs", "long").to_string(), "a/b.rs: remark: long");
    }
}
