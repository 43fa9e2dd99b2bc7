//! The demo: doubles of every server that the shop calls, an account of each kind, and deals around the present
//! moment.
//!
//! The accounts and deals are made by the same verbs as everybody's. The passwords are random, and stand in a
//! file that only its owner reads.

mod accounts;
mod catalogue;
mod file;
mod pictures;
mod stall;

use std::{error::Error, fmt, io, net::SocketAddr, path::PathBuf, sync::Arc, time::Duration};

use commons::push::{AccountError, PushOptions, ServiceAccount};
use doubles::{
    Faults,
    all::{Doubles, KEY, NAME},
    clock::MovedClock,
    kakaopay::CID,
};
use identity::{business::TaxOptions, social::Provider};
use outbound::{MailOptions, MailTls, Reach, Secret};
use trade::gateway::{CardOptions, KakaoPayOptions};

pub(crate) use self::{accounts::Accounts, stall::keep};
use crate::options::{Demo, LoginOptions, MailSettings, Options};

/// How long a call of a double may take.
const DEADLINE: Duration = Duration::from_secs(5);

/// Why the demo cannot be prepared.
#[derive(Debug)]
pub enum DemoError {
    /// A double has no port.
    Double(io::Error),
    /// The push service's double has no service account.
    Account(AccountError),
    /// The file with the accounts cannot be read or made.
    File(PathBuf, io::Error),
}

impl fmt::Display for DemoError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Double(_) => f.write_str("a double cannot listen"),
            Self::Account(_) => f.write_str("the double of the push service cannot be called"),
            Self::File(path, _) => write!(f, "cannot read or write {}", path.display()),
        }
    }
}

impl Error for DemoError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Double(error) | Self::File(_, error) => Some(error),
            Self::Account(error) => Some(error),
        }
    }
}

/// What runs for the demo alone.
#[derive(Debug)]
pub(crate) struct Running {
    doubles: Doubles,
    pub(crate) accounts: Accounts,
    /// Whether the catalogue is sold.
    pub(crate) sells: bool,
}

impl Running {
    /// Where the doubles are asked what came to them.
    pub(crate) fn address(&self) -> SocketAddr {
        let url = self.doubles.control.url();
        let address = url.strip_prefix("http://").and_then(|address| address.parse().ok());
        address.unwrap_or_else(|| unreachable!("a double listens at an address: {url}"))
    }
}

/// Starts the doubles, and has the shop call them wherever nothing else is configured.
pub(crate) async fn start(demo: Demo, options: &mut Options) -> Result<Running, DemoError> {
    let people = file::open_or_create(&demo.accounts)
        .map_err(|error| DemoError::File(demo.accounts.clone(), error))?;
    // Without a site of its own, it is on this machine, at whatever port.
    let shop = options.site.get().unwrap_or("http://127.0.0.1").to_owned();
    let clock = Arc::new(MovedClock::default());
    let doubles = Doubles::start(demo.listen, &shop, &clock, Faults::none).await;
    let doubles = doubles.map_err(DemoError::Double)?;
    let secret = || Secret::new(KEY.to_owned());
    let mail = doubles.mail.address();
    options.mail.get_or_insert_with(|| MailSettings {
        server: MailOptions {
            tls: MailTls::Absent,
            login: Some((NAME.to_owned(), secret())),
            ..MailOptions::new(
                mail.ip().to_string(),
                mail.port(),
                "Rushgate <shop@rushgate.example>".to_owned(),
                DEADLINE,
            )
        },
    });
    for (provider, url) in
        [(Provider::Kakao, doubles.kakao.url()), (Provider::Google, doubles.google.url())]
    {
        if options.logins.iter().all(|login| login.provider != provider) {
            options.logins.push(LoginOptions {
                provider,
                client: NAME.to_owned(),
                secret: secret(),
                url: Some(url.to_owned()),
                deadline: DEADLINE,
            });
        }
    }
    options.kakaopay.get_or_insert_with(|| KakaoPayOptions {
        url: doubles.kakaopay.url(),
        deadline: DEADLINE,
        reach: Reach::Anywhere,
        ..KakaoPayOptions::new(CID.to_owned(), secret())
    });
    options.card.get_or_insert_with(|| CardOptions {
        deadline: DEADLINE,
        reach: Reach::Anywhere,
        ..CardOptions::new(doubles.card.url(), secret())
    });
    if options.push.is_none() {
        let account = ServiceAccount::parse(&doubles.push.service_account().to_string());
        options.push = Some(PushOptions {
            url: doubles.push.url().to_owned(),
            deadline: DEADLINE,
            reach: Reach::Anywhere,
            ..PushOptions::new(account.map_err(DemoError::Account)?)
        });
    }
    options.tax.get_or_insert_with(|| TaxOptions {
        url: doubles.tax.url(),
        deadline: DEADLINE,
        reach: Reach::Anywhere,
        ..TaxOptions::new(secret())
    });
    Ok(Running { doubles, accounts: Accounts(Arc::new(people)), sells: demo.sells })
}
