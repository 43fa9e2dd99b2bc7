//! What every [`Disk`] must do, run on each of them.

use std::io::ErrorKind;

use super::real::{OpenError, RealDisk};
use super::sim::{Crash, SimDisk};
use super::{Disk, read_whole, remove_if_there, write_all_at, write_atomically, write_zeros_at};

fn obeys_the_suite(disk: &dyn Disk) {
    creates_and_lists(disk);
    reads_what_was_written(disk);
    changes_lengths(disk);
    renames_and_removes(disk);
    writes_atomically(disk);
    refuses_names_that_are_not_plain(disk);
    says_what_is_free(disk);
}

fn whole(disk: &dyn Disk, name: &str) -> Vec<u8> {
    let mut bytes = vec![9; 3];
    read_whole(disk, name, 1 << 20, &mut bytes).unwrap();
    bytes
}

fn error_of<T>(result: std::io::Result<T>) -> ErrorKind {
    result.err().expect("refused").kind()
}

fn creates_and_lists(disk: &dyn Disk) {
    assert_eq!(disk.list().unwrap(), Vec::<String>::new());
    assert_eq!(error_of(disk.open("b")), ErrorKind::NotFound);
    let file = disk.create("b", 1_000).unwrap();
    assert_eq!(file.len().unwrap(), 1_000);
    disk.create("a", 0).unwrap().sync().unwrap();
    assert_eq!(error_of(disk.create("b", 5)), ErrorKind::AlreadyExists);
    assert_eq!(disk.list().unwrap(), ["a", "b"]);
    assert_eq!(whole(disk, "b"), vec![0; 1_000]);
    assert_eq!(whole(disk, "a"), Vec::<u8>::new());
    let too_long = read_whole(disk, "b", 999, &mut Vec::new());
    assert_eq!(error_of(too_long), ErrorKind::FileTooLarge);
}

fn reads_what_was_written(disk: &dyn Disk) {
    let file = disk.open("b").unwrap();
    write_all_at(&*file, b"hello", 10).unwrap();
    let other = disk.open("b").unwrap();
    let mut buffer = [7; 8];
    assert_eq!(other.read_at(&mut buffer, 9).unwrap(), 8);
    assert_eq!(&buffer, b"\0hello\0\0", "another handle sees it before any sync");
    file.sync().unwrap();
    assert_eq!(other.read_at(&mut buffer, 996).unwrap(), 4, "the file ends there");
    assert_eq!(other.read_at(&mut buffer, 5_000).unwrap(), 0);
    write_all_at(&*file, b"end", 1_002).unwrap();
    assert_eq!(other.len().unwrap(), 1_005, "a write behind the end extends the file");
    write_zeros_at(&*file, 11, 1_004).unwrap();
    assert_eq!(whole(disk, "b")[10..], [b"h", &[0; 993][..], b"d"].concat());
}

fn changes_lengths(disk: &dyn Disk) {
    let file = disk.open("b").unwrap();
    file.set_len(11).unwrap();
    file.set_len(13).unwrap();
    file.sync().unwrap();
    assert_eq!(whole(disk, "b")[9..], *b"\0h\0\0", "what was cut off does not come back");
}

fn renames_and_removes(disk: &dyn Disk) {
    disk.rename("b", "a").unwrap();
    disk.sync_directory().unwrap();
    assert_eq!(disk.list().unwrap(), ["a"], "the name's former file is gone");
    assert_eq!(whole(disk, "a").len(), 13);
    assert_eq!(error_of(disk.rename("b", "c")), ErrorKind::NotFound);
    assert_eq!(error_of(disk.remove("b")), ErrorKind::NotFound);
    remove_if_there(disk, "b").unwrap();
    remove_if_there(disk, "a").unwrap();
    assert_eq!(disk.list().unwrap(), Vec::<String>::new());
}

fn writes_atomically(disk: &dyn Disk) {
    disk.create("key.tmp", 7).unwrap();
    write_atomically(disk, "key", b"first").unwrap();
    write_atomically(disk, "key", b"2nd").unwrap();
    assert_eq!(disk.list().unwrap(), ["key"], "no temporary file is left, not even a stale one");
    assert_eq!(whole(disk, "key"), b"2nd");
    disk.remove("key").unwrap();
}

fn says_what_is_free(disk: &dyn Disk) {
    let free = disk.free_bytes().unwrap();
    assert!(free > 1 << 20, "{free} bytes");
}

fn refuses_names_that_are_not_plain(disk: &dyn Disk) {
    for name in ["", ".", "..", "../up", "/etc/x", "a/b", ".hidden", "LOCK", "a\0b", "a\n"] {
        assert_eq!(error_of(disk.create(name, 1)), ErrorKind::InvalidFilename, "{name:?}");
        assert_eq!(error_of(disk.open(name)), ErrorKind::InvalidFilename, "{name:?}");
        assert_eq!(error_of(disk.rename(name, "b")), ErrorKind::InvalidFilename, "{name:?}");
        assert_eq!(error_of(disk.remove(name)), ErrorKind::InvalidFilename, "{name:?}");
    }
}

#[test]
fn the_simulated_disk_obeys_the_suite() {
    obeys_the_suite(&SimDisk::new());
}

#[test]
fn the_real_disk_obeys_the_suite() {
    let directory = tempfile::tempdir().unwrap();
    let disk = RealDisk::open(&directory.path().join("made/here")).unwrap();
    obeys_the_suite(&disk);
}

#[test]
fn a_data_directory_is_made_for_its_owner_alone() {
    use std::os::unix::fs::PermissionsExt as _;
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("data");
    let missing = RealDisk::open_existing(&path).unwrap_err();
    assert!(
        matches!(missing, OpenError::Io { source, .. } if source.kind() == ErrorKind::NotFound)
    );
    let disk = RealDisk::open(&path).unwrap();
    disk.create("file", 10).unwrap();
    let mode = |path: &std::path::Path| path.metadata().unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&path), 0o700);
    assert_eq!(mode(&path.join("file")), 0o600);
}

#[test]
fn a_data_directory_is_open_once_at_a_time() {
    let directory = tempfile::tempdir().unwrap();
    let first = RealDisk::open(directory.path()).unwrap();
    let second = RealDisk::open(directory.path()).unwrap_err();
    assert!(matches!(second, OpenError::Locked { .. }), "{second}");
    drop(first);
    RealDisk::open(directory.path()).unwrap();
}

/// A disk with a durable file of `x`es, `y`es written over them without a sync, and a file whose
/// name is not durable.
fn half_synced() -> SimDisk {
    let disk = SimDisk::new();
    let file = disk.create("kept", 2_048).unwrap();
    write_all_at(&*file, &[b'x'; 2_048], 0).unwrap();
    file.sync().unwrap();
    disk.sync_directory().unwrap();
    write_all_at(&*file, &[b'y'; 2_048], 0).unwrap();
    disk.create("unnamed", 10).unwrap().sync().unwrap();
    disk
}

#[test]
fn a_power_cut_drops_what_was_not_synced() {
    let disk = half_synced();
    let open_before = disk.open("kept").unwrap();
    disk.crash(Crash::DropUnsynced);
    assert_eq!(disk.list().unwrap(), ["kept"], "a synced file without a synced name is gone");
    assert_eq!(disk.contents("kept").unwrap(), [b'x'; 2_048]);
    assert!(open_before.sync().is_err(), "no handle outlives a crash");
}

#[test]
fn a_killed_process_loses_nothing_but_makes_nothing_durable() {
    let disk = half_synced();
    disk.crash(Crash::Process);
    assert_eq!(disk.list().unwrap(), ["kept", "unnamed"]);
    assert_eq!(disk.contents("kept").unwrap(), [b'y'; 2_048]);
    disk.crash(Crash::DropUnsynced);
    assert_eq!(disk.contents("kept").unwrap(), [b'x'; 2_048]);
}

#[test]
fn a_torn_write_keeps_whole_sectors_or_a_prefix() {
    let (mut sectors_seen, mut prefixes_seen) = (Vec::new(), Vec::new());
    for seed in 0..200 {
        let disk = half_synced();
        disk.crash(Crash::KeepSectors { seed });
        let bytes = disk.contents("kept").unwrap();
        for sector in bytes.chunks(512) {
            assert!(sector.iter().all(|byte| *byte == sector[0]), "seed {seed}");
        }
        sectors_seen.push(bytes.chunks(512).map(|sector| sector[0]).collect::<Vec<_>>());

        let disk = half_synced();
        disk.crash(Crash::KeepPrefix { seed });
        let bytes = disk.contents("kept").unwrap();
        let kept = bytes.iter().take_while(|byte| **byte == b'y').count();
        assert!(bytes[kept..].iter().all(|byte| *byte == b'x'), "seed {seed}");
        prefixes_seen.push(kept);
    }
    sectors_seen.sort_unstable();
    sectors_seen.dedup();
    assert_eq!(sectors_seen.len(), 16, "every subset of four sectors turns up");
    assert!(prefixes_seen.iter().any(|kept| !kept.is_multiple_of(512)));
}

#[test]
fn a_failed_sync_loses_the_writes_even_if_a_later_one_succeeds() {
    let disk = half_synced();
    disk.fail_sync(1);
    let file = disk.open("kept").unwrap();
    assert_eq!(file.sync().unwrap_err().raw_os_error(), Some(5), "EIO");
    file.sync().unwrap();
    assert_eq!(disk.contents("kept").unwrap(), [b'y'; 2_048], "still shown");
    disk.crash(Crash::DropUnsynced);
    assert_eq!(disk.contents("kept").unwrap(), [b'x'; 2_048], "never written");
}

#[test]
fn a_full_disk_says_so_and_recovers() {
    let disk = SimDisk::new();
    disk.set_capacity(Some(100));
    let file = disk.create("a", 60).unwrap();
    assert_eq!(error_of(disk.create("b", 41)), ErrorKind::StorageFull);
    assert_eq!(error_of(file.write_at(&[1; 50], 51)), ErrorKind::StorageFull);
    assert_eq!((disk.list().unwrap(), disk.free_bytes().unwrap()), (vec!["a".to_owned()], 40));
    disk.set_capacity(None);
    disk.create("b", 41).unwrap();
}

#[test]
fn writes_fail_or_fall_short_as_planned() {
    let disk = SimDisk::new();
    let file = disk.create("a", 0).unwrap();
    disk.shorten_write(1, 3);
    disk.fail_write(2, ErrorKind::StorageFull);
    assert_eq!(error_of(write_all_at(&*file, b"abcdef", 0)), ErrorKind::StorageFull);
    assert_eq!(disk.contents("a").unwrap(), b"abc");
    disk.cut_power_after(1);
    write_all_at(&*file, b"d", 3).unwrap();
    assert!(write_all_at(&*file, b"e", 4).is_err());
    assert!(file.len().is_err() && disk.list().is_err(), "without power nothing works");
    disk.crash(Crash::Process);
    assert_eq!(disk.contents("a").unwrap(), b"abcde", "the write that was cut may have happened");
}

#[test]
fn a_file_written_atomically_is_old_or_new_after_any_crash() {
    let prepared = || {
        let disk = SimDisk::new();
        write_atomically(&disk, "key", &[1; 700]).unwrap();
        disk
    };
    for cut in 0..6 {
        for seed in 0..8 {
            for crash in
                [Crash::DropUnsynced, Crash::KeepSectors { seed }, Crash::KeepPrefix { seed }]
            {
                let disk = prepared();
                disk.cut_power_after(cut);
                let written = write_atomically(&disk, "key", &[2; 900]).is_ok();
                disk.crash(crash);
                let found = disk.contents("key").unwrap();
                let is_new = found == [2; 900];
                assert!(is_new || (found == [1; 700] && !written), "cut {cut}, {crash:?}");
            }
        }
    }
}
