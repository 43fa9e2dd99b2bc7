//! The file with the demo's accounts: made once, mode 0600.

use std::{
    fmt, fs,
    io::{self, Write as _},
    os::unix::fs::OpenOptionsExt as _,
    path::Path,
};

use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD};
use serde::{Deserialize, Serialize};

/// Random bytes of a password.
const PASSWORD_BYTES: usize = 12;

/// Who can be tried.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct People {
    pub(super) shopper: Account,
    pub(super) business: Account,
    pub(super) operator: Account,
}

/// One account.
#[derive(Serialize, Deserialize)]
pub(crate) struct Account {
    pub(super) email: String,
    pub(super) password: String,
}

impl fmt::Debug for Account {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Account").field("email", &self.email).finish_non_exhaustive()
    }
}

/// Reads the file, or makes it with new passwords.
pub(super) fn open_or_create(path: &Path) -> io::Result<People> {
    match fs::read(path) {
        Ok(text) => Ok(serde_json::from_slice(&text)?),
        Err(error) if error.kind() == io::ErrorKind::NotFound => create(path),
        Err(error) => Err(error),
    }
}

fn create(path: &Path) -> io::Result<People> {
    let people = People {
        shopper: Account::new("shopper")?,
        business: Account::new("business")?,
        operator: Account::new("operator")?,
    };
    let mut text = serde_json::to_vec_pretty(&people)?;
    text.push(b'\n');
    if let Some(directory) = path.parent() {
        fs::create_dir_all(directory)?;
    }
    let mut options = fs::OpenOptions::new();
    let mut file = options.write(true).create_new(true).mode(0o600).open(path)?;
    file.write_all(&text)?;
    file.sync_all()?;
    Ok(people)
}

impl Account {
    pub(super) fn new(name: &str) -> io::Result<Self> {
        let mut bytes = [0; PASSWORD_BYTES];
        getrandom::fill(&mut bytes).map_err(io::Error::other)?;
        let password = BASE64_URL_SAFE_NO_PAD.encode(bytes);
        Ok(Self { email: format!("{name}@rushgate.example"), password })
    }
}
