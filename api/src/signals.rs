//! What signals do to a server.
//!
//! | signal | effect |
//! |---|---|
//! | TERM, INT, QUIT | stop: finish what was accepted, then exit |
//! | INT while it stops | exit at once |
//! | HUP | read the TLS files, the keys of shoppers' tokens and the revoked sessions again |
//! | USR1, USR2, ALRM, VTALRM, PROF, IO, PIPE, XFSZ | none |
//!
//! By default each of them would end the process without a drain. Only KILL does.

use std::io;

use engine::sync::Arc;
use rustix::process::Signal as Number;
use tokio::signal::unix::{Signal, SignalKind, signal};

use crate::accounts::Accounts;
use crate::server::Tls;

/// Signals that mean nothing here. XFSZ comes before the error of a write, which says the same.
const IGNORED: [Number; 8] = [
    Number::USR1,
    Number::USR2,
    Number::ALARM,
    Number::VTALARM,
    Number::PROF,
    Number::IO,
    Number::PIPE,
    Number::XFSZ,
];

/// Has the process outlive signals that mean nothing to it, from now on.
pub(crate) fn ignore_the_rest() -> io::Result<()> {
    for number in IGNORED {
        // A handler stays when its listener is dropped.
        drop(signal(SignalKind::from_raw(number.as_raw()))?);
    }
    Ok(())
}

/// HUP, caught from now on.
#[derive(Debug)]
pub(crate) struct Hangup(Signal);

impl Hangup {
    pub(crate) fn catch() -> io::Result<Self> {
        signal(SignalKind::hangup()).map(Self)
    }

    /// Reads everything again that may have changed, at each of them.
    pub(crate) async fn reload(mut self, tls: Option<Arc<Tls>>, accounts: Option<Arc<Accounts>>) {
        while self.0.recv().await.is_some() {
            if let Some(accounts) = &accounts {
                accounts.reload().await;
            }
            match tls.as_ref().map(|tls| tls.reload()) {
                Some(Ok(())) => tracing::info!("loaded the TLS certificate and key again"),
                Some(Err(error)) => tracing::error!(
                    %error,
                    "cannot load the TLS certificate and key again; the old ones stay in use"
                ),
                None => tracing::info!("TLS is off; SIGHUP had no TLS files to load again"),
            }
        }
    }
}

/// The signals that stop the server, caught from now on.
#[derive(Debug)]
pub(crate) struct StopSignals {
    terminate: Signal,
    interrupt: Signal,
    quit: Signal,
}

impl StopSignals {
    pub(crate) fn catch() -> io::Result<Self> {
        let terminate = signal(SignalKind::terminate())?;
        let interrupt = signal(SignalKind::interrupt())?;
        let quit = signal(SignalKind::quit())?;
        Ok(Self { terminate, interrupt, quit })
    }

    /// Resolves at the first of them.
    pub(crate) async fn received(&mut self) {
        tokio::select! {
            _ = self.terminate.recv() => {}
            _ = self.interrupt.recv() => {}
            _ = self.quit.recv() => {}
        }
    }

    /// Resolves at the next INT: a person at a terminal does not want to wait.
    pub(crate) async fn insisted(&mut self) {
        self.interrupt.recv().await;
    }
}
