//! The private key that access tokens are signed with.

use std::{
    fmt,
    fs::File,
    io::{self, Read as _},
    path::{Path, PathBuf},
};

use base64::{
    Engine as _,
    prelude::{BASE64_STANDARD, BASE64_URL_SAFE_NO_PAD},
};
use ring::{
    digest::{SHA256, digest},
    signature::{Ed25519KeyPair, KeyPair as _},
};

use super::model::PublicKey;
use crate::limits::KEY_FILE_BYTES_MAX;

const BEGIN: &str = "-----BEGIN PRIVATE KEY-----";
const END: &str = "-----END PRIVATE KEY-----";

/// An Ed25519 key.
pub struct SigningKey {
    pair: Ed25519KeyPair,
    public: PublicKey,
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SigningKey").field("id", &self.public.id).finish_non_exhaustive()
    }
}

/// Why there is no key to sign with. Nothing of the text that was given is told.
#[derive(Debug)]
pub enum KeyError {
    /// The file cannot be read.
    Unreadable(PathBuf, io::Error),
    /// The file is longer than any key.
    TooLong(PathBuf),
    /// It is no PEM text of a private key.
    NoPem,
    /// It is a PEM text of something else.
    OtherPem,
    /// It is a private key of another kind, or a damaged one.
    NoEd25519,
}

impl fmt::Display for KeyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unreadable(path, _) => {
                write!(f, "cannot read the signing key {}", path.display())
            }
            Self::TooLong(path) => write!(
                f,
                "the signing key {} has more than {KEY_FILE_BYTES_MAX} bytes, as no Ed25519 key has",
                path.display()
            ),
            Self::NoPem => write!(
                f,
                "the signing key is no PEM text with one {BEGIN}, as `openssl genpkey -algorithm \
                 ed25519` writes it"
            ),
            Self::OtherPem => write!(
                f,
                "the signing key is PEM text of another kind: allowed is an unencrypted {BEGIN}, as \
                 `openssl genpkey -algorithm ed25519` writes it"
            ),
            Self::NoEd25519 => f.write_str(
                "the signing key is damaged or of another kind: allowed is Ed25519, as `openssl \
                 genpkey -algorithm ed25519` writes it",
            ),
        }
    }
}

impl std::error::Error for KeyError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Unreadable(_, error) => Some(error),
            Self::TooLong(_) | Self::NoPem | Self::OtherPem | Self::NoEd25519 => None,
        }
    }
}

impl SigningKey {
    /// From a file with PEM text.
    pub fn read(path: &Path) -> Result<Self, KeyError> {
        let unreadable = |error| KeyError::Unreadable(path.to_owned(), error);
        let file = File::open(path).map_err(unreadable)?;
        let mut text = String::new();
        file.take(KEY_FILE_BYTES_MAX + 1).read_to_string(&mut text).map_err(unreadable)?;
        if u64::try_from(text.len()).is_ok_and(|bytes| bytes > KEY_FILE_BYTES_MAX) {
            return Err(KeyError::TooLong(path.to_owned()));
        }
        Self::from_pem(&text)
    }

    /// From PEM text (PKCS #8), such as a configuration has it.
    pub fn from_pem(text: &str) -> Result<Self, KeyError> {
        let body = match text.split_once(BEGIN) {
            Some((_, rest)) => rest.split_once(END).ok_or(KeyError::NoPem)?.0,
            None if text.contains("-----BEGIN ") => return Err(KeyError::OtherPem),
            None => return Err(KeyError::NoPem),
        };
        let body: String = body.split_whitespace().collect();
        let der = BASE64_STANDARD.decode(body).map_err(|_| KeyError::NoPem)?;
        // A file of openssl has no public half to check the private one against.
        let pair = Ed25519KeyPair::from_pkcs8_maybe_unchecked(&der);
        pair.map(Self::of).map_err(|_| KeyError::NoEd25519)
    }

    /// The key that belongs to the secret that all nodes share, for a shop that has no file of its own.
    /// With another secret it is another key.
    pub fn of_secret(secret: &[u8]) -> Self {
        let seed = blake3::derive_key("rushgate 2026-11-30 access token", secret);
        let pair = Ed25519KeyPair::from_seed_unchecked(&seed);
        // Any 32 bytes are a seed.
        Self::of(pair.unwrap_or_else(|error| unreachable!("32 bytes of a seed: {error}")))
    }

    /// The half that others verify with.
    pub const fn public(&self) -> &PublicKey {
        &self.public
    }

    pub(super) fn sign(&self, text: &[u8]) -> impl AsRef<[u8]> {
        self.pair.sign(text)
    }

    fn of(pair: Ed25519KeyPair) -> Self {
        let bytes = pair.public_key().as_ref().to_vec();
        let x = BASE64_URL_SAFE_NO_PAD.encode(&bytes);
        let canonical = format!(r#"{{"crv":"Ed25519","kty":"OKP","x":"{x}"}}"#);
        let id = BASE64_URL_SAFE_NO_PAD.encode(digest(&SHA256, canonical.as_bytes()));
        Self { pair, public: PublicKey { id, bytes } }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What `openssl genpkey -algorithm ed25519` writes for the key of RFC 8032, 7.1, test 1.
    const OPENSSL: &str = "-----BEGIN PRIVATE KEY-----\n\
        MC4CAQAwBQYDK2VwBCIEIJ1hsZ3v/VpguoRK9JLsLMREScVpezJpGXA7rAMcrn9g\n\
        -----END PRIVATE KEY-----\n";
    /// Its thumbprint, from RFC 8037, A.3.
    const THUMBPRINT: &str = "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k";

    #[test]
    fn a_key_of_openssl_has_the_thumbprint_of_the_standard() {
        let key = SigningKey::from_pem(OPENSSL).unwrap();
        assert_eq!(key.public().id, THUMBPRINT);
        let shown = format!("{key:?}");
        assert!(shown.contains(THUMBPRINT) && shown.len() < THUMBPRINT.len() + 40, "{shown}");
    }

    #[test]
    fn what_is_no_key_says_what_is_allowed_and_nothing_of_itself() {
        let told = |text: &str| SigningKey::from_pem(text).unwrap_err().to_string();
        let secret = "c2VjcmV0IHRleHQ=";
        for (text, words) in [
            (String::new(), "no PEM text"),
            (secret.to_owned(), "no PEM text"),
            (OPENSSL.replace("-----END", secret), "no PEM text"),
            (OPENSSL.replace("MC4C", "M*4C"), "no PEM text"),
            (OPENSSL.replace("PRIVATE", "RSA PRIVATE"), "PEM text of another kind"),
            (OPENSSL.replace("PRIVATE", "ENCRYPTED PRIVATE"), "PEM text of another kind"),
            (OPENSSL.replace("MC4C", "MC4D"), "damaged or of another kind"),
            (format!("{BEGIN}\n{secret}\n{END}"), "damaged or of another kind"),
        ] {
            let told = told(&text);
            assert!(told.contains(words) && told.contains("openssl"), "{told}");
            assert!(!told.contains(secret) && !told.contains("MC4"), "{told}");
        }
    }

    #[test]
    fn a_file_that_cannot_be_a_key_is_named() {
        let path = Path::new("/nowhere/signing.pem");
        let error = SigningKey::read(path).unwrap_err();
        assert_eq!(error.to_string(), "cannot read the signing key /nowhere/signing.pem");
        assert!(std::error::Error::source(&error).is_some());
        let long = SigningKey::read(Path::new("/dev/zero")).unwrap_err();
        assert!(long.to_string().contains("has more than 16384 bytes"), "{long}");
    }

    #[test]
    fn one_secret_has_one_key() {
        let key = |secret: &[u8]| SigningKey::of_secret(secret).public().id.clone();
        assert_eq!(key(b"one"), key(b"one"));
        assert_ne!(key(b"one"), key(b"two"));
    }
}
