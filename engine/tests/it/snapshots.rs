//! Snapshots by sale: what is written, what a crash leaves of it, and what is made of damage.
#![expect(clippy::panic, reason = "a helper of tests fails the test that calls it")]

mod carried;
mod packs;
mod pruning;

use std::{collections::BTreeSet, io::ErrorKind, sync::Arc};

use engine::{
    arbiter::LocalArbiter,
    certificate,
    clock::{ManualClock, Millis},
    codec::Binary as _,
    command::{Ask, Command, Note, Operation, Terms},
    disk::{
        Disk, TEMPORARY_SUFFIX,
        sim::{Crash, SimDisk},
    },
    hold::Step,
    id::{Epoch, EventId, HoldId, Number, OfferIndex, SaleTag, Sequence, ShopperKey},
    journal::{self, Extent, Journal, JournalOptions},
    record::Change,
    recovery::{self, Snapshotted},
    sale::{Settler, TicketRef},
    spec::SaleSpec,
    world::World,
};

use crate::support::{self, START, author, create, key, name, spec};

/// Small, so that few facts seal one.
const SEGMENT_BYTES: u64 = 32 * 1024;
const SNAPSHOT_SUFFIX: &str = ".snap";
const SEGMENT_SUFFIX: &str = ".log";

/// Decides and journals, a command a batch.
struct Writing {
    disk: SimDisk,
    journal: Journal,
    arbiter: LocalArbiter,
    at: Millis,
    shoppers: u128,
}

impl Writing {
    fn new() -> Self {
        let disk = SimDisk::new();
        let options = JournalOptions { segment_bytes: SEGMENT_BYTES, from: None };
        let opened = Journal::open(Arc::new(disk.clone()), options, &mut |_| Ok(()));
        let (journal, _) = opened.expect("an empty disk");
        Self { disk, journal, arbiter: LocalArbiter::default(), at: START, shoppers: 0 }
    }

    /// Goes on where a disk was left.
    fn reopened(disk: &SimDisk) -> Self {
        let (disk, shared): (SimDisk, Arc<dyn Disk>) = (disk.clone(), Arc::new(disk.clone()));
        let recovered = recovery::recover(&shared, SEGMENT_BYTES, &ManualClock::at(START));
        let (world, journal, report) = recovered.expect("a sound disk");
        let (arbiter, at) = (LocalArbiter::new(world), report.point.at);
        Self { disk, journal, arbiter, at, shoppers: 1 << 32 }
    }

    fn decide(&mut self, command: &Command) {
        self.at = self.at.after(1);
        let records = self.arbiter.decide(self.at, [command]).records;
        let mut payload = Vec::new();
        for record in &records {
            record.encode(&mut payload);
        }
        let count = u32::try_from(records.len()).expect("few");
        self.journal.reserve(payload.len()).expect("room");
        self.journal.append(self.at, Epoch(1), count, &payload).expect("a sound disk");
    }

    fn make(&mut self, sale: &str) {
        self.decide(&create(SaleSpec { name: name(sale), ..spec(&[5]) }));
    }

    fn enter(&mut self, sale: SaleTag) {
        self.shoppers += 1;
        let (shopper, replay) = (ShopperKey(self.shoppers), Some(key(self.shoppers, 1)));
        self.decide(&Command::Ask(sale, Ask::Enter { shopper, replay }));
    }

    fn delete(&mut self, sale: SaleTag) {
        for change in [Change::Close, Change::Delete] {
            let (author, change) = (author(), Box::new(change));
            let terms = Terms::default();
            self.decide(&Command::Operate(Operation::Change { sale, author, change, terms }));
        }
    }

    /// Has people enter a sale until so many more segments are sealed.
    fn seal(&mut self, sale: SaleTag, segments: u64) {
        let until = self.journal.point().segment + segments;
        while self.journal.point().segment < until {
            self.enter(sale);
        }
    }

    fn hash(&self) -> [u8; 32] {
        self.arbiter.world().hash()
    }
}

/// How many segments the journal begins and ends with.
fn segments(disk: &SimDisk) -> Vec<String> {
    disk.list()
        .expect("powered")
        .into_iter()
        .filter(|name| name.ends_with(SEGMENT_SUFFIX))
        .collect()
}

/// The files of sales.
fn files(disk: &SimDisk) -> BTreeSet<String> {
    disk.list().expect("powered").into_iter().filter(|name| name.starts_with("sale-")).collect()
}

/// The manifests of snapshots, the oldest first.
fn manifests(disk: &SimDisk) -> Vec<String> {
    let is_manifest = |name: &String| name.starts_with("snapshot-");
    disk.list().expect("powered").into_iter().filter(is_manifest).collect()
}

#[track_caller]
fn snapshot(disk: &SimDisk) {
    let outcome = recovery::snapshot_sealed(disk, u64::MAX);
    assert!(matches!(outcome, Ok(Snapshotted::Written(_))), "{outcome:?}");
}

/// What a start makes of a disk, and how many records it replayed.
#[track_caller]
fn recovered(disk: &SimDisk, context: &str) -> ([u8; 32], u64) {
    let disk: Arc<dyn Disk> = Arc::new(disk.clone());
    let recovered = recovery::recover(&disk, SEGMENT_BYTES, &ManualClock::at(START));
    let (world, _, report) = recovered.unwrap_or_else(|error| panic!("{context}: {error:?}"));
    (world.hash(), report.records)
}

/// Writes the file of a sale that is archived; answers its hash.
fn archived(disk: &SimDisk, sale: SaleTag, upto: Sequence) -> [u8; 32] {
    let written = recovery::archive(disk, &[sale], upto, 0).expect("a sound disk");
    written[&sale].expect("a sale")
}

/// The world by the journal alone.
fn replayed(disk: &SimDisk) -> [u8; 32] {
    let mut world = World::default();
    let mut each = |batch: journal::Batch<'_>| recovery::replay(&mut world, &batch);
    journal::read_all(disk, None, Extent::Everything, &mut each).expect("a sound journal");
    world.hash()
}

#[test]
fn a_snapshot_writes_the_files_of_sales_that_changed_and_no_others() {
    let mut writing = Writing::new();
    let sales: Vec<String> = (0..1_000).map(|index| format!("sale-{index}")).collect();
    for sale in &sales {
        writing.make(sale);
    }
    let busy = name("sale-500").tag();
    writing.seal(busy, 1);
    snapshot(&writing.disk);
    let first = files(&writing.disk);
    assert_eq!(first.len(), 1_000, "a file a sale");

    writing.seal(busy, 20);
    let writes = writing.disk.writes();
    snapshot(&writing.disk);
    let second = files(&writing.disk);
    let new: Vec<&String> = second.difference(&first).collect();
    assert!(matches!(&new[..], [one] if one.contains(&format!("{:016x}", busy.0))), "{new:?}");
    assert!(second.is_superset(&first), "the snapshot before it may still be needed");
    assert!(writing.disk.writes() - writes < 10, "one file and the manifest");
    let length = |name: &String| writing.disk.contents(name).expect("there").len();
    let manifest = manifests(&writing.disk).pop().expect("written");
    assert!(length(&manifest) < 1_000 * 60, "{} bytes of manifest", length(&manifest));
    assert!(length(new[0]) < 512 << 10, "{} bytes for 640 KiB of journal", length(new[0]));

    writing.delete(name("sale-7").tag());
    writing.seal(busy, 1);
    snapshot(&writing.disk);
    writing.seal(busy, 1);
    snapshot(&writing.disk);
    let last = files(&writing.disk);
    assert_eq!(last.len(), 1_000, "999 sales, one of them twice");
    let gone = format!("{:016x}", name("sale-7").tag().0);
    assert!(
        last.iter().all(|file| !file.contains(&gone)),
        "it has no file once no snapshot has it"
    );

    writing.enter(busy);
    let (hash, records) = recovered(&writing.disk, "a sound disk");
    assert_eq!((hash, replayed(&writing.disk)), (writing.hash(), writing.hash()));
    assert!(records < 500, "{records}: the tail alone");
}

#[test]
fn a_snapshot_waits_until_the_journal_is_worth_what_it_would_write() {
    const BYTES: u64 = 80_000;
    let mut writing = Writing::new();
    writing.make("a");
    writing.make("b");
    let (a, b) = (name("a").tag(), name("b").tag());
    writing.seal(a, 6);
    let outcome = recovery::snapshot_sealed(&writing.disk, 0);
    assert!(matches!(outcome, Ok(Snapshotted::Written(_))), "there is none to replace");
    writing.seal(b, 1);
    snapshot(&writing.disk);
    writing.seal(b, 1);
    let outcome = recovery::snapshot_sealed(&writing.disk, BYTES);
    assert!(matches!(outcome, Ok(Snapshotted::Written(_))), "the file of b is short: {outcome:?}");
    writing.seal(a, 1);
    let (changes, files_before) = (writing.disk.changes(), files(&writing.disk));
    let outcome = recovery::snapshot_sealed(&writing.disk, BYTES);
    assert!(matches!(outcome, Ok(Snapshotted::Deferred)), "that of a is long: {outcome:?}");
    assert_eq!((writing.disk.changes(), files(&writing.disk)), (changes, files_before));
}

/// A journal of four sales with a snapshot, and more behind it: one sale has changed since, one is gone,
/// one is new and one is as it was.
fn with_a_snapshot() -> Writing {
    let mut writing = Writing::new();
    for sale in ["a", "b", "c"] {
        writing.make(sale);
    }
    let a = name("a").tag();
    writing.seal(a, 1);
    snapshot(&writing.disk);
    writing.delete(name("b").tag());
    writing.make("d");
    writing.seal(a, 2);
    writing
}

#[test]
fn a_snapshot_cut_at_any_change_leaves_what_recovers_to_the_same_world() {
    let written = with_a_snapshot();
    let whole = written.disk.copy();
    snapshot(&whole);
    assert!(whole.changes() > 10, "{} changes", whole.changes());
    for cut in 0..whole.changes() {
        let torn = [Crash::KeepSectors { seed: cut }, Crash::KeepPrefix { seed: cut }];
        for crash in [Crash::Process, Crash::DropUnsynced].into_iter().chain(torn) {
            let context = format!("cut after {cut} changes, {crash:?}");
            let disk = written.disk.copy();
            disk.cut_power_after(cut);
            let outcome = recovery::snapshot_sealed(&disk, u64::MAX);
            assert!(outcome.is_err(), "{context}: {outcome:?}");
            disk.crash(crash);
            assert_eq!(recovered(&disk, &context).0, written.hash(), "{context}");
            let left =
                disk.list().expect("powered").into_iter().find(|n| n.ends_with(TEMPORARY_SUFFIX));
            assert_eq!(left, None, "{context}: opening removes what was not finished");
            let again = recovery::snapshot_sealed(&disk, u64::MAX);
            assert!(again.is_ok(), "{context}: {again:?}");
            disk.crash(Crash::DropUnsynced);
            assert_eq!(recovered(&disk, &context).0, written.hash(), "{context}, again");
            assert_eq!(files(&disk).len(), 5, "{context}: a, c, d, and the a and b of before");
        }
    }
}

#[test]
fn a_snapshot_that_finds_no_room_or_cannot_sync_leaves_the_one_before() {
    let written = with_a_snapshot();
    let whole = written.disk.copy();
    snapshot(&whole);
    let (writes, syncs) = (whole.writes(), whole.syncs());
    for nth in 1..=writes.max(syncs) {
        let full = written.disk.copy();
        full.fail_write(nth, ErrorKind::StorageFull);
        let unsynced = written.disk.copy();
        unsynced.fail_sync(nth);
        for (disk, faults) in [(full, writes), (unsynced, syncs)] {
            let outcome = recovery::snapshot_sealed(&disk, u64::MAX);
            assert_eq!(outcome.is_err(), nth <= faults, "fault {nth}: {outcome:?}");
            disk.crash(Crash::DropUnsynced);
            assert_eq!(recovered(&disk, "after a fault").0, written.hash(), "fault {nth}");
        }
    }
}

#[test]
fn damage_in_any_file_of_a_snapshot_is_passed_over() {
    let written = with_a_snapshot();
    snapshot(&written.disk);
    let (hash, tail) = recovered(&written.disk, "a sound disk");
    assert_eq!(hash, written.hash());
    let names = written.disk.list().expect("powered");
    let mut longer = 0;
    for name in names.iter().filter(|name| name.ends_with(SNAPSHOT_SUFFIX)) {
        let length = written.disk.contents(name).expect("there").len();
        for offset in [0, 8, 20, length / 3, length / 2, length - 1] {
            let disk = written.disk.copy();
            disk.flip(name, offset, 0x10).expect("within");
            let (hash, records) = recovered(&disk, name);
            assert_eq!(hash, written.hash(), "{name} at {offset}");
            longer += u64::from(records > tail);
            // The next snapshot does not build on it, and the next start is as short as any.
            let outcome = recovery::snapshot_sealed(&disk, u64::MAX);
            assert!(outcome.is_ok(), "{name} at {offset}: {outcome:?}");
            assert_eq!(recovered(&disk, name), (written.hash(), tail), "{name} at {offset}, again");
        }
        let disk = written.disk.copy();
        disk.remove(name).expect("there");
        assert_eq!(recovered(&disk, name).0, written.hash(), "without {name}");
    }
    assert!(longer > 10, "{longer}: what cannot be read costs a longer replay");
}

#[test]
fn files_of_sales_archived_together_are_those_of_each_alone_and_as_many_as_the_bound_says() {
    let mut writing = with_a_snapshot();
    let tags = ["a", "b", "c", "d"].map(|sale| name(sale).tag());
    writing.enter(tags[2]);
    let upto = writing.journal.point().sequence;
    let write = |tags: &[SaleTag], bytes_max| {
        let disk = writing.disk.copy();
        recovery::archive(&disk, tags, upto, bytes_max).expect("a sound disk")
    };
    let together = write(&tags, u64::MAX);
    assert_eq!(together.len(), 4);
    assert_eq!(together[&tags[1]], None, "it was deleted");
    for tag in tags {
        assert_eq!(write(&[tag], 0), [(tag, together[&tag])].into());
    }
    // The last has no file in the snapshot.
    for (bytes_max, count) in [(0, 1), (1, 1), (1 << 20, 4)] {
        let written = write(&tags, bytes_max);
        assert_eq!(written.len(), count, "{bytes_max} bytes");
        assert_eq!(written[&tags[0]], together[&tags[0]]);
    }
}

/// A file that cannot be opened now, as when the process is out of descriptors, is not one that is gone.
#[test]
fn a_snapshot_that_cannot_be_opened_for_a_moment_loses_no_file_that_it_names() {
    let mut written = with_two_snapshots();
    written.seal(name("d").tag(), 1);
    let all = replay_length(&written.disk);
    let mut failed = 0;
    for nth in 1..=60 {
        let disk = written.disk.copy();
        disk.fail_open(nth);
        failed += u64::from(recovery::snapshot_sealed(&disk, u64::MAX).is_err());
        // Each of the snapshots there are is whole, taken alone.
        let named = manifests(&disk);
        for kept in &named {
            let alone = disk.copy();
            let others = named.iter().filter(|other| *other != kept);
            others.for_each(|other| alone.remove(other).expect("there"));
            let (hash, records) = recovered(&alone, kept);
            assert_eq!(hash, written.hash(), "{kept}, opening {nth}");
            assert!(records < all, "{kept} is not whole once opening {nth} failed");
        }
    }
    assert!(failed > 0, "openings that fail are noticed");
}

/// Also of a kind that a read of a damaged snapshot fails with.
#[test]
fn a_write_that_fails_ends_the_attempt_and_is_not_taken_for_damage() {
    let mut first = Writing::new();
    first.make("a");
    first.seal(name("a").tag(), 1);
    for written in [first, with_two_snapshots_and_more()] {
        let before = manifests(&written.disk);
        let whole = written.disk.copy();
        snapshot(&whole);
        for nth in 1..=whole.writes() {
            for kind in [ErrorKind::NotFound, ErrorKind::InvalidData, ErrorKind::UnexpectedEof] {
                let disk = written.disk.copy();
                disk.fail_write(nth, kind);
                let outcome = recovery::snapshot_sealed(&disk, u64::MAX);
                assert!(outcome.is_err(), "write {nth}, {kind}: {outcome:?}");
                assert_eq!(manifests(&disk), before, "write {nth}, {kind}");
            }
        }
    }
}

#[test]
fn a_snapshot_whose_own_file_is_damaged_is_removed_and_the_whole_one_before_it_stays() {
    let mut written = with_two_snapshots();
    let [older, newer] = manifests(&written.disk).try_into().expect("two");
    written.disk.flip(&newer, 200, 1).expect("within");
    assert_eq!(recovered(&written.disk, "damaged").0, written.hash());
    assert_eq!(manifests(&written.disk), std::slice::from_ref(&older));
    written.seal(name("a").tag(), 1);
    snapshot(&written.disk);
    let now = manifests(&written.disk);
    assert!(now.len() == 2 && now[0] == older, "{now:?}");
}

fn with_two_snapshots_and_more() -> Writing {
    let mut writing = with_two_snapshots();
    writing.seal(name("d").tag(), 1);
    writing
}

/// How many records a start replays without a snapshot.
fn replay_length(disk: &SimDisk) -> u64 {
    let disk = disk.copy();
    for manifest in manifests(&disk) {
        disk.remove(&manifest).expect("there");
    }
    recovered(&disk, "the whole journal").1
}

/// A journal of some segments with two snapshots, and more behind them.
fn with_two_snapshots() -> Writing {
    let mut writing = with_a_snapshot();
    snapshot(&writing.disk);
    writing.seal(name("c").tag(), 1);
    snapshot(&writing.disk);
    writing.enter(name("d").tag());
    writing
}

fn certified(disk: &SimDisk, context: &str) -> certificate::Certificate {
    let certificate = certificate::certify(disk);
    let certificate = certificate.unwrap_or_else(|error| panic!("{context}: {error}"));
    assert_eq!(certificate.violations, [""; 0], "{context}");
    certificate
}

#[test]
fn archived_sales_are_in_snapshots_and_come_back_as_they_were() {
    let mut writing = with_a_snapshot();
    let c = name("c").tag();
    for number in 1..=2 {
        writing.enter(c);
        let (epoch, shopper) = (Epoch(1), ShopperKey(writing.shoppers));
        let pass = TicketRef { epoch, number: Number(number), shopper };
        let replay = key(7_000_000 + u128::from(number), 1);
        let items = [(OfferIndex(0), 1)].into_iter().collect();
        writing.decide(&Command::Ask(c, Ask::Purchase { pass, items, replay }));
    }
    let settle = |hold, step| {
        let (hold, by, replay) = (HoldId(hold), Settler::Backend, None);
        Command::Ask(c, Ask::Settle { epoch: Epoch(1), hold, step, by, replay })
    };
    let take = |events: &[u64]| {
        let events = events.iter().copied().map(EventId).collect();
        Command::Note(c, Note::Delivered { by: support::only(), events })
    };
    writing.decide(&settle(1, Step::Confirm));
    writing.decide(&settle(2, Step::Confirm));
    writing.decide(&take(&[1, 2, 3, 4]));
    let change = |change| {
        let (author, change, terms) = (author(), Box::new(change), Terms::default());
        Command::Operate(Operation::Change { sale: c, author, change, terms })
    };
    writing.decide(&change(Change::Close));
    let upto = writing.journal.point().sequence;
    let digest = archived(&writing.disk, c, upto);
    writing.decide(&change(Change::Archive { digest }));
    writing.decide(&settle(1, Step::Refund));
    for is_delivered in [false, true] {
        writing.seal(name("a").tag(), 1);
        snapshot(&writing.disk);
        writing.enter(name("a").tag());
        assert_eq!(recovered(&writing.disk, "archived").0, writing.hash(), "{is_delivered}");
        assert_eq!(replayed(&writing.disk), writing.hash(), "{is_delivered}");
        let certificate = certified(&writing.disk, "archived");
        assert_eq!(certificate.unproven, [""; 0]);
        if !is_delivered {
            writing.decide(&take(&[5]));
        }
    }
    writing.decide(&settle(2, Step::Refund));
    assert_eq!(recovered(&writing.disk, "refunded").0, writing.hash());
    certificate::prune(&writing.disk).expect("two snapshots");
    let certificate = certified(&writing.disk, "pruned");
    let archived = certificate.sales.iter().find_map(|sale| sale.archive);
    assert!(archived.is_some_and(|archive| archive.is_proven), "{certificate:?}");
}
