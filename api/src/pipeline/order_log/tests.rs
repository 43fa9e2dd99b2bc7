//! The log across crashes, rotation and damage.

use std::{fs, os::unix::fs::PermissionsExt as _, path::Path};

use tempfile::TempDir;

use super::*;
use crate::pipeline::payload::tests::event;

fn options(directory: &Path, file_bytes_max: u64) -> LogOptions {
    LogOptions { directory: directory.to_owned(), file_bytes_max }
}

fn open(directory: &Path) -> OrderLog {
    OrderLog::open(LogOptions::in_directory(directory.to_owned())).unwrap()
}

fn deliver(log: &OrderLog, ids: impl IntoIterator<Item = u64>) {
    let events: Vec<_> = ids.into_iter().map(|id| Arc::new(event(id))).collect();
    log.writer.lock().unwrap().append(&events).unwrap();
}

/// The ids in the log, file after file.
fn ids(directory: &Path) -> Vec<Vec<u64>> {
    let read = |number: &u64| {
        let name = format!("orders-{number:06}.jsonl");
        let text = fs::read_to_string(directory.join(name)).unwrap();
        let id = |line: &str| {
            let value: serde_json::Value = serde_json::from_str(line).unwrap();
            value["event_id"].as_u64().unwrap()
        };
        text.lines().map(id).collect()
    };
    list(directory).unwrap().iter().map(read).collect()
}

#[test]
fn lines_go_on_in_the_same_file_after_a_restart_and_only_the_owner_reads_it() {
    let data = TempDir::new().unwrap();
    let directory = data.path().join("orders");
    deliver(&open(&directory), [1, 2]);
    deliver(&open(&directory), [3]);
    assert_eq!(ids(&directory), [[1, 2, 3]]);
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&directory), 0o700);
    assert_eq!(mode(&directory.join("orders-000001.jsonl")), 0o600);
}

#[test]
fn events_that_were_logged_but_not_acknowledged_get_no_second_line() {
    let directory = TempDir::new().unwrap();
    deliver(&open(directory.path()), [1, 2, 5]);
    // Offered again after a crash; 3 and 4 were behind a dead letter of another sink.
    deliver(&open(directory.path()), 1..=6);
    assert_eq!(ids(directory.path()), [[1, 2, 5, 3, 4, 6]]);
}

#[test]
fn a_sales_lines_do_not_stand_for_those_of_another() {
    let of = |sale: &str, id| {
        let sale = engine::id::SaleName::parse(sale).unwrap();
        Arc::new(OrderEvent { sale, ..event(id) })
    };
    let directory = TempDir::new().unwrap();
    let append = |events: &[Arc<OrderEvent>]| {
        open(directory.path()).writer.lock().unwrap().append(events).unwrap();
    };
    append(&[of("one", 1), of("two", 1), of("one", 2)]);
    append(&[of("one", 1), of("one", 2), of("one", 3), of("two", 1), of("two", 2)]);
    assert_eq!(ids(directory.path()), [[1, 1, 2, 3, 2]]);
}

#[test]
fn full_files_are_followed_by_the_next_and_known_ids_reach_over_them() {
    let directory = TempDir::new().unwrap();
    let small = options(directory.path(), 900);
    let log = OrderLog::open(small.clone()).unwrap();
    for id in 1..=5 {
        deliver(&log, [id]);
    }
    let before = ids(directory.path());
    assert!(before.len() > 1, "{before:?}");
    drop(log);
    let log = OrderLog::open(small).unwrap();
    deliver(&log, 1..=5);
    assert_eq!(ids(directory.path()), before);
    deliver(&log, [6]);
    assert_eq!(ids(directory.path()).concat(), [1, 2, 3, 4, 5, 6]);
}

#[test]
fn a_torn_batch_is_cut_wherever_it_was_torn_and_delivered_again() {
    let directory = TempDir::new().unwrap();
    deliver(&open(directory.path()), [1]);
    let file = directory.path().join("orders-000001.jsonl");
    let synced = fs::read(&file).unwrap().len();
    deliver(&open(directory.path()), [2, 3]);
    let whole = fs::read(&file).unwrap();
    for cut in synced..whole.len() {
        fs::write(&file, &whole[..cut]).unwrap();
        deliver(&open(directory.path()), [1, 2, 3]);
        assert_eq!(fs::read(&file).unwrap(), whole, "cut at {cut}");
    }
    // A hole: the end of the batch reached the disk, its beginning did not.
    let mut hole = whole.clone();
    hole[synced..synced + 40].fill(0);
    fs::write(&file, &hole).unwrap();
    deliver(&open(directory.path()), [1, 2, 3]);
    assert_eq!(fs::read(&file).unwrap(), whole);
}

#[test]
fn damage_further_back_than_a_crash_reaches_is_told_and_nothing_is_cut() {
    let directory = TempDir::new().unwrap();
    let log = open(directory.path());
    deliver(&log, 1..=100);
    deliver(&log, 101..=100 + BATCH_EVENTS_MAX as u64);
    let file = directory.path().join("orders-000001.jsonl");
    let mut bytes = fs::read(&file).unwrap();
    bytes[3] = b'#';
    fs::write(&file, &bytes).unwrap();
    let error = OrderLog::open(LogOptions::in_directory(directory.path().to_owned()));
    assert!(matches!(error, Err(LogError::Damaged { offset: 0, .. })), "{error:?}");
    assert_eq!(fs::read(&file).unwrap(), bytes);
}

#[tokio::test]
async fn a_log_that_cannot_be_written_says_later_and_takes_the_events_once_it_can() {
    let directory = TempDir::new().unwrap();
    let gone = directory.path().join("orders");
    fs::create_dir(&gone).unwrap();
    let log = open(&gone);
    fs::remove_dir(&gone).unwrap();
    let answers = log.deliver(vec![Arc::new(event(1))]).await;
    assert!(matches!(answers[..], [Answer::Later { .. }]), "{answers:?}");
    fs::create_dir(&gone).unwrap();
    assert_eq!(log.deliver(vec![Arc::new(event(1))]).await, [Answer::Taken]);
    assert_eq!(ids(&gone), [[1]]);
}
