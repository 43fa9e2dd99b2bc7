//! The files that tidy looks at.
//!
//! Owns reading them: what git tracks and what it would track if added, so that a new file is
//! judged before it is committed. Refuses to follow links or look at ignored files. Paths are
//! relative to the root, with `/` between their parts.

use std::{fs, io};

use crate::{failure::Failure, project::Project};

/// One file: its text, or none if it is not text.
#[derive(Debug)]
pub(super) struct TrackedFile {
    pub(super) path: String,
    pub(super) text: Option<String>,
}

/// A file that is text.
#[derive(Debug, Clone, Copy)]
pub(super) struct TextFile<'a> {
    pub(super) path: &'a str,
    pub(super) text: &'a str,
}

/// All files of the repository.
#[derive(Debug)]
pub(super) struct Tree {
    files: Vec<TrackedFile>,
}

impl Tree {
    pub(super) fn read(project: &Project) -> Result<Self, Failure> {
        // In CI the checkout often belongs to another user than the one who builds; git refuses to
        // read it then, unless told for this one command that we know.
        let list = project.call(
            "git",
            [
                "-c",
                "safe.directory=*",
                "ls-files",
                "-z",
                "--cached",
                "--others",
                "--exclude-standard",
            ],
        );
        let listed = String::from_utf8(list.read()?)
            .map_err(|e| Failure::Unexpected { call: list.spelled(), what: e.to_string() })?;
        let mut files = Vec::new();
        for path in listed.split_terminator('\0') {
            let absolute = project.root.join(path);
            match fs::symlink_metadata(&absolute).and_then(|found| {
                if found.is_file() { fs::read(&absolute).map(Some) } else { Ok(None) }
            }) {
                Ok(bytes) => {
                    files.push(TrackedFile { path: path.to_owned(), text: bytes.and_then(text) });
                }
                // Removed from the working tree and not yet from the index.
                Err(e) if e.kind() == io::ErrorKind::NotFound => {}
                Err(source) => return Err(Failure::Disk { path: absolute, source }),
            }
        }
        Ok(Self { files })
    }

    #[cfg(test)]
    pub(super) fn of(files: &[(&str, &str)]) -> Self {
        let file = |&(path, text): &(&str, &str)| TrackedFile {
            path: path.to_owned(),
            text: Some(text.to_owned()),
        };
        Self { files: files.iter().map(file).collect() }
    }

    pub(super) fn len(&self) -> usize {
        self.files.len()
    }

    /// Whether this is a file, or a directory with a file in it.
    pub(super) fn contains(&self, path: &str) -> bool {
        let below = |file: &str| file.strip_prefix(path).is_some_and(|rest| rest.starts_with('/'));
        path.is_empty() || self.files.iter().any(|file| file.path == path || below(&file.path))
    }

    pub(super) fn paths(&self) -> impl Iterator<Item = &str> {
        self.files.iter().map(|file| file.path.as_str())
    }

    pub(super) fn texts(&self) -> impl Iterator<Item = TextFile<'_>> {
        self.files
            .iter()
            .filter_map(|file| Some(TextFile { path: &file.path, text: file.text.as_deref()? }))
    }

    pub(super) fn texts_in(&self, extension: &'static str) -> impl Iterator<Item = TextFile<'_>> {
        self.texts().filter(move |file| file.extension() == Some(extension))
    }
}

impl<'a> TextFile<'a> {
    /// Lines with their numbers, counted from 1.
    pub(super) fn lines(self) -> impl Iterator<Item = (usize, &'a str)> {
        self.text.lines().zip(1..).map(|(line, number)| (number, line))
    }

    pub(super) fn extension(self) -> Option<&'a str> {
        self.name().rsplit_once('.').map(|(_, extension)| extension)
    }

    pub(super) fn name(self) -> &'a str {
        self.path.rsplit('/').next().unwrap_or(self.path)
    }
}

fn text(bytes: Vec<u8>) -> Option<String> {
    String::from_utf8(bytes).ok().filter(|text| !text.contains('\0'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_directory_is_there_if_a_file_in_it_is() {
        let tree = Tree::of(&[("docs/a.md", "")]);
        assert!(tree.contains("docs") && tree.contains("docs/a.md") && tree.contains(""));
        assert!(!tree.contains("doc") && !tree.contains("docs/a"));
    }

    #[test]
    fn bytes_that_are_not_text_have_no_text() {
        assert_eq!(text(vec![0xff, 0xfe]), None);
        assert_eq!(text(b"a\0b".to_vec()), None);
        assert_eq!(text(b"ab".to_vec()).as_deref(), Some("ab"));
    }
}
