//! The engine on one hot SKU: deciding alone, and decided, synced, published and answered.

use std::{sync::Arc, time::Duration};

use benches::{Hot, Scribed, SyncTimes, now, sized};
use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use engine::{
    command::{Command, Reply},
    disk::{Disk, real::RealDisk},
    limits::PLACES_MAX,
};

fn decide(criterion: &mut Criterion) {
    let batch = sized(4_095, 64);
    let mut group = criterion.benchmark_group("engine/decide");
    group.throughput(Throughput::Elements(batch));
    let mut fixture = Hot::arbiter();
    group.bench_function("entries", |bencher| {
        bencher.iter_custom(|rounds| {
            let mut spent = Duration::ZERO;
            for _ in 0..rounds {
                let (arbiter, hot) = &mut fixture;
                let entries = hot.entries(batch);
                let started = now();
                let replies = arbiter.decide(Hot::time(), &entries).replies;
                spent += started.elapsed();
                assert!(replies.iter().all(|reply| matches!(reply, Reply::Entry(Ok(_)))));
                let issued = arbiter.world().sales().next().map(|sale| sale.issued().0);
                if issued.is_some_and(|issued| issued + batch > PLACES_MAX / 8) {
                    fixture = Hot::arbiter();
                }
            }
            spent
        });
    });
    let mut fixture = Hot::arbiter();
    group.bench_function("purchases", |bencher| {
        bencher.iter_custom(|rounds| {
            let mut spent = Duration::ZERO;
            for _ in 0..rounds {
                if fixture.1.is_over(batch) {
                    fixture = Hot::arbiter();
                }
                let (arbiter, hot) = &mut fixture;
                let purchases: Vec<Command> = hot.purchases(batch).collect();
                let started = now();
                let replies = arbiter.decide(Hot::time(), &purchases).replies;
                spent += started.elapsed();
                let made = |reply: &&Reply| matches!(reply, Reply::Purchase(Ok(_)));
                assert_eq!(replies.iter().filter(made).count() as u64, batch);
            }
            spent
        });
    });
    group.finish();
}

fn scribe(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("engine/durable reservations");
    for batch in [511, 4_095].map(|batch| sized(batch, batch / 64)) {
        let dir = tempfile::tempdir().expect("a temporary directory");
        let mut serial = 0;
        let mut fresh = || {
            serial += 1;
            let disk = RealDisk::open(&dir.path().join(serial.to_string())).expect("it opens");
            let disk: Arc<dyn Disk> = Arc::new(disk);
            Scribed::start(&disk, Box::new(SyncTimes::start()))
        };
        let mut sale = fresh();
        group.throughput(Throughput::Elements(batch));
        group.bench_function(format!("{batch} to a sync"), |bencher| {
            bencher.iter_custom(|rounds| {
                let mut spent = Duration::ZERO;
                for _ in 0..rounds {
                    if sale.is_over(batch) {
                        sale = fresh();
                    }
                    let started = now();
                    sale.reserve(batch);
                    spent += started.elapsed();
                }
                spent
            });
        });
    }
    group.finish();
}

criterion_group!(benches, decide, scribe);
criterion_main!(benches);
