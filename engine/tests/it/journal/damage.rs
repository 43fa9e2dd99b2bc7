//! Torn tails are cut, damage is refused, and the two are told apart at every byte.

use std::ops::Range;

use engine::disk::Disk as _;
use engine::disk::sim::{Crash, SimDisk};
use engine::journal::{Extent, JournalError};
use proptest::prelude::*;

use super::support::{
    Input, Kept, SEGMENT_1, SEGMENT_2, SEGMENT_HEADER_BYTES, assert_damaged, open, ranges, read,
    reopen, written,
};

/// One segment of four batches; the last has an odd length, so that it is padded.
struct Sample {
    bytes: Vec<u8>,
    kept: Vec<Kept>,
    ranges: Vec<Range<usize>>,
}

fn sample() -> Sample {
    let (disk, kept) = written([4, 2, 5, 6]);
    let bytes = disk.contents(SEGMENT_1).expect("one segment");
    let ranges = ranges(&bytes);
    assert_eq!(ranges.len(), 4);
    Sample { bytes, kept, ranges }
}

impl Sample {
    fn last(&self) -> Range<usize> {
        self.ranges[3].clone()
    }

    fn disk_with(bytes: &[u8]) -> SimDisk {
        let disk = SimDisk::new();
        disk.plant(SEGMENT_1, bytes);
        disk
    }

    /// The last batch is cut, the others stay, and the journal goes on after them.
    #[track_caller]
    fn assert_last_is_cut(&self, bytes: &[u8], context: &str) {
        let disk = Self::disk_with(bytes);
        let end = bytes.iter().rposition(|&byte| byte != 0).map_or(0, |last| last + 1);
        let torn = end.saturating_sub(self.last().start) as u64;

        let (read_only, _) =
            read(&disk, None, Extent::Everything).expect("a torn tail is no damage");
        assert_eq!(read_only.truncated_bytes, torn, "{context}");
        let (_, recovery, kept) = reopen(&disk, context);
        assert_eq!(kept, self.kept[..3], "{context}");
        assert_eq!(recovery.truncated_bytes, torn, "{context}");

        disk.crash(Crash::DropUnsynced);
        let (mut journal, recovery, kept) = reopen(&disk, context);
        assert_eq!((kept.len(), recovery.truncated_bytes), (3, 0), "{context}: cut for good");
        let added = Input::numbered(9).append(&mut journal).expect("a sound disk");
        let (.., kept) = reopen(&disk, context);
        assert_eq!(kept[3..], [added], "{context}");
    }
}

#[test]
fn a_last_batch_cut_short_at_any_byte_is_truncated() {
    let sample = sample();
    for cut in sample.last() {
        sample.assert_last_is_cut(&sample.bytes[..cut], &format!("file cut at {cut}"));
        let mut zeroed = sample.bytes.clone();
        zeroed[cut..].fill(0);
        if zeroed != sample.bytes {
            sample.assert_last_is_cut(&zeroed, &format!("zeros from {cut}"));
        }
        let mut hollow = sample.bytes.clone();
        hollow[sample.last().start..=cut].fill(0);
        sample.assert_last_is_cut(&hollow, &format!("zeros up to {cut}"));
    }
}

#[test]
fn a_last_batch_with_any_byte_flipped_is_truncated() {
    let sample = sample();
    for offset in sample.last() {
        for mask in [0x01, 0x10, 0x80, 0xff] {
            let mut bytes = sample.bytes.clone();
            bytes[offset] ^= mask;
            sample.assert_last_is_cut(&bytes, &format!("byte {offset} flipped by {mask:#x}"));
        }
    }
}

#[test]
fn an_inner_batch_with_any_byte_flipped_is_damage() {
    let sample = sample();
    for range in &sample.ranges[..3] {
        for offset in range.clone() {
            for mask in [0x01, 0x80] {
                let mut bytes = sample.bytes.clone();
                bytes[offset] ^= mask;
                let disk = Sample::disk_with(&bytes);
                let context = format!("byte {offset} flipped by {mask:#x}");
                assert_damaged(open(&disk), (1, range.start), &context);
                assert_eq!(disk.contents(SEGMENT_1).expect("there"), bytes, "{context}: untouched");
            }
        }
    }
}

#[test]
fn a_segment_header_with_any_byte_flipped_is_refused() {
    let sample = sample();
    for offset in 0..SEGMENT_HEADER_BYTES {
        let mut bytes = sample.bytes.clone();
        bytes[offset] ^= 0x04;
        let opened = open(&Sample::disk_with(&bytes)).err();
        let refused = match opened {
            Some(JournalError::Version { segment: 1, .. }) => (8..12).contains(&offset),
            Some(JournalError::Damaged { segment: 1, offset: 0, .. }) => true,
            _ => false,
        };
        assert!(refused, "byte {offset}: {opened:?}");
    }
    for cut in 0..SEGMENT_HEADER_BYTES {
        let disk = Sample::disk_with(&sample.bytes[..cut]);
        assert_damaged(open(&disk), (1, 0), &format!("cut at {cut}"));
    }
}

#[test]
fn anything_behind_the_last_batch_is_truncated_unless_it_is_a_batch() {
    let sample = sample();
    for offset in sample.last().end..sample.bytes.len() {
        let mut bytes = sample.bytes.clone();
        bytes[offset] = 0x5a;
        let (_, recovery, kept) = reopen(&Sample::disk_with(&bytes), "garbage behind the end");
        let torn = (offset + 1 - sample.last().end) as u64;
        assert_eq!((kept.len(), recovery.truncated_bytes), (4, torn), "garbage at {offset}");
    }
    // A batch of earlier on, whole but out of place, wherever it lies.
    let earlier = sample.bytes[sample.ranges[1].clone()].to_vec();
    for offset in (sample.last().end..sample.bytes.len() - earlier.len()).step_by(8) {
        let mut bytes = sample.bytes.clone();
        bytes[offset..offset + earlier.len()].copy_from_slice(&earlier);
        let opened = open(&Sample::disk_with(&bytes));
        // Behind zeros only, it is an end like any other that is not clean.
        assert_damaged(opened, (1, sample.last().end), &format!("copy at {offset}"));
    }
}

#[test]
fn a_batch_that_does_not_follow_is_damage() {
    let sample = sample();
    let others = {
        let (disk, _) = written([4, 3, 5, 6]);
        disk.contents(SEGMENT_1).expect("one segment")
    };
    let second = ranges(&others)[1].clone();
    assert_eq!(second.start, sample.ranges[1].start, "equal first batches");

    let mut repeated = sample.bytes[..sample.last().end].to_vec();
    repeated.extend_from_slice(&sample.bytes[sample.last()]);
    assert_damaged(open(&Sample::disk_with(&repeated)), (1, sample.last().end), "repeated");

    let mut left_out = sample.bytes[..sample.ranges[1].start].to_vec();
    left_out.extend_from_slice(&sample.bytes[sample.ranges[2].clone()]);
    assert_damaged(open(&Sample::disk_with(&left_out)), (1, sample.ranges[1].start), "left out");

    let mut foreign = others[..second.end].to_vec();
    let third_of_ours = ranges(&sample.bytes)[2].clone();
    foreign.extend_from_slice(&sample.bytes[third_of_ours]);
    assert_damaged(open(&Sample::disk_with(&foreign)), (1, second.end), "another history");
}

#[test]
fn a_sealed_segment_must_end_as_it_was_left() {
    let (disk, _) = written(0..12);
    let first = disk.contents(SEGMENT_1).expect("rolled");
    let last = ranges(&first).pop().expect("batches");
    for offset in last.clone() {
        let disk = disk.copy();
        disk.flip(SEGMENT_1, offset, 0x20).expect("within");
        assert_damaged(open(&disk), (1, last.start), &format!("byte {offset}"));
    }
    let behind = disk.copy();
    behind.flip(SEGMENT_1, first.len() - 1, 0xff).expect("within");
    assert_damaged(open(&behind), (1, last.end), "garbage behind the last batch");

    let shortened = disk.copy();
    shortened.plant(SEGMENT_1, &first[..last.start]);
    assert_damaged(open(&shortened), (2, SEGMENT_HEADER_BYTES), "a batch missing at its end");
}

#[test]
fn a_missing_segment_is_damage() {
    let (disk, _) = written(0..20);
    assert!(disk.list().expect("a sound disk").len() >= 3);
    for (name, ordinal) in [(SEGMENT_1, 1), (SEGMENT_2, 2)] {
        let disk = disk.copy();
        disk.remove(name).expect("there");
        assert_damaged(open(&disk), (ordinal, 0), name);
    }
    let swapped = disk.copy();
    swapped.plant(SEGMENT_1, &disk.contents(SEGMENT_2).expect("there"));
    assert_damaged(open(&swapped), (1, 0), "under another's name");
}

#[test]
fn an_empty_last_segment_is_normal() {
    let (disk, kept) = written(0..5);
    let (mut journal, ..) = reopen(&disk, "before rolling");
    let segments = disk.list().expect("a sound disk").len();
    journal.reserve(1_800).expect("room");
    assert_eq!(disk.list().expect("a sound disk").len(), segments + 1);
    disk.crash(Crash::DropUnsynced);
    let (mut journal, recovery, kept_again) = reopen(&disk, "right after rolling");
    assert_eq!((kept_again, recovery.truncated_bytes), (kept, 0));
    Input::numbered(5).append(&mut journal).expect("appending goes on");
}

/// Something that happens to a file without its owner.
#[derive(Clone, Debug)]
enum Edit {
    Flip { at: usize, mask: u8 },
    SwapSectors { one: usize, other: usize },
    CopySector { from: usize, to: usize },
    Zero { from: usize, length: usize },
    Cut { at: usize },
}

fn edits() -> impl Strategy<Value = Edit> {
    let sector = 0..4_usize;
    prop_oneof![
        (0..2_048_usize, 1..=255_u8).prop_map(|(at, mask)| Edit::Flip { at, mask }),
        (sector.clone(), sector.clone()).prop_map(|(one, other)| Edit::SwapSectors { one, other }),
        (sector.clone(), sector).prop_map(|(from, to)| Edit::CopySector { from, to }),
        (0..2_048_usize, 1..600_usize).prop_map(|(from, length)| Edit::Zero { from, length }),
        (0..2_048_usize).prop_map(|at| Edit::Cut { at }),
    ]
}

impl Edit {
    fn apply(&self, bytes: &mut Vec<u8>) {
        bytes.resize(2_048, 0);
        match *self {
            Self::Flip { at, mask } => bytes[at] ^= mask,
            Self::SwapSectors { one, other } => {
                for offset in 0..512 {
                    bytes.swap(one * 512 + offset, other * 512 + offset);
                }
            }
            Self::CopySector { from, to } => {
                bytes.copy_within(from * 512..(from + 1) * 512, to * 512);
            }
            Self::Zero { from, length } => {
                let end = (from + length).min(bytes.len());
                bytes[from..end].fill(0);
            }
            Self::Cut { at } => bytes.truncate(at),
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_edit_of_any_segment_replays_a_batch_that_was_never_appended(
        edits in prop::collection::vec(edits(), 1..4),
        segment in 1..=3_u64,
    ) {
        let (disk, kept) = written(0..20);
        let name = format!("journal-{segment:016}.log");
        let mut bytes = disk.contents(&name).expect("at least three segments");
        for edit in &edits {
            edit.apply(&mut bytes);
        }
        disk.plant(&name, &bytes);
        if let Ok((.., replayed)) = open(&disk) {
            prop_assert!(kept.starts_with(&replayed), "{edits:?}");
            let (.., again) = reopen(&disk, "opened once already");
            prop_assert_eq!(replayed, again);
        }
    }

    #[test]
    fn arbitrary_bytes_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..3_000)) {
        drop(open(&Sample::disk_with(&bytes)));
        let mut behind = sample().bytes;
        behind.truncate(600);
        behind.extend_from_slice(&bytes);
        drop(open(&Sample::disk_with(&behind)));
    }
}
