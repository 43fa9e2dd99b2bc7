//! Plain requests over a connection that blocks, for the thread that has nothing else to do.

use std::{
    io::{self, Read as _, Write as _},
    net::{SocketAddr, TcpStream},
};

use crate::{Trouble, number_after};

/// One keep-alive connection of a thread that waits.
pub(crate) struct Link(pub(crate) TcpStream);

impl Link {
    pub(crate) fn open(address: SocketAddr) -> io::Result<Self> {
        let stream = TcpStream::connect(address)?;
        stream.set_nodelay(true)?;
        Ok(Self(stream))
    }

    /// Sends a request and reads an answer below 300 with its length.
    pub(crate) fn ask(&mut self, request: &str) -> Result<String, Trouble> {
        self.0.write_all(request.as_bytes())?;
        let mut answer = Vec::with_capacity(1024);
        let mut bytes = [0; 4096];
        loop {
            let read = self.0.read(&mut bytes)?;
            if read == 0 {
                return Err("the server closed the connection".into());
            }
            answer.extend_from_slice(&bytes[..read]);
            let text = std::str::from_utf8(&answer)?;
            let Some((head, body)) = text.split_once("\r\n\r\n") else { continue };
            if body.len() as u64 >= number_after(head, "content-length: ").unwrap_or(0) {
                if !head.starts_with("HTTP/1.1 2") {
                    return Err(text.to_owned().into());
                }
                return Ok(text.to_owned());
            }
        }
    }
}

/// A request in full.
pub(crate) fn request(call: &str, bearer: &str, body: &str) -> String {
    let kind = if body.is_empty() { "" } else { "content-type: application/json\r\n" };
    format!(
        "{call} HTTP/1.1\r\nhost: bench\r\nauthorization: Bearer {bearer}\r\n{kind}\
         content-length: {}\r\n\r\n{body}",
        body.len()
    )
}
