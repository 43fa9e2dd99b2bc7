//! One file's bytes: as seen, as durable, and the changes between the two.

use std::io::{self, ErrorKind};

use super::crash::{Crash, splitmix};

/// A sector: what a disk writes whole or not at all.
const SECTOR_BYTES: usize = 512;

#[derive(Debug)]
enum Change {
    Write { offset: usize, bytes: Vec<u8> },
    Length(usize),
}

/// A file's bytes. Applying all of `unsynced` to `durable` gives `seen`, unless a sync failed.
#[derive(Debug, Default)]
pub(super) struct Content {
    seen: Vec<u8>,
    durable: Vec<u8>,
    unsynced: Vec<Change>,
}

impl Content {
    pub(super) fn durable(bytes: Vec<u8>) -> Self {
        Self { seen: bytes.clone(), durable: bytes, unsynced: Vec::new() }
    }

    pub(super) fn seen(&self) -> &[u8] {
        &self.seen
    }

    pub(super) fn len(&self) -> u64 {
        self.seen.len() as u64
    }

    pub(super) fn read_at(&self, buffer: &mut [u8], offset: u64) -> usize {
        let offset = usize::try_from(offset).unwrap_or(usize::MAX).min(self.seen.len());
        let read = buffer.len().min(self.seen.len() - offset);
        buffer[..read].copy_from_slice(&self.seen[offset..offset + read]);
        read
    }

    pub(super) fn write(&mut self, bytes: &[u8], offset: u64) -> io::Result<()> {
        let offset = usize::try_from(offset).map_err(|_| ErrorKind::FileTooLarge)?;
        write(&mut self.seen, bytes, offset);
        self.unsynced.push(Change::Write { offset, bytes: bytes.to_vec() });
        Ok(())
    }

    pub(super) fn set_len(&mut self, length: u64) -> io::Result<()> {
        let length = usize::try_from(length).map_err(|_| ErrorKind::FileTooLarge)?;
        resize(&mut self.seen, length);
        self.unsynced.push(Change::Length(length));
        Ok(())
    }

    /// Makes the unsynced changes durable; not those that an earlier failed sync lost.
    pub(super) fn sync(&mut self) {
        for change in self.unsynced.drain(..) {
            match change {
                Change::Write { offset, bytes } => write(&mut self.durable, &bytes, offset),
                Change::Length(length) => resize(&mut self.durable, length),
            }
        }
    }

    /// What a failed sync does: the kernel calls the pages clean, readers go on seeing them, and
    /// the disk never gets them.
    pub(super) fn lose_unsynced(&mut self) {
        self.unsynced.clear();
    }

    /// What a power cut leaves.
    pub(super) fn crash(&mut self, crash: Crash, seed: u64) {
        let unsynced = std::mem::take(&mut self.unsynced);
        match crash {
            Crash::Process => {
                self.unsynced = unsynced;
                return;
            }
            Crash::DropUnsynced => {}
            Crash::KeepSectors { .. } => keep_sectors(&mut self.durable, unsynced, seed),
            Crash::KeepPrefix { .. } => keep_prefix(&mut self.durable, unsynced, seed),
        }
        self.seen.clone_from(&self.durable);
    }
}

/// As `Vec::resize`, but as fast without optimisation: simulations make many segments.
fn resize(bytes: &mut Vec<u8>, length: usize) {
    let more = length.saturating_sub(bytes.len());
    bytes.extend_from_slice(&vec![0; more]);
    bytes.truncate(length);
}

fn write(target: &mut Vec<u8>, bytes: &[u8], offset: usize) {
    let end = offset + bytes.len();
    if target.len() < end {
        target.resize(end, 0);
    }
    target[offset..end].copy_from_slice(bytes);
}

fn keep_sectors(durable: &mut Vec<u8>, unsynced: Vec<Change>, mut seed: u64) {
    let mut chosen = || {
        seed = splitmix(seed);
        seed.is_multiple_of(2)
    };
    for change in unsynced {
        match change {
            Change::Length(length) if chosen() => durable.resize(length, 0),
            Change::Length(_) => {}
            Change::Write { mut offset, bytes } => {
                let mut rest = &bytes[..];
                while !rest.is_empty() {
                    let until_next_sector = SECTOR_BYTES - offset % SECTOR_BYTES;
                    let (sector, later) = rest.split_at(rest.len().min(until_next_sector));
                    if chosen() {
                        write(durable, sector, offset);
                    }
                    offset += sector.len();
                    rest = later;
                }
            }
        }
    }
}

fn keep_prefix(durable: &mut Vec<u8>, unsynced: Vec<Change>, seed: u64) {
    // A change of length counts as one byte, so that the cut can fall before or after it.
    let size = |change: &Change| match change {
        Change::Write { bytes, .. } => bytes.len(),
        Change::Length(_) => 1,
    };
    let total: usize = unsynced.iter().map(size).sum();
    let mut kept = usize::try_from(splitmix(seed) % (total as u64 + 1)).unwrap_or_default();
    for change in unsynced {
        let fits = kept.min(size(&change));
        kept -= fits;
        match change {
            Change::Length(length) if fits > 0 => durable.resize(length, 0),
            Change::Length(_) => {}
            Change::Write { offset, bytes } => write(durable, &bytes[..fits], offset),
        }
    }
}
