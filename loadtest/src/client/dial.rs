//! Opening a socket to the server.
//!
//! Owns the server's address, the version of HTTP, and the addresses requests come from: one
//! loopback address has some 28,000 ports, and a server that counts connections by address sees
//! one client. Several of 127.0.0.0/8, in turn, are as many clients.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::atomic::{AtomicU32, Ordering};

use hyper::client::conn::{http1, http2};
use hyper_util::rt::{TokioExecutor, TokioIo};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use tokio::net::{TcpSocket, TcpStream, lookup_host};

use super::connection::{Connection, Http, authority};

/// Allows this process, and a server it starts, as many sockets as the system lets it have. The
/// limit that shells begin with, often 1,024, is for programs that cannot count further.
pub(crate) fn raise_socket_limit() {
    let Rlimit { maximum, .. } = getrlimit(Resource::Nofile);
    // Should it stay as it was, opening one too many says so.
    let _refused = setrlimit(Resource::Nofile, Rlimit { current: maximum, maximum });
}

/// The way to the server.
#[derive(Debug)]
pub(crate) struct Dial {
    host: String,
    port: u16,
    http: Http,
    source_addresses: u8,
    /// The first of them is so far behind 127.0.0.1.
    offset: u32,
    turn: AtomicU32,
}

impl Dial {
    /// The way to `http://host:port`; other schemes are refused with a reason. More than one
    /// source address needs a server on 127.0.0.0/8.
    pub(crate) fn new(url: &str, http: Http, source_addresses: u8) -> Result<Self, String> {
        let (host, port) = authority(url)?;
        let on_loopback = host.parse::<Ipv4Addr>().is_ok_and(|address| address.is_loopback());
        if source_addresses > 1 && !on_loopback {
            return Err(format!(
                "source_addresses is {source_addresses}, which needs a server on 127.0.0.0/8; \
                 {host} is reached from this machine's own address"
            ));
        }
        Ok(Self { host, port, http, source_addresses, offset: 0, turn: AtomicU32::new(0) })
    }

    /// The same from addresses that begin so far behind 127.0.0.1; for a server on 127.0.0.0/8.
    pub(crate) fn behind(self, offset: u32) -> Self {
        Self { offset, ..self }
    }

    pub(crate) fn http(&self) -> Http {
        self.http
    }

    /// Where it leads.
    pub(crate) fn address(&self) -> String {
        if self.host.contains(':') {
            return format!("[{}]:{}", self.host, self.port);
        }
        format!("{}:{}", self.host, self.port)
    }

    /// A new socket.
    pub(crate) async fn connect(&self) -> Result<TcpStream, String> {
        let connected = if self.source_addresses > 1 || self.offset > 0 {
            self.connect_from_next().await
        } else {
            TcpStream::connect((self.host.as_str(), self.port)).await
        };
        let stream = connected.map_err(|e| e.to_string())?;
        stream.set_nodelay(true).map_err(|e| e.to_string())?;
        Ok(stream)
    }

    async fn connect_from_next(&self) -> std::io::Result<TcpStream> {
        let turn = self.turn.fetch_add(1, Ordering::Relaxed) % u32::from(self.source_addresses);
        // 127.0.0.1 is the first; the sum stays far below 127.0.1.0.
        let source = Ipv4Addr::from_bits(Ipv4Addr::LOCALHOST.to_bits() + self.offset + turn);
        let server = lookup_host((self.host.as_str(), self.port)).await?.next();
        let server = server.ok_or(std::io::ErrorKind::AddrNotAvailable)?;
        let socket = TcpSocket::new_v4()?;
        socket.bind(SocketAddr::new(IpAddr::V4(source), 0))?;
        socket.connect(server).await
    }

    /// A new connection, ready for a request.
    pub(crate) async fn open(&self) -> Result<Connection, String> {
        let stream = TokioIo::new(self.connect().await?);
        // The drivers' errors reach the request that waits on the connection; no one else needs them.
        match self.http {
            Http::One => {
                let (connection, driver) =
                    http1::handshake(stream).await.map_err(|e| e.to_string())?;
                drop(tokio::spawn(driver));
                Ok(Connection::One(connection))
            }
            Http::Two => {
                let (connection, driver) = http2::handshake(TokioExecutor::new(), stream)
                    .await
                    .map_err(|e| e.to_string())?;
                drop(tokio::spawn(driver));
                Ok(Connection::Two(connection))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;
    use tokio::net::TcpListener;

    #[tokio::test]
    async fn sockets_come_from_each_address_in_turn() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let dial = Dial::new(&url, Http::One, 3).unwrap();
        let mut sources = BTreeSet::new();
        for _ in 0..6 {
            let _near = dial.connect().await.unwrap();
            let (_far, peer) = listener.accept().await.unwrap();
            sources.insert(peer.ip().to_string());
        }
        let all: Vec<_> = sources.into_iter().collect();
        assert_eq!(all, ["127.0.0.1", "127.0.0.2", "127.0.0.3"]);
    }

    #[test]
    fn several_sources_need_a_server_on_loopback() {
        assert!(Dial::new("http://10.0.0.1:80", Http::One, 2).unwrap_err().contains("127.0.0.0/8"));
        assert!(Dial::new("http://10.0.0.1:80", Http::One, 1).is_ok());
        let six = Dial::new("http://[::1]:80", Http::Two, 1).unwrap();
        assert_eq!(six.address(), "[::1]:80");
    }
}
