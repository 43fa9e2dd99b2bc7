//! Which connections have something to say, by `epoll`.
//!
//! Edge triggered: a connection is registered once, and whoever is told of it reads until a read
//! comes back short. No call is spent on changing what is waited for.

use std::{
    io,
    net::TcpStream,
    os::fd::{AsFd as _, OwnedFd},
    time::Duration,
};

use rustix::{
    event::{
        Timespec,
        epoll::{self, EventFlags},
    },
    io::Errno,
};

/// Connections told of at once.
const EVENTS_MAX: usize = 256;

/// One connection that has something to say.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Stir {
    pub(crate) number: usize,
    /// It ends behind what there is to read, so a short read is not the last.
    pub(crate) is_over: bool,
}

/// The waiting.
pub(crate) struct Poller {
    epoll: OwnedFd,
    events: Vec<epoll::Event>,
}

impl Poller {
    pub(crate) fn new() -> io::Result<Self> {
        let epoll = epoll::create(epoll::CreateFlags::CLOEXEC)?;
        Ok(Self { epoll, events: Vec::with_capacity(EVENTS_MAX) })
    }

    /// Watches a stream under this number until it is closed.
    pub(crate) fn watch(&self, stream: &TcpStream, number: usize) -> io::Result<()> {
        let flags = EventFlags::IN | EventFlags::OUT | EventFlags::RDHUP | EventFlags::ET;
        let data = epoll::EventData::new_u64(number as u64);
        Ok(epoll::add(&self.epoll, stream.as_fd(), data, flags)?)
    }

    /// Waits for as long as this and puts those that stirred into `stirred`.
    pub(crate) fn wait(&mut self, atmost: Duration, stirred: &mut Vec<Stir>) -> io::Result<()> {
        stirred.clear();
        self.events.clear();
        let atmost = Timespec::try_from(atmost).map_err(io::Error::other)?;
        let events = rustix::buffer::spare_capacity(&mut self.events);
        match epoll::wait(&self.epoll, events, Some(&atmost)) {
            Ok(_) | Err(Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
        let over = EventFlags::RDHUP | EventFlags::HUP | EventFlags::ERR;
        stirred.extend(self.events.iter().map(|event| {
            // Packed by the kernel's rules, so it is copied before it is asked.
            let (flags, data) = (event.flags, event.data);
            let number = usize::try_from(data.u64()).unwrap_or(usize::MAX);
            Stir { number, is_over: flags.intersects(over) }
        }));
        Ok(())
    }
}
