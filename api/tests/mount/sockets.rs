//! Sockets (RFC 6455) through the mount.

use std::{net::SocketAddr, time::Duration};

use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
    task::JoinSet,
    time::timeout,
};

use crate::{
    client::PATIENCE,
    server::{Bounds, Server},
};

const SOCKETS: usize = 1_000;
const MASK: [u8; 4] = [1, 2, 3, 4];
/// The first byte of a whole frame of each kind.
const TEXT: u8 = 0x81;
pub(crate) const CLOSE: u8 = 0x88;

/// An open socket.
#[derive(Debug)]
pub(crate) struct Socket(TcpStream);

impl Socket {
    pub(crate) async fn open(addr: SocketAddr, path: &str) -> Self {
        let mut stream = TcpStream::connect(addr).await.unwrap();
        let head = format!(
            "GET {path} HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
             Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
        );
        stream.write_all(head.as_bytes()).await.unwrap();
        let mut told = Vec::new();
        while !told.ends_with(b"\r\n\r\n") {
            told.push(timeout(PATIENCE, stream.read_u8()).await.unwrap().unwrap());
        }
        let told = String::from_utf8(told).unwrap();
        assert!(told.starts_with("HTTP/1.1 101 "), "{told}");
        assert!(told.contains("x-request-id: "), "{told}");
        Self(stream)
    }

    pub(crate) async fn say(&mut self, text: &[u8]) {
        let masked = text.iter().zip(MASK.iter().cycle()).map(|(byte, mask)| byte ^ mask);
        let length = u8::try_from(text.len()).unwrap();
        let mut frame = vec![TEXT, 0x80 | length];
        frame.extend(MASK);
        frame.extend(masked);
        self.0.write_all(&frame).await.unwrap();
    }

    /// The next frame's first byte and what it carries; `None` at the end.
    pub(crate) async fn hear(&mut self) -> Option<(u8, Vec<u8>)> {
        let read = async {
            let kind = self.0.read_u8().await.ok()?;
            let length = self.0.read_u8().await.ok()?;
            let mut carried = vec![0; usize::from(length)];
            self.0.read_exact(&mut carried).await.ok()?;
            Some((kind, carried))
        };
        timeout(PATIENCE, read).await.unwrap()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_thousand_sockets_echo_while_requests_go_on_and_each_counts_as_a_connection() {
    let server = Server::start(Bounds::default());
    let addr = server.addr;
    let mut opening = JoinSet::new();
    for number in 0..SOCKETS {
        opening.spawn(async move {
            let mut socket = Socket::open(addr, "/echo").await;
            // It would be refused as a head: line feeds alone, and a NUL.
            let said = format!("GET / {number}\n\n\0");
            socket.say(said.as_bytes()).await;
            assert_eq!(socket.hear().await, Some((TEXT, said.into_bytes())));
            socket
        });
    }
    let mut sockets = opening.join_all().await;
    let connections = || async {
        let metrics = server.metrics().await;
        let line = metrics.lines().find(|line| line.starts_with("rushgate_connections "));
        let count = line.and_then(|line| line.rsplit(' ').next()).map(str::to_owned);
        count.unwrap_or_else(|| unreachable!("{metrics}")).parse::<f64>().unwrap()
    };
    assert!(connections().await >= 1_000.0);
    for socket in &mut sockets {
        socket.say(b"again").await;
    }
    for socket in &mut sockets {
        assert_eq!(socket.hear().await, Some((TEXT, b"again".to_vec())));
    }
    drop(sockets);
    let gone = async {
        while connections().await > 5.0 {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    timeout(PATIENCE, gone).await.unwrap();
}
