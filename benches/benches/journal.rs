//! The journal on a real disk: one append is one write and one `fdatasync`, whatever its size.

#![expect(missing_docs, reason = "criterion writes undocumented functions")]

use std::sync::Arc;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use engine::{
    clock::Millis,
    disk::{Disk, real::RealDisk},
    id::Epoch,
    journal::{self, Extent, Journal, JournalOptions},
};

/// About what a reservation with its key takes.
const RECORD_BYTES: usize = 120;

fn append(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("journal/append and sync");
    for records in [1_u32, 64, 512, 4_096] {
        let dir = tempfile::tempdir().expect("a temporary directory");
        let disk: Arc<dyn Disk> = Arc::new(RealDisk::open(dir.path()).expect("it opens"));
        let options = JournalOptions::default();
        let opened = Journal::open(Arc::clone(&disk), options, &mut |_| Ok(()));
        let (mut journal, _) = opened.expect("an empty directory is an empty journal");
        let payload = vec![7; RECORD_BYTES * usize::try_from(records).expect("fits")];
        let mut appended = 0;
        group.throughput(Throughput::Elements(u64::from(records)));
        group.bench_function(format!("{records} records"), |bencher| {
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

criterion_group!(benches, append);
criterion_main!(benches);
