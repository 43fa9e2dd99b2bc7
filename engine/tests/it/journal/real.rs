//! The journal on a real directory.

use std::fs::{self, OpenOptions};
use std::io::Write as _;
use std::sync::Arc;

use engine::disk::Disk;
use engine::disk::real::{OpenError, RealDisk};
use engine::journal::{Extent, Journal, Recovery, read_all, snapshot};

use super::support::{Input, SEGMENT_1, options};

fn open(disk: &Arc<dyn Disk>) -> (Journal, Recovery, Vec<Vec<u8>>) {
    let mut payloads = Vec::new();
    let (journal, recovery) = Journal::open(Arc::clone(disk), options(None), &mut |batch| {
        payloads.push(batch.payload.to_vec());
        Ok(())
    })
    .expect("a sound directory");
    (journal, recovery, payloads)
}

#[test]
fn a_journal_in_a_directory_survives_reopening_and_a_torn_tail() {
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("data");
    let mut appended = Vec::new();
    {
        let disk: Arc<dyn Disk> = Arc::new(RealDisk::open(&path).expect("a new directory"));
        let (mut journal, ..) = open(&disk);
        for number in 0..30 {
            let input = Input::numbered(number);
            input.append(&mut journal).expect("a sound disk");
            appended.push(input.payload);
            if number % 10 == 9 {
                snapshot::write(&*disk, &journal.point(), b"state").expect("a sound disk");
            }
        }
        assert!(matches!(RealDisk::open(&path), Err(OpenError::Locked { .. })));
    }

    let disk: Arc<dyn Disk> = Arc::new(RealDisk::open(&path).expect("unlocked by now"));
    let newest = snapshot::newest(&*disk).expect("readable").expect("written");
    let (journal, _, payloads) = open(&disk);
    assert_eq!(payloads, appended);
    assert_eq!(newest.point, journal.point());
    let point = journal.point();
    drop(journal);

    let name = format!("journal-{:016}.log", point.segment);
    let length = fs::metadata(path.join(&name)).expect("there").len();
    let mut file = OpenOptions::new().append(true).open(path.join(&name)).expect("there");
    file.write_all(b"RGBATCH\n and then the power went").expect("a sound disk");
    let (mut journal, recovery, payloads) = open(&disk);
    assert_eq!(payloads, appended);
    assert_eq!(recovery.truncated_bytes, length + 32 - point.offset);
    let input = Input::numbered(30);
    input.append(&mut journal).expect("a sound disk");
    appended.push(input.payload);

    let mut read = Vec::new();
    read_all(&*disk, None, Extent::Everything, &mut |batch| {
        read.push(batch.payload.to_vec());
        Ok(())
    })
    .expect("a sound directory");
    assert_eq!(read, appended);
}

#[test]
fn damage_in_a_directory_is_left_as_it_is() {
    let directory = tempfile::tempdir().expect("a directory");
    let disk: Arc<dyn Disk> = Arc::new(RealDisk::open(directory.path()).expect("a directory"));
    let (mut journal, ..) = open(&disk);
    for number in 0..30 {
        Input::numbered(number).append(&mut journal).expect("a sound disk");
    }
    drop(journal);
    let path = directory.path().join(SEGMENT_1);
    let mut bytes = fs::read(&path).expect("there");
    bytes[200] ^= 1;
    fs::write(&path, &bytes).expect("a sound disk");
    let opened = Journal::open(disk, options(None), &mut |_| Ok(()));
    assert!(opened.is_err());
    assert_eq!(fs::read(&path).expect("there"), bytes);
}
