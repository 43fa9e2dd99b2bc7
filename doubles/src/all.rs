//! All doubles side by side, for a demo or a test of everything.

use std::{fmt::Write as _, io, net::SocketAddr, sync::Arc};

use crate::{
    Faults, Setting,
    card::CardGateway,
    clock::MovedClock,
    control::Control,
    kakaopay::{CID, KakaoPay},
    mail::MailServer,
    oidc::{Brand, ClientOptions, Oidc, Person},
    push::Push,
    s3::{Account, ObjectStore},
    tax::{Business, Standing, TaxService},
};

/// The one key, password and secret of all doubles. It opens nothing else.
pub const KEY: &str = "double-key";

/// The shop's id at the providers of sign-in, its user name and its access key.
pub const NAME: &str = "shop";

/// The bucket of the object store.
pub const BUCKET: &str = "media";

/// Its region.
pub const REGION: &str = "kr-1";

/// All of them, running.
#[derive(Debug)]
#[expect(missing_docs, reason = "each is described at its type")]
pub struct Doubles {
    pub kakaopay: KakaoPay,
    pub card: CardGateway,
    pub kakao: Oidc,
    pub google: Oidc,
    pub tax: TaxService,
    pub push: Push,
    pub mail: MailServer,
    pub s3: ObjectStore,
    pub control: Control,
}

impl Doubles {
    /// Starts them at this port and those after it, or all at free ports if it is 0. `shop` is where the
    /// shop's pages are, to which people come back from signing in.
    ///
    /// # Errors
    ///
    /// If one of the ports is taken.
    pub async fn start(
        first: SocketAddr,
        shop: &str,
        clock: &Arc<MovedClock>,
        faults: impl Fn() -> Faults,
    ) -> io::Result<Self> {
        let at = |index: u16| {
            let port = if first.port() == 0 { 0 } else { first.port().saturating_add(index) };
            Setting {
                listen: SocketAddr::new(first.ip(), port),
                public: None,
                clock: Arc::<MovedClock>::clone(clock),
                faults: faults(),
            }
        };
        let client = |provider: &str| ClientOptions {
            id: NAME.to_owned(),
            secret: KEY.to_owned(),
            redirects: vec![format!("{}/v1/oidc/{provider}/callback", shop.trim_end_matches('/'))],
        };
        let account =
            Account { key: NAME.to_owned(), secret: KEY.to_owned(), region: REGION.to_owned() };
        let (kakao, google) = (client("kakao"), client("google"));
        let tax = TaxService::start(at(4), KEY).await?;
        for business in businesses() {
            tax.put(business);
        }
        let kakaopay = KakaoPay::start(at(0), KEY).await?;
        let card = CardGateway::start(at(1), KEY).await?;
        let kakao = Oidc::start(at(2), Brand::Kakao, kakao, people()).await?;
        let google = Oidc::start(at(3), Brand::Google, google, people()).await?;
        let push = Push::start(at(5), NAME).await?;
        let mail = MailServer::start(at(6), Some((NAME, KEY))).await?;
        let s3 = ObjectStore::start(at(7), account, BUCKET).await?;
        let faults = [
            ("kakaopay", kakaopay.faults()),
            ("card", card.faults()),
            ("kakao", kakao.faults()),
            ("google", google.faults()),
            ("tax", tax.faults()),
            ("push", push.faults()),
            ("mail", mail.faults()),
            ("s3", s3.faults()),
        ];
        let faults = faults.map(|(name, faults)| (name, faults.clone()));
        let control = Control::start(at(8), mail.reader(), push.reader(), faults.to_vec()).await?;
        Ok(Self { kakaopay, card, kakao, google, tax, push, mail, s3, control })
    }

    /// What the shop has to be told of each.
    pub fn told(&self) -> String {
        let mut text = String::new();
        let mail = self.mail.address().to_string();
        for (name, url, more) in [
            ("KakaoPay", self.kakaopay.url(), format!("cid {CID}, key {KEY}")),
            ("card gateway", self.card.url(), format!("key {KEY}")),
            ("Kakao sign-in", self.kakao.url().to_owned(), format!("client {NAME}, secret {KEY}")),
            (
                "Google sign-in",
                self.google.url().to_owned(),
                format!("client {NAME}, secret {KEY}"),
            ),
            ("tax service", self.tax.url(), format!("key {KEY}")),
            ("push", self.push.url().to_owned(), format!("project {NAME}")),
            ("mail", mail, format!("user {NAME}, password {KEY}, no TLS")),
            (
                "object store",
                self.s3.url().to_owned(),
                format!("bucket {BUCKET}, region {REGION}, access key {NAME}, secret {KEY}"),
            ),
            ("control", self.control.url().to_owned(), "mails, pushes, faults".to_owned()),
        ] {
            // Writing into a text does not fail.
            let _done = writeln!(text, "{name:<15} {url}  ({more})");
        }
        text
    }
}

/// People who can sign in: with an address, with one that nobody checked, and without.
fn people() -> Vec<Person> {
    let person = |subject: &str, name: &str, email: Option<(&str, bool)>| Person {
        subject: subject.to_owned(),
        name: name.to_owned(),
        email: email.map(|(email, is_verified)| (email.to_owned(), is_verified)),
    };
    vec![
        person("4001", "김하나", Some(("hana@example.com", true))),
        person("4002", "Lee Duri", Some(("duri@example.com", false))),
        person("4003", "박세찌", None),
        person("4004", "최네찌", Some(("nejji@example.com", true))),
    ]
}

/// Businesses with right check digits that nobody has.
fn businesses() -> Vec<Business> {
    let business = |number: &str, standing| Business {
        number: number.to_owned(),
        owner: "김사장".to_owned(),
        since: "20200101".to_owned(),
        standing,
    };
    vec![
        business("9990000016", Standing::Active),
        business("9990000049", Standing::Active),
        business("9990000054", Standing::Active),
        business("9990000068", Standing::Active),
        business("9990000073", Standing::Active),
        business("9990000165", Standing::Active),
        business("9990000170", Standing::Active),
        business("9990000184", Standing::Active),
        business("9990000035", Standing::Dormant),
        business("9990000020", Standing::Closed("20240131")),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_businesses_have_right_check_digits() {
        for Business { number, .. } in businesses() {
            let digits: Vec<u32> = number.chars().filter_map(|c| c.to_digit(10)).collect();
            let weights = [1, 3, 7, 1, 3, 7, 1, 3, 5];
            let sum: u32 = digits.iter().zip(weights).map(|(digit, weight)| digit * weight).sum();
            assert_eq!((10 - (sum + digits[8] * 5 / 10) % 10) % 10, digits[9], "{number}");
        }
    }

    #[tokio::test]
    async fn all_of_them_run_side_by_side() {
        let (free, clock) = (([127, 0, 0, 1], 0).into(), Arc::new(MovedClock::default()));
        let doubles = Doubles::start(free, "http://shop.example", &clock, Faults::none).await;
        assert_eq!(doubles.unwrap().told().lines().count(), 9);
    }
}
