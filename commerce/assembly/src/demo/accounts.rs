//! The accounts of the demo: made by the same verbs as everybody's, unless they are there.

use std::{error::Error, fmt, sync::Arc};

use identity::{
    account,
    address::{self, Postal},
    business::{self, Company, Decision, Ruling, Typed, Verdict},
    email::Email,
    ids::{AccountId, BusinessId},
    membership::{self, SignUp},
    name::Name,
    password::{Password, PasswordHasher},
    proof::Purpose,
};
use shop::Shop;
use store::{Db, Failure, worker::Trouble};
use trade::alert::{self, Alerts};

use super::{
    catalogue::{Catalogue, Shopkeeper},
    file::{Account, People},
};

/// What the shopper of the demo follows.
const CATEGORIES: [&str; 2] = ["food", "travel"];
const KEYWORDS: [&str; 1] = ["캠핑"];

/// The accounts of the demo.
#[derive(Clone, Debug)]
pub(crate) struct Accounts(pub(super) Arc<People>);

/// An account that sells, and its business.
#[derive(Clone, Copy, Debug)]
pub(super) struct Seller {
    pub(super) account: AccountId,
    pub(super) business: BusinessId,
}

impl Accounts {
    /// Makes those that a file names.
    pub(crate) async fn make(&self, db: &Db, shop: &Shop) -> Result<(), Trouble> {
        let People { shopper, business, operator } = &*self.0;
        if let (shopper, true) = one(db, shop, shopper, "김손님").await? {
            settle(db, shopper).await?;
        }
        if let (operator, true) = one(db, shop, operator, "박운영").await? {
            appoint(db, operator).await?;
        }
        let catalogue = Catalogue::built_in();
        if let Some(first) = catalogue.businesses.first() {
            self.seller(db, shop, business, first).await?;
        }
        Ok(())
    }

    /// Those who sell the catalogue, in its order. All but the first are signed in to by nobody.
    pub(super) async fn sellers(
        &self,
        db: &Db,
        shop: &Shop,
        shopkeepers: &[Shopkeeper],
    ) -> Result<Vec<Seller>, Trouble> {
        let mut sellers = Vec::with_capacity(shopkeepers.len());
        for (place, shopkeeper) in shopkeepers.iter().enumerate() {
            let seller = if place == 0 {
                self.seller(db, shop, &self.0.business, shopkeeper).await?
            } else {
                let account = Account::new(&shopkeeper.account)?;
                self.seller(db, shop, &account, shopkeeper).await?
            };
            sellers.push(seller);
        }
        Ok(sellers)
    }

    /// The account of the shopper, if it is there.
    pub(super) async fn shopper(&self, db: &Db) -> Result<Option<AccountId>, Trouble> {
        let found = account::by_email(&db.read(), &email(&self.0.shopper)?).await?;
        Ok(found.map(|found| found.id))
    }

    /// An account that sells: it applies, and the operator approves it.
    async fn seller(
        &self,
        db: &Db,
        shop: &Shop,
        account: &Account,
        shopkeeper: &Shopkeeper,
    ) -> Result<Seller, Trouble> {
        let (account, _) = one(db, shop, account, &shopkeeper.representative).await?;
        if let Some(known) = business::of_account(&db.read(), account).await? {
            return Ok(Seller { account, business: known.id });
        }
        let operator = account::by_email(&db.read(), &email(&self.0.operator)?).await?;
        let operator = operator.ok_or_else(|| Trouble::new("the demo has no operator"))?;
        let business = open_business(db, account, operator.id, shopkeeper).await?;
        Ok(Seller { account, business })
    }
}

fn email(account: &Account) -> Result<Email, Trouble> {
    let email = Email::parse(&account.email);
    email.ok_or_else(|| Trouble::new("an address of the demo is not one"))
}

/// The account of an address, which is verified; and whether it is new.
async fn one(
    db: &Db,
    shop: &Shop,
    account: &Account,
    name: &str,
) -> Result<(AccountId, bool), Trouble> {
    let email = email(account)?;
    if let Some(known) = account::by_email(&db.read(), &email).await? {
        return Ok((known.id, false));
    }
    let password = Password::new(&account.password)?;
    let password = PasswordHasher::default().hash(&password).await?;
    let name = Name::parse(name).ok_or_else(|| Trouble::new("a name of the demo is not one"))?;
    let sign_up = SignUp { email, password, name };
    let prover = shop.prover();
    let made = db.write(async |tx| {
        let live = membership::sign_up(tx, &sign_up).await.map_err(words)?;
        let proof = account::send_proof(tx, prover, &live, Purpose::VerifyEmail).await;
        account::verify(tx, &live, proof.map_err(words)?).await.map_err(words)?;
        Ok::<_, Failure<Words>>(live.id())
    });
    Ok((made.await?, true))
}

/// Gives the shopper an address and something to follow.
async fn settle(db: &Db, shopper: AccountId) -> Result<(), Trouble> {
    let postal = Postal::parse(&address::Typed {
        receiver: "김손님",
        phone: "010-0000-1234",
        zip: "04524",
        road: "서울특별시 중구 세종대로 110",
        detail: "3층",
    });
    let postal = postal.map_err(|_| Trouble::new("the address of the demo is not one"))?;
    let alerts = Alerts::parse(&CATEGORIES, &KEYWORDS);
    let alerts = alerts.map_err(|_| Trouble::new("the alerts of the demo are none"))?;
    let settled = db.write(async |tx| {
        let live = account::live(tx, shopper).await.map_err(words)?;
        address::add(tx, &live, &postal).await.map_err(words)?;
        alert::set(tx, &live, &alerts).await?;
        Ok::<_, Failure<Words>>(())
    });
    Ok(settled.await?)
}

async fn appoint(db: &Db, operator: AccountId) -> Result<(), Trouble> {
    let appointed = db.write(async |tx| {
        let live = account::live(tx, operator).await.map_err(words)?;
        membership::appoint(tx, &live).await.map_err(words)
    });
    Ok(appointed.await?)
}

/// Has an account apply, and an operator approve it on the verdict that the double would give.
async fn open_business(
    db: &Db,
    seller: AccountId,
    operator: AccountId,
    shopkeeper: &Shopkeeper,
) -> Result<BusinessId, Trouble> {
    let typed = Typed {
        name: &shopkeeper.name,
        number: &shopkeeper.number,
        representative: &shopkeeper.representative,
        email: &format!("{}@rushgate.example", shopkeeper.account),
        phone: &shopkeeper.phone,
    };
    let company = Company::parse(&typed);
    let company = company.map_err(|_| Trouble::new("a company of the demo is not one"))?;
    let approved = db.write(async |tx| {
        let live = account::live(tx, seller).await.map_err(words)?;
        let id = business::apply(tx, &live, &company).await.map_err(words)?;
        business::judge(tx, id, company.number(), Verdict::Active).await?;
        let by = account::live(tx, operator).await.map_err(words)?;
        let seen = business::find(tx, id).await?.map_or_else(|| tx.now(), |known| known.applied_at);
        let ruling = Ruling { decision: Decision::Approve, seen, reason: None };
        business::decide(tx, &by, id, &ruling).await.map_err(words)?;
        Ok::<_, Failure<Words>>(id)
    });
    Ok(approved.await?)
}

/// A refusal in words: none of these should be refused.
#[derive(Debug)]
pub(super) struct Words(String);

impl fmt::Display for Words {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Error for Words {}

pub(super) fn words<R: fmt::Display>(failure: Failure<R>) -> Failure<Words> {
    match failure {
        Failure::Refused(refusal) => Failure::Refused(Words(refusal.to_string())),
        Failure::Store(error) => Failure::Store(error),
    }
}
