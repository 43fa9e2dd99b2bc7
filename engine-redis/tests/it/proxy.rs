//! A socket in front of a server, on which bytes are held up or lost.

use std::{path::PathBuf, sync::Arc, time::Duration};

use tempfile::TempDir;
use tokio::{
    io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _},
    net::{UnixListener, UnixStream},
    time::sleep,
};

use super::server::Server;

/// What becomes of bytes that came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fate {
    Passed,
    HeldUp(Duration),
    /// Held up for as long as this is said of them.
    Kept,
    /// The connection stays, as behind a box that dropped it without a word.
    Lost,
}

/// Says what becomes of bytes, by the number of their connection.
type Decide = Arc<dyn Fn(usize, &[u8]) -> Fate + Send + Sync>;

/// The socket, for as long as it is kept.
pub(super) struct Proxy {
    directory: TempDir,
}

impl Proxy {
    pub(super) fn before(
        server: &Server,
        decide: impl Fn(usize, &[u8]) -> Fate + Send + Sync + 'static,
    ) -> Self {
        let proxy = Self { directory: tempfile::tempdir().expect("a directory") };
        let listener = UnixListener::bind(proxy.socket()).expect("a socket");
        let url = server.url();
        let behind = PathBuf::from(url.trim_start_matches("redis+unix://"));
        let decide: Decide = Arc::new(decide);
        tokio::spawn(async move {
            for connection in 0.. {
                let Ok((client, _)) = listener.accept().await else { return };
                let server = UnixStream::connect(&behind).await.expect("the server runs");
                let (from_client, to_client) = client.into_split();
                let (from_server, to_server) = server.into_split();
                let decide_too = Arc::clone(&decide);
                tokio::spawn(forward(connection, from_client, to_server, Arc::clone(&decide)));
                tokio::spawn(forward(connection, from_server, to_client, decide_too));
            }
        });
        proxy
    }

    pub(super) fn url(&self) -> String {
        format!("redis+unix://{}", self.socket().display())
    }

    fn socket(&self) -> PathBuf {
        self.directory.path().join("socket")
    }
}

async fn forward(
    connection: usize,
    mut from: impl AsyncRead + Unpin,
    mut to: impl AsyncWrite + Unpin,
    decide: Decide,
) {
    let mut bytes = vec![0; 64 * 1024];
    while let Ok(count @ 1..) = from.read(&mut bytes).await {
        match decide(connection, &bytes[..count]) {
            Fate::Passed => {}
            Fate::HeldUp(time) => sleep(time).await,
            Fate::Kept => {
                while decide(connection, &bytes[..count]) == Fate::Kept {
                    sleep(Duration::from_millis(5)).await;
                }
            }
            Fate::Lost => continue,
        }
        if to.write_all(&bytes[..count]).await.is_err() {
            return;
        }
    }
}
