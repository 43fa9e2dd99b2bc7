//! One connection to Redis, used until the first thing that goes wrong with it.
//!
//! The client's own reconnecting is off: a command that waits in its queue beyond the deadline would
//! be written when it is no longer wanted. So a connection that failed, or was too slow, is
//! dropped with all that is still in it, and the next attempt begins with a new one.

use std::{future::Future, time::Duration};

use fred::{
    clients::Client,
    error::{Error, ErrorKind},
    interfaces::ClientLike as _,
    types::{ConnectHandle, config::Config},
};

use super::target;

/// A connection, and what was last told over it.
#[derive(Debug)]
pub(super) struct Link {
    client: Client,
    /// Reads and writes the socket; ends with the connection.
    task: ConnectHandle,
    /// Entries in the stream; none while it is not known that the groups are there.
    pub(super) length: Option<u64>,
    /// Whether everything that was asked got a good answer.
    pub(super) is_sound: bool,
    /// Whether entries were sent in this attempt: without an answer it is unknown what became of them.
    pub(super) has_sent: bool,
}

impl Link {
    /// Begins to connect. The first asking waits for it, or fails as it fails.
    pub(super) fn open(config: &Config, timeout: Duration) -> Self {
        let connection = target::connection(timeout);
        let client = Client::new(config.clone(), None, Some(connection), None);
        let task = client.connect();
        Self { client, task, length: None, is_sound: true, has_sent: false }
    }

    /// Whether the other end is known to have gone.
    pub(super) fn is_closed(&self) -> bool {
        self.task.is_finished()
    }

    /// Asks; an error as well if the connection ends before the answer. Not to be used after one.
    pub(super) async fn ask<T, A>(&mut self, asking: impl FnOnce(Client) -> A) -> Result<T, Error>
    where
        A: Future<Output = Result<T, Error>>,
    {
        tokio::select! {
            biased;
            answered = asking(self.client.clone()) => answered,
            ended = &mut self.task => Err(match ended {
                Ok(Err(error)) => error,
                Ok(Ok(())) | Err(_) => Error::new(ErrorKind::IO, "the connection was closed"),
            }),
        }
    }
}

impl Drop for Link {
    fn drop(&mut self) {
        // The client does not do it: its task would keep the connection.
        self.task.abort();
    }
}
