//! The nightly proof of the books.
//!
//! Owns what has to add up: every payment from its steps, every account from its postings, and what the provider
//! owes against what payments took and gave back. Refuses to mend anything. Always true: what it says of the sums is
//! of one moment, although money moves while they are added up; a payment that was found wrong is looked at every
//! night until it is right.

mod rows;

use std::{collections::BTreeSet, fmt::Write as _, time::Duration};

use store::{
    Db, Tx,
    schedule::{Schedule, Tick},
    sea_orm::{ConnectionTrait, DbErr},
    task::Lease,
    worker::{Outcome, Terms, Workers},
};

pub use self::rows::{Proof, last};
use crate::{
    ids::PaymentId,
    ledger::{self, Account},
    order::{self, state::OrderState},
    payment::{self, Replayed, Which},
};

/// Every night at half past three in Korea.
const PROVE: Schedule = Schedule {
    name: "trade.prove",
    every: Duration::from_hours(24),
    offset: Duration::from_mins(18 * 60 + 30),
};

/// Payments that are added up at once.
const AT_ONCE: u64 = 200;
/// Payments that a proof goes through although nothing changed in them: what is changed behind the books' back is
/// found some night.
const UNCHANGED_MAX: u64 = 20_000;
/// Payments that one proof names.
const NAMED_MAX: usize = 20;

/// Adds the proof to what workers do.
#[must_use]
pub fn on(workers: Workers) -> Workers {
    // It reads what changed in a day; each attempt goes on where the one before ended.
    let terms =
        Terms { at_once: 1, within: Duration::from_mins(30), attempts: 3, ..Terms::DEFAULT };
    workers.on_schedule(PROVE, terms, tick)
}

async fn tick(db: Db, lease: Lease<Tick>) -> Outcome {
    let proof = match prove(&db).await {
        Ok(proof) => proof,
        Err(error) => {
            // So that nobody takes the last proof for this one.
            let trouble = Some(format!("the books could not be proved: {error}"));
            let up_to = last(&db.read()).await?.and_then(|proof| proof.up_to);
            let failed = Proof { at: db.now(), payments: 0, trouble, up_to };
            db.write(async |tx| rows::insert(tx, &failed).await).await?;
            return Err(error.into());
        }
    };
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

/// Adds up the sums of everything, every payment that changed since it was last found right, and some of the
/// others in turn.
///
/// # Errors
///
/// If the database fails. A payment that cannot be read is trouble, and no error.
pub async fn prove(db: &Db) -> Result<Proof, DbErr> {
    let mut tally = Tally::default();
    let before = last(&db.read()).await?;
    let up_to = tally.some(db, before.and_then(|proof| proof.up_to)).await?;
    tally.changed(db).await?;
    let mut trouble = db.read_at_once(async |at| of_sums(at).await).await?;
    if !tally.wrong.is_empty() {
        let named: Vec<_> = tally.wrong.iter().take(NAMED_MAX).map(ToString::to_string).collect();
        let (count, named) = (tally.wrong.len(), named.join(", "));
        add(&mut trouble, &format!("{count} payments differ from their steps: {named}"));
    }
    if let Some(unreadable) = &tally.unreadable {
        add(&mut trouble, &format!("some of them cannot be read, such as {unreadable}"));
    }
    let trouble = (!trouble.is_empty()).then_some(trouble);
    Ok(Proof { at: db.now(), payments: tally.payments, trouble, up_to })
}

/// What was found so far.
#[derive(Debug, Default)]
struct Tally {
    payments: i64,
    wrong: BTreeSet<PaymentId>,
    /// One of those that cannot be read, and why.
    unreadable: Option<String>,
}

impl Tally {
    /// Goes through some payments after one, in which nothing need have changed; the last of them, or nothing
    /// after the last there is.
    async fn some(
        &mut self,
        db: &Db,
        mut after: Option<PaymentId>,
    ) -> Result<Option<PaymentId>, DbErr> {
        for _ in 0..UNCHANGED_MAX / AT_ONCE {
            let all = payment::replayed(&db.read(), Which::All, after, AT_ONCE).await?;
            after = all.last().map(|last| last.id);
            self.count(db, all).await?;
            if after.is_none() {
                break;
            }
        }
        Ok(after)
    }

    async fn changed(&mut self, db: &Db) -> Result<(), DbErr> {
        let mut after = None;
        loop {
            let mut all = payment::replayed(&db.read(), Which::Changed, after, AT_ONCE).await?;
            let Some(last) = all.last() else { return Ok(()) };
            after = Some(last.id);
            all.retain(|one| !self.wrong.contains(&one.id));
            self.count(db, all).await?;
        }
    }

    /// Compares payments with their orders, and notes what was found.
    async fn count(&mut self, db: &Db, all: Vec<Replayed>) -> Result<(), DbErr> {
        let orders = all.iter().filter_map(|one| Some(one.read.as_ref().ok()?.order));
        let orders: Vec<_> = orders.collect();
        let states = order::states(&db.read(), &orders).await?;
        let mut found = Vec::with_capacity(all.len());
        for one in all {
            let state = |order| states.iter().find(|(id, _)| *id == order).map(|(_, state)| *state);
            let one = match &one.read {
                Ok(kept) if is_right(&one, state(kept.order)) => one,
                // A step may have come between the reads.
                _ => db.write(async |tx| again(tx, &one).await).await?,
            };
            self.payments += 1;
            match &one.read {
                Ok(kept) if one.is_told => {
                    found.push((one.id, Some(i64::from(kept.payment.steps()))));
                }
                Ok(_) | Err(_) => {
                    self.wrong.insert(one.id);
                    found.push((one.id, None));
                }
            }
            if let Err(why) = one.read {
                self.unreadable.get_or_insert_with(|| format!("{}: {why}", one.id));
            }
        }
        db.write(async |tx| payment::note_proven(tx, &found).await).await
    }
}

/// Whether a payment, and what its order says of it, are what its steps come to.
fn is_right(one: &Replayed, state: Option<OrderState>) -> bool {
    let stands = one.read.as_ref().ok().map(|kept| kept.payment.state());
    one.is_told && stands.is_some() && stands == state
}

/// Looks at a payment again that nobody changes meanwhile.
async fn again(tx: &Tx, one: &Replayed) -> Result<Replayed, DbErr> {
    let Ok(kept) = &one.read else { return Ok(one.clone()) };
    order::lock(tx, kept.order).await?;
    let states = order::states(tx, &[kept.order]).await?;
    let now = payment::replayed_one(tx, one.id).await?;
    let mut now = now.unwrap_or_else(|| one.clone());
    now.is_told = is_right(&now, states.first().map(|(_, state)| *state));
    Ok(now)
}

/// What does not add up of the sums, in words.
async fn of_sums(at: &impl ConnectionTrait) -> Result<String, DbErr> {
    let mut trouble = String::new();
    let balances = ledger::balances(at).await?;
    if balances != ledger::posted(at).await? {
        add(&mut trouble, "the accounts differ from their postings");
    }
    let of = |account: Account, currency: &str| {
        let found = balances
            .iter()
            .find(|one| one.account == account && one.amount.currency.code() == currency);
        found.map_or(0, |one| one.amount.minor)
    };
    for sums in payment::sums(at).await? {
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
