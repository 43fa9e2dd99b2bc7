//! A mail server: takes every mail over SMTP and keeps it for tests to read.
//!
//! Owns the conversation (RFC 5321) as far as a client needs it, without TLS. Refuses to deliver
//! anything anywhere.

use std::{
    io,
    net::SocketAddr,
    sync::{Arc, Mutex},
};

use tokio::{
    net::TcpListener,
    task::{JoinHandle, JoinSet},
};

use self::{office::Office, session::Session};
use crate::{Faults, Setting};

mod letter;
mod office;
mod session;

pub use self::letter::Mail;

/// What reads the mails of a double.
pub(crate) type MailReader = Box<dyn Fn() -> Vec<Mail> + Send + Sync>;

/// A running double.
#[derive(Debug)]
pub struct MailServer {
    address: SocketAddr,
    office: Arc<Office>,
    serving: JoinHandle<()>,
}

impl MailServer {
    /// Starts it; with a login it takes nothing before `AUTH PLAIN`.
    ///
    /// # Errors
    ///
    /// If its address cannot be listened at.
    pub async fn start(setting: Setting, login: Option<(&str, &str)>) -> io::Result<Self> {
        let listener = TcpListener::bind(setting.listen).await?;
        let address = listener.local_addr()?;
        let login = login.map(|(user, password)| (user.to_owned(), password.to_owned()));
        let (faults, mails) = (setting.faults, Mutex::default());
        let office = Arc::new(Office { login, faults, mails });
        let serving = tokio::spawn(accept(listener, Arc::clone(&office)));
        Ok(Self { address, office, serving })
    }

    /// Where it listens.
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// Its faults: `mail` is the operation, a mail that is handed in.
    pub fn faults(&self) -> &Faults {
        &self.office.faults
    }

    /// What reads the mails, for as long as anybody wants to.
    pub(crate) fn reader(&self) -> MailReader {
        let office = Arc::clone(&self.office);
        Box::new(move || office.lock().clone())
    }

    /// What was handed in, in order.
    pub fn mails(&self) -> Vec<Mail> {
        self.office.lock().clone()
    }

    /// The mails to an address, in order.
    pub fn mails_to(&self, address: &str) -> Vec<Mail> {
        let mut mails = self.mails();
        mails.retain(|mail| mail.to.iter().any(|to| to == address));
        mails
    }
}

impl Drop for MailServer {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

async fn accept(listener: TcpListener, office: Arc<Office>) {
    let mut sessions = JoinSet::new();
    loop {
        while sessions.try_join_next().is_some() {}
        let Ok((stream, _)) = listener.accept().await else { continue };
        let office = Arc::clone(&office);
        sessions.spawn(async move {
            // A client that went away is no failure of the server's.
            drop(Session::new(stream, &office).run().await);
        });
    }
}
