//! How these tests call.

use std::{sync::Arc, time::Duration};

use doubles::{Setting, clock::MovedClock};
use outbound::{Answer, Call, Options, Reach, Target};
use serde_json::Value;
use tokio::time::{Instant, sleep};

/// Short, since some calls are never answered.
pub(crate) const DEADLINE: Duration = Duration::from_millis(900);

/// A setting and the clock in it.
pub(crate) fn setting() -> (Setting, Arc<MovedClock>) {
    let clock = Arc::new(MovedClock::default());
    (Setting { clock: Arc::<MovedClock>::clone(&clock), ..Setting::local() }, clock)
}

pub(crate) fn target(url: &str) -> Target {
    Target::new(url, Options { reach: Reach::Anywhere, ..Options::new(DEADLINE) }).unwrap()
}

/// Calls and expects an answer; its status and its JSON.
pub(crate) async fn ask(target: &Target, call: Call) -> (u16, Value) {
    let answer = target.send(call).await.unwrap();
    (answer.status.as_u16(), serde_json::from_slice(&answer.body).unwrap_or_default())
}

pub(crate) fn text(answer: &Answer) -> String {
    String::from_utf8(answer.body.to_vec()).unwrap()
}

/// A value of a URL's query.
pub(crate) fn query(url: &str, name: &str) -> Option<String> {
    let (_, query) = url.split_once('?')?;
    let mut pairs = form_urlencoded::parse(query.as_bytes());
    pairs.find(|(key, _)| key == name).map(|(_, value)| value.into_owned())
}

/// Waits until something is so.
pub(crate) async fn until(what: &str, mut is_so: impl FnMut() -> bool) {
    let started = Instant::now();
    while !is_so() {
        assert!(started.elapsed() < Duration::from_secs(20), "{what}: never");
        sleep(Duration::from_millis(10)).await;
    }
}
