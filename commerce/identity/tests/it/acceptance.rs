//! Whole stories, as somebody who accepts the shop would play them.

use doubles::{Fault, tax::Standing};
use identity::{
    access::{self, Terms, TokenRefusal},
    business::{
        self, Company, CompanyRefusal, DecideRefusal, Decision, State, Typed, Verdict, checking,
    },
    session::{self, RefreshRefusal, Refreshed, Role},
    signing::{self, Signer, SigningKey},
};
use store::{Failure, on_both, worker::Workers};

use crate::{
    business::{NUMBER, OTHER, apply, can_sell, decide, people, read},
    checking::{registered, tax_service},
    support::{open_with_kim, sign_in},
};
use store::trial::{Running, until};

on_both! {
    async fn scenario_1_the_business_gate(trial: Trial) {
        let (db, [a, b, operator]) = people(&trial).await;
        let (double, service) = tax_service().await;
        double.put(registered(NUMBER, Standing::Active));
        double.put(registered(OTHER, Standing::Closed("20240131")));
        let mistyped = Typed {
            name: "Hana Trading",
            number: "1234567890",
            representative: "Kim Daepyo",
            email: "office@company.example",
            phone: "02-123-4567",
        };
        assert_eq!(Company::parse(&mistyped).unwrap_err(), [CompanyRefusal::NumberCheckDigit]);

        // The tax service is away: the application waits, and nobody is let in.
        double.faults().next("status", Some(Fault::Refused));
        let of_a = apply(&db, a, NUMBER).await.unwrap();
        let working = Running::start(checking::on(Workers::default(), service), &db);
        until("it was asked", async || !double.asked().is_empty()).await;
        assert_eq!(read(&db, of_a).await.state, State::Pending);
        assert!(!can_sell(&db, a).await);
        let early = decide(&db, operator, of_a, Decision::Approve).await;
        assert_eq!(early, Err(DecideRefusal::NotVerified));

        // It is back.
        until("it has answered", async || {
            trial.advance(1_000);
            read(&db, of_a).await.checked.is_some()
        }).await;
        assert_eq!(read(&db, of_a).await.state, State::Pending);
        assert!(!can_sell(&db, a).await, "an operator has not decided");
        decide(&db, operator, of_a, Decision::Approve).await.unwrap();
        assert!(can_sell(&db, a).await);

        let of_b = apply(&db, b, OTHER).await.unwrap();
        until("it is refused", async || read(&db, of_b).await.state == State::Rejected).await;
        assert_eq!(read(&db, of_b).await.checked.unwrap().verdict, Verdict::Closed);
        assert!(!can_sell(&db, b).await);
        let found = business::of_account(&db.read(), b).await.unwrap().unwrap();
        assert_eq!((found.id, found.decided_by), (of_b, None));
        working.stop().await;
    }

    async fn scenario_15_sessions_end_when_their_owner_says_so_and_when_a_token_was_copied(trial: Trial) {
        let (db, kim) = open_with_kim(&trial).await;
        let signer = Signer::new(SigningKey::of_secret(b"a secret"));
        let terms = Terms { issuer: "https://shop.example".to_owned(), audience: "the-shop".to_owned() };
        let access = async |session: &session::Session| {
            let key = signer.publish(&db).await.unwrap();
            access::issue(&key, &terms, session, db.now()).text
        };
        let whose = async |token: &str| {
            let keys = signing::public_keys(&db.read(), db.now()).await.unwrap();
            access::authenticate(&db.read(), token, &keys, &terms, db.now()).await
        };
        let is_over = |done: Result<_, Failure<TokenRefusal>>| {
            matches!(done, Err::<session::Session, _>(Failure::Refused(TokenRefusal::SessionOver)))
        };
        let refresh = async |shown| {
            db.write(async |tx| session::refresh(tx, shown).await).await.unwrap()
        };

        // Signed out: neither token counts.
        let session = sign_in(&db, kim).await;
        let token = access(&session).await;
        assert_eq!(whose(&token).await.unwrap().role, Role::Shopper, "of no use where one sells");
        db.write(async |tx| session::end(tx, session.id).await).await.unwrap();
        assert!(is_over(whose(&token).await));
        let over = Refreshed::Refused(RefreshRefusal::Over);
        assert_eq!(refresh(session.refresh()).await, over);

        // A refresh token that was used before ends all that came of it.
        let session = sign_in(&db, kim).await;
        let Refreshed::Done(next) = refresh(session.refresh()).await else {
            unreachable!("the first refresh")
        };
        let token = access(&next).await;
        assert!(whose(&token).await.is_ok());
        trial.advance(60_000);
        let reused = Refreshed::Refused(RefreshRefusal::Reused);
        assert_eq!(refresh(session.refresh()).await, reused);
        assert!(is_over(whose(&token).await));
        assert_eq!(refresh(next.refresh()).await, over);
    }
}
