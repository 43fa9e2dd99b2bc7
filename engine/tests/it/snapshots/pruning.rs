//! Pruning: what is left of a directory starts and is audited, whatever is cut or damaged.

use std::io::ErrorKind;

use engine::{
    certificate::{self, PruneError},
    codec::Binary as _,
    disk::{
        Disk as _,
        sim::{Crash, SimDisk},
    },
    hold::Step,
    id::{Epoch, HoldId},
    record::Record,
    recovery::{self, Snapshotted},
};

use super::{
    Writing, certified, files, manifests, recovered, segments, snapshot, with_a_snapshot,
    with_two_snapshots,
};
use crate::support::name;

#[test]
fn a_pruned_journal_starts_and_is_audited_from_what_is_left() {
    let mut writing = with_two_snapshots();
    let before = certified(&writing.disk, "whole");
    let whole = segments(&writing.disk);
    let pruned = certificate::prune(&writing.disk).expect("two snapshots");
    assert!(pruned.segments > 0 && segments(&writing.disk).len() == whole.len() - pruned.segments);
    let after = certified(&writing.disk, "pruned");
    let known = after.pruned.clone().expect("segments are gone");
    assert_eq!((known.point, known.records), (pruned.point, pruned.point.sequence.0));
    assert_eq!((after.records, after.chain_hash), (before.records, before.chain_hash));
    let live = before.sales.len() - usize::try_from(known.deleted).expect("few");
    assert_eq!(after.sales, before.sales[before.sales.len() - live..], "figures go on");
    assert_eq!(after.unproven.len(), 1, "{:?}", after.unproven);
    assert_eq!(recovered(&writing.disk, "pruned").0, writing.hash());

    // Another snapshot, and the one that the journal begins with stays all the same.
    for _ in 0..3 {
        writing.seal(name("a").tag(), 1);
        snapshot(&writing.disk);
    }
    certified(&writing.disk, "later");
    let again = certificate::prune(&writing.disk).expect("newer snapshots");
    assert!(again.segments > 0 && again.point.sequence > pruned.point.sequence);
    certified(&writing.disk, "pruned again");
    assert_eq!(recovered(&writing.disk, "pruned again").0, writing.hash());
}

/// What was left in the middle of a pruning is audited and starts as it was written, before and after
/// another one.
fn starts_and_is_pruned_again(disk: &SimDisk, written: &Writing, context: &str) {
    let starts = || {
        certified(disk, context);
        assert_eq!(recovered(disk, context).0, written.hash(), "{context}");
    };
    starts();
    let again = certificate::prune(disk);
    assert!(again.is_ok(), "{context}: {again:?}");
    starts();
}

#[test]
fn pruning_cut_at_any_change_leaves_what_starts_and_is_audited() {
    let written = with_two_snapshots();
    let whole = written.disk.copy();
    certificate::prune(&whole).expect("two snapshots");
    assert!(whole.changes() > 8, "{} changes", whole.changes());
    for cut in 0..whole.changes() {
        let torn = [Crash::KeepSectors { seed: cut }, Crash::KeepPrefix { seed: cut }];
        for crash in [Crash::Process, Crash::DropUnsynced].into_iter().chain(torn) {
            let context = format!("cut after {cut} changes, {crash:?}");
            let disk = written.disk.copy();
            disk.cut_power_after(cut);
            assert!(certificate::prune(&disk).is_err(), "{context}");
            disk.crash(crash);
            starts_and_is_pruned_again(&disk, &written, &context);
            assert_eq!(segments(&disk), segments(&whole), "{context}");
        }
    }
}

#[test]
fn a_failed_sync_at_any_point_of_pruning_leaves_what_starts_and_is_audited() {
    let mut written = with_two_snapshots();
    certificate::prune(&written.disk).expect("two snapshots");
    // With a certificate and a copy of before, which go last.
    for _ in 0..2 {
        written.seal(name("a").tag(), 1);
        snapshot(&written.disk);
    }
    let whole = written.disk.copy();
    certificate::prune(&whole).expect("two snapshots");
    assert!(whole.syncs() > 6, "{} syncs", whole.syncs());
    for nth in 1..=whole.syncs() {
        for crash in [Crash::Process, Crash::DropUnsynced, Crash::KeepPrefix { seed: nth }] {
            let context = format!("sync {nth} fails, {crash:?}");
            let disk = written.disk.copy();
            disk.fail_sync(nth);
            assert!(certificate::prune(&disk).is_err(), "{context}");
            disk.crash(crash);
            starts_and_is_pruned_again(&disk, &written, &context);
            assert_eq!(disk.list().ok(), whole.list().ok(), "{context}: nothing else is left");
        }
    }
}

#[test]
fn a_journal_is_not_pruned_without_a_snapshot_or_with_a_broken_promise() {
    let mut writing = Writing::new();
    writing.make("a");
    writing.seal(name("a").tag(), 3);
    assert!(matches!(certificate::prune(&writing.disk), Err(PruneError::NoSnapshot)));
    snapshot(&writing.disk);
    // Nobody has held anything.
    let forged = Record::Settled {
        sale: name("a").tag(),
        hold: HoldId(1),
        step: Step::Refund,
        replay: None,
    };
    let mut payload = Vec::new();
    forged.encode(&mut payload);
    writing.journal.reserve(payload.len()).expect("room");
    writing.journal.append(writing.at, Epoch(1), 1, &payload).expect("a sound disk");
    assert!(matches!(certificate::prune(&writing.disk), Err(PruneError::Violated(_))));
    assert_eq!(segments(&writing.disk)[0], "journal-0000000000000001.log");
}

#[test]
fn an_audit_after_pruning_begins_with_a_later_snapshot_where_the_first_is_lost_and_names_the_gap() {
    let mut written = with_two_snapshots();
    certificate::prune(&written.disk).expect("two snapshots");
    let names = written.disk.list().expect("powered");
    let first = |prefix: &str| names.iter().find(|name| name.starts_with(prefix)).expect("kept");
    written.disk.remove(first("snapshot-")).expect("there");
    assert_eq!(certified(&written.disk, "by the copy").unproven.len(), 1);
    let copied = names.iter().find(|name| name.starts_with("kept-sale-")).expect("kept");
    written.disk.flip(copied, 40, 1).expect("within");
    let by_a_later = certified(&written.disk, "by the newer one");
    let names_the_gap = |certificate: &certificate::Certificate| {
        certificate.unproven.iter().any(|what| what.contains("they were not audited"))
    };
    assert!(names_the_gap(&by_a_later), "{:?}", by_a_later.unproven);
    assert_eq!(recovered(&written.disk, "by the newer one").0, written.hash());
    written.seal(name("a").tag(), 1);
    snapshot(&written.disk);
    written.seal(name("a").tag(), 1);
    snapshot(&written.disk);
    // The records of the gap are evidence as long as the copy may be put back.
    let before = written.disk.list().expect("powered");
    let refused = certificate::prune(&written.disk);
    assert!(matches!(refused, Err(PruneError::Gap(_))), "{refused:?}");
    assert_eq!(written.disk.list().expect("powered"), before);
    let put_back = written.disk.copy();
    put_back.flip(copied, 40, 1).expect("within");
    let pruned = certificate::prune(&put_back).expect("the state before them is there again");
    assert_eq!(pruned.gaps, []);
    assert!(!names_the_gap(&certified(&put_back, "put back")));
    // There is another copy after the next pruning, and the gap is not forgotten.
    let pruned = certificate::prune_past_gap(&written.disk).expect("two snapshots");
    assert_eq!(pruned.gaps.len(), 1);
    let after = certified(&written.disk, "pruned again");
    let all = written.journal.point().sequence.0;
    assert!(names_the_gap(&after), "{:?}", after.unproven);
    assert_eq!((after.records, after.pruned.expect("pruned").point), (all, pruned.point));
    for _ in 0..2 {
        written.seal(name("a").tag(), 1);
        snapshot(&written.disk);
    }
    let again = certificate::prune(&written.disk).expect("its records are gone already");
    assert_eq!(again.gaps, pruned.gaps);
    for file in written.disk.list().expect("powered") {
        if file.starts_with("kept-") || file.starts_with("snapshot-") {
            written.disk.remove(&file).expect("there");
        }
    }
    assert!(certificate::certify(&written.disk).is_err(), "nothing to begin with");
}

#[test]
fn a_flipped_bit_in_no_file_but_the_journals_tail_keeps_a_pruned_directory_from_starting() {
    // All snapshots share the file of c.
    let mut written = with_a_snapshot();
    snapshot(&written.disk);
    written.seal(name("a").tag(), 1);
    snapshot(&written.disk);
    certificate::prune(&written.disk).expect("two snapshots");
    written.seal(name("a").tag(), 1);
    snapshot(&written.disk);
    written.enter(name("d").tag());
    // The one that is written, and the one at whose end the newest snapshot stands.
    let whole = segments(&written.disk);
    let tail = &whole[whole.len() - 2..];
    let names = written.disk.list().expect("powered");
    let without = written.disk.copy();
    for file in names.iter().filter(|file| file.starts_with("sale-")) {
        without.remove(file).expect("there");
    }
    let (hash, from_the_copy) = recovered(&without, "by the copy alone");
    assert_eq!(hash, written.hash());
    snapshot(&without);
    assert_eq!(recovered(&without, "by one made of the copy").0, written.hash());
    assert!(certificate::certify(&without).is_ok());
    let (mut copies, mut shared) = (0, 0);
    for file in names.iter().filter(|file| !tail.contains(file)) {
        let length = written.disk.contents(file).expect("there").len();
        for offset in [0, 9, 20, length / 3, length / 2, length - 1] {
            let disk = written.disk.copy();
            disk.flip(file, offset, 0x04).expect("within");
            let (hash, records) = recovered(&disk, &format!("{file} at {offset}"));
            assert_eq!(hash, written.hash(), "{file} at {offset}");
            copies += u64::from(file.starts_with("kept-"));
            shared += u64::from(file.starts_with("sale-") && records == from_the_copy);
            // What is written next is whole again, and can be started from in its turn.
            let outcome = recovery::snapshot_sealed(&disk, u64::MAX);
            assert!(outcome.is_ok(), "{file} at {offset}: {outcome:?}");
            let (hash, records) = recovered(&disk, file);
            assert_eq!(hash, written.hash(), "{file} at {offset}, again");
            assert!(records < from_the_copy, "{file} at {offset}, again");
        }
    }
    assert!(copies > 0 && shared > 0, "{copies} of the copy, {shared} that all others share");
}

#[test]
fn damage_in_the_copy_shows_before_it_is_needed() {
    let written = with_two_snapshots();
    assert!(
        recovery::is_copy_whole(&written.disk).expect("powered"),
        "there is no copy to be damaged"
    );
    certificate::prune(&written.disk).expect("two snapshots");
    assert!(recovery::is_copy_whole(&written.disk).expect("powered"));
    let names = written.disk.list().expect("powered");
    let copied: Vec<&String> = names.iter().filter(|name| name.starts_with("kept-")).collect();
    assert!(copied.len() > 1, "{copied:?}");
    for file in copied {
        let disk = written.disk.copy();
        disk.flip(file, 40, 1).expect("within");
        assert!(!recovery::is_copy_whole(&disk).expect("powered"), "{file}");
        disk.remove(file).expect("there");
        assert!(!recovery::is_copy_whole(&disk).expect("powered"), "without {file}");
    }
}

#[test]
fn pruning_waits_for_two_snapshots_that_are_whole() {
    let written = with_a_snapshot();
    assert!(matches!(certificate::prune(&written.disk), Err(PruneError::NoSnapshot)));
    let written = with_two_snapshots();
    for file in files(&written.disk) {
        let disk = written.disk.copy();
        disk.flip(&file, 30, 1).expect("within");
        let pruned = certificate::prune(&disk);
        assert!(matches!(pruned, Err(PruneError::NoSnapshot)), "{file}: {pruned:?}");
        assert!(disk.list().expect("powered").iter().all(|name| !name.starts_with("kept-")));
    }
}

#[test]
fn a_directory_that_starts_from_the_copy_has_another_snapshot_soon() {
    let mut written = with_two_snapshots();
    certificate::prune(&written.disk).expect("two snapshots");
    for manifest in manifests(&written.disk) {
        written.disk.remove(&manifest).expect("there");
    }
    written.seal(name("a").tag(), 1);
    // However little the journal behind the copy is worth.
    let outcome = recovery::snapshot_sealed(&written.disk, 0);
    assert!(matches!(outcome, Ok(Snapshotted::Written(_))), "{outcome:?}");
    assert_eq!(recovered(&written.disk, "by its own").0, written.hash());
}

#[test]
fn pruning_that_finds_no_room_leaves_no_copy_behind() {
    let written = with_two_snapshots();
    let before = written.disk.list().expect("powered");
    let whole = written.disk.copy();
    certificate::prune(&whole).expect("two snapshots");
    assert!(whole.writes() > 3, "{} writes", whole.writes());
    for nth in 1..=whole.writes() {
        let disk = written.disk.copy();
        disk.fail_write(nth, ErrorKind::StorageFull);
        let pruned = certificate::prune(&disk);
        assert!(matches!(pruned, Err(PruneError::Disk(_))), "write {nth}: {pruned:?}");
        assert_eq!(disk.list().expect("powered"), before, "write {nth}");
    }
    // Nor does the copy go that the journal begins with already.
    let mut again = written;
    certificate::prune(&again.disk).expect("two snapshots");
    for _ in 0..2 {
        again.seal(name("a").tag(), 1);
        snapshot(&again.disk);
    }
    let before = again.disk.list().expect("powered");
    again.disk.fail_write(2, ErrorKind::StorageFull);
    assert!(certificate::prune(&again.disk).is_err());
    assert_eq!(again.disk.list().expect("powered"), before);
    certified(&again.disk, "after one that failed");
}

#[test]
fn pruning_that_would_find_no_room_says_how_much_it_needs_and_changes_nothing() {
    let written = with_two_snapshots();
    let used = |disk: &SimDisk| {
        let names = disk.list().expect("powered");
        let lengths = names.iter().map(|name| disk.contents(name).expect("there").len() as u64);
        lengths.sum::<u64>()
    };
    written.disk.set_capacity(Some(used(&written.disk) + 10_000));
    let before = (written.disk.list().expect("powered"), written.disk.changes());
    let pruned = certificate::prune(&written.disk);
    let Err(PruneError::NoRoom { needed, free: 10_000 }) = pruned else {
        panic!("{pruned:?}");
    };
    assert_eq!((written.disk.list().expect("powered"), written.disk.changes()), before);
    // That was before the audit; the certificate is as long as that makes it.
    written.disk.set_capacity(Some(used(&written.disk) + needed));
    let pruned = certificate::prune(&written.disk);
    let Err(PruneError::NoRoom { needed: with_certificate, .. }) = pruned else {
        panic!("{pruned:?}");
    };
    assert!((needed + 1..needed + 16_384).contains(&with_certificate), "{with_certificate}");
    assert_eq!((written.disk.list().expect("powered"), written.disk.changes()), before);
    written.disk.set_capacity(Some(used(&written.disk) + with_certificate));
    certificate::prune(&written.disk).expect("as much as it needs");
    certified(&written.disk, "pruned");
}
