//! Bearer keys and token keys as a process starts with them: configured, or from the key file.

use std::fmt;
use std::path::Path;
use std::sync::Arc;

use super::{KeyFile, KeyFileError, KeyOptions, KeyValueError, Keys};
use crate::token::{Keyring, KeyringSecrets, SecretError};

/// Everything a process needs to tell who a caller is.
#[derive(Debug)]
pub struct OpenedKeys {
    /// The accepted bearer keys.
    pub keys: Keys,
    /// The token keys.
    pub keyring: Arc<Keyring>,
    /// What the keys and tokens of the shop are made of.
    pub shop_secret: ShopSecret,
}

/// Secrets that follow from `keys.secret` and the one that is accepted beside it, and tell nothing of them.
pub struct ShopSecret {
    /// Of `keys.secret`.
    pub own: [u8; 32],
    /// Of `keys.previous_secret`, or else of `keys.next_secret`.
    pub other: Option<[u8; 32]>,
}

impl fmt::Debug for ShopSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ShopSecret(…)")
    }
}

/// Why a process has no keys to start with.
#[derive(Debug)]
pub enum OpenKeysError {
    /// The key file cannot be used.
    File(KeyFileError),
    /// A bearer key cannot be used.
    Value(KeyValueError),
    /// A secret cannot be used.
    Secret(SecretError),
}

impl fmt::Display for OpenKeysError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::File(_) => "the key file cannot be used",
            Self::Value(_) => "a bearer key cannot be used",
            Self::Secret(_) => "a token secret cannot be used",
        })
    }
}

impl std::error::Error for OpenKeysError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        Some(match self {
            Self::File(error) => error,
            Self::Value(error) => error,
            Self::Secret(error) => error,
        })
    }
}

/// Opens the configured keys; what is not configured comes from `dir`'s key file, which is made on
/// first need. With everything configured no file is touched.
pub fn open_keys(options: &KeyOptions, dir: &Path) -> Result<OpenedKeys, OpenKeysError> {
    let complete = !options.operator.is_empty() && !options.backend.is_empty();
    let file = if complete && options.secret.is_some() {
        None
    } else {
        Some(KeyFile::open_or_create(dir).map_err(OpenKeysError::File)?)
    };
    let file = file.as_ref();
    let configured_or = |configured: &[String], made: Option<&String>| -> Vec<String> {
        if configured.is_empty() {
            made.cloned().into_iter().collect()
        } else {
            configured.to_vec()
        }
    };
    let operator = configured_or(&options.operator, file.map(|file| &file.operator));
    let backend = configured_or(&options.backend, file.map(|file| &file.backend));
    let keys = Keys::new(operator.iter().map(String::as_str), backend.iter().map(String::as_str));
    let secret = options.secret.as_ref().or_else(|| file.map(|file| &file.secret));
    let secret = secret.cloned().unwrap_or_default();
    let of_shop = |secret: &String| {
        blake3::derive_key("rushgate 2026-11-30 secret of the shop", secret.as_bytes())
    };
    let other = options.previous_secret.as_ref().or(options.next_secret.as_ref());
    let shop_secret = ShopSecret { own: of_shop(&secret), other: other.map(of_shop) };
    let keyring = Keyring::derive(&KeyringSecrets {
        secret,
        previous_secret: options.previous_secret.clone(),
        next_secret: options.next_secret.clone(),
        identity_secret: options.identity_secret.clone(),
    });
    Ok(OpenedKeys {
        keys: keys.map_err(OpenKeysError::Value)?,
        keyring: Arc::new(keyring.map_err(OpenKeysError::Secret)?),
        shop_secret,
    })
}

#[cfg(test)]
mod tests {
    use super::super::KEY_FILE_NAME;
    use super::*;
    use crate::token::Role;

    #[test]
    fn configured_keys_win_and_absent_ones_are_made() {
        let dir = tempfile::tempdir().unwrap();
        let mut options = KeyOptions {
            operator: vec!["operator-key-here-1".to_owned()],
            ..KeyOptions::default()
        };
        let opened = open_keys(&options, dir.path()).unwrap();
        let file = KeyFile::open_or_create(dir.path()).unwrap();
        assert_eq!(opened.keys.role_of("operator-key-here-1"), Some(Role::Operator));
        assert_eq!(opened.keys.role_of(&file.operator), None);
        assert_eq!(opened.keys.role_of(&file.backend), Some(Role::Backend));

        options.backend = vec!["backend-key-here-1".to_owned()];
        options.secret = Some("s".repeat(32));
        let other = tempfile::tempdir().unwrap();
        open_keys(&options, other.path()).unwrap();
        assert!(!other.path().join(KEY_FILE_NAME).exists(), "all configured: no file");
    }
}
