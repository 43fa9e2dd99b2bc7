//! A disk in memory that fails on demand, for simulations and tests.
//!
//! Owns two copies of every file: what a reader sees and what a power cut would leave, with the
//! writes between them in order. Names have the same two copies. A clone is another handle to the
//! same disk. Nothing here is random: a crash that chooses takes a seed.
//!
//! Stricter than most disks: syncing a file does not make its name durable, and writes whose sync
//! failed are never durable, however often they are synced again.

use std::collections::BTreeMap;
use std::io::{self, ErrorKind};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use self::content::Content;
use self::crash::splitmix;
use self::faults::Faults;
use super::{Disk, DiskFile, check_name};

mod content;
mod crash;
mod faults;

pub use self::crash::Crash;

/// A handle to a disk in memory.
#[derive(Clone, Debug, Default)]
pub struct SimDisk {
    state: Arc<Mutex<State>>,
}

/// Identifies a file whatever its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct FileId(u64);

#[derive(Debug, Default)]
struct State {
    names: BTreeMap<String, FileId>,
    /// The names a power cut would leave.
    durable_names: BTreeMap<String, FileId>,
    /// Every state of `names` since they were last durable, oldest first, without the present one.
    passed_names: Vec<BTreeMap<String, FileId>>,
    files: BTreeMap<FileId, Content>,
    files_made: u64,
    /// Which life of the machine this is; a handle from an earlier one is dead.
    life: u64,
    capacity_bytes: Option<u64>,
    faults: Faults,
}

impl SimDisk {
    /// An empty disk without a limit.
    pub fn new() -> Self {
        Self::default()
    }

    /// Ends this life of the machine: open files are dead, faults still planned are forgotten, and
    /// what was not synced stays or goes as `crash` says.
    pub fn crash(&self, crash: Crash) {
        self.state().crash(crash);
    }

    /// The `nth` opening of a file from here, counted from 1, fails with `EIO`.
    pub fn fail_open(&self, nth: u64) {
        self.state().faults.fail_open(nth);
    }

    /// The `nth` sync from here, counted from 1 and over files and directory, fails with `EIO`.
    pub fn fail_sync(&self, nth: u64) {
        self.state().faults.fail_sync(nth);
    }

    /// The `nth` write from here, counted from 1, writes nothing and fails with `kind`.
    pub fn fail_write(&self, nth: u64, kind: ErrorKind) {
        self.state().faults.fail_write(nth, kind);
    }

    /// The `nth` write from here, counted from 1, writes no more than `bytes` and says so.
    pub fn shorten_write(&self, nth: u64, bytes: usize) {
        self.state().faults.shorten_write(nth, bytes);
    }

    /// Lets `changes` more calls that change something succeed; from then on every call fails,
    /// until [`crash`](Self::crash). A write that is cut is among the unsynced ones.
    pub fn cut_power_after(&self, changes: u64) {
        self.state().faults.cut_power_after(changes);
    }

    /// Bounds the bytes of all files together; `None` lifts the bound.
    pub fn set_capacity(&self, bytes: Option<u64>) {
        self.state().capacity_bytes = bytes;
    }

    /// Calls so far that wrote.
    pub fn writes(&self) -> u64 {
        self.state().faults.writes
    }

    /// Calls so far that synced, of files and directory.
    pub fn syncs(&self) -> u64 {
        self.state().faults.syncs
    }

    /// Calls so far that changed something: writes, syncs, lengths and names.
    pub fn changes(&self) -> u64 {
        self.state().faults.changes
    }

    /// A file's content as a reader sees it.
    pub fn contents(&self, name: &str) -> io::Result<Vec<u8>> {
        let state = self.state();
        Ok(state.named(name)?.seen().to_vec())
    }

    /// Replaces a file's content behind everyone's back, durably; makes the file if need be.
    pub fn plant(&self, name: &str, bytes: &[u8]) {
        let mut state = self.state();
        let id = state.names.get(name).copied().unwrap_or_else(|| state.take_id());
        state.files.insert(id, Content::durable(bytes.to_vec()));
        state.names.insert(name.to_owned(), id);
        state.durable_names.insert(name.to_owned(), id);
    }

    /// Flips the bits of `mask` in one byte of a file, durably.
    pub fn flip(&self, name: &str, offset: usize, mask: u8) -> io::Result<()> {
        let mut bytes = self.contents(name)?;
        *bytes.get_mut(offset).ok_or(ErrorKind::InvalidInput)? ^= mask;
        self.plant(name, &bytes);
        Ok(())
    }

    /// A disk of its own with the same files, all durable, and no faults or limit.
    #[must_use]
    pub fn copy(&self) -> Self {
        let copy = Self::new();
        let state = self.state();
        for (name, id) in &state.names {
            copy.plant(name, state.files[id].seen());
        }
        copy
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn handle(&self, id: FileId, life: u64) -> Box<dyn DiskFile> {
        Box::new(SimFile { state: Arc::clone(&self.state), id, life })
    }
}

impl Disk for SimDisk {
    fn list(&self) -> io::Result<Vec<String>> {
        let state = self.state();
        state.faults.powered()?;
        Ok(state.names.keys().cloned().collect())
    }

    fn create(&self, name: &str, length: u64) -> io::Result<Box<dyn DiskFile>> {
        check_name(name)?;
        let mut state = self.state();
        state.faults.change()?;
        if state.names.contains_key(name) {
            return Err(ErrorKind::AlreadyExists.into());
        }
        state.make_room(length)?;
        let mut content = Content::default();
        content.set_len(length)?;
        let id = state.take_id();
        state.files.insert(id, content);
        state.change_names(|names| {
            names.insert(name.to_owned(), id);
        });
        Ok(self.handle(id, state.life))
    }

    fn open(&self, name: &str) -> io::Result<Box<dyn DiskFile>> {
        check_name(name)?;
        let mut state = self.state();
        state.faults.open()?;
        let id = *state.names.get(name).ok_or(ErrorKind::NotFound)?;
        Ok(self.handle(id, state.life))
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        check_name(from)?;
        check_name(to)?;
        let mut state = self.state();
        state.faults.change()?;
        let id = *state.names.get(from).ok_or(ErrorKind::NotFound)?;
        state.change_names(|names| {
            names.remove(from);
            names.insert(to.to_owned(), id);
        });
        Ok(())
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        check_name(name)?;
        let mut state = self.state();
        if !state.names.contains_key(name) {
            state.faults.powered()?;
            return Err(ErrorKind::NotFound.into());
        }
        state.faults.change()?;
        state.change_names(|names| {
            names.remove(name);
        });
        Ok(())
    }

    fn sync_directory(&self) -> io::Result<()> {
        let mut state = self.state();
        state.faults.change()?;
        state.faults.sync()?;
        state.durable_names = state.names.clone();
        state.passed_names.clear();
        Ok(())
    }

    fn free_bytes(&self) -> io::Result<u64> {
        let state = self.state();
        state.faults.powered()?;
        Ok(state.free_bytes())
    }
}

impl State {
    fn take_id(&mut self) -> FileId {
        self.files_made += 1;
        FileId(self.files_made)
    }

    fn named(&self, name: &str) -> io::Result<&Content> {
        let id = self.names.get(name).ok_or(ErrorKind::NotFound)?;
        Ok(&self.files[id])
    }

    fn change_names(&mut self, change: impl FnOnce(&mut BTreeMap<String, FileId>)) {
        self.passed_names.push(self.names.clone());
        change(&mut self.names);
    }

    fn make_room(&self, more_bytes: u64) -> io::Result<()> {
        if more_bytes <= self.free_bytes() { Ok(()) } else { Err(ErrorKind::StorageFull.into()) }
    }

    fn free_bytes(&self) -> u64 {
        let used: u64 = self.names.values().map(|id| self.files[id].len()).sum();
        self.capacity_bytes.map_or(u64::MAX, |capacity| capacity.saturating_sub(used))
    }

    fn crash(&mut self, crash: Crash) {
        self.life += 1;
        self.faults = self.faults.without_plans();
        let seed = match crash {
            Crash::Process => return,
            Crash::DropUnsynced => None,
            Crash::KeepSectors { seed } | Crash::KeepPrefix { seed } => Some(seed),
        };
        if let Some(seed) = seed {
            // Names become durable in the order they changed, up to any point.
            let changes = self.passed_names.len() as u64;
            let kept = splitmix(seed ^ 0x6e61_6d65) % (changes + 1);
            self.passed_names.push(self.names.clone());
            let kept = usize::try_from(kept).unwrap_or_default();
            if kept > 0 {
                self.durable_names = self.passed_names[kept].clone();
            }
        }
        self.passed_names.clear();
        self.names = self.durable_names.clone();
        for (id, content) in &mut self.files {
            content.crash(crash, seed.map(|seed| splitmix(seed ^ id.0)).unwrap_or_default());
        }
        let names = &self.names;
        self.files.retain(|id, _| names.values().any(|named| named == id));
    }
}

/// An open file of a [`SimDisk`].
#[derive(Debug)]
struct SimFile {
    state: Arc<Mutex<State>>,
    id: FileId,
    life: u64,
}

impl SimFile {
    /// Runs `act` on the disk, if this file is of its present life.
    fn with<T>(&self, act: impl FnOnce(&mut State) -> io::Result<T>) -> io::Result<T> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if state.life != self.life {
            return Err(io::Error::other("this file was open before the crash"));
        }
        state.faults.powered()?;
        act(&mut state)
    }

    fn content<'a>(&self, state: &'a mut State) -> io::Result<&'a mut Content> {
        state.files.get_mut(&self.id).ok_or_else(|| ErrorKind::NotFound.into())
    }
}

impl DiskFile for SimFile {
    fn len(&self) -> io::Result<u64> {
        self.with(|state| Ok(self.content(state)?.len()))
    }

    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        self.with(|state| Ok(self.content(state)?.read_at(buffer, offset)))
    }

    fn write_at(&self, bytes: &[u8], offset: u64) -> io::Result<usize> {
        self.with(|state| {
            let cut = state.faults.change();
            let allowed = state.faults.write(bytes.len())?;
            let end = offset.checked_add(allowed as u64).ok_or(ErrorKind::FileTooLarge)?;
            let more = end.saturating_sub(self.content(state)?.len());
            if more > 0 {
                state.make_room(more)?;
            }
            self.content(state)?.write(&bytes[..allowed], offset)?;
            cut.map(|()| allowed)
        })
    }

    fn sync(&self) -> io::Result<()> {
        self.with(|state| {
            state.faults.change()?;
            let synced = state.faults.sync();
            let content = self.content(state)?;
            match synced {
                Ok(()) => content.sync(),
                Err(_) => content.lose_unsynced(),
            }
            synced
        })
    }

    fn set_len(&self, length: u64) -> io::Result<()> {
        self.with(|state| {
            state.faults.change()?;
            let more = length.saturating_sub(self.content(state)?.len());
            state.make_room(more)?;
            self.content(state)?.set_len(length)
        })
    }
}
