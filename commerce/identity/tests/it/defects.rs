//! What shops like this one got wrong: the business's number that only the browser checked, the person
//! who was whom the address said, the session that nobody could end, the account that could not go.

use doubles::tax::Standing;
use identity::{
    SCHEMA, Secrets,
    access::{self, Terms, TokenRefusal},
    account,
    business::{ApplyRefusal, DecideRefusal, Decision, State, checking},
    ids::SessionId,
    limits::VERDICT_HOLDS_FOR,
    membership::{self, Untied},
    session::{self, OwnRefusal, RefreshRefusal, Refreshed, Refresher, Role, Session},
    signing::{self, Signer, SigningKey},
};
use store::{
    Db, Failure, Step,
    fact::Listeners,
    on_both,
    sea_orm::{ConnectionTrait as _, DbErr},
    worker::Workers,
};

use crate::{
    business::{NUMBER, OTHER, apply, can_sell, decide, people, read},
    checking::{registered, tax_service},
    support::{everything, is_on, on_firefox, open_with_kim, secrets, sign_in, sign_up},
};
use store::trial::{Running, until};

fn terms() -> Terms {
    Terms { issuer: "https://shop.example".to_owned(), audience: "the-shop".to_owned() }
}

fn signer() -> Signer {
    Signer::new(SigningKey::of_secret(b"a secret that all nodes of this test share"))
}

async fn token(db: &Db, signer: &Signer, session: &Session) -> String {
    let key = signer.publish(db).await.unwrap();
    access::issue(&key, &terms(), session, db.now()).text
}

async fn whose(db: &Db, token: &str) -> Result<Session, TokenRefusal> {
    let keys = signing::public_keys(&db.read(), db.now()).await.unwrap();
    let done = access::authenticate(&db.read(), token, &keys, &terms(), db.now()).await;
    done.map_err(|failure| match failure {
        Failure::Refused(refusal) => refusal,
        Failure::Store(error) => unreachable!("{error}"),
    })
}

async fn refresh(db: &Db, refresher: &Refresher, token: &str) -> Refreshed {
    let Some(shown) = refresher.read(token) else { unreachable!("a token of another secret") };
    db.write(async |tx| session::refresh(tx, shown).await).await.unwrap()
}

/// An order, as something that names an account for good.
const ORDERS: Step = Step {
    number: 900,
    name: "orders of a test",
    text: "CREATE TABLE test_order (account {KEY} NOT NULL REFERENCES account (id));",
};

on_both! {
    async fn defect_1_a_business_number_is_checked_here_belongs_to_one_and_is_checked_again(trial: Trial) {
        let (db, [kim, lee, operator]) = people(&trial).await;
        let (double, service) = tax_service().await;
        double.put(registered(NUMBER, Standing::Active));
        let id = apply(&db, kim, NUMBER).await.unwrap();
        let approved = decide(&db, operator, id, Decision::Approve).await;
        assert_eq!(approved, Err(DecideRefusal::NotVerified), "nobody checked it");
        assert_eq!(apply(&db, lee, NUMBER).await, Err(ApplyRefusal::NumberTaken));
        let of_nobody = apply(&db, lee, OTHER).await.unwrap();
        let working = Running::start(checking::on(Workers::default(), service), &db);
        until("both are checked", async || {
            read(&db, id).await.checked.is_some() && read(&db, of_nobody).await.checked.is_some()
        }).await;
        working.stop().await;
        assert_eq!(read(&db, of_nobody).await.state, State::Rejected, "nobody has the number");
        assert!(!can_sell(&db, kim).await, "a good number alone lets nobody sell");
        decide(&db, operator, id, Decision::Approve).await.unwrap();
        assert!(can_sell(&db, kim).await);
        assert!(everything(&db).await.contains("identity.check_business"), "it is checked again");
        let ms = i64::try_from(VERDICT_HOLDS_FOR.as_millis()).unwrap();
        decide(&db, operator, id, Decision::Suspend).await.unwrap();
        trial.advance(ms);
        let reinstated = decide(&db, operator, id, Decision::Reinstate).await;
        assert_eq!(reinstated, Err(DecideRefusal::NotVerified), "a verdict does not hold for ever");
    }

    async fn defect_2_a_person_is_whom_the_token_says_and_nothing_else(trial: Trial) {
        let (db, kim) = open_with_kim(&trial).await;
        let lee = sign_up(&db, "lee@shop.example").await.unwrap().id;
        let (of_kim, of_lee) = (sign_in(&db, kim).await, sign_in(&db, lee).await);
        let ours = signer();
        assert_eq!(whose(&db, &token(&db, &ours, &of_kim).await).await.unwrap().account, kim);
        let by_another = Signer::new(SigningKey::of_secret(b"another"));
        token(&db, &by_another, &of_kim).await;
        let keys = signing::public_keys(&db.read(), db.now()).await.unwrap();
        assert!(keys.has(&SigningKey::of_secret(b"another").public().id));
        for claimed in [
            Session { account: lee, ..of_kim.clone() },
            Session { role: Role::Business, ..of_kim.clone() },
            Session { role: Role::Operator, ..of_kim.clone() },
            Session { id: SessionId::new(db.now()), ..of_kim.clone() },
        ] {
            let said = whose(&db, &token(&db, &ours, &claimed).await).await;
            assert_eq!(said, Err(TokenRefusal::SessionOver));
        }
        let ended = db.write(async |tx| {
            let live = account::live(tx, kim).await.unwrap();
            session::end_own(tx, &live, of_lee.id).await
        });
        assert!(matches!(ended.await, Err(Failure::Refused(OwnRefusal::Unknown))));
        assert!(is_on(&db, of_lee.id).await);
    }

    async fn defect_3_a_refresh_token_is_replaced_and_a_sign_out_ends_its_session(trial: Trial) {
        let (db, kim) = open_with_kim(&trial).await;
        let refresher = Refresher::new(&secrets());
        let [shopping, selling] = [Role::Shopper, Role::Business].map(on_firefox);
        let open = async |how: &session::SignIn| {
            let opened = db.write(async |tx| {
                let live = account::live(tx, kim).await.unwrap();
                session::open(tx, &live, how).await
            });
            opened.await.unwrap()
        };
        let (shopper, business) = (open(&shopping).await, open(&selling).await);
        let first = refresher.token(shopper.refresh());
        for none in ["", "false", "null", &first[1..]] {
            assert_eq!(refresher.read(none), None, "{none}");
        }
        assert_eq!(Refresher::new(&Secrets::new(b"another")).read(&first), None);
        let Refreshed::Done(next) = refresh(&db, &refresher, &first).await else {
            unreachable!("the first refresh")
        };
        trial.advance(60_000);
        let reused = refresh(&db, &refresher, &first).await;
        assert_eq!(reused, Refreshed::Refused(RefreshRefusal::Reused));
        let second = refresher.token(next.refresh());
        let over = Refreshed::Refused(RefreshRefusal::Over);
        assert_eq!(refresh(&db, &refresher, &second).await, over, "the whole family is ended");
        assert!(is_on(&db, business.id).await, "the other role has a session of its own");
        let ours = signer();
        let access = token(&db, &ours, &business).await;
        db.write(async |tx| session::end(tx, business.id).await).await.unwrap();
        assert_eq!(whose(&db, &access).await, Err(TokenRefusal::SessionOver));
        let kept = refresher.token(business.refresh());
        assert_eq!(refresh(&db, &refresher, &kept).await, over);
        assert!(!everything(&db).await.contains(&first), "no token is kept");
    }

    async fn defect_27_a_person_with_orders_can_go_and_leaves_nothing_personal(trial: Trial) {
        let steps: Vec<Step> = SCHEMA.iter().copied().chain([ORDERS]).collect();
        let db = trial.open(&steps, Listeners::default()).await;
        let kim = sign_up(&db, "kim@shop.example").await.unwrap().id;
        let session = sign_in(&db, kim).await;
        let order = format!("INSERT INTO test_order (account) VALUES ('{kim}')");
        let ordered = db.write(async |tx| tx.execute_unprepared(&order).await.map(drop));
        ordered.await.unwrap();
        let withdrawn = db.write(async |tx| {
            let live = account::live(tx, kim).await.unwrap();
            membership::withdraw(tx, &live, &Untied).await
        });
        withdrawn.await.unwrap();
        assert!(!is_on(&db, session.id).await);
        let left = everything(&db).await;
        assert!(!left.contains("kim@") && !left.contains("Kim Hana"), "{left}");
        let named = db.write(async |tx| {
            let count = "UPDATE test_order SET account = account";
            Ok::<_, DbErr>(tx.execute_unprepared(count).await?.rows_affected())
        });
        assert_eq!(named.await.unwrap(), 1, "the order still says whose it was");
    }
}
