//! Passes hold to the byte, for their sale and their time only.

use proptest::prelude::*;

use super::super::keyring::tests::{NEW, OLD, keyring};
use super::*;

const NOW: Millis = Millis(1_800_000_100_000);

fn pass() -> Pass {
    Pass {
        sale: SaleName::parse("demo").unwrap(),
        epoch: Epoch(3),
        number: Number(77),
        shopper: ShopperKey(0xfeed),
        issued_at: Millis(1_800_000_000_000),
        expires_at: Millis(1_800_000_600_000),
    }
}

fn verify(token: &str) -> Result<VerifiedPass, PassError> {
    keyring(NEW, Some(OLD)).verify_pass(token, &pass().sale, NOW)
}

/// A token with any header and claims, signed by our true key.
fn signed_by_us(header: &str, claims: &str) -> String {
    let parts = [URL_SAFE_NO_PAD.encode(header), URL_SAFE_NO_PAD.encode(claims)].join(".");
    let signature = keyring(NEW, None).pass.key.sign(parts.as_bytes()).to_bytes();
    format!("{parts}.{}", URL_SAFE_NO_PAD.encode(signature))
}

fn our_header() -> String {
    let kid = keyring(NEW, None).pass.kid().to_owned();
    format!(r#"{{"alg":"EdDSA","typ":"JWT","kid":"{kid}"}}"#)
}

fn our_claims() -> String {
    claims_json(&pass())
}

#[test]
fn verifying_gives_back_what_was_signed() {
    let token = keyring(NEW, None).sign_pass(&pass());
    assert_eq!(*verify(&token).unwrap(), pass());
    assert_eq!(token, keyring(NEW, None).sign_pass(&pass()), "signing is deterministic");
    assert_eq!(token, signed_by_us(&our_header(), &our_claims()));
    let any = keyring(NEW, None).verify_pass_for_any_sale(&token, NOW).unwrap();
    assert_eq!(any.sale.as_str(), "demo");
}

#[test]
fn the_published_key_verifies_what_we_verify() {
    let ring = keyring(NEW, None);
    let token = ring.sign_pass(&pass());
    let (signed, signature) = token.rsplit_once('.').unwrap();
    let signature = ed25519_dalek::Signature::from_bytes(&decode_signature(signature).unwrap());
    let jwks: serde_json::Value = serde_json::from_str(&ring.jwks_json()).unwrap();
    let public = URL_SAFE_NO_PAD.decode(jwks["keys"][0]["x"].as_str().unwrap()).unwrap();
    let public = ed25519_dalek::VerifyingKey::from_bytes(&public.try_into().unwrap()).unwrap();
    assert!(public.verify_strict(signed.as_bytes(), &signature).is_ok());
    assert_eq!(*ring.verify_pass(&token, &pass().sale, NOW).unwrap(), pass());
}

#[test]
fn the_longest_pass_fits() {
    let longest = Pass {
        sale: SaleName::parse(&"a".repeat(64)).unwrap(),
        epoch: Epoch(u32::MAX),
        number: Number(u64::MAX),
        shopper: ShopperKey(u128::MAX),
        issued_at: Millis(0),
        expires_at: Millis(u64::MAX / 1_000 * 1_000),
    };
    let ring = keyring(NEW, None);
    let token = ring.sign_pass(&longest);
    assert!(token.len() <= PASS_BYTES_MAX);
    assert_eq!(*ring.verify_pass(&token, &longest.sale, NOW).unwrap(), longest);
}

#[test]
fn every_changed_byte_and_every_length_is_refused() {
    let ring = keyring(NEW, Some(OLD));
    let token = ring.sign_pass(&pass());
    // Once more when the true one is remembered.
    assert!(ring.verify_pass(&token, &pass().sale, NOW).is_ok());
    for at in 0..token.len() {
        for byte in [b'A', b'B', b'.', b'='] {
            let mut changed = token.clone().into_bytes();
            if changed[at] != byte {
                changed[at] = byte;
                let changed = String::from_utf8(changed).unwrap();
                let refused = ring.verify_pass(&changed, &pass().sale, NOW);
                assert!(refused.is_err(), "byte {at} set to {byte}");
            }
        }
        assert!(verify(&token[..at]).is_err(), "cut at {at}");
    }
    // The last character carries four bits that mean nothing; they must be zero.
    let last = token.chars().last().unwrap();
    for other in ('A'..='Z').chain('a'..='z').chain('0'..='9').filter(|c| *c != last) {
        let changed = format!("{}{other}", &token[..token.len() - 1]);
        assert!(verify(&changed).is_err(), "last character {other}");
    }
    assert!(verify(&format!("{token}A")).is_err());
    assert!(verify(&format!("{token}=")).is_err());
    assert!(verify(&format!("{token}.")).is_err());
}

#[test]
fn a_pass_holds_from_half_a_minute_before_its_issue_until_expiry_to_the_millisecond() {
    let ring = keyring(NEW, None);
    let token = ring.sign_pass(&pass());
    let at = |now| ring.verify_pass(&token, &pass().sale, Millis(now)).map(|_| ());
    assert_eq!(at(1_799_999_969_999), Err(PassError::NotYet));
    assert_eq!(at(1_799_999_970_000), Ok(()));
    assert_eq!(at(1_800_000_599_999), Ok(()));
    assert_eq!(at(1_800_000_600_000), Err(PassError::Expired));
    assert_eq!(at(1_800_000_601_000), Err(PassError::Expired));
}

#[test]
fn a_pass_works_only_for_its_sale() {
    let ring = keyring(NEW, None);
    let token = ring.sign_pass(&pass());
    let other = SaleName::parse("other").unwrap();
    assert_eq!(ring.verify_pass(&token, &other, NOW), Err(PassError::WrongSale));
}

#[test]
fn other_headers_are_refused_even_when_the_signature_fits() {
    for header in [
        r#"{"alg":"none"}"#,
        r#"{"alg":"none","typ":"JWT"}"#,
        r#"{"alg":"HS256","typ":"JWT"}"#,
        r#"{"alg":"EdDSA","typ":"JWT"}"#,
        r#"{"alg":"EdDSA","typ":"JWT","kid":"0000000000000000"}"#,
        &our_header().replace("EdDSA", "eddsa"),
        &our_header().replace(r#""typ""#, r#""jwk":{},"typ""#),
        &our_header().replace(r#","kid""#, r#", "kid""#),
    ] {
        let token = signed_by_us(header, &our_claims());
        assert_eq!(verify(&token), Err(PassError::UnknownHeader), "{header}");
        let unsigned = format!("{}.", token.rsplit_once('.').unwrap().0);
        assert!(verify(&unsigned).is_err(), "{header}");
    }
}

#[test]
fn other_claims_are_refused_even_when_the_signature_fits() {
    let good = our_claims();
    for claims in [
        good.replace(r#""num":77"#, r#""num":77,"num":1"#),
        good.replace(r#""num":77"#, r#""num":1,"num":77"#),
        good.replace(r#""num":77"#, r#""num":78"#),
        good.replace(r#""num":77"#, r#""num":77.0"#),
        good.replace(r#""epc":3"#, r#""epc":4"#),
        good.replace(r#""epc":3,"#, ""),
        good.replace("rushgate", "someone"),
        good.replace(r#""iss""#, r#""admin":true,"iss""#),
        good.replace(r#""exp":1800000600"#, r#""exp":"1800000600""#),
        good.replace(r#""exp":1800000600"#, r#""exp":18446744073709551615"#),
        good.replace("feed", "FEED"),
        good.replace("demo", "DEMO"),
        format!(" {good}"),
        "null".to_owned(),
        String::new(),
    ] {
        assert_ne!(claims, good);
        let refused = verify(&signed_by_us(&our_header(), &claims));
        assert_eq!(refused, Err(PassError::UnknownClaims), "{claims}");
    }
}

#[test]
fn rotation_verifies_old_passes_until_the_previous_secret_goes() {
    let token = keyring(OLD, None).sign_pass(&pass());
    assert!(verify(&token).is_ok());
    let rotated = keyring(NEW, None).verify_pass(&token, &pass().sale, NOW);
    assert_eq!(rotated, Err(PassError::UnknownHeader));

    let jwks: serde_json::Value =
        serde_json::from_str(&keyring(NEW, Some(OLD)).jwks_json()).unwrap();
    assert_eq!(jwks["keys"].as_array().unwrap().len(), 2);
    assert_eq!(jwks["keys"][0]["kid"], keyring(NEW, None).pass.kid());
    assert_eq!(jwks["keys"][1]["kid"], keyring(OLD, None).pass.kid());
    assert!(jwks["keys"][0].get("d").is_none(), "no private part");
}

#[test]
fn session_ids_read_back_in_one_form_only() {
    assert_eq!(parse_jti("s-3-77"), Some((Epoch(3), Number(77))));
    for text in ["s-3-077", "s-+3-77", "s-3", "3-77", "s-3-77-1", "s--1-7", "s-4294967296-1", ""] {
        assert_eq!(parse_jti(text), None, "{text}");
    }
}

proptest! {
    #[test]
    fn no_text_makes_verifying_panic_or_pass(text in ".{0,300}") {
        prop_assert!(verify(&text).is_err());
    }

    #[test]
    fn nothing_after_our_header_makes_verifying_panic_or_pass(rest in "[A-Za-z0-9_.=-]{0,300}") {
        let token = format!("{}{rest}", keyring(NEW, None).pass.prefix);
        prop_assert!(verify(&token).is_err());
    }
}
