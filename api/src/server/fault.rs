//! What goes wrong before, after or without a handler's answer.
//!
//! The server finds these; what is said about them, and where they are counted, is the handler's.

/// Why a request is not answered by what it asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// It does not name exactly one host.
    Host,
    /// Its body passes the limit.
    BodyTooLarge,
    /// Its body broke off, or is encoded wrongly.
    BodyBroken,
    /// Its body did not arrive in time.
    BodyLate,
    /// The handler did not answer in time.
    AnswerLate,
    /// Bytes came ahead of the answer that changes protocols, and they cannot be framed.
    Ahead,
    /// The handler panicked; why is in the log.
    Panicked,
}

/// Why a connection ended, or never began, with nothing that a handler could answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Loss {
    /// As many connections as allowed are open, and all are busy.
    Full,
    /// Its peer has its share of them, or connects too often.
    PeerFull,
    /// The TLS handshake failed.
    Tls,
    /// The TLS handshake took too long.
    TlsLate,
    /// A request head or chunk that cannot be read beyond doubt, or is too long: 400, 414 or 431, or just
    /// the end.
    Malformed,
    /// A request head did not arrive in time, or none at all on a new connection.
    HeadLate,
    /// The peer did not take what was written to it.
    NotReading,
    /// Nothing came from the peer of an upgraded connection.
    Silent,
}

impl Loss {
    /// Each kind once.
    pub const ALL: [Self; 8] = [
        Self::Full,
        Self::PeerFull,
        Self::Tls,
        Self::TlsLate,
        Self::Malformed,
        Self::HeadLate,
        Self::NotReading,
        Self::Silent,
    ];
}
