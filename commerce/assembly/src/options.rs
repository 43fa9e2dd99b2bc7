//! What the shop is made of, as plain values.

use std::{fmt, net::SocketAddr, path::PathBuf, sync::Arc, time::Duration};

use commons::{files::S3Options, push::PushOptions};
use identity::{
    Secrets, access::Terms, business::TaxOptions, email::Email, signing::SigningKey,
    social::Provider,
};
use outbound::{MailOptions, Secret};
use tokio::sync::SetOnce;
use trade::{
    gateway::{CardOptions, KakaoPayOptions},
    order::Retention,
    reminder::Times,
    sale::Room as DealRoom,
    slot::Policy,
};
use web::{caller::Callers, networks::Network};

/// Everything that a shop is opened with.
pub struct Options {
    /// Its database.
    pub database: store::Options,
    /// Where browsers find it, for the links in mails.
    pub site: Site,
    /// Who signs access tokens, and whom they are for.
    pub terms: Terms,
    /// The secrets that all nodes share.
    pub secrets: Secrets,
    /// What access tokens are signed with.
    pub signing: SigningKey,
    /// Where browsers find the site, if that is configured.
    pub callers: Callers,
    /// Whether cookies are `Secure` whatever a request looks like.
    pub cookie_secure: bool,
    /// Networks whose addresses are not limited.
    pub exempt: Vec<Network>,
    /// The addresses of those who run the platform, once they are verified.
    pub operators: Vec<Email>,
    /// Where mails are handed in. Without it they wait.
    pub mail: Option<MailSettings>,
    /// Who people can sign in with.
    pub logins: Vec<LoginOptions>,
    /// Who knows businesses. Without it applications wait.
    pub tax: Option<TaxOptions>,
    /// How the platform gives its hours away.
    pub policy: Policy,
    /// How the waiting room of every deal lets people in.
    pub deal_room: DealRoom,
    /// How long before a deal opens those who like it are told.
    pub reminders: Times,
    /// For how long orders say who received them.
    pub retention: Retention,
    /// Paying with `KakaoPay`, if there is a contract.
    pub kakaopay: Option<KakaoPayOptions>,
    /// Paying by card, if there is a contract.
    pub card: Option<CardOptions>,
    /// Where pictures are kept.
    pub media: MediaOptions,
    /// Who sends pushes. Without it there are none.
    pub push: Option<PushOptions>,
    /// The demo, if this is one.
    pub demo: Option<Demo>,
}

impl fmt::Debug for Options {
    /// Much of the rest is secret.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Options").field("database", &self.database).finish_non_exhaustive()
    }
}

/// Where browsers find the site; known at the latest when the server listens.
#[derive(Clone, Debug, Default)]
pub struct Site(Arc<SetOnce<String>>);

impl Site {
    /// Says where it is. What was said first holds.
    pub fn set(&self, origin: String) {
        drop(self.0.set(origin));
    }

    /// Its origin, such as `https://shop.example`.
    pub fn get(&self) -> Option<&str> {
        self.0.get().map(String::as_str)
    }

    /// Waits until it is known.
    pub(crate) async fn known(&self) {
        self.0.wait().await;
    }
}

/// Where mails are handed in.
#[derive(Clone, Debug)]
pub struct MailSettings {
    /// The server.
    pub server: MailOptions,
}

/// A provider that people can sign in with.
#[derive(Clone, Debug)]
pub struct LoginOptions {
    /// Which.
    pub provider: Provider,
    /// The shop's id there.
    pub client: String,
    /// The shop's secret there.
    pub secret: Secret,
    /// A server in place of the provider's own ones, such as a double.
    pub url: Option<String>,
    /// How long a call may take.
    pub deadline: Duration,
}

/// Where pictures are kept.
pub enum MediaOptions {
    /// In a folder of this machine, which is made if it is not there.
    Folder {
        /// Where it is.
        root: PathBuf,
        /// What all nodes share: URLs to put and get files are signed with what is made of it.
        secret: Vec<u8>,
    },
    /// In an object store.
    S3(S3Options),
}

impl fmt::Debug for MediaOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Folder { root, .. } => f.debug_tuple("Folder").field(root).finish(),
            Self::S3(options) => f.debug_tuple("S3").field(&options.bucket).finish(),
        }
    }
}

/// A shop that nobody has contracts for: servers of others are doubles, and there are accounts to try.
#[derive(Clone, Debug)]
pub struct Demo {
    /// Where the doubles listen: this port, and those after it; port 0 takes free ones.
    pub listen: SocketAddr,
    /// The file with the accounts.
    pub accounts: PathBuf,
    /// Whether businesses of the demo sell a catalogue.
    pub sells: bool,
}
