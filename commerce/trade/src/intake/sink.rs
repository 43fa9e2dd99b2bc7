//! The engine's order events.

use std::{fmt::Display, sync::Arc, time::Duration};

use engine::{
    hold::HoldState,
    outbox::OrderEvent,
    sink::{Answer, Answers, Capacity, Sink, plain_words},
};
use store::{Db, sea_orm::DbErr};

use super::told::take;
use crate::{
    ids::DealId,
    limits::EVENTS_AT_ONCE,
    order::{InRoom, Purchase},
    payment::Seen,
};

/// Takes the engine's order events.
#[derive(Clone, Debug)]
pub struct Intake {
    db: Db,
}

/// What an event tells that counts.
#[derive(Clone, Debug)]
struct Told {
    purchase: Purchase,
    event: i64,
    seen: Seen,
}

impl Intake {
    /// Takes them into this database.
    pub const fn new(db: Db) -> Self {
        Self { db }
    }

    /// Takes some events in one write, in the order of their purchases: writes that lock several rows lock them
    /// in this order.
    async fn take(&self, mut told: Vec<Told>) -> Result<(), DbErr> {
        if told.is_empty() {
            return Ok(());
        }
        told.sort_by(|one, other| (&one.purchase, one.event).cmp(&(&other.purchase, other.event)));
        self.db
            .write(async |tx| {
                for one in told {
                    take(tx, &one.purchase, one.event, one.seen).await?;
                }
                Ok(())
            })
            .await
    }

    async fn take_all(&self, events: &[Arc<OrderEvent>]) -> Vec<Answer> {
        let all = events.iter().filter_map(|event| Told::of(event)).collect();
        let Err(error) = self.take(all).await else { return vec![Answer::Taken; events.len()] };
        if events.len() == 1 {
            return vec![failed(&error)];
        }
        // One of them may be at fault, and is not to hold up the others.
        let mut answers = Vec::with_capacity(events.len());
        for event in events {
            let one = self.take(Told::of(event).into_iter().collect()).await;
            answers.push(one.map_or_else(|error| failed(&error), |()| Answer::Taken));
        }
        answers
    }
}

fn failed(error: &impl Display) -> Answer {
    Answer::Failed { why: plain_words(&format!("the shop's database: {error}")), after: None }
}

impl Told {
    fn of(event: &OrderEvent) -> Option<Self> {
        let seen = match event.hold.state {
            HoldState::Held | HoldState::Paying => return None,
            HoldState::Confirmed => Seen::Confirmed,
            HoldState::Released => Seen::Released,
            HoldState::Expired => Seen::Expired,
            HoldState::Refunded => Seen::TakenBack,
        };
        // A sale that is of no deal is somebody else's.
        event.sale.as_str().parse::<DealId>().ok()?;
        let (epoch, hold) = (event.epoch.0, event.hold.id.0);
        let named = InRoom { epoch, hold, made_at: Some(event.sale_created_at.0) };
        let purchase =
            Purchase { sale: event.sale.as_str().to_owned(), purchase: named.to_string() };
        Some(Self { purchase, event: i64::try_from(event.id.0).unwrap_or(i64::MAX), seen })
    }
}

impl Sink for Intake {
    fn capacity(&self) -> Capacity {
        // One call at a time, so that no two wait for each other's rows.
        Capacity { batch_events_max: EVENTS_AT_ONCE, batches_max: 1, pause: Duration::ZERO }
    }

    fn deliver(&self, events: Vec<Arc<OrderEvent>>) -> Answers<'_> {
        Box::pin(async move { self.take_all(&events).await })
    }
}
