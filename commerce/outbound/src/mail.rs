//! A mail server that takes the shop's mails.
//!
//! Owns one conversation per mail, within one deadline. Refuses to know why a mail is sent, and keeps
//! no queue: whoever sends repeats, under the same key.

use std::{fmt, net::IpAddr, sync::Arc, time::Duration};

use base::writing;
use lettre::{
    Message,
    address::Envelope,
    message::{Mailbox, MultiPart, SinglePart},
    transport::smtp::{
        Error,
        authentication::{Credentials, DEFAULT_MECHANISMS},
        client::{AsyncSmtpConnection, Certificate, CertificateStore, TlsParameters},
        commands::{Data, Mail, Rcpt},
        extension::{ClientId, Extension, MailBodyParameter, MailParameter},
    },
};
use tokio::{
    sync::Semaphore,
    time::{Instant, timeout_at},
};

use crate::{Reach, Secret, TargetError, Trust, connect::patience, limits, resolve::Resolver};

/// How TLS is spoken to the server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MailTls {
    /// From the first byte, usually at port 465.
    Implicit,
    /// After `STARTTLS`, usually at port 587. A server that does not offer it gets nothing.
    StartTls,
    /// Not at all. For a server on this machine, or a double.
    Absent,
}

/// Where mails are handed in, and how.
#[derive(Clone, Debug)]
pub struct MailOptions {
    /// The server.
    pub host: String,
    /// Its port.
    pub port: u16,
    /// How TLS is spoken to it.
    pub tls: MailTls,
    /// User and password, if it asks for them. Without TLS they are only sent to this machine.
    pub login: Option<(String, Secret)>,
    /// Who the mails are from: an address, with or without a name before it.
    pub from: String,
    /// How long handing in one mail may take, connecting included.
    pub deadline: Duration,
    /// Mails that are handed in at once.
    pub in_flight_max: usize,
    /// Whose certificates the server may have.
    pub trust: Trust,
    /// Which addresses it may have.
    pub reach: Reach,
}

impl MailOptions {
    /// A server that the operator named, spoken to after `STARTTLS`.
    pub const fn new(host: String, port: u16, from: String, deadline: Duration) -> Self {
        Self {
            host,
            port,
            tls: MailTls::StartTls,
            login: None,
            from,
            deadline,
            in_flight_max: limits::MAILS_AT_ONCE,
            trust: Trust::System,
            reach: Reach::Anywhere,
        }
    }
}

/// One mail to one person.
#[derive(Clone, Copy)]
pub struct Letter<'a> {
    /// The address.
    pub to: &'a str,
    /// The subject.
    pub subject: &'a str,
    /// The text, for everybody.
    pub text: &'a str,
    /// The same as HTML, for programs that show it.
    pub html: Option<&'a str>,
    /// Names this mail, so that mail programs show one that is sent twice once: letters, digits and
    /// hyphens, such as the id of a task.
    pub key: &'a str,
}

impl fmt::Debug for Letter<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Letter({}, {} bytes)", self.key, self.text.len())
    }
}

/// Why a mail was not taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum MailError {
    /// It never will be: the address or the mail is wrong.
    Refused(String),
    /// It was not taken now.
    Later(String),
    /// It may have been taken.
    Unheard(String),
}

impl fmt::Display for MailError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Refused(why) | Self::Later(why) | Self::Unheard(why) => f.write_str(why),
        }
    }
}

impl std::error::Error for MailError {}

/// A mail server. Clones are the same one.
#[derive(Clone)]
pub struct Mailer(Arc<Inner>);

struct Inner {
    host: String,
    port: u16,
    tls: Option<(MailTls, TlsParameters)>,
    login: Option<Credentials>,
    from: Mailbox,
    deadline: Duration,
    turns: Semaphore,
    names: Resolver,
}

impl fmt::Debug for Mailer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Mailer").field("host", &self.0.host).finish_non_exhaustive()
    }
}

impl Mailer {
    /// Prepares sending.
    ///
    /// # Errors
    ///
    /// If nothing could ever be sent as configured.
    pub fn new(options: MailOptions) -> Result<Self, TargetError> {
        let MailOptions { host, port, tls, login, from, deadline, in_flight_max, trust, reach } =
            options;
        if deadline.is_zero() || in_flight_max == 0 {
            return Err(TargetError::Bounds);
        }
        if login.is_some() && tls == MailTls::Absent && !is_here(&host) {
            return Err(TargetError::Login);
        }
        let tls = match tls {
            MailTls::Absent => None,
            MailTls::Implicit | MailTls::StartTls => Some((tls, parameters(&host, trust)?)),
        };
        Ok(Self(Arc::new(Inner {
            names: Resolver::new(&host, reach),
            host,
            port,
            tls,
            login: login
                .map(|(user, password)| Credentials::new(user, password.expose().to_owned())),
            from: from.parse().map_err(|_| TargetError::Sender)?,
            deadline,
            turns: Semaphore::new(in_flight_max.min(Semaphore::MAX_PERMITS)),
        })))
    }

    /// Hands in a mail.
    ///
    /// # Errors
    ///
    /// If it was not taken, or may not have been.
    ///
    /// # Panics
    ///
    /// Panics inside a write to the database, as every call to another service does.
    pub async fn send(&self, letter: Letter<'_>) -> Result<(), MailError> {
        assert!(!writing::is_inside(), "no call to another service is made inside a write");
        let inner = &*self.0;
        let message = inner.message(letter)?;
        let until = Instant::now() + inner.deadline;
        let ms = inner.deadline.as_millis();
        let turn = timeout_at(until, inner.turns.acquire()).await;
        let Ok(turn) = turn else {
            return Err(MailError::Later(format!("{ms} ms were not enough for other mails")));
        };
        let connected = timeout_at(until, inner.connect()).await;
        let mut connection = connected
            .map_err(|_| MailError::Later(format!("no conversation within {ms} ms")))??;
        let content = message.formatted();
        let announced =
            timeout_at(until, announce(&mut connection, message.envelope(), &content)).await;
        let announced = announced
            .unwrap_or_else(|_| Err(MailError::Later(format!("no answer within {ms} ms"))));
        let sent = match announced {
            Ok(()) => match timeout_at(until, connection.message(&content)).await {
                Err(_) => Err(MailError::Unheard(format!("no answer within {ms} ms"))),
                Ok(heard) => heard.map(drop).map_err(|error| unsure(&error)),
            },
            untaken => untaken,
        };
        // Whether the server says goodbye changes nothing.
        drop(timeout_at(until, connection.quit()).await);
        drop(turn);
        sent
    }
}

impl Inner {
    /// Connects up to where a mail can be handed in. Nothing is sent yet.
    async fn connect(&self) -> Result<AsyncSmtpConnection, MailError> {
        // Even a final no is not the mail's fault here: a wrong password is the operator's.
        let later = |error: Error| MailError::Later(words(&error));
        let found = self.names.addresses(self.port).await;
        let addresses = found.map_err(|error| MailError::Later(error.to_string()))?;
        let hello = ClientId::default();
        let (implicit, after) = match &self.tls {
            Some((MailTls::Implicit, parameters)) => (Some(parameters.clone()), None),
            Some((_, parameters)) => (None, Some(parameters.clone())),
            None => (None, None),
        };
        let patience = Some(patience(self.deadline));
        let connecting =
            AsyncSmtpConnection::connect_tokio1(&addresses[..], patience, &hello, implicit, None);
        let mut connection = connecting.await.map_err(later)?;
        if let Some(parameters) = after {
            connection.starttls(parameters, &hello).await.map_err(later)?;
        }
        if let Some(login) = &self.login {
            connection.auth(DEFAULT_MECHANISMS, login).await.map_err(later)?;
        }
        Ok(connection)
    }

    fn message(&self, letter: Letter<'_>) -> Result<Message, MailError> {
        let Letter { to, subject, text, html, key } = letter;
        let refused = |what: &str| MailError::Refused(format!("{what} is not one"));
        let to: Mailbox = to.parse().map_err(|_| refused("the recipient's address"))?;
        let is_key = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-';
        if key.is_empty() || !key.bytes().all(is_key) {
            return Err(refused("the mail's key"));
        }
        let id = format!("<{key}@{}>", self.from.email.domain());
        let builder =
            Message::builder().from(self.from.clone()).to(to).subject(subject).message_id(Some(id));
        let built = match html {
            Some(html) => builder
                .multipart(MultiPart::alternative_plain_html(text.to_owned(), html.to_owned())),
            None => builder.singlepart(SinglePart::plain(text.to_owned())),
        };
        built.map_err(|error| MailError::Refused(error.to_string()))
    }
}

/// Whether a host is this machine.
fn is_here(host: &str) -> bool {
    host == "localhost" || host.parse().is_ok_and(|address: IpAddr| address.is_loopback())
}

fn parameters(host: &str, trust: Trust) -> Result<TlsParameters, TargetError> {
    let why = |error: Error| TargetError::Trust(error.to_string());
    let builder = TlsParameters::builder(host.to_owned());
    let builder = match trust.pem().map_err(TargetError::Trust)? {
        None => builder,
        Some(pem) => builder
            .certificate_store(CertificateStore::None)
            .add_root_certificate(Certificate::from_pem(&pem).map_err(why)?),
    };
    builder.build_rustls().map_err(why)
}

/// Says who the mail is from and for, up to where the server wants its content. Nothing of the mail was
/// handed in by then, so what fails here was not taken.
async fn announce(
    connection: &mut AsyncSmtpConnection,
    envelope: &Envelope,
    content: &[u8],
) -> Result<(), MailError> {
    let can = |extension| connection.server_info().supports_feature(extension);
    let unable =
        |what: &str| Err(MailError::Refused(format!("the server takes no mails with {what}")));
    let mut parameters = Vec::new();
    let mut addresses = envelope.from().into_iter().chain(envelope.to());
    if addresses.any(|address| !AsRef::<str>::as_ref(address).is_ascii()) {
        if !can(Extension::SmtpUtfEight) {
            return unable("an address beyond ASCII");
        }
        parameters.push(MailParameter::SmtpUtfEight);
    }
    if !content.is_ascii() {
        if !can(Extension::EightBitMime) {
            return unable("content beyond ASCII");
        }
        parameters.push(MailParameter::Body(MailBodyParameter::EightBitMime));
    }
    // A final no to this is about the sender or its login, which are the operator's.
    let later = |error: Error| MailError::Later(words(&error));
    let mail = connection.command(Mail::new(envelope.from().cloned(), parameters)).await;
    mail.map_err(later)?;
    for to in envelope.to() {
        connection.command(Rcpt::new(to.clone(), Vec::new())).await.map_err(|e| untaken(&e))?;
    }
    connection.command(Data).await.map_err(|error| untaken(&error))?;
    Ok(())
}

/// Answers to the recipient or the content that are about the conversation or the login: a wrong order of
/// commands, and what asks for another login.
const NOT_THE_MAILS: [&str; 5] = ["503", "530", "534", "535", "538"];

/// What an error says of a mail whose content was not handed in.
fn untaken(error: &Error) -> MailError {
    let code = error.status().map(|code| code.to_string());
    let is_the_mails = code.is_none_or(|code| !NOT_THE_MAILS.contains(&code.as_str()));
    if error.is_permanent() && is_the_mails {
        MailError::Refused(words(error))
    } else {
        MailError::Later(words(error))
    }
}

/// What an error says of a mail whose content was handed in, or a part of it.
fn unsure(error: &Error) -> MailError {
    if error.is_permanent() || error.is_transient() || error.is_client() {
        untaken(error)
    } else {
        MailError::Unheard(words(error))
    }
}

/// An error in words. Those of the server may repeat an address, so its code has to do.
fn words(error: &Error) -> String {
    match error.status() {
        Some(code) => format!("the server answered {code}"),
        None => error.to_string(),
    }
}
