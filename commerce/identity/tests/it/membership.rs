//! A new password and a withdrawal leave nobody signed in whom they should not.

use identity::{
    account::{self, Profile},
    address::{self, Postal, Typed},
    device::{Platform, PushToken},
    guess::Guesses,
    ids::AccountId,
    limits::{GUESSES_MAX, GUESSES_WITHIN},
    membership::{
        self, AppointRefusal, Attempt, PasswordSignInRefusal, SignUp, Ties, Untied, WithdrawRefusal,
    },
    name::Name,
    password::{Password, PasswordHash, PasswordHasher},
    phone::Phone,
    session::{self, Role, Session},
};
use store::{Db, Failure, Tx, kept, on_both, sea_orm::DbErr};

use crate::support::{
    appoint, email, everything, is_on, on_firefox, open, open_with_kim, recover, secrets, sign_in,
};

fn attempt(address: &str, password: &str) -> Attempt {
    Attempt {
        email: email(address),
        password: Password::attempt(password),
        sign_in: on_firefox(Role::Shopper),
    }
}

async fn try_password(
    db: &Db,
    hasher: &PasswordHasher,
    attempt: &Attempt,
) -> Result<Session, Failure<PasswordSignInRefusal>> {
    membership::sign_in(db, hasher, &Guesses::new(&secrets()), attempt).await
}

async fn withdraw(db: &Db, account: AccountId) {
    let withdrawn = db.write(async |tx| {
        let live = account::live(tx, account).await.unwrap();
        membership::withdraw(tx, &live, &Untied).await
    });
    withdrawn.await.unwrap();
}

/// Every account has an order that is not done.
#[derive(Clone)]
struct Ordering;

impl Ties for Ordering {
    async fn are_open(&self, _tx: &Tx, _account: AccountId) -> Result<bool, DbErr> {
        Ok(true)
    }

    async fn are_there(&self, _tx: &Tx, _account: AccountId) -> Result<bool, DbErr> {
        Ok(true)
    }
}

fn is_wrong(done: &Result<Session, Failure<PasswordSignInRefusal>>) -> bool {
    matches!(done, Err(Failure::Refused(PasswordSignInRefusal::Wrong)))
}

on_both! {
    async fn who_knows_address_and_password_is_signed_in(trial: Trial) {
        let db = open(&trial).await;
        let hasher = PasswordHasher::default();
        let password = hasher.hash(&Password::new("correct horse").unwrap()).await.unwrap();
        let kim = SignUp {
            email: email("kim@shop.example"),
            password,
            name: Name::parse("Kim Hana").unwrap(),
        };
        let kim = db.write(async |tx| Ok(membership::sign_up(tx, &kim).await?.id()));
        let kim = kim.await.map_err(|failure: Failure<_>| failure.to_string()).unwrap();
        for (address, password) in
            [("kim@shop.example", "wrong horse"), ("lee@shop.example", "correct horse")]
        {
            let done = try_password(&db, &hasher, &attempt(address, password)).await;
            assert!(is_wrong(&done), "{done:?}");
        }
        let right = attempt("KIM@shop.example", "correct horse");
        let session = try_password(&db, &hasher, &right).await.unwrap();
        assert_eq!((session.account, session.role), (kim, Role::Shopper));
        assert!(is_on(&db, session.id).await);
        let as_operator = Attempt { sign_in: on_firefox(Role::Operator), ..right.clone() };
        let done = try_password(&db, &hasher, &as_operator).await;
        let refused = Err(Failure::Refused(PasswordSignInRefusal::NotAnOperator));
        assert!(matches!((&done, &refused), (Err(Failure::Refused(a)), Err::<(), _>(Failure::Refused(b))) if a == b));
        withdraw(&db, kim).await;
        assert!(is_wrong(&try_password(&db, &hasher, &right).await));
    }

    async fn nobody_guesses_a_password_however_many_machines_they_have(trial: Trial) {
        let db = open(&trial).await;
        let hasher = PasswordHasher::default();
        let password = hasher.hash(&Password::new("correct horse").unwrap()).await.unwrap();
        for (address, password) in [("kim@shop.example", &password), ("lee@shop.example", &password)] {
            let who = SignUp {
                email: email(address),
                password: password.clone(),
                name: Name::parse("Kim Hana").unwrap(),
            };
            let signed_up = db.write(async |tx| membership::sign_up(tx, &who).await.map(drop));
            signed_up.await.unwrap();
        }
        let guessed = Err(PasswordSignInRefusal::TooManyGuesses);
        let tried = async |address: &str, password: &str| {
            match try_password(&db, &hasher, &attempt(address, password)).await {
                Ok(_) => Ok(()),
                Err(Failure::Refused(refusal)) => Err(refusal),
                Err(Failure::Store(error)) => unreachable!("{error}"),
            }
        };
        for address in ["Kim@shop.example", "nobody@shop.example"] {
            for _ in 0..GUESSES_MAX {
                assert_eq!(tried(address, "a guess").await, Err(PasswordSignInRefusal::Wrong));
            }
            assert_eq!(tried(address, "a guess").await, guessed, "{address}");
        }
        assert_eq!(tried("kim@shop.example", "correct horse").await, guessed);
        assert_eq!(tried("lee@shop.example", "correct horse").await, Ok(()));
        assert!(!everything(&db).await.contains("nobody@"), "no address is kept");
        trial.advance(i64::try_from(GUESSES_WITHIN.as_millis()).unwrap());
        assert_eq!(tried("kim@shop.example", "correct horse").await, Ok(()));
        let swept = db.write(async |tx| identity::guess::sweep(tx).await).await.unwrap();
        assert_eq!(swept, 2 * GUESSES_MAX);
    }

    async fn a_new_password_ends_the_other_sessions(trial: Trial) {
        let (db, kim) = open_with_kim(&trial).await;
        let (here, there) = (sign_in(&db, kim).await.id, sign_in(&db, kim).await.id);
        let new = PasswordHash::kept("$new".to_owned());
        let set = db.write(async |tx| {
            let live = account::live(tx, kim).await.unwrap();
            membership::set_password(tx, &live, &new, here).await
        });
        set.await.unwrap();
        assert!(is_on(&db, here).await && !is_on(&db, there).await);
        assert_eq!(account::password_of(&db.read(), kim).await.unwrap(), Some(new));
    }

    async fn a_recovered_password_ends_all_sessions(trial: Trial) {
        let (db, kim) = open_with_kim(&trial).await;
        let session = sign_in(&db, kim).await.id;
        recover(&db, kim).await;
        assert!(!is_on(&db, session).await);
    }

    async fn who_recovers_an_account_nobody_verified_gets_nothing_of_the_stranger(trial: Trial) {
        let (db, kim) = open_with_kim(&trial).await;
        let session = sign_in(&db, kim).await.id;
        let profile = Profile {
            name: Name::parse("Mal Lory").unwrap(),
            phone: Some(Phone::parse("010-8765-4321").unwrap()),
        };
        let postal = Postal::parse(&Typed {
            receiver: "Mal Lory",
            phone: "02-9876-5432",
            zip: "06236",
            road: "Teheran-ro 152",
            detail: "",
        }).unwrap();
        let token = PushToken::parse("a-token").unwrap();
        let done = db.write(async |tx| {
            let live = account::live(tx, kim).await.unwrap();
            account::set_profile(tx, &live, &profile).await?;
            session::register_device(tx, &live, session, Platform::Web, &token).await.unwrap();
            address::add(tx, &live, &postal).await.map_err(|_| DbErr::RecordNotInserted).map(drop)
        });
        done.await.unwrap();
        let personal = ["Mal Lory", "01087654321", "Teheran", "a-token", "Firefox", "kim's-hash"];
        let before = everything(&db).await;
        assert!(personal.iter().all(|one| before.contains(one)), "{before}");
        recover(&db, kim).await;
        let after = everything(&db).await;
        for one in personal {
            assert!(!after.contains(one), "{one} is left in {after}");
        }
        assert!(account::find(&db.read(), kim).await.unwrap().unwrap().is_verified);
    }

    async fn an_account_that_verified_no_address_runs_nothing(trial: Trial) {
        let (db, kim) = open_with_kim(&trial).await;
        let appointed = db.write(async |tx| {
            let live = account::live(tx, kim).await.unwrap();
            membership::appoint(tx, &live).await
        });
        let appointed = appointed.await;
        assert!(matches!(appointed, Err(Failure::Refused(AppointRefusal::NotVerified))));
        appoint(&db, kim).await;
        assert!(account::find(&db.read(), kim).await.unwrap().unwrap().is_operator);
    }

    async fn whoever_withdraws_is_signed_out_everywhere_at_once(trial: Trial) {
        let (db, kim) = open_with_kim(&trial).await;
        let sessions = [sign_in(&db, kim).await, sign_in(&db, kim).await];
        withdraw(&db, kim).await;
        for session in sessions {
            assert!(!is_on(&db, session.id).await);
        }
        let left = everything(&db).await;
        assert!(!left.contains("Firefox"), "{left}");
    }

    async fn a_person_can_have_all_that_is_kept_and_after_a_withdrawal_nothing_is(trial: Trial) {
        let (db, kim) = open_with_kim(&trial).await;
        let phone = Phone::parse("010-8765-4321").unwrap();
        let profile = Profile { name: Name::parse("Kim Dura").unwrap(), phone: Some(phone) };
        let postal = Postal::parse(&Typed {
            receiver: "Kim Sena",
            phone: "02-9876-5432",
            zip: "06236",
            road: "Teheran-ro 152",
            detail: "Unit 77",
        }).unwrap();
        let done = db.write(async |tx| {
            let live = account::live(tx, kim).await.unwrap();
            account::set_profile(tx, &live, &profile).await?;
            address::add(tx, &live, &postal).await.map_err(|_| DbErr::RecordNotInserted).map(drop)
        });
        done.await.unwrap();
        sign_in(&db, kim).await;
        let personal = [
            "kim@", "Kim Dura", "hash", "01087654321", "Kim Sena", "0298765432", "06236",
            "Teheran", "Unit 77", "Firefox",
        ];
        let before = everything(&db).await;
        for one in personal {
            assert!(before.contains(one), "{one} is looked for in the right place");
        }
        let data = membership::personal_data(&db.read(), kim, db.now()).await.unwrap().unwrap();
        assert_eq!(data.account.phone.unwrap().grouped(), "010-8765-4321");
        assert!(data.addresses[0].postal == postal && data.sessions.len() == 1);
        withdraw(&db, kim).await;
        let after = everything(&db).await;
        for one in personal {
            assert!(!after.contains(one), "{one} is left in {after}");
        }
        let data = membership::personal_data(&db.read(), kim, db.now()).await.unwrap();
        assert!(data.is_none());
    }

    async fn an_account_with_something_under_way_is_not_withdrawn(trial: Trial) {
        let (db, kim) = open_with_kim(&trial).await;
        let session = sign_in(&db, kim).await.id;
        let withdrawn = db.write(async |tx| {
            let live = account::live(tx, kim).await.unwrap();
            membership::withdraw(tx, &live, &Ordering).await
        });
        let refused = withdrawn.await;
        assert!(matches!(refused, Err(Failure::Refused(WithdrawRefusal::InUse))), "{refused:?}");
        assert!(is_on(&db, session).await);
    }

    async fn a_withdrawal_leaves_no_answer_that_the_person_was_given(trial: Trial) {
        let (db, kim) = open_with_kim(&trial).await;
        let lee = crate::support::sign_up(&db, "lee@shop.example").await.unwrap().id;
        for (who, said) in [(kim, "Unit 77"), (lee, "Unit 78")] {
            let request = kept::Request::new(&who, "POST /v1/me/addresses", "key-1", [7; 32]);
            let request = request.unwrap();
            let answer = kept::Answer { status: 201, location: None, body: said.into() };
            let done = db.once(&request, async |_tx| Ok::<_, DbErr>(answer.clone()));
            done.await.unwrap();
        }
        // Bytes are shown by their digits.
        let digits = |text: &str| text.bytes().fold(String::new(), |hex, b| hex + &format!("{b:02x}"));
        let has = |all: &str, text: &str| all.contains(&digits(text));
        let before = everything(&db).await;
        assert!(has(&before, "Unit 77") && has(&before, "Unit 78"), "{before}");
        withdraw(&db, kim).await;
        let after = everything(&db).await;
        assert!(!has(&after, "Unit 77") && has(&after, "Unit 78"), "{after}");
    }

    async fn an_account_that_is_withdrawn_while_somebody_signs_in_has_no_session(trial: Trial) {
        let db = open(&trial).await;
        for round in 0..8 {
            let kim = format!("kim{round}@shop.example");
            let kim = crate::support::sign_up(&db, &kim).await.unwrap().id;
            let signing_in = tokio::spawn({
                let db = db.clone();
                async move {
                    db.write(async |tx| match account::live(tx, kim).await {
                        Ok(live) => session::open(tx, &live, &on_firefox(Role::Shopper))
                            .await
                            .map(|session| Some(session.id)),
                        Err(_) => Ok(None),
                    })
                    .await
                }
            });
            withdraw(&db, kim).await;
            if let Some(session) = signing_in.await.unwrap().unwrap() {
                assert!(!is_on(&db, session).await);
            }
        }
    }
}
