//! A host's addresses: one lookup at a time, kept briefly.
//!
//! A lookup of the system cannot be given up: it holds one of the runtime's few threads until it is
//! done, whatever became of the call. Calls that come meanwhile therefore wait for the one under way
//! instead of starting another.

use std::{
    fmt, io,
    net::{IpAddr, SocketAddr},
    pin::Pin,
    sync::{Arc, Mutex, PoisonError},
    task::{Context, Poll},
    time::Duration,
    vec,
};

use hyper_util::client::legacy::connect::dns::Name;
use tokio::{sync::watch, time::Instant};
use tower_service::Service;

use crate::{Reach, limits};

type Lookup = Pin<Box<dyn Future<Output = io::Result<Vec<IpAddr>>> + Send>>;

/// What a lookup came to; its error in words, since several calls hear it.
type Found = Result<Vec<IpAddr>, String>;

/// Resolves one host to those of its addresses that may be called. Clones are the same one.
#[derive(Clone)]
pub(crate) struct Resolver(Arc<Inner>);

struct Inner {
    host: String,
    reach: Reach,
    keep: Duration,
    look_up: Box<dyn Fn(&str) -> Lookup + Send + Sync>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// What was found, and until when it is good.
    kept: Option<(Vec<IpAddr>, Instant)>,
    under_way: Option<watch::Receiver<Option<Found>>>,
}

impl fmt::Debug for Resolver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Resolver").field(&self.0.host).finish()
    }
}

impl Resolver {
    pub(crate) fn new(host: &str, reach: Reach) -> Self {
        Self::with(host, reach, limits::ADDRESSES_KEPT, by_the_system)
    }

    fn with(
        host: &str,
        reach: Reach,
        keep: Duration,
        look_up: impl Fn(&str) -> Lookup + Send + Sync + 'static,
    ) -> Self {
        let (host, look_up) = (host.to_owned(), Box::new(look_up));
        Self(Arc::new(Inner { host, reach, keep, look_up, state: Mutex::default() }))
    }

    /// The addresses of the host that may be called, each with this port.
    pub(crate) async fn addresses(&self, port: u16) -> io::Result<Vec<SocketAddr>> {
        let found = self.find().await?;
        let allowed = found.into_iter().filter(|found| self.0.reach.allows(*found));
        let allowed: Vec<_> = allowed.map(|found| SocketAddr::new(found, port)).collect();
        if allowed.is_empty() {
            return Err(io::Error::other("the host has none but private or reserved addresses"));
        }
        Ok(allowed)
    }

    async fn find(&self) -> io::Result<Vec<IpAddr>> {
        let mut heard = match self.begin() {
            Ok(kept) => return Ok(kept),
            Err(under_way) => under_way,
        };
        let found = heard.wait_for(Option::is_some).await;
        let found = found.map_err(|_| io::Error::other("the lookup ended with its runtime"))?;
        found.clone().unwrap_or_else(|| Ok(Vec::new())).map_err(io::Error::other)
    }

    /// What is kept, or the lookup to wait for, begun if there was none.
    fn begin(&self) -> Result<Vec<IpAddr>, watch::Receiver<Option<Found>>> {
        let mut state = self.0.state.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((kept, until)) = &state.kept
            && Instant::now() < *until
        {
            return Ok(kept.clone());
        }
        // One whose sender is gone ended with its runtime, and will not answer.
        let under_way = state.under_way.as_ref().filter(|heard| heard.has_changed().is_ok());
        if let Some(under_way) = under_way {
            return Err(under_way.clone());
        }
        let (sender, receiver) = watch::channel(None);
        state.under_way = Some(receiver.clone());
        let resolver = self.clone();
        // Beside the call, whose deadline ends its wait but not the lookup.
        tokio::spawn(async move {
            let inner = &*resolver.0;
            let found = (inner.look_up)(&inner.host).await.map_err(|error| error.to_string());
            let mut state = inner.state.lock().unwrap_or_else(PoisonError::into_inner);
            state.under_way = None;
            state.kept = found.clone().ok().map(|found| (found, Instant::now() + inner.keep));
            drop(state);
            // Every call may have given up.
            sender.send_replace(Some(found));
        });
        Err(receiver)
    }
}

/// For the connector, which connects to what it is given here: a name cannot mean one address when it
/// is checked and another when it is used. It does not ask for addresses written out;
/// [`Target`](crate::Target) checks those.
impl Service<Name> for Resolver {
    type Response = vec::IntoIter<SocketAddr>;
    type Error = io::Error;
    type Future = Pin<Box<dyn Future<Output = io::Result<Self::Response>> + Send>>;

    fn poll_ready(&mut self, _cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    /// The name is the host of the target, which calls no other.
    fn call(&mut self, _name: Name) -> Self::Future {
        let resolver = self.clone();
        // The connector puts the port of the URL in the place of this one.
        Box::pin(async move { Ok(resolver.addresses(0).await?.into_iter()) })
    }
}

fn by_the_system(host: &str) -> Lookup {
    let host = host.to_owned();
    Box::pin(async move {
        let found = tokio::net::lookup_host((host, 0)).await?;
        Ok(found.map(|found| found.ip()).collect())
    })
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

    use tokio::{
        sync::Semaphore,
        time::{sleep, timeout},
    };

    use super::*;

    const KEEP: Duration = Duration::from_millis(200);

    /// A resolver of a system that answers when it is given a turn, and how often it was asked.
    fn slow(
        answer: fn() -> io::Result<Vec<IpAddr>>,
    ) -> (Resolver, Arc<Semaphore>, Arc<AtomicUsize>) {
        let (turns, asked) = (Arc::new(Semaphore::new(0)), Arc::new(AtomicUsize::new(0)));
        let (its_turns, its_asked) = (Arc::clone(&turns), Arc::clone(&asked));
        let look_up = move |_: &str| -> Lookup {
            its_asked.fetch_add(1, Relaxed);
            let turns = Arc::clone(&its_turns);
            Box::pin(async move {
                turns.acquire().await.map_err(io::Error::other)?.forget();
                answer()
            })
        };
        (Resolver::with("shop.example", Reach::Public, KEEP, look_up), turns, asked)
    }

    #[tokio::test]
    async fn calls_that_give_up_leave_one_lookup_behind_and_its_answer_serves_those_after_them() {
        let (resolver, turns, asked) = slow(|| Ok(vec![[1, 1, 1, 1].into(), [10, 0, 0, 1].into()]));
        for _ in 0..5 {
            let late = timeout(Duration::from_millis(5), resolver.addresses(80)).await;
            assert!(late.is_err(), "{late:?}");
        }
        assert_eq!(asked.load(Relaxed), 1);
        turns.add_permits(1);
        for _ in 0..3 {
            assert_eq!(resolver.addresses(80).await.unwrap(), [([1, 1, 1, 1], 80).into()]);
        }
        assert_eq!(asked.load(Relaxed), 1, "kept for a while");
        turns.add_permits(1);
        sleep(KEEP).await;
        resolver.addresses(80).await.unwrap();
        assert_eq!(asked.load(Relaxed), 2, "and not for longer");
    }

    #[tokio::test]
    async fn a_lookup_that_failed_is_not_kept() {
        let (resolver, turns, asked) = slow(|| Err(io::Error::other("no such host")));
        turns.add_permits(2);
        for _ in 0..2 {
            assert_eq!(resolver.addresses(80).await.unwrap_err().to_string(), "no such host");
        }
        assert_eq!(asked.load(Relaxed), 2);
    }
}
