//! `identity = "jwt"`: one account of the shop has one place, and a token that names nobody says why.
//!
//! The key set is served over real sockets, and fails as an identity provider's may.

mod built_in;
mod signing;

use std::{fmt::Write as _, fs, net::SocketAddr, path::Path, sync::Arc};

use rustls::pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject as _};
use serde_json::{Value, json};
use tempfile::TempDir;
use testkit::documents::{Documents, Manner};
use tokio::{
    io::copy_bidirectional,
    net::{TcpListener, TcpStream},
};
use tokio_rustls::TlsAcceptor;

use self::signing::{AUDIENCE, ISSUER, Signer, key_set, now};
use crate::{
    browser::Browser,
    client::{Ask, Told, ask, post},
    process::{CONFIG, Server},
    store_tls::authority,
    wall::{Wall, eventually, text},
};

/// A server that believes the tokens of one issuer.
struct Shop {
    server: Server,
    _dir: TempDir,
}

impl Shop {
    /// Keys from `jwks`, and further lines of the section.
    fn at(jwks: &str, lines: &str) -> Self {
        let dir = TempDir::new().unwrap();
        let mut config = format!(
            "[jwt]\njwks = \"{jwks}\"\nissuer = \"{ISSUER}\"\naudience = \"{AUDIENCE}\"\n\
             timeout_ms = 400\nlife_max_seconds = 3600\n{lines}\n"
        );
        write!(config, "{CONFIG}").unwrap();
        let server = Server::start(dir.path(), &config);
        Self { server, _dir: dir }
    }

    async fn sale(&self) -> Wall<'_> {
        let wall = Wall::on(&self.server, json!({ "identity": "jwt" })).await;
        wall.act("pause", Value::Null).await;
        wall
    }
}

fn serving(signers: &[&Signer]) -> Manner {
    Manner::Serve(key_set(signers), "")
}

fn with_token(wall: &Wall<'_>, token: &str) -> Ask {
    post(wall.path("enter")).bearer(token)
}

async fn enter(wall: &Wall<'_>, token: &str) -> Told {
    wall.tell(with_token(wall, token)).await
}

/// The detail of a refusal.
#[track_caller]
fn detail(told: Told, status: u16, code: &str) -> String {
    text(&told.refuses(status, code).json()["detail"])
}

#[tokio::test]
async fn two_sessions_of_one_account_hold_one_place_whatever_key_their_tokens_have() {
    let signers = [Signer::ed25519("ed"), Signer::p256("ec"), Signer::rsa("rsa")];
    let keys = Documents::start(serving(&[&signers[0], &signers[1], &signers[2]])).unwrap();
    let shop = Shop::at(&keys.url(), "");
    let wall = shop.sale().await;
    let number = async |signer: &Signer, subject: &str, session: &str| {
        let token = signer.token(json!({ "sub": subject, "sid": session }));
        enter(&wall, &token).await.is(202).json()["number"].as_u64().unwrap()
    };
    assert_eq!(number(&signers[0], "anna", "laptop").await, 1);
    assert_eq!(number(&signers[1], "bert", "laptop").await, 2);
    for signer in &signers {
        assert_eq!(number(signer, "anna", "phone").await, 1);
    }
    assert_eq!(number(&signers[2], "cleo", "phone").await, 3);
    assert_eq!(wall.stats().await["line_length"], 3);
    assert_eq!(keys.asked(), 1, "the set is read once");

    wall.act("resume", Value::Null).await;
    let anna = signers[0].token(json!({ "sub": "anna" }));
    let admitted = eventually(|| async {
        let told = enter(&wall, &anna).await;
        (told.status == 200).then(|| told.json())
    });
    let admitted = admitted.await;
    let bought = wall.buy(&text(&admitted["pass"]), 1, "one").await.is(201).json();
    let other = signers[2].token(json!({ "sub": "anna", "sid": "phone" }));
    let again = enter(&wall, &other).await.is(200).json();
    let shown = wall.show("p1-1", &text(&again["pass"])).await.is(200).json();
    assert_eq!(shown["shopper"], bought["shopper"], "the account's orders are one shopper's");
}

#[tokio::test]
async fn each_fault_of_a_token_is_told_by_itself_and_takes_no_number() {
    let (good, stranger) = (Signer::ed25519("good"), Signer::ed25519("stranger"));
    let rsa = Signer::rsa("rsa");
    let keys = Documents::start(serving(&[&good, &rsa])).unwrap();
    let shop = Shop::at(&keys.url(), "algorithms = [\"EdDSA\", \"ES256\"]");
    let wall = shop.sale().await;
    let anna = |change: Value| {
        let mut claims = json!({ "sub": "anna" });
        claims.as_object_mut().unwrap().extend(change.as_object().unwrap().clone());
        claims
    };
    let header = |change: Value| good.token_with(change, anna(json!({})));
    let claims = |change: Value| good.token(anna(change));
    let forged = stranger.token_with(json!({ "kid": "good" }), anna(json!({})));
    let whole = claims(json!({}));
    let (signed, signature) = whole.rsplit_once('.').unwrap();
    let other_claims = claims(json!({ "sub": "bert" }));
    let swapped = format!("{}.{signature}", other_claims.rsplit_once('.').unwrap().0);
    let hmac = signing::hmac(&json!({ "alg": "HS256", "kid": "good" }), &anna(json!({})), &good);
    for (token, words) in [
        (String::from("x"), "not a signed JWT"),
        (format!("{signed}.{signature}="), "not a signed JWT"),
        (header(json!({ "crit": ["exp"] })), "not a signed JWT"),
        (format!("{signed}."), "signature does not verify"),
        (header(json!({ "alg": "none" })), "alg is not allowed"),
        (header(json!({ "typ": "logout+jwt" })), "no token of a person"),
        (claims(json!({ "events": { "logout": {} } })), "no token of a person"),
        (hmac, "alg is not allowed"),
        (rsa.token(anna(json!({}))), "alg is not allowed"),
        (header(json!({ "alg": "ES256" })), "alg is not the one of its key"),
        (header(json!({ "kid": null })), "has no kid"),
        (stranger.token(anna(json!({}))), "kid is not in the key set"),
        (forged, "signature does not verify"),
        (swapped, "signature does not verify"),
        (claims(json!({ "iss": "https://other.example" })), "iss is not the expected"),
        (claims(json!({ "iss": null })), "iss is not the expected"),
        (claims(json!({ "aud": "another" })), "aud is not the expected"),
        (claims(json!({ "aud": [] })), "aud is not the expected"),
        (claims(json!({ "exp": null })), "has no exp"),
        (claims(json!({ "exp": now() + 7_200 })), "exp is too far ahead"),
        (claims(json!({ "nbf": now() + 60 })), "nbf is in the future"),
        (claims(json!({ "sub": null })), "has no sub"),
        (claims(json!({ "sub": "" })), "has no sub"),
        (claims(json!({ "sub": 7 })), "not a signed JWT"),
    ] {
        let told = detail(enter(&wall, &token).await, 401, "identity_invalid");
        assert!(told.contains(words), "{told:?} instead of {words:?} for {token}");
    }
    let told = detail(wall.enter().await, 401, "identity_invalid");
    assert!(told.contains("token of the shop is required"), "{told}");
    let expired = claims(json!({ "exp": now() - 1 }));
    enter(&wall, &expired).await.refuses(401, "identity_expired");
    assert_eq!(wall.stats().await["entered"], 0);

    // What tokens of good shops look like.
    for change in [
        json!({}),
        json!({ "aud": ["another", AUDIENCE] }),
        json!({ "nbf": now() + 20 }),
        json!({ "exp": now() + 3_599, "iat": now(), "email": "anna@shop.example" }),
    ] {
        enter(&wall, &claims(change)).await.is(202);
    }
    let shop_header = header(json!({ "typ": "at+jwt", "jku": "https://evil.example/keys" }));
    enter(&wall, &shop_header).await.is(202);
    assert_eq!(wall.stats().await["entered"], 1);
}

#[tokio::test]
async fn a_rotated_key_set_is_read_once_for_its_new_key_and_the_old_key_opens_nothing_more() {
    let (old, new) = (Signer::ed25519("old"), Signer::p256("new"));
    let keys = Documents::start(serving(&[&old])).unwrap();
    let shop = Shop::at(&keys.url(), "");
    let wall = shop.sale().await;
    let (before, after) =
        (old.token(json!({ "sub": "anna" })), new.token(json!({ "sub": "anna" })));
    enter(&wall, &before).await.is(202);
    keys.turn(serving(&[&new]));
    enter(&wall, &before).await.is(202);
    let told = eventually(|| async {
        let told = enter(&wall, &after).await;
        // The first reading for an unknown key comes a few seconds after the last one.
        (told.status == 202).then_some(told)
    });
    assert_eq!(told.await.json()["number"], 1);
    let told = detail(enter(&wall, &before).await, 401, "identity_invalid");
    assert!(told.contains("kid is not in the key set"), "a remembered token is of its key: {told}");

    let asked = keys.asked();
    for kid in 0..50 {
        let made_up = old.token_with(json!({ "kid": kid.to_string() }), json!({ "sub": "anna" }));
        enter(&wall, &made_up).await.refuses(401, "identity_invalid");
    }
    assert!(keys.asked() <= asked + 1, "made-up keys cost the provider nothing");
}

#[tokio::test]
async fn a_key_set_that_cannot_be_read_is_told_at_the_start_and_nobody_enters_until_it_can() {
    let signer = Signer::ed25519("key");
    let token = signer.token(json!({ "sub": "anna" }));
    let elsewhere = Documents::start(serving(&[&signer])).unwrap();
    for (manner, why) in [
        (Manner::Close, "cannot read the keys of shoppers' tokens"),
        (Manner::Hang, "no answer within 400 ms"),
        (Manner::Endless, "longer than 262144 bytes"),
        (Manner::Refuse(500), "answered 500 instead of 200"),
        (Manner::Redirect(elsewhere.url()), "answered 302; redirects are not followed"),
        (Manner::Serve("{}".to_owned(), ""), "not a JSON object with a list of keys"),
        (Manner::Serve(r#"{"keys":[]}"#.to_owned(), ""), "no signing key"),
    ] {
        let keys = Documents::start(manner).unwrap();
        let shop = Shop::at(&keys.url(), "");
        let wall = shop.sale().await;
        let told = enter(&wall, &token).await.refuses(503, "identity_unavailable");
        assert!(told.header("retry-after").is_some());
        eventually(|| async { shop.server.log().contains(why).then_some(()) }).await;
        // Everything else goes on, and it comes back by itself.
        wall.status().await;
        keys.turn(serving(&[&signer]));
        eventually(|| async { (enter(&wall, &token).await.status == 202).then_some(()) }).await;
    }
    assert_eq!(elsewhere.asked(), 0);
}

#[tokio::test]
async fn a_key_set_comes_from_a_server_that_the_named_authority_vouches_for_and_from_no_other() {
    let signer = Signer::ed25519("key");
    let token = signer.token(json!({ "sub": "anna" }));
    let keys = Documents::start(serving(&[&signer])).unwrap();
    let (own, other) = (TempDir::new().unwrap(), TempDir::new().unwrap());
    authority(own.path());
    authority(other.path());
    let port = behind_tls(own.path(), keys.addr()).await;
    // A scheme in capitals is no path of a file.
    let url = format!("HTTPS://localhost:{port}/keys.json");
    let ca = |dir: &TempDir| format!("tls_ca = \"{}\"", dir.path().join("ca.pem").display());
    for trusts in [String::new(), ca(&other)] {
        let shop = Shop::at(&url, &trusts);
        let wall = shop.sale().await;
        enter(&wall, &token).await.refuses(503, "identity_unavailable");
    }
    assert_eq!(keys.asked(), 0, "a stranger is asked for nothing");
    let shop = Shop::at(&url, &ca(&own));
    let wall = shop.sale().await;
    eventually(|| async { (enter(&wall, &token).await.status == 202).then_some(()) }).await;
}

/// Speaks TLS by the directory's certificate in front of a plain server; the port.
async fn behind_tls(dir: &Path, plain: SocketAddr) -> u16 {
    let file = |name: &str| fs::read(dir.join(name)).unwrap();
    let certificate = CertificateDer::from_pem_slice(&file("server.pem")).unwrap();
    let key = PrivateKeyDer::from_pem_slice(&file("server.key")).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![certificate], key)
        .unwrap();
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let acceptor = acceptor.clone();
            tokio::spawn(async move {
                // Who does not trust the certificate goes away here.
                let Ok(mut shown) = acceptor.accept(stream).await else { return };
                let mut hidden = TcpStream::connect(plain).await.unwrap();
                drop(copy_bidirectional(&mut shown, &mut hidden).await);
            });
        }
    });
    port
}

#[tokio::test]
async fn the_last_good_keys_go_on_for_the_stated_time_while_the_set_cannot_be_read() {
    let (signer, unknown) = (Signer::ed25519("key"), Signer::ed25519("unknown"));
    let keys = Documents::start(serving(&[&signer])).unwrap();
    let shop = Shop::at(&keys.url(), "fresh_seconds = 1\nstale_seconds = 4");
    let wall = shop.sale().await;
    let token = signer.token(json!({ "sub": "anna" }));
    enter(&wall, &token).await.is(202);
    keys.turn(Manner::Refuse(503));
    eventually(|| async { shop.server.log().contains("those read before are used").then_some(()) })
        .await;
    enter(&wall, &token).await.is(202);
    // It may be a new key of the shop: nobody can say.
    let new = unknown.token(json!({ "sub": "anna" }));
    enter(&wall, &new).await.refuses(503, "identity_unavailable");
    eventually(|| async {
        let told = enter(&wall, &token).await;
        (told.status == 503).then(|| told.refuses(503, "identity_unavailable"))
    })
    .await;
    keys.turn(serving(&[&signer]));
    eventually(|| async { (enter(&wall, &token).await.status == 202).then_some(()) }).await;
    assert_eq!(wall.stats().await["entered"], 1);
}

#[tokio::test]
async fn keys_in_a_file_are_read_again_when_it_changes() {
    let (old, new) = (Signer::ed25519("old"), Signer::rsa("new"));
    let dir = TempDir::new().unwrap();
    let file = dir.path().join("keys.json");
    fs::write(&file, key_set(&[&old])).unwrap();
    let shop = Shop::at(file.to_str().unwrap(), "");
    let wall = shop.sale().await;
    enter(&wall, &old.token(json!({ "sub": "anna" }))).await.is(202);
    fs::write(&file, key_set(&[&new])).unwrap();
    let token = new.token(json!({ "sub": "anna" }));
    eventually(|| async { (enter(&wall, &token).await.status == 202).then_some(()) }).await;
    assert_eq!(wall.stats().await["entered"], 1);
}

#[tokio::test]
async fn a_revoked_session_enters_no_more_and_the_account_does_by_another() {
    let signer = Signer::ed25519("key");
    let keys = Documents::start(serving(&[&signer])).unwrap();
    let revoked = TempDir::new().unwrap();
    let file = revoked.path().join("revoked");
    fs::write(&file, "# nobody yet\n").unwrap();
    let shop = Shop::at(&keys.url(), &format!("revoked_file = \"{}\"", file.display()));
    let wall = shop.sale().await;
    let token = |session: &str| signer.token(json!({ "sub": "anna", "sid": session }));
    let revoke = |key: &str, sids: Value| {
        let call = post("/v1/revoked-sessions").json(&json!({ "sids": sids }));
        wall.tell(call.bearer(key))
    };
    enter(&wall, &token("laptop")).await.is(202);
    wall.tell(post("/v1/revoked-sessions")).await.refuses(401, "unauthorized");
    revoke(&token("laptop"), json!(["phone"])).await.refuses(401, "unauthorized");
    revoke(&shop.server.backend, json!([])).await.refuses(422, "invalid_request");
    revoke(&shop.server.backend, json!(["laptop", "tablet"])).await.is(204);
    for session in ["laptop", "tablet"] {
        enter(&wall, &token(session)).await.refuses(401, "identity_revoked");
    }
    let told = enter(&wall, &token("phone")).await.is(202).json();
    assert_eq!(told["number"], 1, "the place stays the account's");

    fs::write(&file, "phone\n").unwrap();
    eventually(|| async { (enter(&wall, &token("phone")).await.status == 401).then_some(()) })
        .await;
    enter(&wall, &token("phone")).await.refuses(401, "identity_revoked");
    enter(&wall, &token("laptop")).await.refuses(401, "identity_revoked");
    let without = signer.token(json!({ "sub": "anna" }));
    enter(&wall, &without).await.is(202);
}

#[tokio::test]
async fn a_page_takes_the_shops_token_from_the_cookie_that_is_named() {
    let signer = Signer::ed25519("key");
    let keys = Documents::start(serving(&[&signer])).unwrap();
    let shop = Shop::at(&keys.url(), "cookie = \"shop-token\"");
    let wall = shop.sale().await;
    let mut browser = Browser { wall, cookies: std::collections::BTreeMap::new() };
    let page = browser.form("/enter", "").await;
    assert!(page.contains("Please sign in at the shop first"), "{page}");
    let expired = signer.token(json!({ "sub": "anna", "exp": now() - 1 }));
    browser.cookies.insert("shop-token".to_owned(), expired);
    let page = browser.form("/enter", "").await;
    assert!(page.contains("Your sign-in has ended"), "{page}");
    let token = signer.token(json!({ "sub": "anna" }));
    let tossed = signer.token(json!({ "sub": "mallory" }));
    browser.cookies.insert("shop-token".to_owned(), format!("{tossed}; shop-token={token}"));
    let page = browser.form("/enter", "").await;
    assert!(page.contains("Please sign in at the shop first"), "of two, none counts: {page}");
    browser.cookies.insert("shop-token".to_owned(), token.clone());
    let page = browser.form("/enter", "").await;
    assert!(page.contains("data-state=\"waiting\""), "{page}");
    assert_eq!(enter(&wall, &token).await.is(202).json()["number"], 1);
    // A script of another site could send the cookie, but not the header.
    let by_cookie = post(wall.path("enter")).header("cookie", &format!("shop-token={token}"));
    wall.tell(by_cookie).await.refuses(401, "identity_invalid");
}

#[tokio::test]
async fn without_a_section_for_tokens_no_sale_goes_by_them() {
    let server = crate::process::shared();
    let table = json!({
        "id": "tokens", "identity": "jwt",
        "offers": [{ "sku": "a", "total": 1, "price": 1, "currency": "KRW" }],
    });
    let call = ask("POST", "/v1/admin/sales").json(&table).bearer(&server.operator);
    let told = server.client.tell(call).await.refuses(422, "invalid_request").json();
    assert_eq!(told["errors"][0]["field"], "identity");
    let call = post("/v1/revoked-sessions").json(&json!({ "sids": ["a"] }));
    server.client.tell(call.bearer(&server.operator)).await.refuses(404, "not_found");
}
