//! The local order log behind a real engine, killed and started again.

use std::{collections::BTreeMap, fs, path::Path, sync::Arc};

use api::pipeline::{Handle, LogOptions, OrderLog};
use serde_json::Value;
use tempfile::TempDir;

use crate::shop::{Shop, until};

fn log_to(directory: &Path, shop: &Shop) -> Handle {
    let options = LogOptions { directory: directory.to_owned(), file_bytes_max: 20_000 };
    shop.deliver(Arc::new(OrderLog::open(options).unwrap()))
}

/// Every line of the log, file after file.
fn lines(directory: &Path) -> Vec<Value> {
    let mut names: Vec<_> =
        fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path()).collect();
    names.sort();
    assert!(names.len() > 1, "the log was rotated: {names:?}");
    let texts: Vec<String> = names.iter().map(|name| fs::read_to_string(name).unwrap()).collect();
    texts.iter().flat_map(|text| text.lines()).map(|l| serde_json::from_str(l).unwrap()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_log_has_every_event_once_and_in_order_across_a_kill() {
    let (shop, directory) = (Shop::open().await, TempDir::new().unwrap());
    let pipeline = log_to(directory.path(), &shop);
    shop.trade(0, 40).await;
    // The engine's disk as it is now; the log goes on a little further.
    let restarted = shop.killed_and_restarted();
    until("no lag", || shop.lag() == 0).await;
    pipeline.stop();
    shop.close();

    let pipeline = log_to(directory.path(), &restarted);
    restarted.trade(1_000, 40).await;
    until("no lag", || restarted.lag() == 0).await;
    pipeline.stop();
    restarted.close();

    let lines = lines(directory.path());
    let mut stories: BTreeMap<String, Vec<u64>> = BTreeMap::new();
    for line in &lines {
        let story = stories.entry(line["purchase"].to_string()).or_default();
        story.push(line["event_id"].as_u64().unwrap());
    }
    assert_eq!((lines.len(), stories.len()), (240, 80));
    let mut ids: Vec<u64> = stories.values().flatten().copied().collect();
    ids.sort_unstable();
    assert_eq!(ids, (1..=240).collect::<Vec<_>>());
    assert!(stories.values().all(|story| story.is_sorted()), "{stories:?}");
}
