//! A link that can be cut where network namespaces are not available: a TCP forwarder between one
//! node and the store.
//!
//! While it is cut, it takes no byte from either side and closes nothing, like a network that loses
//! every packet: a caller waits for its answer. When it is restored, what was on its way arrives, as
//! after TCP's retransmissions. Unlike with lost packets, new connections can be opened meanwhile, but
//! nothing comes through them.

use std::{
    io::{self, Read as _, Write as _},
    net::{Shutdown, SocketAddr, TcpListener, TcpStream},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::Duration,
};

/// How soon a cut or a mend is noticed.
const LOOK_EVERY: Duration = Duration::from_millis(5);

/// The forwarder. Its threads end with the connections, and with the process.
#[derive(Debug)]
pub(super) struct Forwarder {
    pub(super) address: SocketAddr,
    cut: Arc<AtomicBool>,
}

impl Forwarder {
    /// Forwards to `to` from an address of its own.
    pub(super) fn start(to: SocketAddr) -> io::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0")?;
        let address = listener.local_addr()?;
        let cut = Arc::new(AtomicBool::new(false));
        let shared = Arc::clone(&cut);
        thread::spawn(move || {
            for near in listener.incoming().flatten() {
                // Who cannot be connected is refused, as the store would.
                let Ok(far) = TcpStream::connect(to) else { continue };
                if let Err(error) = join(&near, &far, &shared) {
                    println!("a connection to the store was not forwarded: {error}");
                }
            }
        });
        Ok(Self { address, cut })
    }

    /// Lets nothing through until [`Self::mend`].
    pub(super) fn cut(&self) {
        self.cut.store(true, Ordering::Release);
    }

    /// Lets everything through again.
    pub(super) fn mend(&self) {
        self.cut.store(false, Ordering::Release);
    }
}

fn join(near: &TcpStream, far: &TcpStream, cut: &Arc<AtomicBool>) -> io::Result<()> {
    for (from, to) in [(near, far), (far, near)] {
        from.set_nodelay(true)?;
        from.set_read_timeout(Some(LOOK_EVERY))?;
        let (from, to, cut) = (from.try_clone()?, to.try_clone()?, Arc::clone(cut));
        thread::spawn(move || {
            // Either end may break off at any time; then both do.
            if forward(&from, &to, &cut).is_err() {
                for end in [&from, &to] {
                    drop(end.shutdown(Shutdown::Both));
                }
            }
        });
    }
    Ok(())
}

/// Ends in an error when one of the two has ended.
fn forward(mut from: &TcpStream, mut to: &TcpStream, cut: &AtomicBool) -> io::Result<()> {
    let mut buffer = vec![0; 64 * 1024];
    loop {
        if cut.load(Ordering::Acquire) {
            thread::sleep(LOOK_EVERY);
            continue;
        }
        match from.read(&mut buffer) {
            Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
            Ok(count) => {
                // What was read as the cut came is on its way, and waits.
                while cut.load(Ordering::Acquire) {
                    thread::sleep(LOOK_EVERY);
                }
                to.write_all(&buffer[..count])?;
            }
            Err(error) if is_silence(&error) => {}
            Err(error) => return Err(error),
        }
    }
}

fn is_silence(error: &io::Error) -> bool {
    [io::ErrorKind::WouldBlock, io::ErrorKind::TimedOut].contains(&error.kind())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_comes_through_a_cut_link_and_everything_after_it_is_mended() {
        let far = TcpListener::bind("127.0.0.1:0").unwrap();
        let forwarder = Forwarder::start(far.local_addr().unwrap()).unwrap();
        let mut near = TcpStream::connect(forwarder.address).unwrap();
        let (mut far, _) = far.accept().unwrap();
        let mut byte = [0];
        near.write_all(b"a").unwrap();
        far.read_exact(&mut byte).unwrap();

        forwarder.cut();
        thread::sleep(LOOK_EVERY * 4);
        far.write_all(b"b").unwrap();
        near.set_read_timeout(Some(Duration::from_millis(100))).unwrap();
        assert!(is_silence(&near.read_exact(&mut byte).unwrap_err()));
        forwarder.mend();
        near.set_read_timeout(Some(Duration::from_secs(5))).unwrap();
        near.read_exact(&mut byte).unwrap();
        assert_eq!(&byte, b"b");
        drop(far);
        assert_eq!(near.read(&mut byte).unwrap(), 0, "an end at one side is one at the other");
    }
}
