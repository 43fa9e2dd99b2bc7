//! The sections of the shop, and of the servers of others that it calls.

use std::{fmt, path::PathBuf, time::Duration};

use identity::email::Email;
use outbound::MailTls;
use serde::Serialize;
use trade::{order::Retention, reminder::Times};

use super::kinds::{FromText, MASKED, Secret, Span, Text, Whole, text, without_password};
use super::section::section;
use super::zone::Zone;
use crate::wire::Problems;

section! {
    /// The shop behind the waiting room; without it no database is opened, and none of its routes is there.
    Shop = "shop" {
        /// true: the shop runs.
        /// See [the shop](#the-shop)
        enabled: bool = false,
        /// its database, `sqlite:FILE` or `postgres://…`; all nodes share one
        database ("\"postgres://shop:…@db.example/shop\"", "`sqlite:DIR/shop.db`"): Option<Secret<DatabaseUrl>> = None,
        /// connections for reading, and on PostgreSQL as many for writing
        connections: Whole<1, 200> = Whole::of(8),
        /// the private key of access tokens, PEM (`openssl genpkey -algorithm ed25519`)
        signing_key ("\"/etc/rushgate/signing.pem\"", "made of `keys.secret`"): Option<Text<PathBuf>> = None,
        /// whoever verifies one of these addresses runs the platform
        operators ("[\"kim@shop.example\"]"): Vec<Text<Address>> = Vec::new(),
        /// the zone of the platform's days and hours
        zone: Text<Zone> = Text(Zone::default()),
        /// how many deals an hour can have
        slot_capacity: Whole<1, 1_000> = Whole::of(1),
        /// how many hours a deal books at least
        slot_hours_min: Whole<1, 24> = Whole::of(2),
        /// what an hour costs a business, in won
        rent_per_hour: Whole<0, 100_000_000> = Whole::of(0),
        /// hours before a deal opens at which those who like it are told
        reminder_hours: Vec<Whole<1, 168>> = vec![Whole::of(24), Whole::of(12), Whole::of(1)],
        /// for how many years after its end an order says who received it, and where
        receivers_kept_years: Whole<1, 100> = Whole::of(5),
    }
}

section! {
    /// Where the shop's mails are handed in; without it they wait.
    Mail = "mail" {
        /// the server; with `from`
        host ("\"smtp.shop.example\""): Option<Text<Host>> = None,
        /// its port
        port: Whole<1, 65_535> = Whole::of(587),
        /// `starttls`, `implicit`, or `none` for a server on this machine
        tls: Text<MailTls> = Text(MailTls::StartTls),
        /// the login; with `password`
        user ("\"shop\""): Option<Text<Word>> = None,
        /// its password
        password ("\"…\""): Option<Secret<Hidden>> = None,
        /// who the mails are from
        from ("\"Shop <no-reply@shop.example>\""): Option<Text<Word>> = None,
        /// how long one mail may take
        timeout_ms: Span<100, 600_000> = Span::of_ms(10_000),
    }
}

section! {
    /// Sign-in with Kakao; without it nobody is sent there.
    Kakao = "login.kakao" {
        /// the REST API key of the shop's application there; with `client_secret`
        client_id ("\"…\""): Option<Text<Word>> = None,
        /// its secret
        client_secret ("\"…\""): Option<Secret<Hidden>> = None,
        /// a server in place of Kakao's own ones, for tests
        url ("\"http://127.0.0.1:9202\""): Option<Text<Url>> = None,
        /// how long one call may take
        timeout_ms: Span<100, 60_000> = Span::of_ms(5_000),
    }
}

section! {
    /// Sign-in with Google; without it nobody is sent there.
    Google = "login.google" {
        /// the client id of the shop there; with `client_secret`
        client_id ("\"…\""): Option<Text<Word>> = None,
        /// its secret
        client_secret ("\"…\""): Option<Secret<Hidden>> = None,
        /// a server in place of Google's own ones, for tests
        url ("\"http://127.0.0.1:9203\""): Option<Text<Url>> = None,
        /// how long one call may take
        timeout_ms: Span<100, 60_000> = Span::of_ms(5_000),
    }
}

section! {
    /// The national tax service, which knows businesses; without it applications wait.
    Tax = "tax" {
        /// the service key of data.go.kr
        key ("\"…\""): Option<Secret<Hidden>> = None,
        /// the API
        url: Text<Url> = Text(Url("https://api.odcloud.kr/api/nts-businessman/v1".to_owned())),
        /// how long one call may take
        timeout_ms: Span<100, 60_000> = Span::of_ms(10_000),
    }
}

section! {
    /// Local stand-ins for the servers of others, for a demo; never with a real shop.
    Doubles = "doubles" {
        /// where they listen: this port and the eight after it; port 0 picks free ones.
        /// Whatever is not configured otherwise is a double then, and the file demo.json has accounts to try
        listen ("\"127.0.0.1:9200\""): Option<Text<std::net::SocketAddr>> = None,
        /// true: invented businesses sell deals around the present moment; needs `shop.slot_capacity` of 10 or more
        catalogue: bool = false,
    }
}

/// The providers that people can sign in with.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Login {
    /// Kakao.
    pub kakao: Kakao,
    /// Google.
    pub google: Google,
}

impl Login {
    pub(super) fn is_absent(&self) -> bool {
        self.kakao.client_id.is_none() && self.google.client_id.is_none()
    }

    /// An id and its secret go together, and whoever names a server means to use it.
    pub(super) fn check(&self, problems: &mut Problems) {
        let (kakao, google) = (&self.kakao, &self.google);
        let given = [
            (
                "kakao",
                kakao.client_id.is_some(),
                kakao.client_secret.is_some(),
                kakao.url.is_some(),
            ),
            (
                "google",
                google.client_id.is_some(),
                google.client_secret.is_some(),
                google.url.is_some(),
            ),
        ];
        for (provider, id, secret, url) in given {
            let names = [("client_id", id), ("client_secret", secret)];
            let keys = names.map(|(key, is_given)| (format!("login.{provider}.{key}"), is_given));
            needs_all(&keys, id || secret || url, problems);
        }
    }
}

impl Shop {
    /// How long before a deal opens those who like it are told; `None` if a time is there twice.
    pub fn reminders(&self) -> Option<Times> {
        let hours = self.reminder_hours.iter().map(|hours| Duration::from_hours(hours.get()));
        Times::new(&hours.collect::<Vec<_>>())
    }

    /// For how long orders say who received them.
    pub fn retention(&self) -> Retention {
        Retention::of_years(self.receivers_kept_years.as_u32()).unwrap_or_default()
    }
}

impl Mail {
    pub(super) fn is_absent(&self) -> bool {
        self.host.is_none()
    }

    /// A server and a sender go together, and a login and its password.
    pub(super) fn check(&self, problems: &mut Problems) {
        let (user, password) = (self.user.is_some(), self.password.is_some());
        let login = [("mail.user".to_owned(), user), ("mail.password".to_owned(), password)];
        needs_all(&login, user || password, problems);
        let (host, from) = (self.host.is_some(), self.from.is_some());
        let server = [("mail.host".to_owned(), host), ("mail.from".to_owned(), from)];
        needs_all(&server, host || from || user || password, problems);
    }
}

impl Tax {
    pub(super) fn is_absent(&self) -> bool {
        self.key.is_none()
    }
}

impl Doubles {
    pub(super) fn is_absent(&self) -> bool {
        self.listen.is_none()
    }
}

/// What concerns the shop itself, and the tokens of another one.
pub(super) fn check(shop: &Shop, has_other_tokens: bool, problems: &mut Problems) {
    if shop.reminders().is_none() {
        let found =
            format!("{:?}", shop.reminder_hours.iter().map(|one| one.get()).collect::<Vec<_>>());
        problems.note("shop.reminder_hours", found, "each time once");
    }
    if shop.enabled && has_other_tokens {
        let allowed = "no [jwt] section beside shop.enabled: sales with identity = \"jwt\" take the \
                       shop's own tokens";
        problems.note("jwt.jwks", "a key set", allowed);
    }
}

/// Keys that are given together or not at all. What was given and is wrong was given all the same.
pub(super) fn needs_all(keys: &[(String, bool)], is_any: bool, problems: &mut Problems) {
    let is_any = is_any || keys.iter().any(|(key, _)| problems.concern(key));
    let names = keys.iter().map(|(key, _)| key.as_str()).collect::<Vec<_>>().join(" and ");
    for (key, is_given) in keys {
        if is_any && !is_given && !problems.concern(key) {
            problems.note(key.clone(), "nothing", format!("{names} together"));
        }
    }
}

/// Where the shop's database is, perhaps with a password.
#[derive(Clone, PartialEq, Eq)]
pub struct DatabaseUrl(pub(in crate::config) String);

impl DatabaseUrl {
    /// The URL.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for DatabaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("DatabaseUrl(…)")
    }
}

impl FromText for DatabaseUrl {
    const ALLOWED: &'static str = "sqlite: and the path of a file, or a postgres:// URL";

    fn from_text(text: &str) -> Option<Self> {
        commerce::is_database_url(text).then(|| Self(text.to_owned()))
    }

    fn to_text(&self) -> String {
        without_password(&self.0)
    }
}

/// A secret of somebody else's server.
#[derive(Clone, PartialEq, Eq)]
pub struct Hidden(pub(in crate::config) String);

impl Hidden {
    /// The secret itself, for the one place that hands it on.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Hidden {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Hidden(…)")
    }
}

impl FromText for Hidden {
    const ALLOWED: &'static str = "1 to 1024 bytes";

    fn from_text(text: &str) -> Option<Self> {
        (1..=1_024).contains(&text.len()).then(|| Self(text.to_owned()))
    }

    fn to_text(&self) -> String {
        MASKED.to_owned()
    }
}

text! {
    /// The name of a server.
    Host, "a host name or an address",
    |text| (1..=253).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_graphic() && b != b'/')
}

text! {
    /// A name or an id at somebody else's server.
    Word, "1 to 256 characters", |text| (1..=256).contains(&text.chars().count())
}

text! {
    /// Where a server is.
    Url, "an http:// or https:// URL", |text| outbound::parse(text).is_some()
}

impl Host {
    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Word {
    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Url {
    /// The URL.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// The address of somebody who is to run the platform.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Address(pub Email);

impl FromText for Address {
    const ALLOWED: &'static str = "a list of e-mail addresses";

    fn from_text(text: &str) -> Option<Self> {
        Email::parse(text).map(Self)
    }

    fn to_text(&self) -> String {
        self.0.as_str().to_owned()
    }
}

impl FromText for MailTls {
    const ALLOWED: &'static str = "starttls, implicit, none";

    fn from_text(text: &str) -> Option<Self> {
        match text {
            "starttls" => Some(Self::StartTls),
            "implicit" => Some(Self::Implicit),
            "none" => Some(Self::Absent),
            _ => None,
        }
    }

    fn to_text(&self) -> String {
        match self {
            Self::StartTls => "starttls",
            Self::Implicit => "implicit",
            Self::Absent => "none",
        }
        .to_owned()
    }
}
