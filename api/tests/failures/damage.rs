//! The journal changed behind the program's back: a torn tail is mended, damage refuses to start.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    time::Duration,
};

use crate::{
    Dice, audit::audit, beside_others, crowd::Crowd, seed, seeded, shopper::Shopper, site::Site,
};

const BATCH_MAGIC: &[u8] = b"RGBATCH\n";

/// A segment's bytes, to be edited.
#[derive(Debug)]
pub(crate) struct Journal {
    path: PathBuf,
    bytes: Vec<u8>,
    /// Where each batch begins.
    batches: Vec<usize>,
    /// Where the last one ends.
    end: usize,
}

impl Journal {
    /// The last segment of a data directory that nobody uses.
    pub(crate) fn last(directory: &Path) -> Self {
        let path = files(directory, "journal-").pop().unwrap();
        let bytes = fs::read(&path).unwrap();
        let starts = bytes.chunks_exact(8).enumerate();
        let starts = starts.filter(|(_, eight)| *eight == BATCH_MAGIC).map(|(at, _)| at * 8);
        let batches: Vec<usize> = starts.collect();
        let used = bytes.iter().rposition(|&byte| byte != 0).unwrap() + 1;
        Self { path, batches, end: used.next_multiple_of(8), bytes }
    }

    fn save(&self) {
        fs::write(&self.path, &self.bytes).unwrap();
    }

    /// Leaves half a batch behind the end, as a write that was cut off; answers its bytes.
    pub(crate) fn tear(mut self) -> usize {
        let last = *self.batches.last().unwrap();
        let half = self.bytes[last..last + (self.end - last) / 2].to_vec();
        let used = half.iter().rposition(|&byte| byte != 0).unwrap() + 1;
        self.bytes[self.end..self.end + half.len()].copy_from_slice(&half);
        self.save();
        used
    }

    fn flip(&mut self, at: usize) {
        self.bytes[at] ^= 0x10;
        self.save();
    }
}

/// Paths of the files whose names begin so, in order.
fn files(directory: &Path, prefix: &str) -> Vec<PathBuf> {
    let names = fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path());
    let ours = |path: &PathBuf| path.file_name().unwrap().to_str().unwrap().starts_with(prefix);
    let mut found: Vec<_> = names.filter(|path| path.is_file() && ours(path)).collect();
    found.sort();
    found
}

/// Every file's content, as a hash.
fn state(directory: &Path) -> BTreeMap<PathBuf, blake3::Hash> {
    let hash = |path: PathBuf| (path.clone(), blake3::hash(&fs::read(path).unwrap()));
    files(directory, "").into_iter().map(hash).collect()
}

/// A data directory with some shopping in it, and nobody using it.
fn shopped(test: &str) -> (Site, Crowd) {
    let mut crowd = Crowd::new(seed(test));
    let site = Site::new();
    let server = site.start();
    crowd.shop(&server.door(), || {
        std::thread::sleep(Duration::from_millis(300));
        server.kill();
    });
    (site, crowd)
}

#[test]
fn a_torn_write_is_cut_off_and_told() {
    let _running = beside_others();
    let (site, mut crowd) = shopped("torn write");
    let torn = Journal::last(&site.data).tear();
    let server = site.start();
    let log = server.log.text();
    assert!(log.contains(&format!("truncated_bytes={torn}")), "{torn} bytes were torn: {log}");
    audit(&server, &mut crowd);
}

#[test]
fn a_garbled_last_batch_costs_nothing_before_it() {
    let _running = beside_others();
    let mut dice = Dice(seed("garbled last batch"));
    for cut in [false, true] {
        let site = Site::new();
        let server = site.start();
        let mut client = server.client();
        let mut shoppers: Vec<_> = (0..20).map(|at| Shopper::new(format!("a-{at}"))).collect();
        for shopper in &mut shoppers {
            shopper.enter(&mut client).unwrap();
        }
        server.kill();
        let mut journal = Journal::last(&site.data);
        let last = *journal.batches.last().unwrap();
        if cut {
            let kept = last + usize::try_from(dice.below((journal.end - last) as u64)).unwrap();
            journal.bytes[kept..].fill(0);
            journal.save();
        } else {
            journal.flip(last + usize::try_from(dice.below((journal.end - last) as u64)).unwrap());
        }
        let server = site.start();
        let mut client = server.client();
        // One batch an entry: at most the last entry went with it.
        for shopper in &mut shoppers[..19] {
            shopper.poll(&mut client).unwrap();
            let again = shopper.enter(&mut client).unwrap();
            assert_eq!(again.header("idempotent-replayed"), Some("true"), "{again:?}");
        }
    }
}

#[test]
fn damage_with_valid_batches_after_it_refuses_to_start_and_touches_nothing() {
    let _running = beside_others();
    let (site, mut crowd) = shopped("inner damage");
    let mut dice = Dice(crowd.seed());
    for _ in 0..4 {
        let mut journal = Journal::last(&site.data);
        let batch = usize::try_from(dice.below(journal.batches.len() as u64 / 2)).unwrap();
        let (start, next) = (journal.batches[batch], journal.batches[batch + 1]);
        let flipped = start + usize::try_from(dice.below((next - start) as u64)).unwrap();
        journal.flip(flipped);
        let before = state(&site.data);
        let (code, log) = site.start_refused();
        assert_eq!(code, Some(1), "byte {flipped}: {log}");
        let named = format!("journal segment 1 is damaged at byte {start}");
        assert!(log.contains(&named), "byte {flipped}, batch at {start}: {log}");
        assert_eq!(state(&site.data), before, "byte {flipped}: files were changed");
        journal.flip(flipped);
    }
    let server = site.start();
    audit(&server, &mut crowd);
}

#[test]
fn damaged_snapshots_are_passed_over() {
    const ENTRIES: u64 = 60_000;
    let _running = beside_others();
    let mut dice = Dice(seed("damaged snapshots"));
    let site = Site::new();
    seeded::seed(&site.data, ENTRIES, 1);
    let snapshots = files(&site.data, "snapshot-");
    assert_eq!(snapshots.len(), 2, "the seed made {snapshots:?}");
    let expect = |from_snapshot: bool| {
        let server = site.start();
        assert_eq!(server.stats()["entered"].as_u64(), Some(ENTRIES));
        let log = server.log.text();
        assert!(log.contains(&format!("from_snapshot={from_snapshot}")), "{log}");
        let records = log.split("records=").nth(1).unwrap().split(' ').next().unwrap();
        records.parse::<u64>().unwrap()
    };
    let newest = expect(true);
    let damage = |path: &Path, at: u64| {
        let mut bytes = fs::read(path).unwrap();
        let at = usize::try_from(at).unwrap() % bytes.len();
        bytes[at] ^= 1;
        fs::write(path, bytes).unwrap();
    };
    damage(&snapshots[1], dice.below(1 << 30));
    let older = expect(true);
    assert!(older > newest, "the older snapshot leaves more to replay: {newest}, {older}");
    damage(&snapshots[0], dice.below(1 << 30));
    assert!(expect(false) >= ENTRIES, "without snapshots the whole journal is replayed");
}
