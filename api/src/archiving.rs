//! Archives sales on its own that have been over for as long as the config says, and unpacks
//! archived ones that are asked for.
//!
//! What cannot be archived yet, because a payment is under way in it, is asked again later. All that can be is
//! archived together: after a start those are many, and each reading of the journal for their files may take long.

use std::{sync::Arc, time::Duration};

use engine::{
    Engine, Failure, Never, clock::Millis, id::SaleName, limits::UNPACKINGS_WAITING_MAX,
    record::Author, sale::Phase, scribe::Busy, view::SaleView,
};
use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore},
    task::spawn_blocking,
    time::sleep,
};

use crate::error::ApiError;

/// How often the sales are looked through.
const PERIOD: Duration = Duration::from_secs(10);

/// Looks for sales to archive for as long as the process runs.
pub(crate) async fn keep_archiving(engine: Engine, after: Duration) {
    let after_ms = u64::try_from(after.as_millis()).unwrap_or(u64::MAX);
    // A short time is for tests and demonstrations, and the first look should not be late for it.
    let period = PERIOD.min(after);
    let mut told = None;
    loop {
        sleep(period).await;
        let now = engine.now();
        let is_due = |sale: &Arc<SaleView>| over_for_ms(sale, now).is_some_and(|ms| ms >= after_ms);
        let due: Vec<_> = engine.sales().into_iter().filter(is_due).collect();
        let author = Author { name: "policy".to_owned() };
        let (archived, outcome) = engine.archive_together(&due, &author).await;
        for sale in archived {
            tracing::info!(sale = %sale.name(), "sale archived");
        }
        match outcome {
            Err(Failure::Stopped) => return,
            Err(Failure::Refused(never)) => match never {},
            outcome => {
                let trouble = trouble(&outcome);
                if let Some(trouble) = trouble.filter(|_| trouble != told) {
                    tracing::warn!("sales that are over are not archived: {trouble}");
                }
                told = trouble;
            }
        }
    }
}

/// What an operator has to see to before sales are archived. A file that is being written for somebody else is none.
fn trouble(outcome: &Result<(), Failure<Never>>) -> Option<&'static str> {
    match outcome {
        Err(Failure::Busy(Busy::StorageFull)) => Some("the disk has no room for their files"),
        Err(Failure::Unavailable) => {
            Some("their files cannot be written, or the store cannot be asked")
        }
        Err(Failure::Refused(never)) => match *never {},
        Ok(()) | Err(Failure::Busy(Busy::Overloaded) | Failure::Stopped) => None,
    }
}

/// Who asks for an archived sale.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Asker {
    /// A caller with a key.
    Key,
    /// A shopper with a ticket or a pass.
    Shopper,
}

/// Unpacks archived sales that are asked for, one at a time on a thread of its own.
#[derive(Debug)]
pub struct Unpacking {
    turn: Arc<Semaphore>,
    /// Which shopper waits for the turn beside the keys: one, so that a key waits for few shoppers.
    first_shopper: Semaphore,
    /// Who may wait.
    keys: Semaphore,
    shoppers: Semaphore,
}

impl Default for Unpacking {
    fn default() -> Self {
        let waiting = || Semaphore::new(UNPACKINGS_WAITING_MAX);
        let (turn, first_shopper) = (Arc::new(Semaphore::new(1)), Semaphore::new(1));
        Self { turn, first_shopper, keys: waiting(), shoppers: waiting() }
    }
}

impl Unpacking {
    /// The view of an archived sale, if it is there.
    pub async fn view(
        &self,
        engine: &Engine,
        name: SaleName,
        asker: Asker,
    ) -> Result<Option<Arc<SaleView>>, ApiError> {
        let turn = self.turn(asker).await?;
        let engine = engine.clone();
        let unpacked = spawn_blocking(move || {
            let sale = engine.sale(name.as_str());
            drop(turn);
            sale
        });
        unpacked.await.map_err(|_| ApiError::Internal)
    }

    /// Waits for the turn, if not too many do.
    async fn turn(&self, asker: Asker) -> Result<OwnedSemaphorePermit, ApiError> {
        let places = match asker {
            Asker::Key => &self.keys,
            Asker::Shopper => &self.shoppers,
        };
        let _place = places.try_acquire().map_err(|_| ApiError::Overloaded)?;
        let _first = match asker {
            Asker::Key => None,
            Asker::Shopper => self.first_shopper.acquire().await.ok(),
        };
        let turn = Arc::clone(&self.turn).acquire_owned().await;
        turn.map_err(|_| ApiError::Internal)
    }
}

/// Drops views of archived sales that nobody has asked for lately, for as long as the process runs.
pub(crate) async fn keep_views_few(engine: Engine) {
    loop {
        sleep(PERIOD).await;
        let engine = engine.clone();
        let drop_old = move || engine.registry().archived().drop_old(engine.now());
        if spawn_blocking(drop_old).await.is_err() {
            return;
        }
    }
}

/// How long a sale has been closed and left alone by operators; `None` when it is not closed.
fn over_for_ms(sale: &SaleView, now: Millis) -> Option<u64> {
    if sale.phase(now) != Phase::Closed {
        return None;
    }
    let settings = sale.settings();
    let wall = settings.controls.wall(now);
    let changed = settings.audit.last().map_or(u64::MAX, |entry| now.since(entry.at));
    let ended = settings.spec.closes_at.filter(|at| *at <= wall);
    Some(ended.map_or(changed, |at| wall.since(at).min(changed)))
}

#[cfg(test)]
mod tests {
    use std::{
        pin::Pin,
        task::{Context, Poll, Waker},
    };

    use super::*;

    type Waiting<'a> = Pin<Box<dyn Future<Output = Result<OwnedSemaphorePermit, ApiError>> + 'a>>;

    fn ask(unpacking: &Unpacking, asker: Asker) -> Waiting<'_> {
        Box::pin(unpacking.turn(asker))
    }

    fn poll(waiting: &mut Waiting<'_>) -> Option<Result<OwnedSemaphorePermit, ApiError>> {
        match waiting.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(turn) => Some(turn),
            Poll::Pending => None,
        }
    }

    #[test]
    fn an_operator_is_told_of_what_no_later_look_mends_and_of_nothing_else() {
        let full = trouble(&Err(Failure::Busy(Busy::StorageFull)));
        assert!(full.is_some_and(|told| told.contains("no room")), "{full:?}");
        assert!(trouble(&Err(Failure::Unavailable)).is_some());
        assert_eq!(trouble(&Err(Failure::Busy(Busy::Overloaded))), None);
        assert_eq!(trouble(&Ok(())), None);
    }

    #[test]
    fn a_key_waits_for_one_shopper_at_most_and_many_who_wait_are_refused() {
        let unpacking = Unpacking::default();
        let turn = poll(&mut ask(&unpacking, Asker::Shopper)).expect("free").expect("few");
        let mut shoppers: Vec<Waiting<'_>> =
            (0..UNPACKINGS_WAITING_MAX).map(|_| ask(&unpacking, Asker::Shopper)).collect();
        assert!(shoppers.iter_mut().all(|shopper| poll(shopper).is_none()), "one at a time");
        let refused = poll(&mut ask(&unpacking, Asker::Shopper));
        assert!(matches!(refused, Some(Err(ApiError::Overloaded))), "the bound of shoppers");
        let mut keys: Vec<Waiting<'_>> =
            (0..UNPACKINGS_WAITING_MAX).map(|_| ask(&unpacking, Asker::Key)).collect();
        assert!(keys.iter_mut().all(|key| poll(key).is_none()), "they have places of their own");
        let refused = poll(&mut ask(&unpacking, Asker::Key));
        assert!(matches!(refused, Some(Err(ApiError::Overloaded))), "the bound of keys");
        drop(turn);
        let first = poll(&mut shoppers[0]).expect("it came before the keys").expect("few");
        drop(first);
        assert!(poll(&mut shoppers[1]).is_none(), "the keys come first");
        for key in &mut keys {
            drop(poll(key).expect("its turn"));
        }
        assert!(matches!(poll(&mut shoppers[1]), Some(Ok(_))));
        // Who goes away leaves its place to others.
        shoppers.clear();
        assert!(matches!(poll(&mut ask(&unpacking, Asker::Shopper)), Some(Ok(_))));
    }
}
