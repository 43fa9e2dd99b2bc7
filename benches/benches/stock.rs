//! The stock: a permit taken and spent, returned, refused, and units freed.

#![expect(missing_docs, reason = "criterion writes undocumented functions")]

use std::sync::Arc;

use criterion::{Criterion, criterion_group, criterion_main};
use engine::{
    id::OfferIndex,
    stock::{Counts, Stock},
};

const HOT: OfferIndex = OfferIndex(0);

fn stock(available: u64) -> Arc<Stock> {
    Arc::new(Stock::new(&[Counts { available, ..Counts::default() }]))
}

fn permits(criterion: &mut Criterion) {
    let sold = stock(1_000_000);
    criterion.bench_function("stock/take, spend, free", |bencher| {
        bencher.iter(|| {
            sold.take(&[(HOT, 1)]).expect("units are left").spend();
            sold.free(HOT, 1);
        });
    });
    assert_eq!(sold.permits(HOT), 1_000_000, "as many came back as were spent");

    let returned = stock(1_000_000);
    criterion.bench_function("stock/take, drop", |bencher| {
        bencher.iter(|| drop(returned.take(&[(HOT, 1)]).expect("units are left")));
    });
    assert_eq!(returned.permits(HOT), 1_000_000, "a dropped permit returns its unit");

    let empty = stock(0);
    criterion.bench_function("stock/sold out", |bencher| {
        bencher.iter(|| assert!(empty.take(&[(HOT, 1)]).is_err()));
    });
}

fn counts(criterion: &mut Criterion) {
    let stock = stock(1_000);
    criterion.bench_function("stock/counts", |bencher| {
        bencher.iter(|| assert_eq!(stock.counts(HOT).map(|counts| counts.total()), Some(1_000)));
    });
}

criterion_group!(benches, permits, counts);
criterion_main!(benches);
