//! Kakao and Google, as their doubles play them: what is believed of a person, and what is not.

use std::{sync::Arc, time::Duration};

use doubles::{
    Fault, Setting,
    clock::MovedClock,
    oidc::{Brand, ClientOptions, Oidc, Person, challenge},
};
use identity::{
    account,
    arrival::{self, Arrival, ArrivalRefusal, Returned},
    session::{DeviceName, Role, Session},
    social::{
        Claims, Departure, Exchange as _, ExchangeError, Flow, FlowKeys, Proof, Provider,
        ProviderOptions, Providers, Purpose, ReturnTo,
    },
};
use outbound::{Reach, Secret};
use store::{Db, Failure, on_both};

use crate::support::{open, open_with_kim, secrets, verify};

const BACK: &str = "https://shop.example/v1/oidc/done";
const VERIFIER: &str = "a-verifier-of-at-least-forty-three-characters";
const KEYS_PAUSE: Duration = Duration::from_millis(20);

struct Place {
    provider: Provider,
    double: Oidc,
    providers: Providers,
}

const BOTH: [(Brand, Provider); 2] =
    [(Brand::Kakao, Provider::Kakao), (Brand::Google, Provider::Google)];

fn kim(email: Option<(&str, bool)>) -> Person {
    let email = email.map(|(email, is_verified)| (email.to_owned(), is_verified));
    Person { subject: "4001".to_owned(), name: "Kim Hana".to_owned(), email }
}

fn options(provider: Provider, secret: &str, url: &str) -> ProviderOptions {
    let secret = Secret::new(secret.to_owned());
    ProviderOptions {
        url: Some(url.to_owned()),
        deadline: Duration::from_millis(900),
        keys_pause: KEYS_PAUSE,
        reach: Reach::Anywhere,
        ..ProviderOptions::new(provider, "shop".to_owned(), secret, BACK.to_owned())
    }
}

async fn start((brand, provider): (Brand, Provider), person: Person) -> Place {
    let clock = Arc::new(MovedClock::default());
    let setting = Setting { clock: Arc::<MovedClock>::clone(&clock), ..Setting::local() };
    let client = ClientOptions {
        id: "shop".to_owned(),
        secret: "hush".to_owned(),
        redirects: vec![BACK.to_owned()],
    };
    let double = Oidc::start(setting, brand, client, vec![person]).await.unwrap();
    let providers = Providers::new([options(provider, "hush", double.url())], clock).unwrap();
    Place { provider, double, providers }
}

fn query(url: &str, name: &str) -> String {
    let (_, query) = url.split_once('?').unwrap();
    let mut pairs = form_urlencoded::parse(query.as_bytes());
    pairs.find(|(key, _)| key == name).map(|(_, value)| value.into_owned()).unwrap()
}

impl Place {
    /// Signs in at the provider, and says with which code the browser comes back.
    fn code(&self, nonce: &str) -> String {
        let departure = Departure {
            state: "a state".to_owned(),
            nonce: nonce.to_owned(),
            challenge: challenge(VERIFIER),
            browser: String::new(),
        };
        let page = self.providers.page(self.provider, &departure).unwrap();
        let back = self.double.sign_in(&page, Some("4001")).unwrap();
        assert!(back.starts_with(BACK) && query(&back, "state") == "a state", "{back}");
        query(&back, "code")
    }

    async fn exchange(&self, code: &str, nonce: &str) -> Result<Claims, ExchangeError> {
        let proof = Proof { provider: self.provider, code, nonce, verifier: VERIFIER };
        self.providers.exchange(proof).await
    }

    async fn told(&self) -> Result<Claims, ExchangeError> {
        self.exchange(&self.code("n-1"), "n-1").await
    }
}

#[tokio::test]
async fn a_provider_tells_who_signed_in_and_whether_it_verified_the_address() {
    for both in BOTH {
        for is_verified in [true, false] {
            let place = start(both, kim(Some(("kim@shop.example", is_verified)))).await;
            let told = place.told().await.unwrap();
            assert_eq!((told.provider, told.subject.as_str()), (both.1, "4001"));
            assert_eq!(told.email.as_deref(), Some("kim@shop.example"));
            assert_eq!(told.email_verified, is_verified, "{both:?}");
            assert_eq!(told.name.as_deref(), Some("Kim Hana"));
        }
        let place = start(both, kim(None)).await;
        let told = place.told().await.unwrap();
        assert_eq!((told.email, told.email_verified), (None, false));
    }
}

#[tokio::test]
async fn google_says_of_its_own_addresses_alone_whose_they_are_now() {
    for (email, is_verified) in [
        ("kim@gmail.com", true),
        ("Kim@GMail.com", true),
        ("kim@company.example", true),
        ("kim@naver.com", false),
        ("kim@gmail.com.evil.net", false),
    ] {
        let place = start(BOTH[1], kim(Some((email, true)))).await;
        let told = place.told().await.unwrap();
        assert_eq!((told.email.as_deref(), told.email_verified), (Some(email), is_verified));
    }
}

#[tokio::test]
async fn what_the_provider_did_not_sign_is_not_believed() {
    for both in BOTH {
        let place = start(both, kim(None)).await;
        place.told().await.unwrap();
        place.double.forge();
        assert_eq!(place.told().await, Err(ExchangeError::Refused));
    }
}

#[tokio::test]
async fn a_code_counts_once_with_its_verifier_and_its_nonce() {
    for both in BOTH {
        let place = start(both, kim(None)).await;
        let code = place.code("n-1");
        assert!(place.exchange(&code, "n-1").await.is_ok());
        for (code, nonce) in
            [(code.as_str(), "n-1"), ("made-up", "n-1"), (&place.code("n-1"), "n-2")]
        {
            let done = place.exchange(code, nonce).await;
            assert_eq!(done, Err(ExchangeError::Refused), "{code} {nonce}");
        }
        let (code, provider) = (place.code("n-1"), place.provider);
        let proof = Proof { provider, code: &code, nonce: "n-1", verifier: "another" };
        assert_eq!(place.providers.exchange(proof).await, Err(ExchangeError::Refused));
    }
}

#[tokio::test]
async fn a_provider_may_change_its_keys() {
    for both in BOTH {
        let place = start(both, kim(None)).await;
        place.told().await.unwrap();
        place.double.change_key();
        tokio::time::sleep(2 * KEYS_PAUSE).await;
        place.told().await.unwrap();
        place.told().await.unwrap();
        let read = place
            .double
            .asked()
            .iter()
            .filter(|asked| asked.path.contains("jwks") || asked.path.contains("certs"))
            .count();
        assert_eq!(read, 2, "the keys are read again for an unknown one, and not each time");
    }
}

#[tokio::test]
async fn a_provider_in_trouble_says_nothing_against_the_person() {
    let unavailable = Err(ExchangeError::Unavailable);
    for both in BOTH {
        let place = start(both, kim(Some(("kim@shop.example", true)))).await;
        place.double.faults().next("keys", Some(Fault::Refused));
        assert_eq!(place.told().await, unavailable, "its keys cannot be read");
    }
    let place = start(BOTH[0], kim(Some(("kim@shop.example", true)))).await;
    for operation in ["token", "userinfo"] {
        for fault in [Fault::Refused, Fault::LostBefore, Fault::LostAfter, Fault::Silent] {
            place.double.faults().next(operation, Some(fault));
            assert_eq!(place.told().await, unavailable, "{operation} {fault:?}");
        }
    }
    assert!(place.told().await.is_ok());
    let clock = Arc::new(MovedClock::default());
    let wrong = options(Provider::Kakao, "wrong", place.double.url());
    let wrong = Place { providers: Providers::new([wrong], clock).unwrap(), ..place };
    assert_eq!(wrong.told().await, unavailable, "the secret is wrong, not the person");
    let proof = Proof { provider: Provider::Google, code: "c", nonce: "n", verifier: VERIFIER };
    assert_eq!(wrong.providers.exchange(proof).await, unavailable, "nobody signs in with it");
    assert_eq!(wrong.providers.known().collect::<Vec<_>>(), [Provider::Kakao]);
}

#[tokio::test]
async fn a_token_of_yesterday_is_of_no_use() {
    let place = start(BOTH[1], kim(None)).await;
    let late = Arc::new(MovedClock::default());
    late.advance(Duration::from_hours(24));
    let options = options(Provider::Google, "hush", place.double.url());
    let late = Place { providers: Providers::new([options], late).unwrap(), ..place };
    assert_eq!(late.told().await, Err(ExchangeError::Refused));
}

async fn arrive(db: &Db, place: &Place) -> Result<Session, Failure<ArrivalRefusal>> {
    let keys = FlowKeys::new(&secrets());
    let purpose = Purpose::SignIn(Role::Shopper);
    let flow = Flow { provider: place.provider, purpose, return_to: ReturnTo::of("/") };
    let departure = keys.departure(&flow, db.now());
    let page = place.providers.page(place.provider, &departure).unwrap();
    let back = place.double.sign_in(&page, Some("4001")).unwrap();
    let (state, code) = (query(&back, "state"), query(&back, "code"));
    let returned = Returned {
        state: &state,
        browser: &departure.browser,
        code: &code,
        device: DeviceName::of("Safari on iPhone"),
    };
    match arrival::receive(db, &place.providers, &keys, &returned).await? {
        Arrival::SignedIn { session, .. } => Ok(session),
        Arrival::Linked { .. } => unreachable!("nobody asked for a link"),
    }
}

on_both! {
    async fn a_person_signs_in_with_kakao_and_with_google_and_is_one(trial: Trial) {
        let (db, kim_here) = open_with_kim(&trial).await;
        verify(&db, kim_here).await;
        for both in BOTH {
            let place = start(both, kim(Some(("kim@shop.example", true)))).await;
            assert_eq!(arrive(&db, &place).await.unwrap().account, kim_here);
        }
    }

    async fn a_person_of_kakao_without_a_verified_address_is_somebody_of_their_own(trial: Trial) {
        let (db, kim_here) = open_with_kim(&trial).await;
        verify(&db, kim_here).await;
        let place = start(BOTH[0], kim(Some(("kim@shop.example", false)))).await;
        let arrived = arrive(&db, &place).await.unwrap().account;
        assert_ne!(arrived, kim_here);
        place.double.put(kim(None));
        assert_eq!(arrive(&db, &place).await.unwrap().account, arrived, "known by the subject");
        let account = account::find(&db.read(), arrived).await.unwrap().unwrap();
        assert_eq!((account.email, account.name.as_str()), (None, "Kim Hana"));
    }

    async fn a_provider_that_is_away_costs_the_person_nothing_but_a_try(trial: Trial) {
        let db = open(&trial).await;
        let place = start(BOTH[0], kim(None)).await;
        place.double.faults().next("token", Some(Fault::LostAfter));
        let done = arrive(&db, &place).await;
        let refused = matches!(done, Err(Failure::Refused(ArrivalRefusal::ProviderUnavailable)));
        assert!(refused, "{done:?}");
        assert!(arrive(&db, &place).await.is_ok());
    }
}
