//! Archived sales share files: what is written of them, and what a crash or damage leaves.

use engine::{
    certificate::{self, PruneError},
    command::{Ask, Command, Note, Operation, Terms},
    disk::{
        Disk as _,
        sim::{Crash, SimDisk},
    },
    hold::Step,
    id::{Epoch, EventId, HoldId, Number, OfferIndex, ShopperKey},
    record::Change,
    recovery,
    sale::{Settler, TicketRef},
};

use super::{Writing, archived, files, manifests, recovered, replayed, snapshot};
use crate::support::{self, author, key, name};

impl Writing {
    /// Makes sales and archives them.
    fn archive(&mut self, serials: std::ops::Range<usize>) {
        for serial in serials {
            let sale = format!("past-{serial}");
            self.make(&sale);
            self.change(&sale, Change::Close);
            self.change(&sale, Change::Archive { digest: [7; 32] });
        }
    }

    fn change(&mut self, sale: &str, change: Change) {
        let (sale, author, change) = (name(sale).tag(), author(), Box::new(change));
        let terms = Terms::default();
        self.decide(&Command::Operate(Operation::Change { sale, author, change, terms }));
    }

    fn forget(&mut self, serials: std::ops::Range<usize>) {
        serials.for_each(|serial| self.change(&format!("past-{serial}"), Change::Delete));
    }

    fn snapshot(&mut self) {
        self.seal(name("on").tag(), 1);
        snapshot(&self.disk);
    }
}

/// The files of archived sales.
fn packs(disk: &SimDisk) -> Vec<String> {
    let is_pack = |name: &String| name.starts_with("pack-");
    disk.list().expect("powered").into_iter().filter(is_pack).collect()
}

fn with_archived(count: usize) -> Writing {
    let mut writing = Writing::new();
    writing.make("on");
    writing.archive(0..count);
    writing.snapshot();
    writing
}

#[test]
fn archived_sales_share_a_file_that_is_not_written_again_for_one_of_them() {
    let mut writing = with_archived(1_000);
    let first = packs(&writing.disk);
    assert_eq!((first.len(), files(&writing.disk).len()), (1, 1), "{first:?}");
    let length = writing.disk.contents(&first[0]).expect("there").len();
    writing.forget(0..1);
    writing.snapshot();
    assert_eq!(packs(&writing.disk), first, "what is gone is not named, and nothing is copied");
    // Few more go into a short file, and those that follow take it over.
    for serial in 1_000..1_003 {
        writing.archive(serial..serial + 1);
        writing.snapshot();
        writing.snapshot();
        let now = packs(&writing.disk);
        assert!(now.len() <= 2, "{now:?}");
    }
    let manifest = manifests(&writing.disk).pop().expect("written");
    let manifest = writing.disk.contents(&manifest).expect("there");
    assert!(manifest.len() < 1_003 * 20, "{} bytes of manifest", manifest.len());
    assert!(length < 1_000 * 300, "{length} bytes of packs");
    assert_eq!(recovered(&writing.disk, "packed").0, writing.hash());
    assert_eq!(replayed(&writing.disk), writing.hash());
}

#[test]
fn a_file_of_which_more_than_half_is_not_named_is_written_again_without_it() {
    let mut writing = with_archived(400);
    let first = packs(&writing.disk);
    let length = |writing: &Writing, files: &[String]| {
        let each = files.iter().map(|file| writing.disk.contents(file).expect("there").len());
        each.sum::<usize>()
    };
    let before = length(&writing, &first);
    writing.forget(0..150);
    writing.snapshot();
    assert_eq!(packs(&writing.disk), first, "more than half of it is in use");
    writing.forget(150..300);
    writing.snapshot();
    // Of the snapshot before, until the next.
    assert_eq!(packs(&writing.disk).len(), 2);
    writing.snapshot();
    let after = packs(&writing.disk);
    assert!(after.len() == 1 && after != first, "{after:?}");
    assert!(length(&writing, &after) * 3 < before);
    assert_eq!(recovered(&writing.disk, "written again").0, writing.hash());
    writing.forget(300..400);
    writing.snapshot();
    writing.snapshot();
    assert!(packs(&writing.disk).is_empty(), "nothing is left in it");
    assert_eq!(recovered(&writing.disk, "without").0, writing.hash());
}

#[test]
fn a_refund_in_a_sale_that_shares_a_file_is_in_the_next_one_with_the_others_as_they_were() {
    let mut writing = Writing::new();
    writing.make("on");
    writing.make("bought");
    let sale = name("bought").tag();
    writing.enter(sale);
    let (epoch, shopper) = (Epoch(1), ShopperKey(writing.shoppers));
    let pass = TicketRef { epoch, number: Number(1), shopper };
    let items = [(OfferIndex(0), 1)].into_iter().collect();
    writing.decide(&Command::Ask(sale, Ask::Purchase { pass, items, replay: key(7, 1) }));
    let settle = |step| {
        let (hold, by, replay) = (HoldId(1), Settler::Backend, None);
        Command::Ask(sale, Ask::Settle { epoch, hold, step, by, replay })
    };
    let take = |events: &[u64]| {
        let events = events.iter().copied().map(EventId).collect();
        Command::Note(sale, Note::Delivered { by: support::only(), events })
    };
    writing.decide(&settle(Step::Confirm));
    writing.decide(&take(&[1, 2]));
    writing.change("bought", Change::Close);
    writing.change("bought", Change::Archive { digest: [7; 32] });
    writing.archive(0..30);
    writing.snapshot();
    let first = packs(&writing.disk);
    assert_eq!((first.len(), files(&writing.disk).len()), (1, 1), "{first:?}");
    let before = writing.hash();
    writing.decide(&settle(Step::Refund));
    writing.decide(&take(&[3]));
    assert_ne!(writing.hash(), before);
    writing.snapshot();
    writing.snapshot();
    let last = packs(&writing.disk);
    assert!(last.len() == 1 && last != first, "{last:?}");
    let (hash, records) = recovered(&writing.disk, "refunded");
    assert_eq!((hash, replayed(&writing.disk)), (writing.hash(), writing.hash()));
    assert!(records < 500, "{records}: not by the journal");
}

/// Files of archived sales are about to be written again, and there are new ones.
fn with_packs_to_write() -> Writing {
    let mut writing = with_archived(12);
    writing.archive(12..14);
    writing.snapshot();
    writing.forget(0..9);
    writing.archive(14..16);
    writing.seal(name("on").tag(), 1);
    writing.enter(name("on").tag());
    writing
}

#[test]
fn writing_shared_files_cut_at_any_change_leaves_what_recovers_to_the_same_world() {
    let written = with_packs_to_write();
    let whole = written.disk.copy();
    snapshot(&whole);
    let left = packs(&whole);
    assert!(whole.changes() > 8, "{} changes", whole.changes());
    for cut in 0..whole.changes() {
        let torn = [Crash::KeepSectors { seed: cut }, Crash::KeepPrefix { seed: cut }];
        for crash in [Crash::Process, Crash::DropUnsynced].into_iter().chain(torn) {
            let context = format!("cut after {cut} changes, {crash:?}");
            let disk = written.disk.copy();
            disk.cut_power_after(cut);
            assert!(recovery::snapshot_sealed(&disk, u64::MAX).is_err(), "{context}");
            disk.crash(crash);
            assert_eq!(recovered(&disk, &context).0, written.hash(), "{context}");
            let again = recovery::snapshot_sealed(&disk, u64::MAX);
            assert!(again.is_ok(), "{context}: {again:?}");
            let there = packs(&disk);
            assert!(left.iter().all(|file| there.contains(file)), "{context}: {there:?}");
            disk.crash(Crash::DropUnsynced);
            assert_eq!(recovered(&disk, &context).0, written.hash(), "{context}, again");
        }
    }
    for nth in 1..=whole.syncs() {
        let disk = written.disk.copy();
        disk.fail_sync(nth);
        assert!(recovery::snapshot_sealed(&disk, u64::MAX).is_err(), "sync {nth}");
        disk.crash(Crash::DropUnsynced);
        assert_eq!(recovered(&disk, "after a fault").0, written.hash(), "sync {nth}");
    }
}

#[test]
fn damage_in_a_shared_file_is_passed_over_and_never_copied() {
    let written = with_packs_to_write();
    let sound = written.disk.copy();
    snapshot(&sound);
    let (_, tail) = recovered(&sound, "a sound disk");
    for file in packs(&written.disk) {
        let length = written.disk.contents(&file).expect("there").len();
        for offset in [0, 9, length / 3, length / 2, length - 1] {
            let disk = written.disk.copy();
            disk.flip(&file, offset, 0x10).expect("within");
            let outcome = recovery::snapshot_sealed(&disk, u64::MAX);
            assert!(outcome.is_ok(), "{file} at {offset}: {outcome:?}");
            // What was written is whole: a start needs no other, and no record before it.
            let start = recovered(&disk, &file);
            assert_eq!(start, (written.hash(), tail), "{file} at {offset}");
        }
    }
}

#[test]
fn a_pruned_journal_begins_with_copies_of_shared_files_too() {
    let mut writing = with_archived(20);
    writing.snapshot();
    // Without their own files, which this test leaves out, nothing would be removed.
    let pruned = certificate::prune(&writing.disk);
    let is_kept = matches!(&pruned, Err(PruneError::Unproven(names)) if names.len() == 20);
    assert!(is_kept, "{pruned:?}");
    let sale = name("past-20").tag();
    writing.make("past-20");
    writing.change("past-20", Change::Close);
    // Those whose files are missing are gone, and keep nothing from being removed.
    writing.forget(0..20);
    let upto = writing.journal.point().sequence;
    let digest = archived(&writing.disk, sale, upto);
    writing.change("past-20", Change::Archive { digest });
    writing.snapshot();
    writing.snapshot();
    certificate::prune(&writing.disk).expect("two snapshots");
    let shared = packs(&writing.disk);
    assert_eq!(shared.len(), 1);
    let copy = format!("kept-{}", shared[0]);
    assert_eq!(writing.disk.contents(&copy).ok(), writing.disk.contents(&shared[0]).ok());
    writing.enter(name("on").tag());
    for file in [&shared[0], &copy] {
        let disk = writing.disk.copy();
        disk.flip(file, 40, 1).expect("within");
        assert_eq!(recovered(&disk, file).0, writing.hash());
    }
    assert_eq!(certificate::certify(&writing.disk).expect("sound").violations, [""; 0]);
}
