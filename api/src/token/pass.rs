//! Passes: proof of admission that any backend can check with its own JOSE library.
//!
//! Owns signing, verification and the published key set. A pass is a compact JWS (RFC 7515) with
//! EdDSA over Ed25519 (RFC 8037). Signing is deterministic: the same pass gives the same bytes.
//! Verifying is stricter than the standard asks, because only we ever sign: the header must equal
//! one of ours byte for byte (so no other algorithm or key can be named), the encoding must be
//! canonical, and the claims must be exactly what we would have written. Leeway is 0.
//!
//! Ed25519 signatures are deterministic (RFC 8032, 5.1.6) and the private key is here, so our own
//! passes are verified by signing again and comparing: a third of the cost of the public-key
//! equation, and it accepts one signature for a text where the equation accepts what anyone with
//! the key might have made. The signature made for an unknown text never leaves, and is compared in
//! constant time, so that timing gives nothing away. Everyone else verifies with the published keys.

use std::fmt;
use std::ops::Deref;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ed25519_dalek::{SIGNATURE_LENGTH, Signer as _};
use engine::clock::Millis;
use engine::id::{Epoch, Number, SaleName, ShopperKey};
use serde::Deserialize;
use subtle::ConstantTimeEq as _;

use super::derived::PassKey;
use super::keyring::Keyring;

/// No pass is longer, in bytes: the longest claims are under 400 bytes before base64.
pub const PASS_BYTES_MAX: usize = 1_024;

/// The issuer that passes name.
pub const ISSUER: &str = "rushgate";

/// An admission: who may buy in which sale, and until when.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pass {
    /// The sale it admits to.
    pub sale: SaleName,
    /// The epoch its place was issued under.
    pub epoch: Epoch,
    /// The place that was called.
    pub number: Number,
    /// Whose admission it is.
    pub shopper: ShopperKey,
    /// When it starts to hold; whole seconds in the token, rounded down.
    pub issued_at: Millis,
    /// When it no longer holds; whole seconds in the token, rounded down.
    pub expires_at: Millis,
}

/// A pass whose signature, sale and times were checked. Only this module makes one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VerifiedPass(Pass);

impl Deref for VerifiedPass {
    type Target = Pass;

    fn deref(&self) -> &Pass {
        &self.0
    }
}

/// Why a token is not a pass that holds now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PassError {
    /// Not three canonical base64url parts within the length limit.
    Malformed,
    /// A header that is not one of ours: another algorithm, type or key.
    UnknownHeader,
    /// The signature does not fit.
    Forged,
    /// Signed by us, but the claims are not in the form we write.
    UnknownClaims,
    /// A true pass, for another sale.
    WrongSale,
    /// A true pass that does not hold yet.
    NotYet,
    /// A true pass that no longer holds.
    Expired,
}

impl fmt::Display for PassError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Malformed => "not a pass",
            Self::UnknownHeader => "a pass of an unknown kind or key",
            Self::Forged => "a pass that does not verify",
            Self::UnknownClaims => "a pass with unknown claims",
            Self::WrongSale => "a pass for another sale",
            Self::NotYet => "a pass that does not hold yet",
            Self::Expired => "a pass that has expired",
        })
    }
}

impl std::error::Error for PassError {}

/// The claims as they are read. Unknown and repeated names are refused, and so are escapes: no text
/// of ours has any.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Claims<'a> {
    #[serde(rename = "iss")]
    _iss: &'a str,
    aud: &'a str,
    sub: &'a str,
    #[serde(rename = "jti")]
    _jti: &'a str,
    num: u64,
    epc: u32,
    iat: u64,
    #[serde(rename = "nbf")]
    _nbf: u64,
    exp: u64,
}

impl Claims<'_> {
    fn to_pass(&self) -> Option<Pass> {
        Some(Pass {
            sale: SaleName::parse(self.aud)?,
            epoch: Epoch(self.epc),
            number: Number(self.num),
            shopper: ShopperKey(u128::from_str_radix(self.sub, 16).ok()?),
            issued_at: Millis(self.iat.checked_mul(1_000)?),
            expires_at: Millis(self.exp.checked_mul(1_000)?),
        })
    }
}

/// A pass counts so long before it was issued: a backend whose clock is a little behind takes it.
const NOT_BEFORE_SKEW_SECONDS: u64 = 30;

/// The claims of a pass, the one way they are written.
fn claims_json(pass: &Pass) -> String {
    let Pass { sale, epoch, number, shopper, issued_at, expires_at } = pass;
    let (jti, number) = (format_jti(*epoch, *number), number.0);
    let (issued, expires) = (issued_at.0 / 1_000, expires_at.0 / 1_000);
    let valid_from = issued.saturating_sub(NOT_BEFORE_SKEW_SECONDS);
    format!(
        r#"{{"iss":"{ISSUER}","aud":"{sale}","sub":"{:032x}","jti":"{jti}","num":{number},"epc":{},"iat":{issued},"nbf":{valid_from},"exp":{expires}}}"#,
        shopper.0, epoch.0
    )
}

/// A session's id in passes and in `sessions/{jti}/end`: `s-{epoch}-{number}`.
pub fn format_jti(epoch: Epoch, number: Number) -> String {
    format!("s-{}-{}", epoch.0, number.0)
}

/// Reads a session id back; anything but the form [`format_jti`] writes is `None`.
pub fn parse_jti(text: &str) -> Option<(Epoch, Number)> {
    let (epoch, number) = text.strip_prefix("s-")?.split_once('-')?;
    let parsed = (Epoch(epoch.parse().ok()?), Number(number.parse().ok()?));
    (format_jti(parsed.0, parsed.1) == text).then_some(parsed)
}

impl Keyring {
    /// Signs a pass with the current key.
    pub fn sign_pass(&self, pass: &Pass) -> String {
        let mut token = String::with_capacity(512);
        token.push_str(&self.pass.prefix);
        URL_SAFE_NO_PAD.encode_string(claims_json(pass), &mut token);
        let signature = self.pass.key.sign(token.as_bytes());
        token.push('.');
        URL_SAFE_NO_PAD.encode_string(signature.to_bytes(), &mut token);
        debug_assert!(token.len() <= PASS_BYTES_MAX, "the longest sale name still fits");
        // Whom we let in comes back to buy.
        self.verified.remember(&self.pass.hash(&token));
        token
    }

    /// Verifies a pass for `sale` at `now`. Costs a hash when this process signed or verified it
    /// lately, otherwise one Ed25519 signature.
    pub fn verify_pass(
        &self,
        token: &str,
        sale: &SaleName,
        now: Millis,
    ) -> Result<VerifiedPass, PassError> {
        let pass = self.signed_pass(token)?;
        if pass.sale != *sale {
            return Err(PassError::WrongSale);
        }
        in_time(pass, now)
    }

    /// Verifies a pass whatever the time: who bought with it is still who they were. It admits to
    /// nothing, which is why it is not a [`VerifiedPass`].
    pub fn verify_pass_ever(&self, token: &str, sale: &SaleName) -> Result<Pass, PassError> {
        let pass = self.signed_pass(token)?;
        if pass.sale == *sale { Ok(pass) } else { Err(PassError::WrongSale) }
    }

    /// Verifies a pass at `now` for whichever sale it names: forward-auth, where the sale is not
    /// part of the request.
    pub fn verify_pass_for_any_sale(
        &self,
        token: &str,
        now: Millis,
    ) -> Result<VerifiedPass, PassError> {
        in_time(self.signed_pass(token)?, now)
    }

    /// The public keys as a JWK set (RFC 7517), current first; the next one is there before it signs.
    pub fn jwks_json(&self) -> String {
        let keys = std::iter::once(&self.pass).chain(&self.pass_others).map(PassKey::jwk);
        serde_json::json!({ "keys": keys.collect::<Vec<_>>() }).to_string()
    }

    fn signed_pass(&self, token: &str) -> Result<Pass, PassError> {
        if token.len() > PASS_BYTES_MAX {
            return Err(PassError::Malformed);
        }
        let (signed, signature) = token.rsplit_once('.').ok_or(PassError::Malformed)?;
        let mut keys = std::iter::once(&self.pass).chain(&self.pass_others);
        let (key, claims) = keys
            .find_map(|key| Some((key, signed.strip_prefix(key.prefix.as_str())?)))
            .ok_or(PassError::UnknownHeader)?;

        let claims = URL_SAFE_NO_PAD.decode(claims).map_err(|_| PassError::Malformed)?;
        let hash = key.hash(token);
        if self.verified.knows(&hash) {
            return genuine_claims(&claims);
        }
        let signature = decode_signature(signature)?;
        let genuine = key.key.sign(signed.as_bytes()).to_bytes();
        if bool::from(!genuine.ct_eq(&signature)) {
            return Err(PassError::Forged);
        }
        let pass = read_claims(&claims)?;
        self.verified.remember(&hash);
        Ok(pass)
    }
}

fn decode_signature(text: &str) -> Result<[u8; SIGNATURE_LENGTH], PassError> {
    let bytes = URL_SAFE_NO_PAD.decode(text).map_err(|_| PassError::Malformed)?;
    bytes.try_into().map_err(|_| PassError::Malformed)
}

/// Reads claims that our key signed. Writing them again must give the same bytes, which refuses
/// repeated names, other number forms, an issuer or session id that does not fit, and blanks.
fn read_claims(json: &[u8]) -> Result<Pass, PassError> {
    let pass = genuine_claims(json)?;
    if claims_json(&pass).as_bytes() == json { Ok(pass) } else { Err(PassError::UnknownClaims) }
}

/// Reads claims that are known to be in the form we write.
fn genuine_claims(json: &[u8]) -> Result<Pass, PassError> {
    let claims: Claims<'_> = serde_json::from_slice(json).map_err(|_| PassError::UnknownClaims)?;
    claims.to_pass().ok_or(PassError::UnknownClaims)
}

fn in_time(pass: Pass, now: Millis) -> Result<VerifiedPass, PassError> {
    if now.after(NOT_BEFORE_SKEW_SECONDS * 1_000) < pass.issued_at {
        return Err(PassError::NotYet);
    }
    if now >= pass.expires_at {
        return Err(PassError::Expired);
    }
    Ok(VerifiedPass(pass))
}

#[cfg(test)]
mod tests;
