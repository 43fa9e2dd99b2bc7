//! Full disks are waited out, failed syncs end the journal, and misuse is refused.

use std::io::ErrorKind;

use engine::clock::Millis;
use engine::disk::Disk as _;
use engine::disk::sim::{Crash, SimDisk};
use engine::id::Epoch;
use engine::journal::{Journal, JournalError};

use super::support::{Input, Kept, SEGMENT_BYTES, reopen, written};

fn a_journal() -> (SimDisk, Journal, Vec<Kept>) {
    let (disk, kept) = written(0..5);
    let (journal, ..) = reopen(&disk, "a sound disk");
    (disk, journal, kept)
}

#[test]
fn a_disk_full_when_rolling_refuses_and_resumes() {
    let (disk, mut journal, mut kept) = a_journal();
    let names = disk.list().expect("a sound disk");
    let point = journal.point();
    disk.set_capacity(Some(SEGMENT_BYTES * 2 - 1));
    for _ in 0..3 {
        let full = journal.reserve(1_800).expect_err("no room for a second segment");
        assert!(matches!(full, JournalError::Full { .. }), "{full}");
        assert_eq!(disk.list().expect("a sound disk"), names, "nothing is left behind");
        assert_eq!(journal.point(), point);
    }
    kept.push(Input::numbered(6).append(&mut journal).expect("the present segment has room"));
    disk.set_capacity(None);
    kept.push(Input::numbered(7).append(&mut journal).expect("room again"));
    disk.crash(Crash::DropUnsynced);
    assert_eq!(reopen(&disk, "after the full disk").2, kept);
}

#[test]
fn a_segment_made_ready_ahead_is_gone_on_in_and_a_failed_one_is_made_when_needed() {
    for fails in [false, true] {
        let (disk, mut journal, mut kept) = a_journal();
        let mut prepared = 0;
        for number in 6..20 {
            kept.push(Input::numbered(number).append(&mut journal).expect("a sound disk"));
            if let Some(preparation) = journal.prepare() {
                if fails {
                    disk.fail_write(1, ErrorKind::StorageFull);
                }
                journal.set_prepared(preparation.run());
                prepared += 1;
                assert!(journal.prepare().is_none(), "once in each segment");
                let names = disk.list().expect("a sound disk");
                assert_eq!(names.contains(&"journal-ahead.tmp".to_owned()), !fails);
            }
        }
        assert!(prepared >= 2, "{prepared}");
        disk.crash(Crash::DropUnsynced);
        assert_eq!(reopen(&disk, "after going on").2, kept);
    }
}

#[test]
fn a_write_that_fails_while_a_segment_is_made_changes_nothing() {
    for (kind, nth) in [
        (ErrorKind::StorageFull, 1),
        (ErrorKind::StorageFull, 2),
        (ErrorKind::QuotaExceeded, 1),
        (ErrorKind::Other, 1),
        (ErrorKind::Other, 2),
    ] {
        let (disk, mut journal, kept) = a_journal();
        let names = disk.list().expect("a sound disk");
        disk.fail_write(nth, kind);
        let error = journal.reserve(1_800).expect_err("planned");
        let is_full = matches!(error, JournalError::Full { .. });
        assert_eq!(is_full, kind != ErrorKind::Other, "{error}");
        assert!(is_full || matches!(error, JournalError::Unready { .. }), "{error}");
        assert_eq!(disk.list().expect("a sound disk"), names);
        journal.reserve(1_800).expect("the next attempt");
        disk.crash(Crash::DropUnsynced);
        assert_eq!(reopen(&disk, "after the failed attempt").2, kept);
    }
}

#[test]
fn a_batch_that_ran_out_of_room_is_finished_or_nothing() {
    for taken in [0, 1, 8, 71, 100] {
        let (disk, mut journal, mut kept) = a_journal();
        let input = Input::numbered(6);
        journal.reserve(input.payload.len()).expect("room");
        disk.shorten_write(1, taken);
        disk.fail_write(if taken == 0 { 1 } else { 2 }, ErrorKind::StorageFull);
        let syncs = disk.syncs();
        let full = input.append_reserved(&mut journal).expect_err("planned");
        assert!(matches!(full, JournalError::Full { .. }), "{full}");
        assert_eq!(disk.syncs(), syncs, "nothing was synced");

        let killed_here = disk.copy();
        assert_eq!(reopen(&killed_here, "killed while full").2, kept, "{taken} bytes taken");

        let other = Input::numbered(8).append(&mut journal).expect_err("not the same batch");
        assert!(matches!(other, JournalError::Refused { .. }), "{other}");
        let rolling = journal.reserve(1_800).expect_err("it would leave the batch behind");
        assert!(matches!(rolling, JournalError::Refused { .. }), "{rolling}");

        kept.push(input.append(&mut journal).expect("the same batch, with room"));
        kept.push(Input::numbered(8).append(&mut journal).expect("and the next"));
        disk.crash(Crash::DropUnsynced);
        assert_eq!(reopen(&disk, "after finishing").2, kept, "{taken} bytes taken");
    }
}

#[test]
fn a_short_write_is_completed() {
    for taken in [1, 7, 100, 511] {
        let (disk, mut journal, mut kept) = a_journal();
        disk.shorten_write(1, taken);
        kept.push(Input::numbered(5).append(&mut journal).expect("completed"));
        disk.crash(Crash::DropUnsynced);
        assert_eq!(reopen(&disk, "after a short write").2, kept);
    }
}

#[test]
fn after_a_failed_sync_nothing_is_acknowledged_and_nothing_synced_again() {
    // Of a batch (1), and of a new segment's content (1) and name (2).
    for (payload_bytes, failing) in [(100, 1), (1_800, 1), (1_800, 2)] {
        let (disk, mut journal, kept) = a_journal();
        disk.fail_sync(failing);
        let input =
            Input { at: Millis(9_999), epoch: Epoch(3), count: 1, payload: vec![1; payload_bytes] };
        let error = input.append(&mut journal).expect_err("planned");
        assert!(matches!(error, JournalError::Poisoned { .. }), "{error}");
        assert!(journal.poison().is_some_and(|reason| reason.contains("syncing")));

        let (syncs, writes) = (disk.syncs(), disk.writes());
        for _ in 0..3 {
            let reserve = journal.reserve(1).expect_err("poisoned");
            assert!(matches!(reserve, JournalError::Poisoned { .. }), "{reserve}");
            let append = input.append_reserved(&mut journal).expect_err("poisoned");
            assert!(matches!(append, JournalError::Poisoned { .. }), "{append}");
        }
        assert_eq!((disk.syncs(), disk.writes()), (syncs, writes), "the disk was left alone");
        disk.crash(Crash::DropUnsynced);
        assert_eq!(reopen(&disk, "after the failed sync").2, kept);
    }
}

#[test]
fn a_write_that_fails_for_another_reason_poisons() {
    let (disk, mut journal, _) = a_journal();
    disk.fail_write(1, ErrorKind::Other);
    let error = Input::numbered(5).append(&mut journal).expect_err("planned");
    assert!(matches!(error, JournalError::Poisoned { .. }), "{error}");
    assert!(Input::numbered(5).append(&mut journal).is_err());
}

#[test]
fn a_batch_is_one_write_and_one_sync() {
    let (disk, mut journal, _) = a_journal();
    journal.reserve(100).expect("room");
    let (writes, syncs) = (disk.writes(), disk.syncs());
    Input::numbered(4 + 30).append_reserved(&mut journal).expect("a sound disk");
    assert_eq!((disk.writes(), disk.syncs()), (writes + 1, syncs + 1));
}

#[test]
fn a_call_that_breaks_the_contract_changes_nothing() {
    let (disk, mut journal, mut kept) = a_journal();
    kept.push(Input::numbered(9).append(&mut journal).expect("epoch 1"));
    let changes = disk.changes();
    let refused = |result: Result<_, JournalError>| {
        matches!(result.expect_err("a misuse"), JournalError::Refused { .. })
    };
    assert!(refused(journal.append(Millis(1), Epoch(1), 0, b"").map(drop)), "no records");
    assert!(refused(journal.append(Millis(1), Epoch(0), 1, b"").map(drop)), "a lower epoch");
    assert!(refused(journal.append(Millis(1), Epoch(1), 1, &[0; 1_800]).map(drop)), "unreserved");
    assert!(refused(journal.reserve(2_048)), "larger than a segment");
    assert!(refused(journal.reserve(usize::MAX)), "larger than memory");
    assert_eq!(disk.changes(), changes);
    assert_eq!(reopen(&disk, "after the misuse").2, kept);

    let (mut unreserved, ..) = reopen(&SimDisk::new(), "a new disk");
    assert!(refused(unreserved.append(Millis(1), Epoch(0), 1, b"").map(drop)), "no segment yet");
}
