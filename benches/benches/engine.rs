//! The engine on one hot SKU: deciding alone, and decided, synced, published and answered.
//!
//! Beside it the classic design at its best: a script in Redis that takes a unit and notes who has
//! it, asked as many times at once, synced before it answers. It has no limits per shopper, no
//! idempotency keys, no deadlines and no outbox.

use std::{sync::Arc, time::Duration};

use benches::{
    Hot, Rng, Scribed, SyncTimes, now,
    redis::{AppendFsync, Link, Redis, Reply as Said},
    sized,
};
use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use engine::{
    command::{Command, Reply},
    disk::{Disk, real::RealDisk},
    limits::PLACES_MAX,
};

/// Takes a unit if there is one, and notes whose it is.
const SCRIPT: &str = "if tonumber(redis.call('GET', KEYS[1])) <= 0 then return -1 end \
                      redis.call('HSET', KEYS[2], ARGV[1], ARGV[2]) \
                      return redis.call('DECR', KEYS[1])";

/// Commands to one connection of Redis, so that they fit the 16 KiB that it reads in a turn.
const PER_LINK: usize = 64;

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
        group.bench_function(format!("ours, {batch} at a time"), |bencher| {
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

fn redis(criterion: &mut Criterion) {
    const UNITS: usize = 1_000_000_000;
    let mut group = criterion.benchmark_group("engine/durable reservations");
    for batch in [511, 4_095].map(|batch| sized(batch, batch / 64)) {
        let redis = Redis::start(AppendFsync::Always).expect("a redis of our own");
        let count = usize::try_from(batch).expect("fits");
        let link = |_| redis.link().expect("it accepts");
        let mut links: Vec<Link> = (0..count.div_ceil(PER_LINK)).map(link).collect();
        let script = links[0].load(SCRIPT).expect("the script is sound");
        links[0].call(&[b"SET", b"stock", UNITS.to_string().as_bytes()]).expect("a stock");
        let (mut made, mut rng) = (0, Rng::new(1));
        group.throughput(Throughput::Elements(batch));
        group.bench_function(format!("Redis script, {batch} at a time"), |bencher| {
            bencher.iter(|| {
                for at in 0..count {
                    let (hold, shopper) = (rng.next_u128(), rng.next_u128());
                    let (hold, shopper) = (hold.to_le_bytes(), shopper.to_le_bytes());
                    let keys: [&[u8]; 2] = [b"stock", b"holds"];
                    let command = [b"EVALSHA", &*script, b"2", keys[0], keys[1], &hold, &shopper];
                    links[at / PER_LINK].push(&command);
                }
                for link in &mut links {
                    link.send().expect("it is sent");
                }
                for at in 0..count {
                    let left = links[at / PER_LINK].read().expect("it is durable");
                    assert!(matches!(left, Said::Integer(left) if left >= 0), "{left:?}");
                }
                made += count;
            });
        });
        let left = links[0].call(&[b"GET", b"stock"]).expect("a stock");
        assert_eq!(left, Said::bulk(&(UNITS - made).to_string()), "as many went as were answered");
        let holds = links[0].call(&[b"HLEN", b"holds"]).expect("a count");
        let made = i64::try_from(made).expect("fits");
        assert_eq!(holds, Said::Integer(made), "every unit has its hold");
    }
    group.finish();
}

criterion_group!(benches, decide, scribe, redis);
criterion_main!(benches);
