//! What takes long for one sale keeps no other waiting.

use std::{path::PathBuf, time::Duration};

use engine_redis::{SharedOptions, StoreOptions};
use tempfile::TempDir;
use tokio::{
    io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _},
    net::{UnixListener, UnixStream},
    time::{Instant, sleep},
};

use super::{
    server::{DEADLINE, Server, run},
    serving::{Serving, shared, until},
};
use crate::support::SALE;

/// How long each part of a sale is on its way to the store: a rebuild is of six parts or more.
const HELD_UP: Duration = Duration::from_millis(300);
/// The longest that an entry may take meanwhile: it may share its connection with two such parts.
const SOON: Duration = Duration::from_millis(1_200);

/// A socket in front of a server, on which calls that write a sale take long.
struct SlowLoads {
    directory: TempDir,
}

impl SlowLoads {
    fn before(server: &Server) -> Self {
        let slow = Self { directory: tempfile::tempdir().expect("a directory") };
        let listener = UnixListener::bind(slow.socket()).expect("a socket");
        let url = server.url();
        let behind = PathBuf::from(url.trim_start_matches("redis+unix://"));
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let server = UnixStream::connect(&behind).await.expect("the server runs");
                let (from_client, to_client) = client.into_split();
                let (from_server, to_server) = server.into_split();
                tokio::spawn(forward(from_client, to_server));
                tokio::spawn(forward(from_server, to_client));
            }
        });
        slow
    }

    fn socket(&self) -> PathBuf {
        self.directory.path().join("socket")
    }

    fn options(&self, node: &str) -> SharedOptions {
        let options = shared(node, &format!("redis+unix://{}", self.socket().display()));
        let store = StoreOptions { deadline: DEADLINE, ..options.store };
        SharedOptions { store, ..options }
    }
}

async fn forward(mut from: impl AsyncRead + Unpin, mut to: impl AsyncWrite + Unpin) {
    const LOAD: &[u8] = b"rushgate_2_load";
    let mut bytes = vec![0; 64 * 1024];
    while let Ok(count @ 1..) = from.read(&mut bytes).await {
        if bytes[..count].windows(LOAD.len()).any(|name| name == LOAD) {
            sleep(HELD_UP).await;
        }
        if to.write_all(&bytes[..count]).await.is_err() {
            return;
        }
    }
}

#[test]
fn while_one_sale_is_written_into_the_store_the_others_are_served() {
    let server = Server::start();
    run(async {
        let slow = SlowLoads::before(&server);
        let node = Serving::on(&engine::disk::sim::SimDisk::new(), slow.options("a"));
        node.create(SALE, 9).await;
        let other = node.create("other", 9).await;
        let lost = node.serves(SALE).await;
        node.serves("other").await;
        node.enters(&lost, 1).await;
        let store = server.store("own", DEADLINE).await;
        let keys = store.keys(lost.tag());
        let unlink: Vec<&str> =
            ["UNLINK"].into_iter().chain(keys.iter().map(String::as_str)).collect();
        server.raw().await.call(&unlink).await;
        until("it is missed", || !node.troubles().is_empty()).await;
        let (mut entered, mut slowest) = (0, Duration::ZERO);
        while !node.troubles().is_empty() {
            let asked = Instant::now();
            node.enters(&other, 100 + entered).await;
            slowest = slowest.max(asked.elapsed());
            entered += 1;
        }
        assert!(entered >= 3, "{entered} entries while the sale was written");
        assert!(slowest < SOON, "an entry took {slowest:?}");
        assert_eq!(node.enters(&lost, 2).await.answer.number.0, 2, "and nothing was lost");
        node.stop();
    });
}
