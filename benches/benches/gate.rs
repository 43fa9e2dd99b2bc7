//! The gate: how many may be let in now, and letting them in, once a millisecond.
//!
//! Beside it a token bucket in floating point behind a mutex, as many services have one, and the
//! same bucket as a script in Redis, as those do that have several nodes.

use std::sync::{Mutex, PoisonError};

use benches::redis::{AppendFsync, Redis, Reply};
use criterion::{Criterion, criterion_group, criterion_main};
use engine::{clock::Millis, gate::Gate, id::Number};

/// Admissions a second; with a millisecond between calls, 50 at a time.
const RATE: u64 = 50_000;
const PER_TICK: u64 = RATE / 1_000;
/// What a bucket holds, as ours does: a quarter of a second.
const BURST: u64 = RATE / 4;

/// Takes whole tokens of what has filled since the last time.
const SCRIPT: &str = "local now = tonumber(ARGV[1]) \
    local b = redis.call('HMGET', KEYS[1], 'level', 'at') \
    local level = math.min(tonumber(ARGV[3]), b[1] + (now - b[2]) * ARGV[2] / 1000) \
    local whole = math.floor(level) \
    redis.call('HSET', KEYS[1], 'level', level - whole, 'at', now) \
    return whole";

/// A bucket as it is usually written.
struct Bucket {
    level: f64,
    at: u64,
}

impl Bucket {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_precision_loss,
        clippy::cast_sign_loss,
        reason = "what it measures is this arithmetic, on numbers far below 2^52"
    )]
    fn take(&mut self, now: u64) -> u64 {
        let filled = (now - self.at) as f64 * RATE as f64 / 1_000.0;
        self.level = (self.level + filled).min(BURST as f64);
        self.at = now;
        let whole = self.level.floor();
        self.level -= whole;
        whole as u64
    }
}

fn tick(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("gate/tick");
    let mut gate = Gate::new(RATE * 1_000, Millis(0));
    let mut now = 0;
    group.bench_function("ours", |bencher| {
        bencher.iter(|| {
            now += 1;
            let budget = gate.budget(Millis(now));
            gate.call(Number(gate.called() + budget), budget, Millis(now));
        });
    });
    // The bucket is full at the start, so that the first tick finds a burst and no more.
    assert_eq!(gate.called(), (now - 1) * PER_TICK + BURST, "exactly the pace and one burst");

    let bucket = Mutex::new(Bucket { level: 0.0, at: 0 });
    let (mut now, mut called) = (0, 0);
    group.bench_function("Mutex of a bucket", |bencher| {
        bencher.iter(|| {
            now += 1;
            called += bucket.lock().unwrap_or_else(PoisonError::into_inner).take(now);
        });
    });
    assert_eq!(called, now * PER_TICK, "exactly the pace");

    let redis = Redis::start(AppendFsync::Off).expect("a redis of our own");
    let mut link = redis.link().expect("it accepts");
    let script = link.load(SCRIPT).expect("the script is sound");
    link.call(&[b"HSET", b"gate", b"level", b"0", b"at", b"0"]).expect("a bucket");
    let (rate, burst) = (RATE.to_string(), BURST.to_string());
    let mut now = 0_u64;
    group.bench_function("Redis script", |bencher| {
        bencher.iter(|| {
            now += 1;
            let time = now.to_string();
            let (time, rate, burst) = (time.as_bytes(), rate.as_bytes(), burst.as_bytes());
            let called = link.call(&[b"EVALSHA", &script, b"1", b"gate", time, rate, burst]);
            let expected = i64::try_from(PER_TICK).expect("fits");
            assert_eq!(called.expect("an answer"), Reply::Integer(expected));
        });
    });
    group.finish();
}

criterion_group!(benches, tick);
criterion_main!(benches);
