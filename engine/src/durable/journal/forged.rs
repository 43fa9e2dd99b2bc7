//! Journals that no crash could leave: every hash right, and yet one thing that does not follow.

use std::io;

use super::batch::{self, ChainHash, HASH_BYTES, Head};
use super::error::JournalError;
use super::scan::{Extent, JournalPoint};
use super::segment::{Blank, Header};
use super::{Recovery, read_all};
use crate::clock::Millis;
use crate::disk::sim::SimDisk;
use crate::disk::{Disk as _, DiskFile};
use crate::id::{Epoch, Sequence};

/// Something that changes the second of two batches before it is hashed.
type Forge = fn(&mut Head);

fn honest(previous: ChainHash, first_sequence: u64) -> Head {
    let first_sequence = Sequence(first_sequence);
    Head { epoch: Epoch(5), first_sequence, count: 2, at: Millis(70), previous }
}

/// A segment of an honest batch and one that `forge` and `patch` had their hands on.
fn journal(forge: Forge, patch: impl Fn(&mut Vec<u8>)) -> SimDisk {
    let disk = SimDisk::new();
    let start = Header { ordinal: 1, first_sequence: Sequence(1), chain: ChainHash::GENESIS };
    let file = create(&disk, &start, 1_024).unwrap();
    let mut bytes = Vec::new();
    let hash = batch::encode(&mut bytes, &honest(ChainHash::GENESIS, 1), b"first");
    let mut head = honest(hash, 3);
    forge(&mut head);
    let mut second = Vec::new();
    batch::encode(&mut second, &head, b"second");
    patch(&mut second);
    bytes.extend_from_slice(&second);
    file.write_at(&bytes, JournalPoint::START.offset).unwrap();
    disk
}

fn read(disk: &SimDisk) -> Result<Recovery, JournalError> {
    read_all(disk, None, Extent::Everything, &mut |_| Ok(()))
}

fn rehash(bytes: &mut [u8]) {
    let (covered, hash) = bytes.split_at_mut(bytes.len() - HASH_BYTES);
    hash.copy_from_slice(blake3::hash(covered).as_bytes());
}

fn create(disk: &SimDisk, header: &Header, length: u64) -> io::Result<Box<dyn DiskFile>> {
    let made = Blank::now(disk, length)?.become_segment(disk, header);
    made.map_err(|error| io::Error::other(format!("{error:?}")))
}

#[test]
fn a_batch_that_follows_is_accepted() {
    let recovery = read(&journal(|_| {}, |_| {})).unwrap();
    assert_eq!((recovery.batches, recovery.point.sequence), (2, Sequence(4)));
}

#[test]
fn a_batch_that_does_not_follow_is_damage() {
    let forgeries: [(Forge, &str); 6] = [
        (|head| head.first_sequence.0 = 2, "next sequence"),
        (|head| head.first_sequence.0 = 4, "next sequence"),
        (|head| head.previous.0[31] ^= 1, "hash of the batch before"),
        (|head| head.previous = ChainHash::GENESIS, "hash of the batch before"),
        (|head| head.epoch = Epoch(4), "lower epoch"),
        (|head| head.count = 0, "number of records"),
    ];
    for (forge, expected) in forgeries {
        match read(&journal(forge, |_| {})) {
            Err(JournalError::Damaged { segment: 1, offset, why }) => {
                assert_eq!(offset, JournalPoint::START.offset + batch::encoded_len(5) as u64);
                assert!(why.contains(expected), "{why}");
            }
            other => panic!("{expected}: {other:?}"),
        }
    }
}

#[test]
fn a_batch_of_another_version_is_not_taken_for_a_torn_one() {
    for version in [3, 5] {
        let disk = journal(
            |_| {},
            |bytes| {
                bytes[8] = version;
                rehash(bytes);
            },
        );
        let refused = read(&disk).unwrap_err().to_string();
        let expected = format!("segment 1 has format version {version}, this program reads 4");
        assert_eq!(refused, format!("journal {expected}"));
    }
}

#[test]
fn the_last_time_is_the_latest_even_if_a_batch_went_back() {
    let recovery = read(&journal(|head| head.at = Millis(60), |_| {})).unwrap();
    assert_eq!(recovery.point.at, Millis(70));
}

#[test]
fn a_segment_that_does_not_follow_is_damage() {
    let sound = journal(|_| {}, |_| {});
    let end = read(&sound).unwrap().point;
    let follows = Header { ordinal: 2, first_sequence: end.next_sequence(), chain: end.hash };
    let other_chain = Header { chain: ChainHash::GENESIS, ..follows };
    let other_sequence = Header { first_sequence: Sequence(6), ..follows };
    for (header, is_sound) in [(follows, true), (other_chain, false), (other_sequence, false)] {
        let disk = sound.copy();
        create(&disk, &header, 512).unwrap();
        match read(&disk) {
            Ok(recovery) => assert!(is_sound && recovery.point.segment == 2, "{header:?}"),
            Err(JournalError::Damaged { segment: 2, .. }) => assert!(!is_sound, "{header:?}"),
            other => panic!("{header:?}: {other:?}"),
        }
    }
}

#[test]
fn a_leftover_of_an_earlier_attempt_does_not_stop_a_new_segment() {
    let disk = SimDisk::new();
    disk.plant("journal-now.tmp", b"leftover");
    let start = Header { ordinal: 1, first_sequence: Sequence(1), chain: ChainHash::GENESIS };
    let file = create(&disk, &start, 512).unwrap();
    assert_eq!(file.len().unwrap(), 512);
    assert_eq!(disk.list().unwrap(), ["journal-0000000000000001.log"]);
}
