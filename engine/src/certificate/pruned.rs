//! Pruning: segments are removed once what they hold is proven, and what was proven is kept.
//!
//! ```text
//!   segments 1 … k-1       segment k … n
//!   removed                kept
//!                 ▲
//!                 pruned-*.cert: chain hash and figures up to the snapshot, which is kept too
//! ```
//!
//! From then on an audit opens its books with the sales of that snapshot: what came before is a matter of
//! trust in the certificate, what comes after is proven as ever. Once that snapshot and its copy are damaged, it
//! opens them with a later one, and says from where to where nothing is proven. The records between are still there
//! until the next pruning, which removes them only if it is told to: with the lost files from a backup they could be
//! audited. Every later certificate names them.

use std::{collections::BTreeMap, fmt, io, mem};

use super::{
    Auditor, Book, LeftBehind,
    proof::{Carried, Gap, PrunedCertificate},
};
use crate::{
    clock::Millis,
    codec::{Binary as _, binary_struct},
    disk::{self, Disk},
    id::{Epoch, SaleTag, Sequence},
    journal::{
        self, Batch, Extent, JournalError, JournalPoint,
        pruned::{self, Beginning},
        snapshot::Snapshot,
    },
    recovery::{self, snapshots},
    world::World,
};

/// The part of a certificate that is not in the file's own header.
#[derive(Debug)]
struct Proven {
    records: u64,
    state: [u8; 32],
    deleted: u64,
    carried: BTreeMap<SaleTag, Carried>,
    epochs: BTreeMap<SaleTag, Epoch>,
    last_at: BTreeMap<SaleTag, Millis>,
    left_behind: Vec<LeftBehind>,
    gaps: Vec<Gap>,
}

binary_struct!(Proven { records, state, deleted, carried, epochs, last_at, left_behind, gaps });

/// What pruning came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pruned {
    /// Segments removed.
    pub segments: usize,
    /// Where the journal begins now.
    pub point: JournalPoint,
    /// Records before that which were never audited.
    pub gaps: Vec<Gap>,
}

/// Why nothing was pruned.
#[derive(Debug)]
pub enum PruneError {
    /// The journal cannot be read.
    Journal(JournalError),
    /// A file cannot be read or written.
    Disk(io::Error),
    /// The journal breaks promises, and is evidence.
    Violated(Vec<String>),
    /// Files of archived sales are missing or not what was archived, so the journal may be the last to know
    /// their lines and places.
    Unproven(Vec<String>),
    /// These records cannot be audited: the state before them was lost with the copy that the journal began with.
    Gap(Gap),
    /// The copy of the snapshot and the certificate need more room than there is.
    NoRoom {
        /// Bytes that they take.
        needed: u64,
        /// Bytes that are free.
        free: u64,
    },
    /// There are no two snapshots that are whole, or the older leaves no segment behind it.
    NoSnapshot,
    /// The snapshot is not what the journal says.
    OtherState,
}

impl fmt::Display for PruneError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Journal(_) => f.write_str("the journal cannot be read"),
            Self::Disk(_) => f.write_str("a file in the data directory cannot be read or written"),
            Self::Violated(violations) => {
                let count = violations.len();
                write!(
                    f,
                    "the journal breaks {count} promises, and nothing of it is removed; see verify"
                )
            }
            Self::Unproven(unproven) => write!(
                f,
                "the journal may be the last to know what these say, and nothing of it is removed: {}",
                unproven.join("; ")
            ),
            Self::Gap(Gap { first, last }) => write!(
                f,
                "records {} to {} cannot be audited, because the state before them was lost with the copy that \
                 the pruned journal began with, and nothing is removed: put the files kept-*.snap back from a \
                 backup, or give these records up",
                first.0, last.0
            ),
            Self::NoRoom { needed, free } => write!(
                f,
                "the copy of a snapshot that the journal would begin with needs {needed} bytes of disk, and {free} \
                 are free; nothing was changed"
            ),
            Self::NoSnapshot => f.write_str(
                "there are no two snapshots that are whole, or there is no whole segment before the older one, \
                 so there is nothing to remove",
            ),
            Self::OtherState => {
                f.write_str("the snapshot is not the state that the journal leads to")
            }
        }
    }
}

impl std::error::Error for PruneError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Journal(source) => Some(source),
            Self::Disk(source) => Some(source),
            Self::Violated(_)
            | Self::Unproven(_)
            | Self::Gap(_)
            | Self::NoRoom { .. }
            | Self::NoSnapshot
            | Self::OtherState => None,
        }
    }
}

/// Removes the segments before the older of the newest two snapshots, once they are audited and replayed and
/// that snapshot is copied. No process may be writing the journal.
pub fn prune(disk: &dyn Disk) -> Result<Pruned, PruneError> {
    if let Some(gap) = check_proven(disk)? {
        return Err(PruneError::Gap(gap));
    }
    prune_proven(disk)
}

/// The same, but records go too that cannot be audited, because the state before them was lost. Certificates name
/// them from then on.
pub fn prune_past_gap(disk: &dyn Disk) -> Result<Pruned, PruneError> {
    check_proven(disk)?;
    prune_proven(disk)
}

fn prune_proven(disk: &dyn Disk) -> Result<Pruned, PruneError> {
    let mut auditor = Auditor::begin(disk).map_err(PruneError::Journal)?;
    let present = auditor.pruned.as_ref().map_or(1, |pruned| pruned.point.segment);
    let older = snapshots::older_of_two(disk).map_err(PruneError::Disk)?;
    let (found, state) = older
        .filter(|(found, _)| found.point.segment > 1 && found.point.segment >= present)
        .ok_or(PruneError::NoSnapshot)?;
    let point = found.point;
    // Before the audit, which takes long, and again when the certificate's length is known.
    check_room(disk, &found, 0)?;
    if auditor.replay(disk, &point).map_err(PruneError::Journal)? != state {
        return Err(PruneError::OtherState);
    }
    let mut proven = Vec::new();
    auditor.proven(state).encode(&mut proven);
    check_room(disk, &found, proven.len())?;
    let gaps = mem::take(&mut auditor.gaps);
    drop(auditor);
    let remove = || {
        snapshots::keep(disk, &found)?;
        let segments = pruned::prune(disk, &Beginning { point, proven })?;
        snapshots::remove_other_copies(disk, Some(&point))?;
        disk.sync_directory()?;
        Ok(Pruned { segments, point, gaps })
    };
    remove().map_err(|error| {
        if disk::is_full(&error) {
            // The first error is the one worth telling; the next pruning removes what is left.
            drop(remove_copy(disk, &point));
        }
        PruneError::Disk(error)
    })
}

/// Removes the copy at `point`, or what there is of it, unless the journal may begin there already. A full disk
/// gets back what pruning took.
fn remove_copy(disk: &dyn Disk, point: &JournalPoint) -> io::Result<()> {
    let present = pruned::beginning(disk)?.map(|beginning| beginning.point);
    if present.as_ref() == Some(point) {
        return Ok(());
    }
    snapshots::remove_other_copies(disk, present.as_ref())
}

/// Refuses to begin what would find no room in the end.
fn check_room(disk: &dyn Disk, found: &Snapshot, proven: usize) -> Result<(), PruneError> {
    let copy = snapshots::copy_bytes(disk, found).map_err(PruneError::Disk)?;
    let needed = copy + snapshots::in_blocks(proven as u64);
    let free = disk.free_bytes().map_err(PruneError::Disk)?;
    if needed <= free { Ok(()) } else { Err(PruneError::NoRoom { needed, free }) }
}

/// Refuses to remove what is evidence, or the last to know something. Answers which records could not be audited
/// that no certificate names yet.
fn check_proven(disk: &dyn Disk) -> Result<Option<Gap>, PruneError> {
    let mut auditor = Auditor::begin(disk).map_err(PruneError::Journal)?;
    auditor.read(disk, Extent::Everything).map_err(PruneError::Journal)?;
    let known = auditor.unproven.len();
    // Of sales that are there: the line of a deleted one went with it.
    auditor.check_archives(disk);
    let unproven = auditor.unproven.split_off(known);
    if !auditor.violations.is_empty() {
        return Err(PruneError::Violated(auditor.violations));
    }
    if unproven.is_empty() { Ok(auditor.new_gap) } else { Err(PruneError::Unproven(unproven)) }
}

impl Auditor {
    /// An auditor before the first record that there is.
    pub(super) fn begin(disk: &dyn Disk) -> Result<Self, JournalError> {
        let unreadable = JournalError::disk("reading what was pruned");
        let found = (|| {
            if pruned::is_pruned(disk)? { pruned::beginning(disk) } else { Ok(None) }
        })();
        let Some(Beginning { point, proven }) = found.map_err(unreadable)? else {
            return Ok(Self::default());
        };
        let lost = |why: &str| JournalError::damaged(1, 0, why);
        let proven = Proven::decode(&mut proven.as_slice())
            .map_err(|_| lost("the certificate of what was pruned cannot be read"))?;
        let unreadable = JournalError::disk("reading the snapshots");
        if let Some(world) = snapshots::at(disk, &point, proven.state).map_err(unreadable)? {
            return Ok(Self::opened(&world, point, proven));
        }
        let unreadable = JournalError::disk("reading the snapshots");
        let (later, world) = snapshots::first_after(disk, &point)
            .map_err(unreadable)?
            .ok_or_else(|| lost("the snapshot that the pruned journal begins with is lost"))?;
        let proven = proven.with_gap(point.sequence, later.sequence, &world);
        let new_gap = proven.gaps.last().copied();
        Ok(Self { new_gap, ..Self::opened(&world, later, proven) })
    }

    /// Books that go on from a state.
    fn opened(world: &World, point: JournalPoint, proven: Proven) -> Self {
        let Proven { records, state, deleted, carried, epochs, last_at, left_behind, gaps } =
            proven;
        let adopting = world.adopting().clone();
        let mut auditor = Self { epochs, last_at, adopting, left_behind, gaps, ..Self::default() };
        for (tag, known) in &carried {
            let archived = world.archived_sale(*tag);
            if let Some(sale) = world.sale(*tag).or(archived.as_ref()) {
                let mut book = Book::adopted(sale);
                book.carry(known);
                auditor.books.insert(*tag, book);
            }
        }
        auditor.unproven.push(format!(
            "records 1 to {}: they were proven before they were removed, and what is left of them is the \
             chain hash {} and the state {}",
            point.sequence.0,
            point.hash,
            blake3::Hash::from_bytes(state).to_hex(),
        ));
        auditor.unproven.extend(auditor.gaps.iter().map(|Gap { first, last }| {
            format!(
                "records {} to {}: they were not audited, because the state before them was lost with the copy \
                 that the pruned journal began with",
                first.0, last.0
            )
        }));
        auditor.pruned = Some(PrunedCertificate { point, records, state, deleted });
        auditor
    }

    /// Audits up to `point`, and answers the hash of the state there.
    fn replay(&mut self, disk: &dyn Disk, point: &JournalPoint) -> Result<[u8; 32], JournalError> {
        let extent = Extent::UpTo(point.sequence);
        self.read(disk, extent)?;
        let (mut world, mut from) = (World::default(), None);
        if let Some(PrunedCertificate { point, state, .. }) = &self.pruned {
            let start = snapshots::at(disk, point, *state)
                .map_err(JournalError::disk("reading the snapshots"))?;
            (world, from) = (start.unwrap_or_default(), Some(*point));
        }
        let mut each = |batch: Batch<'_>| recovery::replay(&mut world, &batch);
        journal::read_all(disk, from, extent, &mut each)?;
        Ok(world.hash())
    }

    /// What is proven up to here.
    fn proven(&self, state: [u8; 32]) -> Proven {
        let before = self.pruned.as_ref();
        let carried = self.books.iter().map(|(tag, book)| (*tag, book.carried()));
        Proven {
            records: self.records + before.map_or(0, |before| before.records),
            state,
            deleted: self.closed.len() as u64 + before.map_or(0, |before| before.deleted),
            carried: carried.collect(),
            epochs: self.epochs.clone(),
            last_at: self.last_at.clone(),
            left_behind: self.left_behind.clone(),
            gaps: self.gaps.clone(),
        }
    }
}

impl Proven {
    /// What is known at a later state, without the records between.
    fn with_gap(mut self, before: Sequence, later: Sequence, world: &World) -> Self {
        self.records += later.0 - before.0;
        self.state = world.hash();
        self.gaps.push(Gap { first: Sequence(before.0 + 1), last: later });
        let known = mem::take(&mut self.carried);
        for tag in world.parts() {
            let archived = world.archived_sale(tag);
            let Some(sale) = world.sale(tag).or(archived.as_ref()) else { continue };
            let mut book = Book::adopted(sale);
            // Figures of a sale that was made again meanwhile are another's.
            let is_same = self.epochs.insert(tag, sale.epoch()) == Some(sale.epoch());
            if let Some(known) = known.get(&tag).filter(|_| is_same) {
                book.carry_on(known);
            }
            self.carried.insert(tag, book.carried());
        }
        self
    }
}
