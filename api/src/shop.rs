//! The shop as the program's own guest: its options out of the configuration, and what the server and the
//! shop tell each other.
//!
//! ```text
//!  configuration ──▶ options ──▶ commerce ──▶ routes, mounted
//!                                   │ keys, ended sessions
//!  waiting room (`identity = "jwt"`) ◀┘
//! ```

mod passes;
mod selling;

use std::{
    error::Error,
    net::SocketAddr,
    path::Path,
    sync::{Arc, OnceLock},
    time::Duration,
};

use bytes::Bytes;
use commerce::{Demo, LoginOptions, MailSettings, Room, Site};
use engine::id::SinkName;
use identity::{
    Secrets, access::Terms, business::TaxOptions, signing::SigningKey, social::Provider,
};
use outbound::{MailOptions, Reach, Secret, Trust};
use tokio::sync::watch;

use self::passes::RoomPasses;
use crate::{
    accounts::{AccountOptions, Accounts, Algorithm, Keys},
    config::{self, Config},
    keys::{OpenedKeys, ShopSecret},
    mount::{Guest, GuestContext, MountOptions, MountService, Opened, Opening},
};

/// Where in the data directory the shop's database lies, unless the configuration says otherwise.
const DATABASE: &str = "shop.db";
/// The file with the demo's accounts in the data directory.
pub(crate) const DEMO_FILE: &str = "demo.json";

/// What the engine calls the shop's own sink of order events.
const SINK: &str = "shop";

/// The `iss` of access tokens where no public origin is configured.
const ISSUER: &str = "rushgate-shop";
/// Their `aud`.
const AUDIENCE: &str = "rushgate";
/// The cookie that keeps an access token; over HTTPS it has the prefix `__Host-`.
const COOKIE: &str = "rushgate-session";

/// For how long ended sessions are remembered: longer than an access token holds.
const LIFE_MAX: Duration = Duration::from_mins(20);
/// For how long keys are believed that the shop cannot read again.
const STALE_MAX: Duration = Duration::from_hours(1);
/// How long somebody who enters waits for the shop to read its keys first.
const FIRST_KEYS: Duration = Duration::from_secs(2);

/// The shop, as far as the server has to know it.
#[derive(Debug)]
pub(crate) struct OwnShop {
    pub(crate) guest: Guest,
    pub(crate) links: Links,
}

/// What server and shop learn of each other once both are there.
#[derive(Clone, Debug)]
pub(crate) struct Links {
    site: Site,
    is_site_given: bool,
    doubles: Arc<OnceLock<SocketAddr>>,
}

impl Links {
    /// Says where the server listens. A public origin outweighs it.
    pub(crate) fn listens(&self, address: SocketAddr, is_tls: bool) {
        if !self.is_site_given {
            let scheme = if is_tls { "https" } else { "http" };
            self.site.set(format!("{scheme}://{address}"));
        }
    }

    /// Where the doubles are asked what came to them, if they run.
    pub(crate) fn doubles(&self) -> Option<SocketAddr> {
        self.doubles.get().copied()
    }
}

/// What tells shoppers in the room by the shop's own tokens.
pub(crate) fn account_options(
    config: &Config,
    keys: watch::Receiver<Option<Bytes>>,
) -> AccountOptions {
    let terms = terms(config);
    AccountOptions {
        keys: Keys::Shop(keys),
        issuer: terms.issuer,
        audience: vec![terms.audience],
        algorithms: vec![Algorithm::EdDsa],
        fresh_max: STALE_MAX,
        stale_max: STALE_MAX,
        deadline: FIRST_KEYS,
        life_max: LIFE_MAX,
        revoked: None,
        cookie: Some(COOKIE.to_owned()),
        trust: Trust::System,
    }
}

/// Prepares the shop. It is opened by the mount, on its runtime.
pub(crate) fn prepare(
    config: &Config,
    opened: &OpenedKeys,
    keys: watch::Sender<Option<Bytes>>,
    accounts: Arc<Accounts>,
) -> Result<OwnShop, Box<dyn Error + Send + Sync>> {
    let site = Site::default();
    let origin = config.server.public_origin.as_ref().map(|origin| origin.0.to_string());
    let is_site_given = origin.is_some();
    if let Some(origin) = origin {
        site.set(origin);
    }
    let doubles = Arc::<OnceLock<SocketAddr>>::default();
    let links = Links { site: site.clone(), is_site_given, doubles: Arc::clone(&doubles) };
    let options = options(config, &opened.shop_secret, site)?;
    let (shoppers, keyring) = (opened.keyring.shoppers().clone(), Arc::clone(&opened.keyring));
    let open = move |context: GuestContext| -> Opening {
        Box::pin(async move {
            let GuestContext { engine, draining } = context;
            let timed = engine.clone();
            let ended = move |sessions: &[String]| {
                let wall = timed.now().shifted(timed.registry().clock_offset_ms());
                accounts.revoke(sessions, wall).is_ok()
            };
            let passes = Arc::new(RoomPasses { engine: engine.clone(), keyring });
            let room = Room { engine, shoppers, passes, keys, ended: Box::new(ended) };
            let opened = commerce::open(options, room, draining).await?;
            if let Some(address) = opened.doubles {
                // It is opened once.
                doubles.get_or_init(|| address);
            }
            let service = MountService::new(opened.router);
            Ok(Opened { service, sink: Some(opened.sink), finishing: Some(opened.finishing) })
        })
    };
    let sink = SinkName::parse(SINK);
    let guest = Guest { options: MountOptions::default(), sink, open: Box::new(open) };
    Ok(OwnShop { guest, links })
}

fn terms(config: &Config) -> Terms {
    let origin = config.server.public_origin.as_ref().map(|origin| origin.0.to_string());
    Terms { issuer: origin.unwrap_or_else(|| ISSUER.to_owned()), audience: AUDIENCE.to_owned() }
}

fn options(
    config: &Config,
    secret: &ShopSecret,
    site: Site,
) -> Result<commerce::Options, Box<dyn Error + Send + Sync>> {
    let config::Shop { database, connections, signing_key, operators, .. } = &config.shop;
    let dir: &Path = &config.data.dir.0;
    let own = || format!("sqlite:{}", dir.join(DATABASE).display());
    let url = database.as_ref().map_or_else(own, |url| url.get().as_str().to_owned());
    let signing = match signing_key {
        Some(path) => SigningKey::read(&path.0)?,
        None => SigningKey::of_secret(&secret.own),
    };
    let listen = config.doubles.listen.as_ref().map(|listen| listen.0);
    Ok(commerce::Options {
        database: commerce::database_options(url, connections.as_u32()),
        site,
        terms: terms(config),
        secrets: secrets(secret),
        signing,
        callers: config.server.callers(),
        cookie_secure: config.server.cookie_secure,
        exempt: config.limits.exempt(),
        operators: operators.iter().map(|operator| operator.0.0.clone()).collect(),
        mail: mail(&config.mail),
        logins: logins(&config.login),
        tax: tax(&config.tax),
        policy: selling::policy(&config.shop),
        deal_room: selling::deal_room(&config.deals),
        reminders: config.shop.reminders().unwrap_or_default(),
        retention: config.shop.retention(),
        kakaopay: selling::kakaopay(&config.payments.kakaopay),
        card: selling::card(&config.payments.card),
        media: selling::media(config, secret),
        push: selling::push(&config.push)?,
        demo: listen.map(|listen| Demo {
            listen,
            accounts: dir.join(DEMO_FILE),
            sells: config.doubles.catalogue,
        }),
    })
}

fn secrets(ShopSecret { own, other }: &ShopSecret) -> Secrets {
    let secrets = Secrets::new(own);
    match other {
        Some(other) => secrets.accepting(other),
        None => secrets,
    }
}

fn mail(mail: &config::Mail) -> Option<MailSettings> {
    let (host, from) = (mail.host.as_ref()?, mail.from.as_ref()?);
    let login = mail.user.as_ref().zip(mail.password.as_ref());
    let port = u16::try_from(mail.port.get()).unwrap_or(u16::MAX);
    let (host, from) = (host.0.as_str().to_owned(), from.0.as_str().to_owned());
    let server = MailOptions {
        tls: mail.tls.0,
        login: login.map(|(user, password)| {
            (user.0.as_str().to_owned(), Secret::new(password.get().expose().to_owned()))
        }),
        ..MailOptions::new(host, port, from, mail.timeout_ms.get())
    };
    Some(MailSettings { server })
}

fn logins(login: &config::Login) -> Vec<LoginOptions> {
    let config::Login { kakao, google } = login;
    let of = |provider, client: &Option<_>, secret: &Option<_>, url: &Option<_>, deadline| {
        let client: &config::Text<config::Word> = client.as_ref()?;
        let secret: &config::Secret<config::Hidden> = secret.as_ref()?;
        let url: Option<&config::Text<config::Url>> = url.as_ref();
        Some(LoginOptions {
            provider,
            client: client.0.as_str().to_owned(),
            secret: Secret::new(secret.get().expose().to_owned()),
            url: url.map(|url| url.0.as_str().to_owned()),
            deadline,
        })
    };
    let all = [
        of(
            Provider::Kakao,
            &kakao.client_id,
            &kakao.client_secret,
            &kakao.url,
            kakao.timeout_ms.get(),
        ),
        of(
            Provider::Google,
            &google.client_id,
            &google.client_secret,
            &google.url,
            google.timeout_ms.get(),
        ),
    ];
    all.into_iter().flatten().collect()
}

fn tax(tax: &config::Tax) -> Option<TaxOptions> {
    let key = tax.key.as_ref()?;
    Some(TaxOptions {
        url: tax.url.0.as_str().to_owned(),
        deadline: tax.timeout_ms.get(),
        // The operator named it.
        reach: Reach::Anywhere,
        ..TaxOptions::new(Secret::new(key.get().expose().to_owned()))
    })
}
