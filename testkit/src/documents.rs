//! A server of one document, as an identity provider's of its key set: real sockets, and faults on
//! demand. It counts how often it was asked.

use std::{
    io::{self, Read as _, Write as _},
    net::{SocketAddr, TcpListener, TcpStream},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
    time::Duration,
};

/// What it does with a request.
#[derive(Clone, Debug)]
pub enum Manner {
    /// Answers 200 with this document, and these further header lines, each with its line end.
    Serve(String, &'static str),
    /// Answers with this status and no document.
    Refuse(u16),
    /// Answers with a redirect to this place.
    Redirect(String),
    /// Takes the request and never answers.
    Hang,
    /// Answers with a document that goes on and on.
    Endless,
    /// Closes the connection without a word.
    Close,
}

/// A listening server; dropping it closes its port.
#[derive(Debug)]
pub struct Documents {
    addr: SocketAddr,
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    manner: Mutex<Manner>,
    asked: AtomicUsize,
    /// Set when the server is to end.
    over: Mutex<bool>,
}

impl Documents {
    /// Listens at a free port.
    ///
    /// # Errors
    ///
    /// If there is none.
    pub fn start(manner: Manner) -> io::Result<Self> {
        Self::start_at("127.0.0.1:0".parse().map_err(io::Error::other)?, manner)
    }

    /// Listens at this address.
    ///
    /// # Errors
    ///
    /// If it is taken.
    pub fn start_at(addr: SocketAddr, manner: Manner) -> io::Result<Self> {
        let listener = TcpListener::bind(addr)?;
        let addr = listener.local_addr()?;
        let (manner, over) = (Mutex::new(manner), Mutex::new(false));
        let shared = Arc::new(Shared { manner, asked: AtomicUsize::new(0), over });
        let serving = Arc::clone(&shared);
        thread::spawn(move || {
            for stream in listener.incoming().filter_map(Result::ok) {
                if serving.is_over() {
                    return;
                }
                let serving = Arc::clone(&serving);
                // A client that went away is no failure of the server's.
                thread::spawn(move || drop(serving.answer(stream)));
            }
        });
        Ok(Self { addr, shared })
    }

    /// Where it listens.
    pub const fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// The document's URL.
    pub fn url(&self) -> String {
        format!("http://{}/keys.json", self.addr)
    }

    /// Does this with the next requests.
    pub fn turn(&self, manner: Manner) {
        *self.shared.manner.lock().unwrap_or_else(PoisonError::into_inner) = manner;
    }

    /// How many requests there were.
    pub fn asked(&self) -> usize {
        self.shared.asked.load(Ordering::SeqCst)
    }
}

impl Drop for Documents {
    fn drop(&mut self) {
        *self.shared.over.lock().unwrap_or_else(PoisonError::into_inner) = true;
        // Wakes the thread that accepts.
        drop(TcpStream::connect(self.addr));
    }
}

impl Shared {
    fn is_over(&self) -> bool {
        *self.over.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn answer(&self, mut stream: TcpStream) -> io::Result<()> {
        read_head(&mut stream)?;
        self.asked.fetch_add(1, Ordering::SeqCst);
        let manner = self.manner.lock().unwrap_or_else(PoisonError::into_inner).clone();
        match manner {
            Manner::Serve(document, headers) => {
                let length = document.len();
                write!(
                    stream,
                    "HTTP/1.1 200 OK\r\n{headers}content-type: application/json\r\n\
                     content-length: {length}\r\nconnection: close\r\n\r\n{document}"
                )
            }
            Manner::Refuse(status) => write!(
                stream,
                "HTTP/1.1 {status} No\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"
            ),
            Manner::Redirect(to) => write!(
                stream,
                "HTTP/1.1 302 Found\r\nlocation: {to}\r\ncontent-length: 0\r\n\
                 connection: close\r\n\r\n"
            ),
            Manner::Hang => {
                while !self.is_over() {
                    thread::sleep(Duration::from_millis(20));
                }
                Ok(())
            }
            Manner::Endless => {
                write!(stream, "HTTP/1.1 200 OK\r\nconnection: close\r\n\r\n{{")?;
                loop {
                    stream.write_all(&[b' '; 4_096])?;
                }
            }
            Manner::Close => Ok(()),
        }
    }
}

/// Reads up to the blank line behind a request's head.
fn read_head(stream: &mut TcpStream) -> io::Result<()> {
    let (mut head, mut byte) = (Vec::new(), [0]);
    while !head.ends_with(b"\r\n\r\n") {
        if stream.read(&mut byte)? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        head.push(byte[0]);
    }
    Ok(())
}
