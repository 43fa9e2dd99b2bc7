//! A stand-in for what a real node cannot be made to do on time: break off in the middle of a request, or
//! say that it is not ready.

use std::{
    io::{Read as _, Write as _},
    net::{SocketAddr, TcpListener, TcpStream},
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    thread,
};

/// Listens until the test's process ends.
#[derive(Clone, Debug)]
pub(crate) struct StandIn {
    pub(crate) addr: SocketAddr,
    /// Requests that came, by whether they were a POST.
    seen: Arc<[AtomicUsize; 2]>,
    ready: Arc<AtomicBool>,
}

impl StandIn {
    /// A node's public listener that reads each request and closes without a word.
    pub(crate) fn breaking_off() -> Self {
        Self::listening(|_, _| {})
    }

    /// A node's operations listener, ready until told otherwise.
    pub(crate) fn health() -> Self {
        Self::listening(|stand_in, stream| {
            let ready = stand_in.ready.load(Ordering::Relaxed);
            let status = if ready { "200 OK" } else { "503 Service Unavailable" };
            let answer =
                format!("HTTP/1.1 {status}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n");
            // Whoever asked may have gone.
            drop(stream.write_all(answer.as_bytes()));
        })
    }

    fn listening(answer: fn(&Self, &mut TcpStream)) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let addr = listener.local_addr().unwrap();
        let ready = Arc::new(AtomicBool::new(true));
        let stand_in = Self { addr, seen: Arc::default(), ready };
        let own = stand_in.clone();
        thread::spawn(move || {
            for stream in listener.incoming() {
                let mut stream = stream.unwrap();
                let own = own.clone();
                thread::spawn(move || {
                    let mut request = [0; 4096];
                    let Ok(count @ 1..) = stream.read(&mut request) else { return };
                    let is_post = request[..count].starts_with(b"POST ");
                    own.seen[usize::from(is_post)].fetch_add(1, Ordering::Relaxed);
                    answer(&own, &mut stream);
                });
            }
        });
        stand_in
    }

    pub(crate) fn gets(&self) -> usize {
        self.seen[0].load(Ordering::Relaxed)
    }

    pub(crate) fn posts(&self) -> usize {
        self.seen[1].load(Ordering::Relaxed)
    }

    pub(crate) fn set_ready(&self, ready: bool) {
        self.ready.store(ready, Ordering::Relaxed);
    }
}
