//! The journal on a real disk: one append is one write and one `fdatasync`, whatever its size.
//!
//! Beside it a plain file that grows by the same bytes, which is what a log without preallocation,
//! checksum or hash chain costs, and a Redis that syncs each turn before it answers. Redis reads 16 KiB
//! of a connection in a turn, so a large batch goes over many, as a pool of clients would.

use std::{fs::File, io::Write as _, sync::Arc};

use benches::redis::{AppendFsync, Link, Redis, Reply};
use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use engine::{
    clock::Millis,
    disk::{Disk, real::RealDisk},
    id::Epoch,
    journal::{self, Extent, Journal, JournalOptions},
};

/// About what a reservation with its key takes.
const RECORD_BYTES: usize = 120;

/// Records to a sync.
const BATCHES: [u32; 4] = [1, 64, 512, 4_096];

/// Commands to one connection of Redis, so that they fit a read of it.
const PER_LINK: usize = 64;

fn append(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("journal/append and sync");
    for records in BATCHES {
        let dir = tempfile::tempdir().expect("a temporary directory");
        let disk: Arc<dyn Disk> = Arc::new(RealDisk::open(dir.path()).expect("it opens"));
        let options = JournalOptions::default();
        let opened = Journal::open(Arc::clone(&disk), options, &mut |_| Ok(()));
        let (mut journal, _) = opened.expect("an empty directory is an empty journal");
        let payload = vec![7; RECORD_BYTES * usize::try_from(records).expect("fits")];
        let mut appended = 0;
        group.throughput(Throughput::Elements(u64::from(records)));
        group.bench_function(format!("ours, {records} records"), |bencher| {
            bencher.iter(|| {
                journal.reserve(payload.len()).expect("the disk has room");
                let done = journal.append(Millis(appended), Epoch(1), records, &payload);
                done.expect("it is durable");
                appended += 1;
            });
        });
        let read = journal::read_all(&*disk, None, Extent::Everything, &mut |batch| {
            assert!(batch.payload == payload, "a batch reads back as it was written");
            Ok(())
        });
        assert_eq!(read.expect("the journal reads back").batches, appended);
    }
    group.finish();
}

fn plain_file(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("journal/append and sync");
    for records in BATCHES {
        let mut file = tempfile::tempfile().expect("a file");
        let payload = vec![7; RECORD_BYTES * usize::try_from(records).expect("fits")];
        let append = |file: &mut File| {
            file.write_all(&payload).expect("the disk has room");
            file.sync_data().expect("it is durable");
        };
        group.throughput(Throughput::Elements(u64::from(records)));
        let mut appended = 0;
        group.bench_function(format!("plain file, {records} records"), |bencher| {
            bencher.iter(|| {
                append(&mut file);
                appended += 1;
            });
        });
        let length = file.metadata().expect("its length").len();
        assert_eq!(length, appended * payload.len() as u64);
    }
    group.finish();
}

fn redis(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("journal/append and sync");
    for records in BATCHES {
        let redis = Redis::start(AppendFsync::Always).expect("a redis of our own");
        let links = usize::try_from(records).expect("fits").div_ceil(PER_LINK);
        let link = |_| redis.link().expect("it accepts");
        let mut links: Vec<Link> = (0..links).map(link).collect();
        let each = usize::try_from(records).expect("fits") / links.len();
        let payload = [7; RECORD_BYTES];
        group.throughput(Throughput::Elements(u64::from(records)));
        group.bench_function(format!("Redis appendfsync always, {records} records"), |bencher| {
            bencher.iter(|| {
                for link in &mut links {
                    // One key, so that memory does not grow; its log does.
                    (0..each).for_each(|_| link.push(&[b"SET", b"record", &payload]));
                    link.send().expect("it is sent");
                }
                for link in &mut links {
                    for _ in 0..each {
                        assert_eq!(link.read().expect("it is durable"), Reply::bulk("OK"));
                    }
                }
            });
        });
    }
    group.finish();
}

criterion_group!(benches, append, plain_file, redis);
criterion_main!(benches);
