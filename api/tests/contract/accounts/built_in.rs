//! The built-in shop's own access tokens are tokens of a shop like any other's.

use std::time::Duration;

use base::{cursor::Wanted, moment::Moment};
use identity::{
    access::{self, Terms},
    account,
    email::Email,
    limits::ENDED_OVERLAP,
    membership::{self, SignUp},
    name::Name,
    password::PasswordHash,
    session::{self, DeviceName, Role, Session, SignIn},
    signing::{self, Signer, SigningKey},
};
use store::{Db, Failure, fact::Listeners, trial::Trial};

use super::{
    Shop, enter,
    signing::{AUDIENCE, ISSUER, now},
};
use crate::client::post;

async fn signed_in_twice(db: &Db) -> [Session; 2] {
    let kim = SignUp {
        email: Email::parse("kim@shop.example").unwrap(),
        password: PasswordHash::kept("hash".to_owned()),
        name: Name::parse("Kim Hana").unwrap(),
    };
    let shopper = SignIn { role: Role::Shopper, device: DeviceName::default() };
    let kim = db.write(async |tx| Ok::<_, Failure<_>>(membership::sign_up(tx, &kim).await?.id()));
    let kim = kim.await.unwrap();
    let opened = db.write(async |tx| {
        let live = account::live(tx, kim).await.unwrap();
        let one = session::open(tx, &live, &shopper).await?;
        Ok::<_, Failure<_>>([one, session::open(tx, &live, &shopper).await?])
    });
    opened.await.unwrap()
}

#[tokio::test]
async fn the_room_takes_tokens_of_the_built_in_shop_until_their_session_ends() {
    let trial = Trial::sqlite();
    let db = trial.open(identity::SCHEMA, Listeners::default()).await;
    trial.advance(now() * 1_000 - db.now().0);
    let [phone, laptop] = signed_in_twice(&db).await;
    let signer = Signer::new(SigningKey::of_secret(b"a secret that all nodes share"));
    let terms = Terms { issuer: ISSUER.to_owned(), audience: AUDIENCE.to_owned() };
    let key = signer.publish(&db).await.unwrap();
    let token = |session| access::issue(&key, &terms, session, db.now()).text;

    let keys = signing::public_keys(&db.read(), db.now()).await.unwrap().to_jwks();
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("jwks.json");
    std::fs::write(&file, serde_json::to_vec(&keys).unwrap()).unwrap();
    let shop = Shop::at(&file.display().to_string(), "");
    let wall = shop.sale().await;
    for session in [&phone, &laptop] {
        let told = enter(&wall, &token(session)).await.is(202).json();
        assert_eq!(told["number"], 1, "one account has one place");
    }

    db.write(async |tx| session::end(tx, phone.id).await).await.unwrap();
    let since: Moment = db.now().before(ENDED_OVERLAP + Duration::from_secs(1));
    let ended = session::ended_since(&db.read(), since, Wanted::default()).await.unwrap();
    let sids: Vec<_> = ended.items.iter().map(ToString::to_string).collect();
    let call = post("/v1/revoked-sessions").json(&serde_json::json!({ "sids": sids }));
    wall.tell(call.bearer(&shop.server.backend)).await.is(204);
    enter(&wall, &token(&phone)).await.refuses(401, "identity_revoked");
    enter(&wall, &token(&laptop)).await.is(202);
}
