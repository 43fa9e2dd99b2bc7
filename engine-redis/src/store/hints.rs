//! Which sales moved after they had stood still: the library says so on one channel, whichever node's call
//! moved them. So nobody has to ask a sale in which nothing happens whether something has.
//!
//! A message may be lost with its connection, and what is published while there is no connection is not
//! heard. [`Hints::hearing`] says for which time nothing was; whoever goes by the hints asks all sales
//! when another such time begins, and each of them now and then all the same.

use std::{
    collections::BTreeSet,
    mem,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use engine::{id::SaleTag, limits::SALES_MAX};
use fred::{
    clients::Client,
    interfaces::{ClientLike as _, EventInterface as _, PubsubInterface as _},
    types::{Message, Value},
};
use tokio::{
    select,
    sync::broadcast::error::RecvError,
    task::{AbortHandle, spawn},
    time::{interval, sleep, timeout},
};

use super::{Store, StoreError, call::within};

/// How long after a connection that ended, or could not be made, the next is tried.
const PAUSE: Duration = Duration::from_millis(250);
/// How often a connection on which nothing has to come is asked whether it is still there: what stands between may
/// have dropped it without a word.
const ASK_EVERY: Duration = Duration::from_secs(1);

/// What a connection of its own hears, on the runtime that it was begun on; it ends when this is dropped.
#[derive(Debug)]
pub struct Hints {
    heard: Arc<Mutex<Heard>>,
    listening: AbortHandle,
}

#[derive(Debug, Default)]
struct Heard {
    /// How often a connection began to hear, and whether the last one still does.
    beginnings: u64,
    is_hearing: bool,
    moved: BTreeSet<SaleTag>,
}

impl Hints {
    /// Which connection hears now, a higher number for each that begins; `None` while none does.
    pub fn hearing(&self) -> Option<u64> {
        self.with(|heard| heard.is_hearing.then_some(heard.beginnings))
    }

    /// The sales that moved since this was asked last.
    pub fn take(&self) -> BTreeSet<SaleTag> {
        self.with(|heard| mem::take(&mut heard.moved))
    }

    fn with<T>(&self, look: impl FnOnce(&mut Heard) -> T) -> T {
        with(&self.heard, look)
    }
}

impl Drop for Hints {
    fn drop(&mut self) {
        self.listening.abort();
    }
}

impl Store {
    /// Begins to listen. Only on a runtime.
    pub fn listen(&self) -> Hints {
        let heard = Arc::<Mutex<Heard>>::default();
        let (store, shared) = (self.clone(), Arc::clone(&heard));
        let listening = spawn(async move {
            for turn in 0.. {
                // What went wrong the next connection finds out again, or it is over.
                drop(Box::pin(store.hear_moves(turn, &shared)).await);
                with(&shared, |heard| heard.is_hearing = false);
                sleep(PAUSE).await;
            }
        });
        Hints { heard, listening: listening.abort_handle() }
    }

    /// Hears until the connection ends.
    async fn hear_moves(&self, turn: usize, heard: &Mutex<Heard>) -> Result<(), StoreError> {
        let client = self.servers.listener(turn)?;
        let mut messages = client.message_rx();
        let mut connection = Box::pin(Connection::of(&client));
        let subscribed = async {
            client.wait_for_connect().await?;
            client.subscribe(format!("{}:moved", self.prefix)).await
        };
        within(self.deadline * 2, subscribed).await?;
        with(heard, |heard| (heard.beginnings, heard.is_hearing) = (heard.beginnings + 1, true));
        let mut asking = interval(ASK_EVERY);
        loop {
            let message = select! {
                message = messages.recv() => message,
                () = connection.ended() => return Ok(()),
                _ = asking.tick() => {
                    self.is_there(&client).await?;
                    continue;
                }
            };
            match message {
                Ok(message) => with(heard, |heard| heard.note(&message)),
                // As after a new beginning, anything may have moved.
                Err(RecvError::Lagged(_)) => with(heard, |heard| heard.beginnings += 1),
                Err(RecvError::Closed) => return Ok(()),
            }
        }
    }

    /// Whether a connection is answered on. Asked for twice as long as a call may take, in two spans: the first may
    /// be over when the runtime stood still, with the answer there.
    async fn is_there(&self, client: &Client) -> Result<(), StoreError> {
        let mut answer = Box::pin(client.ping::<Value>(None));
        for _ in 0..2 {
            if let Ok(answer) = timeout(self.deadline, &mut answer).await {
                return answer.map(drop).map_err(StoreError::of_call);
            }
        }
        Err(StoreError::Unavailable("no answer where moves are heard".to_owned()))
    }
}

impl Heard {
    fn note(&mut self, message: &Message) {
        let tag = message.value.as_str().and_then(|tag| u64::from_str_radix(&tag, 16).ok());
        self.moved.extend(tag.map(SaleTag));
        if self.moved.len() > SALES_MAX {
            // As after a new beginning, any sale may have moved.
            self.moved.clear();
            self.beginnings += 1;
        }
    }
}

/// The task behind a client, which ends with the connection; dropped, it takes the connection with it.
struct Connection(fred::types::ConnectHandle);

impl Connection {
    fn of(client: &Client) -> Self {
        Self(client.connect())
    }

    async fn ended(&mut self) {
        drop((&mut self.0).await);
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        self.0.abort();
    }
}

fn with<T>(heard: &Mutex<Heard>, look: impl FnOnce(&mut Heard) -> T) -> T {
    look(&mut heard.lock().unwrap_or_else(PoisonError::into_inner))
}
