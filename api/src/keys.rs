//! Bearer keys: who may operate and who may act for the shop.
//!
//! Owns the key file of a data directory and the comparison of a presented key. In memory only
//! BLAKE3 hashes of keys are kept, and a presented key is compared with all of them in constant
//! time. Keys are random and long, so a fast hash is enough: there is nothing to guess.

mod open;

use std::fmt;
use std::fs;
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};
use subtle::{ConditionallySelectable as _, ConstantTimeEq as _};

pub use open::{OpenKeysError, OpenedKeys, ShopSecret, open_keys};

use crate::token::Role;

/// The key file's name in a data directory.
pub const KEY_FILE_NAME: &str = "keys.json";

/// The shortest bearer key that is accepted in clear, in bytes.
pub const KEY_BYTES_MIN: usize = 16;

/// The longest bearer key, in bytes; longer ones are refused before they are hashed.
pub const KEY_BYTES_MAX: usize = 256;

/// Keys one role may have at once: rotation needs two.
pub const KEYS_PER_ROLE_MAX: usize = 16;

/// Marks a configured value as the hash of a key rather than the key.
const HASH_PREFIX: &str = "blake3:";

/// Random bytes in a fresh key or secret.
const FRESH_BYTES: usize = 32;
/// Permission bits of everyone but the owner.
const OTHERS_MODE: u32 = 0o077;

/// Bearer keys and token secrets; what is absent comes from the data directory's key file.
#[derive(Clone, Default)]
pub struct KeyOptions {
    /// Operator keys, in clear or as `blake3:<hex>`.
    pub operator: Vec<String>,
    /// Backend keys, in clear or as `blake3:<hex>`.
    pub backend: Vec<String>,
    /// What ticket and pass keys derive from.
    pub secret: Option<String>,
    /// Still opens tickets and passes while rotating.
    pub previous_secret: Option<String>,
    /// Opens already and is published, before it becomes the secret.
    pub next_secret: Option<String>,
    /// What shopper keys derive from, if not `secret`.
    pub identity_secret: Option<String>,
}

impl fmt::Debug for KeyOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KeyOptions")
            .field("operator", &self.operator.len())
            .field("backend", &self.backend.len())
            .finish_non_exhaustive()
    }
}

/// The accepted keys of both roles, as hashes.
#[derive(Clone, Default)]
pub struct Keys {
    hashes: Vec<(Role, [u8; 32])>,
}

impl fmt::Debug for Keys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Keys").field("count", &self.hashes.len()).finish_non_exhaustive()
    }
}

impl Keys {
    /// Takes keys in clear or as `blake3:<64 hex digits>`; see [`check_value`].
    pub fn new<'a>(
        operator: impl IntoIterator<Item = &'a str>,
        backend: impl IntoIterator<Item = &'a str>,
    ) -> Result<Self, KeyValueError> {
        let operator = operator.into_iter().map(|value| (Role::Operator, value));
        let backend = backend.into_iter().map(|value| (Role::Backend, value));
        let hashes = operator.chain(backend).map(|(role, value)| Ok((role, hash_of_value(value)?)));
        Ok(Self { hashes: hashes.collect::<Result<_, _>>()? })
    }

    /// The role a presented key has, if it is one of ours. Takes the same time for every key of
    /// the same length, whether and where it matches.
    pub fn role_of(&self, bearer: &str) -> Option<Role> {
        if bearer.len() > KEY_BYTES_MAX {
            return None;
        }
        let presented = blake3::hash(bearer.as_bytes());
        let mut found = 0_u8;
        for (role, hash) in &self.hashes {
            let code = match role {
                Role::Operator => 1,
                Role::Backend => 2,
            };
            let equal = presented.as_bytes().ct_eq(hash);
            found = u8::conditional_select(&found, &code, equal);
        }
        match found {
            1 => Some(Role::Operator),
            2 => Some(Role::Backend),
            _ => None,
        }
    }
}

/// How the audit names the holder of a key: the role and the first digits of the key's hash.
pub fn holder_name(role: Role, bearer: &str) -> String {
    format!("{}-{}", role.name(), &blake3::hash(bearer.as_bytes()).to_hex()[..8])
}

/// A configured key value that cannot be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KeyValueError;

impl fmt::Display for KeyValueError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "a key is {KEY_BYTES_MIN} to {KEY_BYTES_MAX} visible ASCII characters, \
             or {HASH_PREFIX} and the 64 hex digits of its hash"
        )
    }
}

impl std::error::Error for KeyValueError {}

/// Whether a configured value is a usable key or key hash.
pub fn check_value(value: &str) -> Result<(), KeyValueError> {
    hash_of_value(value).map(|_| ())
}

fn hash_of_value(value: &str) -> Result<[u8; 32], KeyValueError> {
    if let Some(hex) = value.strip_prefix(HASH_PREFIX) {
        return blake3::Hash::from_hex(hex).map(Into::into).map_err(|_| KeyValueError);
    }
    let fits = (KEY_BYTES_MIN..=KEY_BYTES_MAX).contains(&value.len());
    let visible = value.bytes().all(|byte| byte.is_ascii_graphic());
    if fits && visible { Ok(blake3::hash(value.as_bytes()).into()) } else { Err(KeyValueError) }
}

/// A fresh random key for a role: `rgo_…` or `rgb_…`, 256 bits.
pub fn fresh_key(role: Role) -> Result<String, getrandom::Error> {
    Ok(format!("{}{}", role.key_prefix(), random_text()?))
}

/// The form of a key to put into a configuration file instead of the key itself.
pub fn hashed_form(key: &str) -> String {
    format!("{HASH_PREFIX}{}", blake3::hash(key.as_bytes()).to_hex())
}

fn random_text() -> Result<String, getrandom::Error> {
    let mut bytes = [0; FRESH_BYTES];
    getrandom::fill(&mut bytes)?;
    Ok(URL_SAFE_NO_PAD.encode(bytes))
}

/// What a data directory's key file holds, in clear: it is for the people who own the directory.
#[derive(Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KeyFile {
    /// The operator key.
    pub operator: String,
    /// The backend key.
    pub backend: String,
    /// The token secret.
    pub secret: String,
}

impl fmt::Debug for KeyFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KeyFile").finish_non_exhaustive()
    }
}

/// Why the key file could not be read or made.
#[derive(Debug)]
pub enum KeyFileError {
    /// Reading or writing failed.
    Io(PathBuf, io::Error),
    /// The file is there and is not a key file.
    Malformed(PathBuf),
    /// The operating system gave no randomness.
    Random(getrandom::Error),
}

impl fmt::Display for KeyFileError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Io(path, _) => write!(f, "cannot read or write {}", path.display()),
            Self::Malformed(path) => write!(
                f,
                "{} is not a key file; it must be a JSON object with operator, backend and secret",
                path.display()
            ),
            Self::Random(_) => f.write_str("the system has no randomness for new keys"),
        }
    }
}

impl std::error::Error for KeyFileError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Io(_, error) => Some(error),
            Self::Random(error) => Some(error),
            Self::Malformed(_) => None,
        }
    }
}

impl KeyFile {
    /// Reads the key file of a data directory, or makes one with fresh keys, mode 0600. The file
    /// appears whole or not at all; of two first starts at once, both use the same keys.
    pub fn open_or_create(dir: &Path) -> Result<Self, KeyFileError> {
        let path = dir.join(KEY_FILE_NAME);
        match Self::read(&path) {
            Err(KeyFileError::Io(_, error)) if error.kind() == io::ErrorKind::NotFound => {}
            answer => return answer,
        }
        let fresh = Self::fresh().map_err(KeyFileError::Random)?;
        match fresh.create(dir, &path) {
            Ok(()) => Ok(fresh),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Self::read(&path),
            Err(error) => Err(KeyFileError::Io(path, error)),
        }
    }

    fn fresh() -> Result<Self, getrandom::Error> {
        Ok(Self {
            operator: fresh_key(Role::Operator)?,
            backend: fresh_key(Role::Backend)?,
            secret: random_text()?,
        })
    }

    fn read(path: &Path) -> Result<Self, KeyFileError> {
        let failed = |error| KeyFileError::Io(path.to_owned(), error);
        let mut file = fs::File::open(path).map_err(failed)?;
        let mode = file.metadata().map_err(failed)?.permissions().mode();
        if mode & OTHERS_MODE != 0 {
            let shown = path.display();
            tracing::warn!(
                "{shown} can be read or written by other users (mode {:03o}); run: chmod 600 {shown}",
                mode & 0o777,
            );
        }
        let mut text = Vec::new();
        file.read_to_end(&mut text).map_err(failed)?;
        let malformed = || KeyFileError::Malformed(path.to_owned());
        let file: Self = serde_json::from_slice(&text).map_err(|_| malformed())?;
        let usable = check_value(&file.operator).is_ok() && check_value(&file.backend).is_ok();
        if usable { Ok(file) } else { Err(malformed()) }
    }

    /// Writes a private temporary file, syncs it, and links it to its name only if that is free.
    fn create(&self, dir: &Path, path: &Path) -> io::Result<()> {
        fs::create_dir_all(dir)?;
        // In a directory that others may write to, a name they can guess could lead elsewhere.
        let unguessable = random_text().map_err(io::Error::other)?;
        let temporary = dir.join(format!(".{KEY_FILE_NAME}.{unguessable}.tmp"));
        let written = self.write(&temporary).and_then(|()| fs::hard_link(&temporary, path));
        let removed = fs::remove_file(&temporary);
        written?;
        removed?;
        fs::File::open(dir)?.sync_all()
    }

    fn write(&self, temporary: &Path) -> io::Result<()> {
        let mut text = serde_json::to_vec_pretty(self)?;
        text.push(b'\n');
        let mut options = fs::OpenOptions::new();
        options.write(true).create_new(true).mode(0o600);
        let mut file = options.open(temporary)?;
        file.write_all(&text)?;
        file.sync_all()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const OPERATOR: &str = "operator-key-operator-key";
    const BACKEND: &str = "backend-key-backend-key";

    #[test]
    fn a_key_has_its_role_and_no_other_text_has_one() {
        let keys = Keys::new([OPERATOR], [BACKEND]).unwrap();
        assert_eq!(keys.role_of(OPERATOR), Some(Role::Operator));
        assert_eq!(keys.role_of(BACKEND), Some(Role::Backend));
        for other in ["", "x", &OPERATOR[1..], &format!("{OPERATOR} "), &"x".repeat(1_000)] {
            assert_eq!(keys.role_of(other), None, "{other}");
        }
        assert_eq!(Keys::default().role_of(OPERATOR), None);
    }

    #[test]
    fn a_key_may_be_configured_by_its_hash_and_the_hash_is_no_key() {
        let hash = hashed_form(OPERATOR);
        let keys = Keys::new([hash.as_str()], []).unwrap();
        assert_eq!(keys.role_of(OPERATOR), Some(Role::Operator));
        assert_eq!(keys.role_of(&hash), None);
    }

    #[test]
    fn old_and_new_keys_overlap_while_rotating() {
        let keys = Keys::new([OPERATOR, "new-operator-key-new"], []).unwrap();
        assert_eq!(keys.role_of(OPERATOR), Some(Role::Operator));
        assert_eq!(keys.role_of("new-operator-key-new"), Some(Role::Operator));
    }

    #[test]
    fn values_that_are_no_keys_are_refused() {
        for value in ["", "short", "blake3:12", "has a blank in the middle", &"x".repeat(257)] {
            assert_eq!(check_value(value), Err(KeyValueError), "{value}");
        }
    }

    #[test]
    fn fresh_keys_differ_and_name_their_role() {
        let (first, second) =
            (fresh_key(Role::Operator).unwrap(), fresh_key(Role::Backend).unwrap());
        assert!(first.starts_with("rgo_") && second.starts_with("rgb_"));
        assert_ne!(first[4..], second[4..]);
        assert_eq!(check_value(&first), Ok(()));
    }

    #[test]
    fn keys_are_never_written_to_what_somebody_else_put_there() {
        let dir = tempfile::tempdir().unwrap();
        let elsewhere = dir.path().join("elsewhere");
        let keys = KeyFile::fresh().unwrap();
        let planted = dir.path().join("planted.tmp");
        std::os::unix::fs::symlink(&elsewhere, &planted).unwrap();
        let error = keys.write(&planted).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::AlreadyExists);
        assert!(!elsewhere.exists());
        // Nor is there a name to plant it at.
        let guessed = dir.path().join(format!("{KEY_FILE_NAME}.{}.tmp", std::process::id()));
        std::os::unix::fs::symlink(&elsewhere, guessed).unwrap();
        KeyFile::open_or_create(dir.path()).unwrap();
        assert!(!elsewhere.exists());
    }

    #[test]
    fn the_key_file_is_made_once_private_and_whole() {
        let dir = tempfile::tempdir().unwrap();
        let data = dir.path().join("data");
        let first = KeyFile::open_or_create(&data).unwrap();
        let again = KeyFile::open_or_create(&data).unwrap();
        assert_eq!((first.operator, first.secret), (again.operator, again.secret));
        let path = data.join(KEY_FILE_NAME);
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(fs::read_dir(&data).unwrap().count(), 1, "no temporary file is left");

        fs::write(&path, "{}").unwrap();
        assert!(matches!(KeyFile::open_or_create(&data), Err(KeyFileError::Malformed(_))));
    }
}
