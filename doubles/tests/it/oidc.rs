//! Sign-in at Kakao and Google.

use base64::{
    Engine as _,
    engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD},
};
use doubles::{
    Setting,
    oidc::{Brand, ClientOptions, Oidc, Person, challenge},
};
use hyper::header::{AUTHORIZATION, LOCATION};
use outbound::{Call, Secret, Target};
use ring::signature::{RSA_PKCS1_2048_8192_SHA256, RsaPublicKeyComponents};
use serde_json::{Value, json};

use crate::support::{ask, query, target, text};

const BACK: &str = "http://shop.example/login/done";
const VERIFIER: &str = "a-verifier-of-at-least-forty-three-characters";

fn person() -> Person {
    let email = Some(("anna@example.com".to_owned(), true));
    Person { subject: "4011".to_owned(), name: "안나".to_owned(), email }
}

async fn start(brand: Brand) -> (Oidc, Value, Target) {
    let client = ClientOptions {
        id: "shop".to_owned(),
        secret: "hush".to_owned(),
        redirects: vec![BACK.to_owned()],
    };
    let oidc = Oidc::start(Setting::local(), brand, client, vec![person()]).await.unwrap();
    let target = target(oidc.url());
    let (_, discovery) = ask(&target, Call::get("/.well-known/openid-configuration")).await;
    assert_eq!(discovery["issuer"], oidc.url());
    (oidc, discovery, target)
}

fn authorise(discovery: &Value, scope: &str) -> String {
    let pairs = [
        ("client_id", "shop"),
        ("redirect_uri", BACK),
        ("response_type", "code"),
        ("scope", scope),
        ("state", "a state"),
        ("nonce", "n-1"),
        ("code_challenge", &challenge(VERIFIER)),
        ("code_challenge_method", "S256"),
    ];
    let query = form_urlencoded::Serializer::new(String::new()).extend_pairs(pairs).finish();
    format!("{}?{query}", discovery["authorization_endpoint"].as_str().unwrap())
}

async fn redeem(discovery: &Value, code: &str, changed: (&str, &str)) -> (u16, Value) {
    let mut pairs = vec![
        ("grant_type", "authorization_code"),
        ("client_id", "shop"),
        ("client_secret", "hush"),
        ("redirect_uri", BACK),
        ("code", code),
        ("code_verifier", VERIFIER),
    ];
    for pair in &mut pairs {
        if pair.0 == changed.0 {
            pair.1 = changed.1;
        }
    }
    let target = target(discovery["token_endpoint"].as_str().unwrap());
    ask(&target, Call::post("").form(&pairs)).await
}

async fn profile_at_kakao(oidc: &Oidc, access: &Secret) -> Value {
    let call = Call::get("/v2/user/me").secret(AUTHORIZATION, "Bearer", access);
    ask(&target(oidc.url()), call).await.1
}

/// The claims, after the signature was checked with the key set.
async fn claims(discovery: &Value, token: &str) -> Value {
    let (_, set) = ask(&target(discovery["jwks_uri"].as_str().unwrap()), Call::get("")).await;
    let decode = |text: &str| URL_SAFE_NO_PAD.decode(text).unwrap();
    let (header, _) = token.split_once('.').unwrap();
    let header: Value = serde_json::from_slice(&decode(header)).unwrap();
    assert_eq!(header["alg"], "RS256");
    let keys = set["keys"].as_array().unwrap();
    let key = keys.iter().find(|key| key["kid"] == header["kid"]).unwrap();
    let part = |name: &str| decode(key[name].as_str().unwrap());
    let (signed, signature) = token.rsplit_once('.').unwrap();
    let (_, claims) = signed.split_once('.').unwrap();
    RsaPublicKeyComponents { n: part("n"), e: part("e") }
        .verify(&RSA_PKCS1_2048_8192_SHA256, signed.as_bytes(), &decode(signature))
        .unwrap();
    serde_json::from_slice(&decode(claims)).unwrap()
}

#[tokio::test]
async fn a_person_signs_in_over_the_page_and_the_token_proves_it() {
    for (brand, scope, name) in [
        (Brand::Kakao, "openid profile_nickname account_email", "nickname"),
        (Brand::Google, "openid profile email", "name"),
    ] {
        let (oidc, discovery, _) = start(brand).await;
        let page = target(&authorise(&discovery, scope));
        assert!(text(&page.send(Call::get("")).await.unwrap()).contains("안나"));
        let chosen = page.send(Call::post("").form(&[("choice", "4011")])).await.unwrap();
        let back = chosen.header(&LOCATION).unwrap().to_owned();
        assert!(back.starts_with(BACK), "{back}");
        assert_eq!(query(&back, "state").unwrap(), "a state");
        let code = query(&back, "code").unwrap();
        let (status, granted) = redeem(&discovery, &code, ("", "")).await;
        assert_eq!(status, 200, "{granted}");
        let told = claims(&discovery, granted["id_token"].as_str().unwrap()).await;
        assert_eq!((&told["iss"], &told["aud"]), (&json!(oidc.url()), &json!("shop")));
        assert_eq!((&told["sub"], &told["nonce"]), (&json!("4011"), &json!("n-1")));
        assert_eq!((&told[name], &told["email"]), (&json!("안나"), &json!("anna@example.com")));
        assert_eq!(told["email_verified"].is_boolean(), brand == Brand::Google);

        let access = Secret::new(granted["access_token"].as_str().unwrap().to_owned());
        let profile = target(discovery["userinfo_endpoint"].as_str().unwrap());
        let call = Call::get("").secret(AUTHORIZATION, "Bearer", &access);
        let (_, me) = ask(&profile, call).await;
        assert_eq!((&me["sub"], &me[name]), (&json!("4011"), &json!("안나")));
        assert_eq!(
            (&me["email"], &me["email_verified"]),
            (&json!("anna@example.com"), &json!(true))
        );
        if brand == Brand::Kakao {
            let me = profile_at_kakao(&oidc, &access).await;
            assert_eq!(me["id"], 4011);
            assert_eq!(me["kakao_account"]["profile"]["nickname"], "안나");
            assert_eq!(me["kakao_account"]["is_email_verified"], true);
        }
        let call = Call::get("").header(AUTHORIZATION, "Bearer made-up");
        assert_eq!(ask(&profile, call).await.0, 401);
        // A code is good once.
        assert_eq!(redeem(&discovery, &code, ("", "")).await.1["error"], "invalid_grant");
    }
}

#[tokio::test]
async fn a_code_is_good_for_its_client_its_address_and_its_verifier_only() {
    let (oidc, discovery, _) = start(Brand::Kakao).await;
    let url = authorise(&discovery, "openid");
    for (field, value, error) in [
        ("code_verifier", "another", "invalid_grant"),
        ("redirect_uri", "http://evil.example/", "invalid_grant"),
        ("client_secret", "guessed", "invalid_client"),
        ("grant_type", "password", "unsupported_grant_type"),
        ("code", "made-up", "invalid_grant"),
    ] {
        let back = oidc.sign_in(&url, Some("4011")).unwrap();
        let code = query(&back, "code").unwrap();
        let (status, refused) = redeem(&discovery, &code, (field, value)).await;
        assert!(status == 400 || status == 401, "{field}: {status}");
        assert_eq!(refused["error"], error, "{field}");
    }
    assert!(oidc.sign_in(&url, None).unwrap().contains("error=access_denied&state=a+state"));
    let elsewhere = url.replace("shop.example", "evil.example");
    assert!(oidc.sign_in(&elsewhere, None).unwrap_err().contains("redirect_uri"));
    let page = target(&elsewhere).send(Call::get("")).await.unwrap();
    assert_eq!(page.status.as_u16(), 400);
    assert!(text(&page).contains("redirect_uri is not registered"), "a person sees a page");
}

#[tokio::test]
async fn a_person_may_keep_the_address_to_themselves() {
    let (oidc, discovery, _) = start(Brand::Kakao).await;
    oidc.put(Person { email: None, ..person() });
    let back = oidc.sign_in(&authorise(&discovery, "openid account_email"), Some("4011")).unwrap();
    let (_, granted) = redeem(&discovery, &query(&back, "code").unwrap(), ("", "")).await;
    let told = claims(&discovery, granted["id_token"].as_str().unwrap()).await;
    assert_eq!((&told["email"], &told["nickname"]), (&Value::Null, &Value::Null));
}

#[tokio::test]
async fn nothing_is_told_beyond_the_scopes() {
    for brand in [Brand::Kakao, Brand::Google] {
        let (oidc, discovery, _) = start(brand).await;
        let granted = granted(&oidc, &discovery, "openid").await;
        let told = claims(&discovery, granted["id_token"].as_str().unwrap()).await;
        assert_eq!(told["sub"], "4011");
        let access = Secret::new(granted["access_token"].as_str().unwrap().to_owned());
        let call = Call::get("").secret(AUTHORIZATION, "Bearer", &access);
        let userinfo = target(discovery["userinfo_endpoint"].as_str().unwrap());
        assert_eq!(ask(&userinfo, call).await.1, json!({ "sub": "4011" }));
        if brand == Brand::Kakao {
            let me = profile_at_kakao(&oidc, &access).await;
            assert_eq!(me, json!({ "id": 4011, "kakao_account": {} }));
        }
    }
}

#[tokio::test]
async fn there_is_no_id_token_without_the_scope_for_it() {
    for brand in [Brand::Kakao, Brand::Google] {
        let (oidc, discovery, _) = start(brand).await;
        let granted = granted(&oidc, &discovery, "profile_nickname profile").await;
        assert!(granted["access_token"].is_string(), "{granted}");
        assert_eq!(granted.get("id_token"), None);
    }
}

#[tokio::test]
async fn kakao_takes_the_secret_in_the_form_alone() {
    for (brand, status) in [(Brand::Kakao, 401), (Brand::Google, 200)] {
        let (oidc, discovery, _) = start(brand).await;
        let code =
            query(&oidc.sign_in(&authorise(&discovery, "openid"), Some("4011")).unwrap(), "code");
        let pairs = [
            ("grant_type", "authorization_code"),
            ("redirect_uri", BACK),
            ("code", &code.unwrap()),
            ("code_verifier", VERIFIER),
        ];
        let basic = format!("Basic {}", STANDARD.encode("shop:hush"));
        let call = Call::post("").header(AUTHORIZATION, &basic).form(&pairs);
        let endpoint = target(discovery["token_endpoint"].as_str().unwrap());
        assert_eq!(ask(&endpoint, call).await.0, status, "{brand:?}");
        let ways = &discovery["token_endpoint_auth_methods_supported"];
        let has_basic = ways.as_array().unwrap().contains(&json!("client_secret_basic"));
        assert_eq!(has_basic, brand == Brand::Google);
    }
}

#[tokio::test]
async fn a_key_that_was_fetched_before_the_change_does_not_verify_a_token_after_it() {
    let (oidc, discovery, _) = start(Brand::Kakao).await;
    let keys = target(discovery["jwks_uri"].as_str().unwrap());
    let before = ask(&keys, Call::get("")).await.1;
    let old = granted(&oidc, &discovery, "openid").await;
    oidc.change_key();
    let new = granted(&oidc, &discovery, "openid").await;
    let kid = |granted: &Value| {
        let (header, _) = granted["id_token"].as_str().unwrap().split_once('.').unwrap();
        let header = URL_SAFE_NO_PAD.decode(header).unwrap();
        serde_json::from_slice::<Value>(&header).unwrap()["kid"].clone()
    };
    let known = |set: &Value, kid: &Value| {
        set["keys"].as_array().unwrap().iter().any(|key| key["kid"] == *kid)
    };
    assert!(known(&before, &kid(&old)) && !known(&before, &kid(&new)));
    // Both verify with the key set as it is now.
    for granted in [old, new] {
        claims(&discovery, granted["id_token"].as_str().unwrap()).await;
    }
}

/// What the token endpoint answers to somebody who signed in.
async fn granted(oidc: &Oidc, discovery: &Value, scope: &str) -> Value {
    let back = oidc.sign_in(&authorise(discovery, scope), Some("4011")).unwrap();
    let (status, granted) = redeem(discovery, &query(&back, "code").unwrap(), ("", "")).await;
    assert_eq!(status, 200, "{granted}");
    granted
}
