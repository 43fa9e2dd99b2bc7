//! What all routes share.

use std::{
    fmt,
    pin::Pin,
    sync::{Arc, OnceLock},
};

use identity::{
    Secrets,
    access::Terms,
    guess::Guesses,
    password::PasswordHasher,
    proof::Prover,
    session::Refresher,
    signing::{Signer, SigningKey},
    social::{Claims, Departure, ExchangeError, FlowKeys, Proof, Provider},
};
use store::Db;
use web::{caller::Callers, networks::Network};

use crate::{
    keys::KnownKeys,
    limits::Limits,
    refusal::Refusal,
    selling::{MakeSelling, NotYet, OnceKnown, Selling},
};

/// What the routes are made of, as the assembly says.
pub struct Options {
    /// Who signs access tokens, and whom they are for.
    pub terms: Terms,
    /// The secret that all nodes share: tokens under a MAC are made of it.
    pub secrets: Secrets,
    /// What access tokens are signed with.
    pub signing: SigningKey,
    /// Where browsers find the site, if that is configured.
    pub callers: Callers,
    /// Whether cookies are `Secure` even when a request looks like plain HTTP.
    pub cookie_secure: bool,
    /// Networks whose addresses are not limited.
    pub exempt: Vec<Network>,
    /// Who people can sign in with.
    pub providers: Arc<dyn Providers>,
    /// Makes what the routes sell with.
    pub selling: MakeSelling,
}

impl fmt::Debug for Options {
    /// The rest is secret.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Options").field("terms", &self.terms).finish_non_exhaustive()
    }
}

/// An address that a provider sends people back to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Address(pub String);

/// Where a person goes who signs in elsewhere; `None` if the shop has no contract with the provider.
pub type Departing = Option<String>;

/// A provider that is asked.
pub type Exchanging<'a> = Pin<Box<dyn Future<Output = Result<Claims, ExchangeError>> + Send + 'a>>;

/// Who people can sign in with: real providers, or their doubles.
pub trait Providers: Send + Sync + fmt::Debug {
    /// The provider's page for a person who comes back to an address of ours.
    fn page(&self, provider: Provider, departure: &Departure, back: &Address) -> Departing;

    /// Exchanges the code that a person brought back to that address.
    fn exchange<'a>(&'a self, proof: Proof<'a>, back: &'a Address) -> Exchanging<'a>;
}

/// What all routes share. Clones are the same one.
#[derive(Clone, Debug)]
pub struct Shop(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    db: OnceLock<Db>,
    terms: Terms,
    signer: Signer,
    keys: KnownKeys,
    prover: Prover,
    refresher: Refresher,
    flows: FlowKeys,
    guesses: Guesses,
    sign_ups: PasswordHasher,
    sign_ins: PasswordHasher,
    providers: Arc<dyn Providers>,
    selling: OnceKnown,
    callers: Callers,
    cookie_secure: bool,
    limits: Limits,
}

/// Why the database was given twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OpenDatabase;

impl Shop {
    /// A shop whose database is not open yet: until then everything that needs it is refused as passing.
    pub fn new(options: Options) -> Self {
        let Options { terms, secrets, signing, callers, cookie_secure, exempt, providers, selling } =
            options;
        Self(Arc::new(Inner {
            db: OnceLock::new(),
            terms,
            signer: Signer::new(signing),
            keys: KnownKeys::default(),
            prover: Prover::new(&secrets),
            refresher: Refresher::new(&secrets),
            flows: FlowKeys::new(&secrets),
            guesses: Guesses::new(&secrets),
            sign_ups: PasswordHasher::default(),
            sign_ins: PasswordHasher::default(),
            providers,
            selling: OnceKnown::new(selling),
            callers,
            cookie_secure,
            limits: Limits::new(exempt),
        }))
    }

    /// Takes the database, once it is open.
    pub fn opened(&self, db: Db) -> Result<(), OpenDatabase> {
        self.0.db.set(db).map_err(|_| OpenDatabase)
    }

    /// The signing key, for whoever publishes it.
    pub fn signer(&self) -> &Signer {
        &self.0.signer
    }

    /// What makes the tokens of mails.
    pub fn prover(&self) -> &Prover {
        &self.0.prover
    }

    /// What the routes sell with.
    ///
    /// # Errors
    ///
    /// Before the database is open, and it is known where browsers find the site.
    pub fn selling(&self) -> Result<&Selling, NotYet> {
        let db = self.0.db.get().ok_or(NotYet)?;
        self.0.selling.get(db).ok_or(NotYet)
    }

    /// Takes the keys of all nodes, as they were read just now.
    pub fn take_keys(&self, keys: identity::signing::PublicKeys, now: base::moment::Moment) {
        self.0.keys.put(keys, now);
    }

    pub(crate) fn db(&self) -> Result<&Db, Refusal> {
        self.0.db.get().ok_or(Refusal::Unavailable)
    }

    pub(crate) fn terms(&self) -> &Terms {
        &self.0.terms
    }

    pub(crate) fn keys(&self) -> &KnownKeys {
        &self.0.keys
    }

    pub(crate) fn refresher(&self) -> &Refresher {
        &self.0.refresher
    }

    pub(crate) fn flows(&self) -> &FlowKeys {
        &self.0.flows
    }

    pub(crate) fn guesses(&self) -> &Guesses {
        &self.0.guesses
    }

    /// What hashes new passwords.
    pub(crate) fn sign_ups(&self) -> &PasswordHasher {
        &self.0.sign_ups
    }

    /// What compares attempts.
    pub(crate) fn sign_ins(&self) -> &PasswordHasher {
        &self.0.sign_ins
    }

    pub(crate) fn providers(&self) -> &dyn Providers {
        &*self.0.providers
    }

    pub(crate) fn callers(&self) -> &Callers {
        &self.0.callers
    }

    pub(crate) fn is_always_secure(&self) -> bool {
        self.0.cookie_secure
    }

    pub(crate) fn limits(&self) -> &Limits {
        &self.0.limits
    }
}
