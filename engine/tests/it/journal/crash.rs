//! Crashes at every change the disk sees, in every way they can leave it, and again in recovery.

use engine::disk::sim::{Crash, SimDisk};
use engine::journal::snapshot;
use proptest::prelude::*;

use super::support::{Input, Kept, SEGMENT_BYTES, open, reopen};

const BATCHES: usize = 14;
/// Ways to tear, for each point of the crash.
const TORN_SEEDS: u64 = 6;

/// What a workload was told before its disk failed.
struct Told {
    acknowledged: Vec<Kept>,
    /// Whether a batch was appended without an answer.
    in_flight: bool,
}

/// Appends batches with a snapshot now and then until something fails.
fn work(disk: &SimDisk) -> Told {
    let mut told = Told { acknowledged: Vec::new(), in_flight: false };
    let Ok((mut journal, _, _)) = open(disk) else { return told };
    for number in 0..BATCHES {
        let input = Input::numbered(number);
        if journal.reserve(input.payload.len()).is_err() {
            return told;
        }
        let Ok(kept) = input.append(&mut journal) else {
            told.in_flight = true;
            return told;
        };
        told.acknowledged.push(kept);
        // Some segments are made ready ahead of their time, some when they are needed.
        if let Some(preparation) = journal.prepare()
            && number % 3 > 0
        {
            journal.set_prepared(preparation.run());
        }
        if number % 4 == 3 && snapshot::write(disk, &journal.point(), b"state").is_err() {
            return told;
        }
    }
    told
}

fn modes(seed: u64) -> impl Iterator<Item = Crash> {
    let seeds = (0..TORN_SEEDS).map(move |salt| seed * TORN_SEEDS + salt);
    let torn = seeds.flat_map(|seed| [Crash::KeepSectors { seed }, Crash::KeepPrefix { seed }]);
    [Crash::Process, Crash::DropUnsynced].into_iter().chain(torn)
}

fn changes_of_the_whole_workload() -> u64 {
    let disk = SimDisk::new();
    assert_eq!(work(&disk).acknowledged.len(), BATCHES, "nothing fails on a sound disk");
    disk.changes()
}

fn crashed(cut: u64, crash: Crash) -> (SimDisk, Told) {
    let disk = SimDisk::new();
    disk.cut_power_after(cut);
    let told = work(&disk);
    disk.crash(crash);
    (disk, told)
}

#[track_caller]
fn assert_kept(kept: &[Kept], told: &Told, context: &str) {
    let acknowledged = told.acknowledged.len();
    assert!(kept.starts_with(&told.acknowledged), "{context}: an acknowledged batch is lost");
    assert!(
        kept.len() <= acknowledged + usize::from(told.in_flight),
        "{context}: one was invented"
    );
    if let Some(unanswered) = kept.get(acknowledged) {
        assert_eq!(unanswered.payload, Input::numbered(acknowledged).payload, "{context}");
    }
}

#[test]
fn no_crash_at_any_change_loses_an_acknowledged_batch() {
    for cut in 0..changes_of_the_whole_workload() {
        for crash in modes(cut) {
            let context = format!("power cut after {cut} changes, {crash:?}");
            let (disk, told) = crashed(cut, crash);
            let (mut journal, _, mut kept) = reopen(&disk, &context);
            assert_kept(&kept, &told, &context);

            // Whatever recovery showed is durable by now, and appending goes on from it.
            for number in kept.len()..kept.len() + 3 {
                kept.push(Input::numbered(number).append(&mut journal).expect("a sound disk"));
            }
            disk.crash(Crash::DropUnsynced);
            let (_, recovery, again) = reopen(&disk, &context);
            assert_eq!(again, kept, "{context}");
            assert_eq!(recovery.truncated_bytes, 0, "{context}: the tail was cleaned");
        }
    }
}

#[test]
fn recovering_twice_gives_the_same() {
    for cut in 0..changes_of_the_whole_workload() {
        for crash in modes(cut) {
            let context = format!("power cut after {cut} changes, {crash:?}");
            let (disk, _) = crashed(cut, crash);
            let (_, first, kept) = reopen(&disk, &context);
            disk.crash(Crash::DropUnsynced);
            let (_, second, kept_again) = reopen(&disk, &context);
            assert_eq!(kept, kept_again, "{context}");
            assert_eq!(first.point, second.point, "{context}");
        }
    }
}

#[test]
fn a_crash_during_recovery_changes_nothing() {
    for cut in 0..changes_of_the_whole_workload() {
        for crash in modes(cut).skip(1) {
            let (disk, _) = crashed(cut, crash);
            let straight = disk.copy();
            let context = format!("power cut after {cut} changes, {crash:?}");
            let (_, _, kept) = reopen(&straight, &context);
            for cut_again in 0..straight.changes() {
                for crash_again in modes(cut_again).step_by(2) {
                    let context = format!("{context}, again after {cut_again}, {crash_again:?}");
                    let disk = disk.copy();
                    disk.cut_power_after(cut_again);
                    assert!(open(&disk).is_err(), "{context}");
                    disk.crash(crash_again);
                    let (_, _, kept_again) = reopen(&disk, &context);
                    assert_eq!(kept, kept_again, "{context}");
                }
            }
        }
    }
}

#[test]
fn what_a_killed_process_left_unsynced_is_durable_once_recovered() {
    for cut in 0..changes_of_the_whole_workload() {
        let context = format!("killed after {cut} changes");
        let (disk, told) = crashed(cut, Crash::Process);
        let (_, _, kept) = reopen(&disk, &context);
        assert_kept(&kept, &told, &context);
        disk.crash(Crash::DropUnsynced);
        let (_, _, durable) = reopen(&disk, &context);
        assert_eq!(durable, kept, "{context}: recovery showed what was not durable");
    }
}

#[test]
fn what_a_failed_sync_left_visible_is_durable_once_recovered() {
    let syncs = {
        let disk = SimDisk::new();
        work(&disk);
        disk.syncs()
    };
    for failing in 1..=syncs {
        let context = format!("sync {failing} fails");
        let disk = SimDisk::new();
        disk.fail_sync(failing);
        let told = work(&disk);
        disk.crash(Crash::Process);
        let (_, _, kept) = reopen(&disk, &context);
        assert_kept(&kept, &told, &context);
        disk.crash(Crash::DropUnsynced);
        let (_, _, durable) = reopen(&disk, &context);
        assert_eq!(durable, kept, "{context}: recovery showed what was not durable");
    }
}

/// One run of the process, up to what ends it.
#[derive(Clone, Debug)]
struct Life {
    batches: usize,
    power_cut: u64,
    failing_sync: u64,
    capacity_segments: u64,
    crash: Crash,
}

fn lives() -> impl Strategy<Value = Vec<Life>> {
    let crash = prop_oneof![
        Just(Crash::Process),
        Just(Crash::DropUnsynced),
        any::<u64>().prop_map(|seed| Crash::KeepSectors { seed }),
        any::<u64>().prop_map(|seed| Crash::KeepPrefix { seed }),
    ];
    let life = (0..12_usize, 1..60_u64, 1..60_u64, 1..8_u64, crash).prop_map(
        |(batches, power_cut, failing_sync, capacity_segments, crash)| Life {
            batches,
            power_cut,
            failing_sync,
            capacity_segments,
            crash,
        },
    );
    prop::collection::vec(life, 1..8)
}

/// Lives one life on from the batches known so far, and says what is known after it.
fn live(disk: &SimDisk, life: &Life, known: Told) -> Told {
    disk.set_capacity(Some(life.capacity_segments * SEGMENT_BYTES));
    disk.fail_sync(life.failing_sync);
    disk.cut_power_after(life.power_cut);
    let Ok((mut journal, _, replayed)) = open(disk) else { return known };
    assert_kept(&replayed, &known, "on opening");
    let mut told = Told { acknowledged: replayed, in_flight: false };
    for _ in 0..life.batches {
        let input = Input::numbered(told.acknowledged.len());
        if journal.reserve(input.payload.len()).is_err() {
            continue;
        }
        match input.append(&mut journal) {
            Ok(kept) => told.acknowledged.push(kept),
            Err(_) => told.in_flight = true,
        }
    }
    told
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 600, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_sequence_of_failing_lives_loses_an_acknowledged_batch(lives in lives()) {
        let disk = SimDisk::new();
        let mut known = Told { acknowledged: Vec::new(), in_flight: false };
        for life in &lives {
            known = live(&disk, life, known);
            disk.crash(life.crash);
        }
        disk.set_capacity(None);
        let (.., kept) = reopen(&disk, "after the last life");
        assert_kept(&kept, &known, "after the last life");
    }
}
