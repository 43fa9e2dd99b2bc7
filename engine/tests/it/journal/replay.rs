//! Reading back: everything, from a snapshot on, or behind a writer.

use std::sync::Arc;

use engine::disk::Disk as _;
use engine::disk::sim::{Crash, SimDisk};
use engine::id::Sequence;
use engine::journal::{Extent, Journal, JournalError, JournalPoint, snapshot};

use super::support::{
    Input, SEGMENT_1, SEGMENT_BYTES, assert_damaged, open_from, options, read, reopen, written,
};

#[test]
fn a_new_directory_is_an_empty_journal_and_stays_untouched() {
    let disk = SimDisk::new();
    let (journal, recovery, kept) = reopen(&disk, "a new disk");
    assert_eq!((journal.point(), kept.len()), (JournalPoint::START, 0));
    assert_eq!(recovery.truncated_bytes, 0);
    assert_eq!(disk.list().expect("a sound disk"), Vec::<String>::new());
}

#[test]
fn what_was_appended_is_replayed_in_order() {
    let (disk, kept) = written(0..40);
    disk.crash(Crash::DropUnsynced);
    let (journal, recovery, replayed) = reopen(&disk, "a sound disk");
    assert_eq!(replayed, kept);
    let records: u64 = kept.iter().map(|batch| u64::from(batch.count)).sum();
    assert_eq!((recovery.batches, recovery.records), (40, records));
    assert_eq!(journal.point().sequence, Sequence(records));
    assert_eq!(journal.point().hash, kept[39].hash);
    assert_eq!(journal.point().at, kept[39].at);
    let segments = disk.list().expect("a sound disk");
    assert!(segments.len() > 3, "{segments:?}");
    for name in segments {
        assert_eq!(disk.contents(&name).expect("there").len() as u64, SEGMENT_BYTES);
    }
}

#[test]
fn a_snapshot_and_its_tail_are_the_whole_replay() {
    let disk = SimDisk::new();
    let (mut journal, ..) = reopen(&disk, "a new disk");
    let mut points = vec![(JournalPoint::START, 0)];
    for number in 0..25 {
        Input::numbered(number).append(&mut journal).expect("a sound disk");
        points.push((journal.point(), number + 1));
        if number % 6 == 0 {
            // A point before a roll and the same point after it must both do.
            journal.reserve(1_800).expect("room");
            points.push((journal.point(), number + 1));
        }
    }
    let (.., all) = reopen(&disk, "everything");
    for (point, before) in points {
        let copy = disk.copy();
        snapshot::write(&copy, &point, b"the state").expect("a sound disk");
        let snapshot = snapshot::newest(&copy).expect("a sound disk").expect("just written");
        assert_eq!((snapshot.point, &snapshot.payload[..]), (point, &b"the state"[..]));
        let (tail_journal, recovery, tail) =
            open_from(&copy, Some(snapshot.point)).expect("the tail follows");
        assert_eq!(tail, all[before..], "{point:?}");
        assert_eq!(tail_journal.point(), journal.point(), "{point:?}");
        assert_eq!(recovery.point, journal.point());
    }
}

#[test]
fn a_snapshot_of_another_history_is_refused() {
    let (disk, _) = written(0..10);
    let (journal, ..) = reopen(&disk, "a sound disk");
    let point = journal.point();
    let (other, _) = written([0, 1, 3, 3, 4, 5, 6, 7, 8, 9]);
    let end = usize::try_from(point.offset).expect("small");
    assert_damaged(open_from(&other, Some(point)), (point.segment, end), "another history");

    let beyond = JournalPoint { offset: point.offset + 8, ..point };
    assert_damaged(open_from(&disk, Some(beyond)), (point.segment, end + 8), "not a batch's end");
    let missing = JournalPoint { segment: 99, ..point };
    assert_damaged(open_from(&disk, Some(missing)), (99, 0), "a missing segment");
    let inside = JournalPoint { offset: 3, ..point };
    assert_damaged(open_from(&disk, Some(inside)), (point.segment, 3), "inside the header");
}

#[test]
fn segments_before_the_snapshot_are_not_needed() {
    let (disk, kept) = written(0..12);
    let (journal, ..) = reopen(&disk, "a sound disk");
    assert!(journal.point().segment > 1);
    disk.remove(SEGMENT_1).expect("there");
    let (.., tail) = open_from(&disk, Some(journal.point())).expect("the tail is there");
    assert!(tail.is_empty() && !kept.is_empty());
}

#[test]
fn two_snapshots_are_kept_and_an_unreadable_one_is_skipped() {
    let disk = SimDisk::new();
    let (mut journal, ..) = reopen(&disk, "a new disk");
    assert_eq!(snapshot::newest(&disk).expect("a sound disk"), None);
    for number in 0..4 {
        Input::numbered(number).append(&mut journal).expect("a sound disk");
        let state = vec![u8::try_from(number).expect("small"); 10];
        snapshot::write(&disk, &journal.point(), &state).expect("a sound disk");
    }
    let mut names = disk.list().expect("a sound disk");
    names.retain(|name| name.starts_with("snapshot-"));
    assert_eq!(names, ["snapshot-0000000000000006.snap", "snapshot-0000000000000010.snap"]);

    let whole = disk.contents(&names[1]).expect("there");
    for offset in 0..whole.len() {
        let disk = disk.copy();
        disk.flip(&names[1], offset, 0x08).expect("within");
        let found = snapshot::newest(&disk).expect("a sound disk").expect("the older one");
        assert_eq!((found.point.sequence, found.payload), (Sequence(6), vec![2; 10]), "{offset}");
        disk.plant(&names[1], &whole[..offset]);
        let found = snapshot::newest(&disk).expect("a sound disk").expect("the older one");
        assert_eq!(found.point.sequence, Sequence(6), "cut at {offset}");
    }
}

#[test]
fn a_snapshot_under_another_name_is_skipped() {
    let (disk, _) = written(0..5);
    let (journal, ..) = reopen(&disk, "a sound disk");
    snapshot::write(&disk, &journal.point(), b"state").expect("a sound disk");
    let name = format!("snapshot-{:016}.snap", journal.point().sequence.0);
    disk.plant("snapshot-0000000000000999.snap", &disk.contents(&name).expect("there"));
    let found = snapshot::newest(&disk).expect("a sound disk").expect("the right one");
    assert_eq!(found.point, journal.point());
    disk.remove(&name).expect("there");
    assert_eq!(snapshot::newest(&disk).expect("a sound disk"), None);
}

#[test]
fn opening_clears_away_unfinished_files_of_the_journal_alone() {
    let (disk, _) = written(0..5);
    disk.plant("journal-now.tmp", b"half a segment");
    disk.plant("journal-ahead.tmp", b"another");
    disk.plant("snapshot-0000000000000003.snap.tmp", b"half a snapshot");
    disk.plant("key.tmp", b"someone else's");
    reopen(&disk, "with leftovers");
    assert_eq!(disk.list().expect("a sound disk"), [SEGMENT_1, "key.tmp"]);
}

#[test]
fn a_snapshot_that_finds_no_room_leaves_the_old_ones() {
    let (disk, _) = written(0..5);
    let (journal, ..) = reopen(&disk, "a sound disk");
    snapshot::write(&disk, &JournalPoint::START, b"old").expect("a sound disk");
    let names = disk.list().expect("a sound disk");
    disk.set_capacity(Some(SEGMENT_BYTES * 2));
    let full = snapshot::write(&disk, &journal.point(), &[1; 5_000]).expect_err("no room");
    assert!(engine::disk::is_full(&full), "{full}");
    assert_eq!(disk.list().expect("a sound disk"), names);
}

#[test]
fn a_reader_follows_sealed_segments_and_durable_records_without_changing_anything() {
    let disk = SimDisk::new();
    let (mut journal, ..) = reopen(&disk, "a new disk");
    let mut point = None;
    let mut followed = Vec::new();
    let mut hashes = Vec::new();
    for number in 0..40 {
        let kept = Input::numbered(number).append(&mut journal).expect("a sound disk");
        hashes.push(kept.hash);
        let changes = disk.changes();

        let (sealed, new) = read(&disk, point, Extent::Sealed).expect("sound");
        followed.extend(new);
        point = Some(sealed.point);
        assert!(hashes.starts_with(&followed));
        assert!(sealed.point.segment < journal.point().segment || sealed.point.sequence.0 == 0);

        for upto in [kept.first_sequence, journal.point().sequence] {
            let (up_to, all) = read(&disk, None, Extent::UpTo(upto)).expect("sound");
            assert_eq!((up_to.point, &all), (journal.point(), &hashes));
        }
        let (_, some) = read(&disk, None, Extent::UpTo(hashes_before(number))).expect("sound");
        assert_eq!(some, hashes[..number]);
        assert_eq!(disk.changes(), changes, "reading writes nothing");
    }
    assert!(followed.len() > 20, "most batches are sealed by now");
}

/// The last sequence before batch `number`.
fn hashes_before(number: usize) -> Sequence {
    Sequence((0..number).map(|earlier| u64::from(Input::numbered(earlier).count)).sum())
}

#[test]
fn a_batch_its_reader_rejects_stops_the_opening() {
    let (disk, kept) = written(0..10);
    let before = disk.changes();
    let mut seen = 0;
    let opened = Journal::open(Arc::new(disk.clone()), options(None), &mut |_| {
        seen += 1;
        if seen == 4 { Err("no such sale".to_owned()) } else { Ok(()) }
    });
    let Err(JournalError::Rejected { first_sequence, why }) = opened else {
        panic!("expected a rejection, got {opened:?}")
    };
    assert_eq!((first_sequence, &why[..]), (kept[3].first_sequence.0, "no such sale"));
    assert_eq!(disk.changes(), before, "nothing was written");
}
