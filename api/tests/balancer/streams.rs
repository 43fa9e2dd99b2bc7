//! Event streams through a balancer: what is said comes at once, and the stream stays open.

use std::{
    io::{Read as _, Write as _},
    net::{SocketAddr, TcpStream},
    time::Duration,
};

use crate::{
    ask::{self, Asker},
    balancer::{Balancer, KINDS, backends},
    nodes::{Nodes, OPERATOR},
};

/// A node tells of a change within half a second; a balancer that collects would take for ever.
const AT_ONCE: Duration = Duration::from_secs(5);

/// An open stream and what has come so far.
struct Watcher {
    stream: TcpStream,
    text: String,
}

impl Watcher {
    fn open(balancer: SocketAddr, sale: &str, ticket: &str) -> Self {
        let mut stream = ask::connect(balancer).unwrap();
        stream.set_read_timeout(Some(AT_ONCE)).unwrap();
        let ticket = ask::bearer(ticket);
        let request =
            format!("GET /v1/sales/{sale}/stream HTTP/1.1\r\nHost: shop.example\r\n{ticket}\r\n");
        stream.write_all(request.as_bytes()).unwrap();
        Self { stream, text: String::new() }
    }

    /// Reads until the words have come.
    fn read_until(&mut self, words: &str) {
        let mut chunk = [0; 4096];
        while !self.text.contains(words) {
            let count = self.stream.read(&mut chunk).unwrap_or_else(|error| {
                panic!("{words:?} does not come ({error}); so far: {}", self.text)
            });
            assert!(count > 0, "closed before {words:?}: {}", self.text);
            self.text.push_str(&String::from_utf8_lossy(&chunk[..count]));
        }
    }
}

#[test]
fn a_watcher_hears_at_once_and_goes_on_hearing() {
    let nodes = Nodes::start();
    for kind in KINDS {
        let balancer = Balancer::start(kind, &backends(&nodes));
        let first = ask::enter(balancer.public, "slow", &format!("{kind:?}-first"));
        let waiting = ask::enter(balancer.public, "slow", &format!("{kind:?}-second"));
        assert!(matches!(first.status, 200 | 202), "{first:?}");
        assert_eq!(waiting.text("state"), "waiting", "{waiting:?}");
        let ticket = waiting.text("ticket");
        // Enough for one at each node, wherever the balancer sends them.
        let mut watchers: Vec<Watcher> =
            (0..6).map(|_| Watcher::open(balancer.public, "slow", &ticket)).collect();
        for watcher in &mut watchers {
            watcher.read_until("event: place");
            assert!(watcher.text.starts_with("HTTP/1.1 200"), "{kind:?}: {}", watcher.text);
        }
        for word in ["one", "two"] {
            let message = format!("{kind:?} says {word}");
            let body = format!("{{\"message\":\"{message}\"}}");
            let path = "/v1/admin/sales/slow/message";
            let headers = &ask::bearer(OPERATOR);
            let told = Asker { to: balancer.public, headers }.post(path, &body);
            assert_eq!(told.status, 200, "{told:?}");
            for watcher in &mut watchers {
                watcher.read_until(&message);
            }
        }
    }
}

#[test]
fn a_stream_whose_node_dies_is_opened_again_at_another() {
    for kind in KINDS {
        let mut nodes = Nodes::start();
        let balancer = Balancer::start(kind, &backends(&nodes));
        ask::enter(balancer.public, "slow", "first");
        let ticket = ask::enter(balancer.public, "slow", "second").text("ticket");
        let mut watchers: Vec<Watcher> =
            (0..6).map(|_| Watcher::open(balancer.public, "slow", &ticket)).collect();
        for watcher in &mut watchers {
            watcher.read_until("event: place");
        }
        nodes.each[0].kill();
        let mut ended = 0;
        for watcher in &mut watchers {
            // Those of the other nodes go on and say nothing now.
            watcher.stream.set_read_timeout(Some(Duration::from_millis(300))).unwrap();
            let mut chunk = [0; 4096];
            ended += usize::from(matches!(watcher.stream.read(&mut chunk), Ok(0)));
        }
        assert!((1..=4).contains(&ended), "{kind:?}: {ended} of 6 streams ended");
        for _ in 0..ended {
            Watcher::open(balancer.public, "slow", &ticket).read_until("event: place");
        }
        let headers = &ask::bearer(&ticket);
        let place = Asker { to: balancer.public, headers }.get("/v1/sales/slow/position");
        assert_eq!(place.text("state"), "waiting", "{kind:?}: {}", place.body);
    }
}
