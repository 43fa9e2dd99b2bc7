//! An access token says who somebody is while its key is known, and a replaced key goes when it may.

use identity::{
    access::{self, Terms, TokenRefusal},
    ids::SessionId,
    session::{self, Role, Session},
    signing::{self, PublicKeys, PublishRefusal, Signer, SigningKey},
};
use store::{Db, Failure, on_both};

use crate::support::{DAY_MS, open_with_kim, sign_in, sign_up};

const MINUTE_MS: i64 = 60_000;

fn terms() -> Terms {
    Terms { issuer: "https://shop.example".to_owned(), audience: "the-shop".to_owned() }
}

fn is_over(done: &Result<Session, Failure<TokenRefusal>>) -> bool {
    matches!(done, Err(Failure::Refused(TokenRefusal::SessionOver)))
}

fn signer(secret: &str) -> Signer {
    Signer::new(SigningKey::of_secret(secret.as_bytes()))
}

async fn issue(db: &Db, signer: &Signer, session: &Session) -> String {
    let key = signer.publish(db).await.unwrap();
    access::issue(&key, &terms(), session, db.now()).text
}

async fn keys(db: &Db) -> PublicKeys {
    signing::public_keys(&db.read(), db.now()).await.unwrap()
}

async fn count(db: &Db) -> usize {
    let jwks = keys(db).await.to_jwks();
    serde_json::to_value(jwks).unwrap()["keys"].as_array().unwrap().len()
}

on_both! {
    async fn a_token_says_who_is_signed_in_for_a_quarter_of_an_hour(trial: Trial) {
        let (db, kim) = open_with_kim(&trial).await;
        let session = sign_in(&db, kim).await;
        let token = issue(&db, &signer("a"), &session).await;
        let keys = keys(&db).await;
        let claims = access::read(&token, &keys, &terms(), db.now()).unwrap();
        assert_eq!((claims.account, claims.session, claims.role), (kim, session.id, Role::Shopper));
        trial.advance(15 * MINUTE_MS - 1_000);
        assert!(access::read(&token, &keys, &terms(), db.now()).is_ok());
        trial.advance(1_000);
        let over = access::read(&token, &keys, &terms(), db.now());
        assert_eq!(over, Err(TokenRefusal::Expired));
    }

    async fn a_token_holds_no_longer_than_its_session(trial: Trial) {
        let (db, kim) = open_with_kim(&trial).await;
        let session = sign_in(&db, kim).await;
        trial.advance(30 * 24 * 60 * MINUTE_MS - 5 * MINUTE_MS);
        let key = signer("a");
        let key = key.publish(&db).await.unwrap();
        let token = access::issue(&key, &terms(), &session, db.now());
        assert_eq!(token.expires_at, session.expires_at);
    }

    async fn what_was_not_signed_here_for_us_says_nothing(trial: Trial) {
        let (db, kim) = open_with_kim(&trial).await;
        let session = sign_in(&db, kim).await;
        let (ours, other) = (signer("a"), signer("b"));
        let token = issue(&db, &ours, &session).await;
        let known = keys(&db).await;
        let read = |text: &str| access::read(text, &known, &terms(), db.now());
        let foreign = issue(&db, &other, &session).await;
        assert_eq!(read(&foreign), Err(TokenRefusal::UnknownKey));
        let (signed, signature) = token.rsplit_once('.').unwrap();
        let (header, payload) = signed.split_once('.').unwrap();
        let of_other = foreign.rsplit_once('.').unwrap();
        let of_other = (of_other.0.split_once('.').unwrap(), of_other.1);
        for forged in [
            format!("{header}.{payload}.{}", of_other.1),
            format!("{signed}."),
            format!("{header}.{}A.{signature}", &payload[..payload.len() - 1]),
        ] {
            assert_eq!(read(&forged), Err(TokenRefusal::Forged), "{forged}");
        }
        let long = "x".repeat(5_000);
        let none = "eyJhbGciOiJub25lIn0";
        for text in ["", "..", header, signed, &long, &format!("{none}.{payload}.")] {
            assert_eq!(read(text), Err(TokenRefusal::Malformed), "{text}");
        }
        for terms in [
            Terms { issuer: "https://other.example".to_owned(), ..terms() },
            Terms { audience: "other".to_owned(), ..terms() },
        ] {
            assert_eq!(access::read(&token, &known, &terms, db.now()), Err(TokenRefusal::Foreign));
        }
    }

    async fn a_token_counts_while_its_session_is_on_and_as_what_it_says(trial: Trial) {
        let (db, kim) = open_with_kim(&trial).await;
        let lee = sign_up(&db, "lee@shop.example").await.unwrap().id;
        let session = sign_in(&db, kim).await;
        let signer = signer("a");
        let asked = async |token: &str| {
            let known = keys(&db).await;
            access::authenticate(&db.read(), token, &known, &terms(), db.now()).await
        };
        let token = issue(&db, &signer, &session).await;
        assert_eq!(asked(&token).await.unwrap(), session);
        for other in [
            Session { role: Role::Operator, ..session.clone() },
            Session { account: lee, ..session.clone() },
            Session { id: SessionId::new(db.now()), ..session.clone() },
        ] {
            let done = asked(&issue(&db, &signer, &other).await).await;
            assert!(is_over(&done), "{done:?}");
        }
        db.write(async |tx| session::end(tx, session.id).await).await.unwrap();
        let done = asked(&token).await;
        assert!(is_over(&done), "{done:?}");
    }

    async fn what_a_revoked_key_signed_holds_no_longer_and_the_key_is_not_published_again(trial: Trial) {
        let (db, kim) = open_with_kim(&trial).await;
        let session = sign_in(&db, kim).await;
        let token = issue(&db, &signer("leaked"), &session).await;
        let leaked = SigningKey::of_secret(b"leaked").public().id.clone();
        let revoke = async || db.write(async |tx| signing::revoke(tx, &leaked).await).await.unwrap();
        assert!(revoke().await && !revoke().await);
        let read = |known| access::read(&token, &known, &terms(), db.now());
        assert_eq!(read(keys(&db).await), Err(TokenRefusal::UnknownKey));
        let again = signer("leaked");
        let again = again.publish(&db).await;
        assert!(matches!(again, Err(Failure::Refused(PublishRefusal::Revoked))), "{again:?}");
        trial.advance(DAY_MS);
        db.write(async |tx| signing::sweep(tx).await).await.unwrap();
        let later = signer("leaked");
        assert!(later.publish(&db).await.is_err(), "for good");
        assert_eq!(count(&db).await, 0);
        issue(&db, &signer("new"), &session).await;
        assert_eq!(count(&db).await, 1);
    }

    async fn a_replaced_key_stays_published_until_its_last_token_is_over(trial: Trial) {
        let (db, kim) = open_with_kim(&trial).await;
        let session = sign_in(&db, kim).await;
        let (old, new) = (signer("old"), signer("new"));
        issue(&db, &old, &session).await;
        trial.advance(70 * MINUTE_MS);
        let last = issue(&db, &old, &session).await;
        issue(&db, &new, &session).await;
        assert_eq!(count(&db).await, 2);
        trial.advance(14 * MINUTE_MS);
        let known = keys(&db).await;
        assert!(access::read(&last, &known, &terms(), db.now()).is_ok());
        issue(&db, &new, &session).await;
        trial.advance(61 * MINUTE_MS);
        issue(&db, &new, &session).await;
        trial.advance(MINUTE_MS);
        assert_eq!(count(&db).await, 1);
        let swept = db.write(async |tx| signing::sweep(tx).await).await.unwrap();
        assert_eq!((swept, count(&db).await), (1, 1));
    }

    async fn a_node_that_publishes_for_less_takes_nothing_from_another(trial: Trial) {
        let (db, kim) = open_with_kim(&trial).await;
        let session = sign_in(&db, kim).await;
        issue(&db, &signer("a"), &session).await;
        trial.advance(-30 * MINUTE_MS);
        issue(&db, &signer("a"), &session).await;
        trial.advance(30 * MINUTE_MS + 74 * MINUTE_MS);
        assert_eq!(count(&db).await, 1);
    }
}
