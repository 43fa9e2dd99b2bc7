//! People who come back from a provider: once, in their browser, known by their subject.

use std::sync::Mutex;

use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD};
use identity::{
    account::{self, Account},
    arrival::{self, Arrival, ArrivalRefusal, Returned},
    ids::{AccountId, SessionId},
    limits::{RETURNS_MAX, SWEEP_MAX},
    membership::{self, Untied},
    session::{self, DeviceName, Role, Session},
    social::{
        self, Claims, Departure, Exchange, ExchangeError, Flow, FlowKeys, Link, Proof, Provider,
        Purpose, ReturnTo, UnlinkRefusal,
    },
};
use ring::digest::{SHA256, digest};
use store::{Db, Failure, on_both, sea_orm::ConnectionTrait as _};

use crate::support::{
    DAY_MS, appoint, email, is_on, on_firefox, open, open_with_kim, recover, secrets, sign_in,
    sign_up, verify,
};

/// A provider that knows one person. It takes the code that it gave with the verifier of the challenge
/// that the person took along, and signs the nonce that they did.
struct Known {
    claims: Claims,
    departure: Departure,
    answer: Mutex<Option<ExchangeError>>,
}

fn kakao(subject: &str) -> Claims {
    Claims {
        provider: Provider::Kakao,
        subject: subject.to_owned(),
        email: None,
        email_verified: false,
        name: Some("Kim Hana".to_owned()),
    }
}

fn with_email(subject: &str, email: &str, email_verified: bool) -> Claims {
    Claims { email: Some(email.to_owned()), email_verified, ..kakao(subject) }
}

impl Exchange for Known {
    async fn exchange(&self, proof: Proof<'_>) -> Result<Claims, ExchangeError> {
        let error = self.answer.lock().unwrap().take();
        if let Some(error) = error {
            return Err(error);
        }
        let challenge = BASE64_URL_SAFE_NO_PAD.encode(digest(&SHA256, proof.verifier.as_bytes()));
        let is_right = proof.code == "the code" && challenge == self.departure.challenge;
        if is_right && proof.nonce == self.departure.nonce {
            Ok(self.claims.clone())
        } else {
            Err(ExchangeError::Refused)
        }
    }
}

fn keys() -> FlowKeys {
    FlowKeys::new(&secrets())
}

fn leave(db: &Db, provider: Provider, purpose: Purpose) -> Departure {
    let flow = Flow { provider, purpose, return_to: ReturnTo::of("/cart") };
    keys().departure(&flow, db.now())
}

async fn come_back(
    db: &Db,
    departure: &Departure,
    claims: Claims,
) -> Result<Arrival, Failure<ArrivalRefusal>> {
    let known = Known { claims, departure: departure.clone(), answer: Mutex::default() };
    receive(db, departure, &known).await
}

async fn receive(
    db: &Db,
    departure: &Departure,
    known: &Known,
) -> Result<Arrival, Failure<ArrivalRefusal>> {
    let returned = Returned {
        state: &departure.state,
        browser: &departure.browser,
        code: "the code",
        device: DeviceName::of("Safari on iPhone"),
    };
    arrival::receive(db, known, &keys(), &returned).await
}

async fn arrive(db: &Db, claims: Claims) -> Result<Session, Failure<ArrivalRefusal>> {
    let departure = leave(db, claims.provider, Purpose::SignIn(Role::Shopper));
    match come_back(db, &departure, claims).await? {
        Arrival::SignedIn { session, return_to } => {
            assert_eq!((return_to.as_str(), session.role), ("/cart", Role::Shopper));
            Ok(session)
        }
        Arrival::Linked { .. } => unreachable!("nobody asked for a link"),
    }
}

async fn link(db: &Db, here: SessionId, claims: Claims) -> Result<(), Failure<ArrivalRefusal>> {
    let departure = leave(db, claims.provider, Purpose::Link(here));
    come_back(db, &departure, claims).await.map(drop)
}

async fn links(db: &Db, account: AccountId) -> Vec<Link> {
    social::list(&db.read(), account).await.unwrap()
}

async fn read(db: &Db, account: AccountId) -> Account {
    account::find(&db.read(), account).await.unwrap().unwrap()
}

fn is<T: std::fmt::Debug>(
    done: &Result<T, Failure<ArrivalRefusal>>,
    refusal: ArrivalRefusal,
) -> bool {
    matches!(done, Err(Failure::Refused(known)) if *known == refusal)
}

on_both! {
    async fn a_person_without_an_address_gets_an_account_and_finds_it_again(trial: Trial) {
        let db = open(&trial).await;
        let first = arrive(&db, kakao("1001")).await.unwrap();
        let account = read(&db, first.account).await;
        assert_eq!((account.name.as_str(), account.email.as_deref()), ("Kim Hana", None));
        let again = arrive(&db, with_email("1001", "new@shop.example", false)).await.unwrap();
        assert!(again.account == first.account && again.id != first.id);
        assert_ne!(arrive(&db, kakao("1002")).await.unwrap().account, first.account);
        let same_subject = Claims { provider: Provider::Google, ..kakao("1001") };
        assert_ne!(arrive(&db, same_subject).await.unwrap().account, first.account);
    }

    async fn an_address_that_the_provider_did_not_verify_joins_nobody(trial: Trial) {
        let (db, kim) = open_with_kim(&trial).await;
        verify(&db, kim).await;
        let stranger = arrive(&db, with_email("1001", "kim@shop.example", false)).await.unwrap();
        assert_ne!(stranger.account, kim);
        assert_eq!(read(&db, stranger.account).await.email, None);
    }

    async fn an_address_that_both_verified_joins_its_account(trial: Trial) {
        let (db, kim) = open_with_kim(&trial).await;
        verify(&db, kim).await;
        let arrived = arrive(&db, with_email("1001", "Kim@shop.example", true)).await.unwrap();
        assert_eq!(arrived.account, kim);
        assert_eq!(links(&db, kim).await.len(), 1);
        appoint(&db, kim).await;
        assert!(links(&db, kim).await.is_empty(), "it signs in as an operator now");
        let other = Claims {
            provider: Provider::Google,
            ..with_email("g-1", "kim@shop.example", true)
        };
        let done = arrive(&db, other).await;
        assert!(is(&done, ArrivalRefusal::EmailTaken), "an operator links from within: {done:?}");
    }

    async fn whom_a_provider_verified_takes_an_account_over_that_nobody_verified(trial: Trial) {
        let (db, account) = open_with_kim(&trial).await;
        let session = sign_in(&db, account).await.id;
        let owner = Claims {
            name: Some("Kim Dura".to_owned()),
            ..with_email("1001", "kim@shop.example", true)
        };
        trial.advance(30 * DAY_MS);
        let arrived = arrive(&db, owner).await.unwrap();
        assert_eq!(arrived.account, account, "what was ordered is not lost");
        let kim = read(&db, account).await;
        assert!(kim.is_verified && kim.email.as_deref() == Some("kim@shop.example"));
        assert_eq!(kim.name, "Kim Dura");
        assert_eq!(account::password_of(&db.read(), account).await.unwrap(), None);
        assert!(!is_on(&db, session).await && is_on(&db, arrived.id).await);
    }

    async fn who_recovers_an_account_ends_the_links_that_a_thief_made(trial: Trial) {
        let (db, first) = open_with_kim(&trial).await;
        let second = sign_up(&db, "lee@shop.example").await.unwrap().id;
        verify(&db, second).await;
        for (account, thief) in [(first, kakao("666")), (second, kakao("667"))] {
            let session = sign_in(&db, account).await.id;
            link(&db, session, thief.clone()).await.unwrap();
            recover(&db, account).await;
            assert!(links(&db, account).await.is_empty());
            assert_ne!(arrive(&db, thief).await.unwrap().account, account);
        }
    }

    async fn who_runs_the_platform_links_as_an_operator_alone(trial: Trial) {
        let (db, kim) = open_with_kim(&trial).await;
        appoint(&db, kim).await;
        let shopping = sign_in(&db, kim).await.id;
        let done = link(&db, shopping, kakao("1001")).await;
        assert!(is(&done, ArrivalRefusal::OperatorSessionNeeded), "{done:?}");
        assert!(links(&db, kim).await.is_empty());
        let desk = db.write(async |tx| {
            let live = account::live(tx, kim).await.unwrap();
            session::open(tx, &live, &on_firefox(Role::Operator)).await
        });
        link(&db, desk.await.unwrap().id, kakao("1001")).await.unwrap();
    }

    async fn an_account_with_another_way_to_sign_in_loses_an_unverified_address_alone(trial: Trial) {
        let db = open(&trial).await;
        let account = arrive(&db, kakao("1001")).await.unwrap().account;
        let set = async |account, address: &str| {
            let address = email(address);
            let set = db.write(async |tx| {
                let live = account::live(tx, account).await.unwrap();
                membership::set_email(tx, &live, &address).await
            });
            set.await.is_ok()
        };
        assert!(set(account, "kim@shop.example").await);
        let kim = arrive(&db, with_email("1002", "kim@shop.example", true)).await.unwrap().account;
        assert_ne!(kim, account);
        let left = read(&db, account).await;
        assert!(left.email.is_none() && left.withdrawn_at.is_none());
        assert_eq!(links(&db, account).await.len(), 1);
        assert!(!set(account, "kim@shop.example").await && !set(kim, "kim2@shop.example").await);
        assert!(set(account, "lee@shop.example").await);
        verify(&db, account).await;
        assert!(read(&db, account).await.is_verified);
    }

    async fn a_return_counts_once_in_its_browser_and_within_ten_minutes(trial: Trial) {
        let db = open(&trial).await;
        let sign_in = Purpose::SignIn(Role::Shopper);
        let mine = leave(&db, Provider::Kakao, sign_in);
        let other = leave(&db, Provider::Kakao, sign_in);
        let swapped = Departure { browser: other.browser.clone(), ..mine.clone() };
        assert!(is(&come_back(&db, &swapped, kakao("1")).await, ArrivalRefusal::Invalid));
        let wrong = Claims { provider: Provider::Google, ..kakao("1") };
        assert!(is(&come_back(&db, &other, wrong).await, ArrivalRefusal::ProviderRefused));
        assert!(come_back(&db, &mine, kakao("1")).await.is_ok());
        assert!(is(&come_back(&db, &mine, kakao("1")).await, ArrivalRefusal::Invalid));
        let late = leave(&db, Provider::Kakao, sign_in);
        trial.advance(10 * 60_000);
        assert!(is(&come_back(&db, &late, kakao("1")).await, ArrivalRefusal::Invalid));
        // Three came back, one of them twice and one too late.
        assert_eq!(db.write(async |tx| social::sweep(tx).await).await.unwrap(), 2);
    }

    async fn nobody_keeps_others_from_coming_back(trial: Trial) {
        let db = open(&trial).await;
        let sign_in = Purpose::SignIn(Role::Shopper);
        let mine = leave(&db, Provider::Kakao, sign_in);
        let before = crate::support::everything(&db).await;
        trial.advance(1);
        leave(&db, Provider::Kakao, sign_in);
        assert_eq!(crate::support::everything(&db).await, before, "who leaves is in no table");
        // A stranger comes back more often than is remembered.
        let many = format!(
            "WITH RECURSIVE number (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM number WHERE n < {}) \
             INSERT INTO social_return (flow, expires_at) SELECT SUBSTR('{:026}' || n, LENGTH(CAST(n AS TEXT)) + 1), {} + n FROM number",
            RETURNS_MAX + 3,
            0,
            db.now().0 + 60_000,
        );
        let flooded = db.write(async |tx| tx.execute_unprepared(&many).await.map(drop));
        flooded.await.unwrap();
        assert!(come_back(&db, &mine, kakao("1")).await.is_ok());
        assert!(is(&come_back(&db, &mine, kakao("1")).await, ArrivalRefusal::Invalid));
        let swept = db.write(async |tx| social::sweep(tx).await).await.unwrap();
        assert!((3..=4).contains(&swept) && swept < SWEEP_MAX, "{swept}");
    }

    async fn a_provider_that_fails_signs_nobody_in(trial: Trial) {
        let db = open(&trial).await;
        for (error, refusal) in [
            (ExchangeError::Refused, ArrivalRefusal::ProviderRefused),
            (ExchangeError::Unavailable, ArrivalRefusal::ProviderUnavailable),
        ] {
            let departure = leave(&db, Provider::Kakao, Purpose::SignIn(Role::Shopper));
            let known = Known {
                claims: kakao("1"),
                departure: departure.clone(),
                answer: Mutex::new(Some(error)),
            };
            assert!(is(&receive(&db, &departure, &known).await, refusal));
            let again = receive(&db, &departure, &known).await;
            assert!(is(&again, ArrivalRefusal::Invalid), "the flow is used up");
        }
        let departure = leave(&db, Provider::Kakao, Purpose::SignIn(Role::Operator));
        let done = come_back(&db, &departure, kakao("1")).await;
        assert!(is(&done, ArrivalRefusal::NotAnOperator));
    }

    async fn of_one_person_who_arrives_twice_at_once_one_account_is_made(trial: Trial) {
        let db = open(&trial).await;
        let many: Vec<_> = (0..6).map(|_| {
            let db = db.clone();
            tokio::spawn(async move {
                arrive(&db, with_email("1001", "kim@shop.example", true)).await
            })
        }).collect();
        let mut accounts = Vec::new();
        for one in many {
            accounts.push(one.await.unwrap().unwrap().account);
        }
        assert!(accounts.iter().all(|account| *account == accounts[0]));
        assert_eq!(links(&db, accounts[0]).await.len(), 1);
    }

    async fn an_account_is_linked_by_who_is_signed_in_and_keeps_a_way_to_sign_in(trial: Trial) {
        let db = open(&trial).await;
        let here = arrive(&db, kakao("1001")).await.unwrap();
        let other = arrive(&db, kakao("1002")).await.unwrap();
        let google = Claims { provider: Provider::Google, ..kakao("g-1") };
        link(&db, here.id, google.clone()).await.unwrap();
        link(&db, here.id, google.clone()).await.unwrap();
        assert_eq!(arrive(&db, google.clone()).await.unwrap().account, here.account);
        let taken = link(&db, other.id, google.clone()).await;
        assert!(is(&taken, ArrivalRefusal::LinkedElsewhere));
        let known = links(&db, here.account).await;
        assert_eq!(known.len(), 2);
        let unlink = async |at: usize| {
            let id = known[at].id;
            let done = db.write(async |tx| {
                let live = account::live(tx, here.account).await.unwrap();
                membership::unlink(tx, &live, id, here.id).await
            });
            match done.await {
                Ok(()) => None,
                Err(Failure::Refused(refusal)) => Some(refusal),
                Err(failure) => unreachable!("{failure:?}"),
            }
        };
        let by_the_link = arrive(&db, google).await.unwrap().id;
        assert_eq!(unlink(0).await, None);
        assert!(is_on(&db, here.id).await && !is_on(&db, by_the_link).await);
        assert_eq!(unlink(0).await, Some(UnlinkRefusal::Unknown));
        assert_eq!(unlink(1).await, Some(UnlinkRefusal::LastWay));
        let departure = leave(&db, Provider::Kakao, Purpose::Link(here.id));
        db.write(async |tx| session::end(tx, here.id).await).await.unwrap();
        let signed_out = come_back(&db, &departure, kakao("1003")).await;
        assert!(is(&signed_out, ArrivalRefusal::Invalid));
    }

    async fn a_session_that_was_stolen_long_after_the_sign_in_makes_no_link(trial: Trial) {
        let (db, kim) = open_with_kim(&trial).await;
        let session = sign_in(&db, kim).await;
        trial.advance(15 * 60_000 - 1);
        link(&db, session.id, kakao("1001")).await.unwrap();
        trial.advance(1);
        let done = link(&db, session.id, kakao("666")).await;
        assert!(is(&done, ArrivalRefusal::SignInAgain), "{done:?}");
        assert_eq!(links(&db, kim).await.len(), 1);
    }

    async fn a_person_who_withdrew_arrives_as_somebody_new(trial: Trial) {
        let db = open(&trial).await;
        let claims = with_email("subject-1001", "kim@shop.example", true);
        let before = arrive(&db, claims.clone()).await.unwrap();
        let withdrawn = db.write(async |tx| {
            let live = account::live(tx, before.account).await.unwrap();
            membership::withdraw(tx, &live, &Untied).await
        });
        withdrawn.await.unwrap();
        let left = crate::support::everything(&db).await;
        assert!(!left.contains("subject-1001") && !left.contains("kim@"), "{left}");
        assert_ne!(arrive(&db, claims).await.unwrap().account, before.account);
    }
}
