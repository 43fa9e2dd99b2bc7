//! The nightly proof of the books.
//!
//! Owns what has to add up: every payment from its steps, every account from its postings, and what the provider
//! owes against what payments took and gave back. Refuses to mend anything. Always true: what it says of the sums is
//! of one moment: no money moves while they are added up.

mod rows;

use std::{fmt::Write as _, time::Duration};

use store::{
    Db, Tx,
    schedule::{Schedule, Tick},
    sea_orm::DbErr,
    task::Lease,
    worker::{Outcome, Terms, Workers},
};

pub use self::rows::{Proof, last};
use crate::{
    ledger::{self, Account},
    order,
    payment::{self, Kept},
};

/// Every night at half past three in Korea.
const PROVE: Schedule = Schedule {
    name: "trade.prove",
    every: Duration::from_hours(24),
    offset: Duration::from_mins(18 * 60 + 30),
};

/// Payments that are added up at once.
const AT_ONCE: u64 = 200;
/// Payments that one proof names.
const NAMED_MAX: usize = 20;

/// Adds the proof to what workers do.
#[must_use]
pub fn on(workers: Workers) -> Workers {
    // It reads everything there is.
    let terms =
        Terms { at_once: 1, within: Duration::from_mins(30), attempts: 3, ..Terms::DEFAULT };
    workers.on_schedule(PROVE, terms, tick)
}

async fn tick(db: Db, lease: Lease<Tick>) -> Outcome {
    let proof = prove(&db).await?;
    if let Some(trouble) = &proof.trouble {
        tracing::error!(trouble, "the books do not add up");
    }
    Ok(db
        .write(async |tx| {
            rows::insert(tx, &proof).await?;
            lease.finish(tx).await
        })
        .await?)
}

/// Adds everything up.
///
/// # Errors
///
/// If the database fails.
pub async fn prove(db: &Db) -> Result<Proof, DbErr> {
    let mut wrong = Vec::new();
    let (mut payments, mut after) = (0, None);
    loop {
        let some = payment::replayed(&db.read(), after, AT_ONCE).await?;
        let Some((last, _)) = some.last() else { break };
        after = Some(last.id);
        payments += i64::try_from(some.len()).unwrap_or(i64::MAX);
        for (kept, told) in &some {
            let known = order::find_any(&db.read(), kept.order).await?;
            let is_right = is_told(kept, *told)
                && known.is_some_and(|order| order.state == kept.payment.state());
            // A step may have come between the reads.
            if !is_right && !db.write(async |tx| is_right_now(tx, kept).await).await? {
                wrong.push(kept.id.to_string());
            }
        }
    }
    let mut trouble = db.write(async |tx| of_sums(tx).await).await?;
    if !wrong.is_empty() {
        let named = &wrong[..wrong.len().min(NAMED_MAX)];
        let (count, named) = (wrong.len(), named.join(", "));
        add(&mut trouble, &format!("{count} payments differ from their steps: {named}"));
    }
    let trouble = (!trouble.is_empty()).then_some(trouble);
    Ok(Proof { at: db.now(), payments, trouble })
}

fn is_told(kept: &Kept, told: (i64, i64)) -> bool {
    (kept.payment.taken().minor, kept.payment.back().minor) == told
}

/// Whether a payment, and what its order says of it, are what its steps come to.
async fn is_right_now(tx: &Tx, kept: &Kept) -> Result<bool, DbErr> {
    let Some(now) = payment::lock_of(tx, kept.order).await? else { return Ok(false) };
    let order = order::find_any(tx, kept.order).await?;
    let told = payment::told(tx, now.id).await?;
    Ok(is_told(&now, told) && order.is_some_and(|order| order.state == now.payment.state()))
}

/// What does not add up of the sums, in words.
async fn of_sums(tx: &Tx) -> Result<String, DbErr> {
    let mut trouble = String::new();
    ledger::lock(tx).await?;
    let balances = ledger::balances(tx).await?;
    if balances != ledger::posted(tx).await? {
        add(&mut trouble, "the accounts differ from their postings");
    }
    let of = |account: Account, currency: &str| {
        let found = balances
            .iter()
            .find(|one| one.account == account && one.amount.currency.code() == currency);
        found.map_or(0, |one| one.amount.minor)
    };
    for sums in payment::sums(tx).await? {
        let currency = sums.currency.as_str();
        let all = balances.iter().filter(|one| one.amount.currency.code() == currency);
        let sum: i64 = all.map(|one| one.amount.minor).sum();
        if sum != 0 {
            add(&mut trouble, &format!("debits and credits in {currency} differ by {sum}"));
        }
        let booked = (-of(Account::Sales, currency), of(Account::Refunds, currency));
        if booked != (sums.taken, sums.back) {
            let (sold, back) = booked;
            let mut words = format!("in {currency} the books have {sold} taken, {back} given back");
            // Writing to a string does not fail.
            let _written = write!(words, "; the payments {} and {}", sums.taken, sums.back);
            add(&mut trouble, &words);
        }
    }
    Ok(trouble)
}

fn add(trouble: &mut String, words: &str) {
    if !trouble.is_empty() {
        trouble.push_str("; ");
    }
    trouble.push_str(words);
}
