//! Files of one kind, told apart by a number in their names.

use std::io;

use crate::disk::Disk;

/// How the files of a kind are named: the number between these, in decimal, with 16 digits at least.
#[derive(Clone, Copy, Debug)]
pub(super) struct Numbered {
    pub(super) prefix: &'static str,
    pub(super) suffix: &'static str,
}

impl Numbered {
    /// A file's name.
    pub(super) fn name(self, number: u64) -> String {
        let Self { prefix, suffix } = self;
        format!("{prefix}{number:016}{suffix}")
    }

    /// The numbers of all such files on the disk, ascending.
    pub(super) fn all(self, disk: &dyn Disk) -> io::Result<Vec<u64>> {
        let parse = |found: &String| {
            let digits = found.strip_prefix(self.prefix)?.strip_suffix(self.suffix)?;
            let number = digits.parse().ok()?;
            (self.name(number) == *found).then_some(number)
        };
        let mut numbers: Vec<u64> = disk.list()?.iter().filter_map(parse).collect();
        numbers.sort_unstable();
        Ok(numbers)
    }
}
