//! The demo: doubles of every server that the shop calls, and an account of each kind.
//!
//! The accounts are made by the same verbs as everybody's. Their passwords are random, and stand in a file
//! that only its owner reads.

mod file;

use std::{error::Error, fmt, io, net::SocketAddr, path::PathBuf, sync::Arc, time::Duration};

use commons::push::{AccountError, PushOptions, ServiceAccount};
use doubles::{
    Faults,
    all::{Doubles, KEY, NAME},
    clock::MovedClock,
    kakaopay::CID,
};
use identity::{
    account,
    business::{self, Company, Decision, Ruling, TaxOptions, Typed, Verdict},
    email::Email,
    ids::AccountId,
    membership::{self, SignUp},
    name::Name,
    password::{Password, PasswordHasher},
    proof::Purpose,
    social::Provider,
};
use outbound::{MailOptions, MailTls, Reach, Secret};
use shop::Shop;
use store::{Db, Failure, worker::Trouble};
use trade::gateway::{CardOptions, KakaoPayOptions};

use self::file::{Account, People};
use crate::options::{Demo, LoginOptions, MailSettings, Options};

/// How long a call of a double may take.
const DEADLINE: Duration = Duration::from_secs(5);

/// A number whose digits fit each other and that no business has.
const BUSINESS_NUMBER: &str = "999-00-00016";

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
    Ok(Running { doubles, accounts: Accounts(Arc::new(people)) })
}

/// The accounts of the demo, which are made unless they are there.
#[derive(Clone, Debug)]
pub(crate) struct Accounts(Arc<People>);

impl Accounts {
    pub(crate) async fn make(&self, db: &Db, shop: &Shop) -> Result<(), Trouble> {
        let People { shopper, business, operator } = &*self.0;
        one(db, shop, shopper, "김손님").await?;
        let operator = one(db, shop, operator, "박운영").await?;
        let seller = one(db, shop, business, "이사장").await?;
        if let (Some(operator), Some(seller)) = (operator, seller) {
            appoint(db, operator).await?;
            open_business(db, seller, operator).await?;
        }
        Ok(())
    }
}

/// An account with a verified address; `None` if its address has one already.
async fn one(
    db: &Db,
    shop: &Shop,
    account: &Account,
    name: &str,
) -> Result<Option<AccountId>, Trouble> {
    let email = Email::parse(&account.email);
    let email = email.ok_or_else(|| Trouble::new("an address of the demo is none"))?;
    if account::by_email(&db.read(), &email).await?.is_some() {
        return Ok(None);
    }
    let password = Password::new(&account.password)?;
    let password = PasswordHasher::default().hash(&password).await?;
    let name = Name::parse(name).ok_or_else(|| Trouble::new("a name of the demo is none"))?;
    let sign_up = SignUp { email, password, name };
    let prover = shop.prover();
    let made = db.write(async |tx| {
        let live = membership::sign_up(tx, &sign_up).await.map_err(words)?;
        let proof = account::send_proof(tx, prover, &live, Purpose::VerifyEmail).await;
        account::verify(tx, &live, proof.map_err(words)?).await.map_err(words)?;
        Ok::<_, Failure<Words>>(live.id())
    });
    Ok(Some(made.await?))
}

async fn appoint(db: &Db, operator: AccountId) -> Result<(), Trouble> {
    let appointed = db.write(async |tx| {
        let live = account::live(tx, operator).await.map_err(words)?;
        membership::appoint(tx, &live).await.map_err(words)
    });
    Ok(appointed.await?)
}

/// Has an account apply, and an operator approve it on the verdict that the double would give.
async fn open_business(db: &Db, seller: AccountId, operator: AccountId) -> Result<(), Trouble> {
    let typed = Typed {
        name: "데모 상점",
        number: BUSINESS_NUMBER,
        representative: "이사장",
        email: "business@rushgate.example",
        phone: "02-123-4567",
    };
    let company = Company::parse(&typed);
    let company = company.map_err(|_| Trouble::new("the company of the demo is none"))?;
    let approved = db.write(async |tx| {
        let live = account::live(tx, seller).await.map_err(words)?;
        let id = business::apply(tx, &live, &company).await.map_err(words)?;
        business::judge(tx, id, company.number(), Verdict::Active).await?;
        let by = account::live(tx, operator).await.map_err(words)?;
        let seen = business::find(tx, id).await?.map_or_else(|| tx.now(), |known| known.applied_at);
        let ruling = Ruling { decision: Decision::Approve, seen, reason: None };
        business::decide(tx, &by, id, &ruling).await.map_err(words)
    });
    Ok(approved.await?)
}

/// A refusal in words: none of these should be refused.
#[derive(Debug)]
struct Words(String);

impl fmt::Display for Words {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Error for Words {}

fn words<R: fmt::Display>(failure: Failure<R>) -> Failure<Words> {
    match failure {
        Failure::Refused(refusal) => Failure::Refused(Words(refusal.to_string())),
        Failure::Store(error) => Failure::Store(error),
    }
}
