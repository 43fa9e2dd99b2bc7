//! Passwords: hashed by Argon2id, a few at once.
//!
//! Hashing takes tens of milliseconds and 19 MiB on purpose, so it runs beside the runtime, and a hasher
//! works on a few at once whether or not those who asked still wait. So many more may wait; others are
//! told that it is busy. Signing up and signing in have a hasher each: strangers who do the one do not
//! keep people from the other.

use std::{fmt, sync::Arc};

use argon2::{
    Algorithm, Argon2, Params, PasswordHasher as _, PasswordVerifier as _, Version,
    password_hash::phc::PasswordHash as Phc,
};
use tokio::sync::Semaphore;
use unicode_normalization::UnicodeNormalization as _;

use crate::limits::{HASHES_AT_ONCE, HASHES_WAITING_MAX, PASSWORD_BYTES_MAX, PASSWORD_CHARS_MIN};

/// What a hash costs: 19 MiB, two passes, one lane (the first choice of OWASP's list).
const MEMORY_KIB: u32 = 19_456;
const PASSES: u32 = 2;
const LANES: u32 = 1;

store::refusals! {
    /// Why a text is not taken for a password.
    pub PasswordRefusal {
        /// Fewer than eight characters.
        TooShort = "password_too_short": "the password has fewer than 8 characters",
        /// More than 256 bytes.
        TooLong = "password_too_long": "the password has more than 256 bytes",
    }
}

/// A password as somebody typed it, in Unicode's composed form: keyboards write one letter in several ways.
#[derive(Clone)]
pub struct Password(String);

/// How many bytes a composed text can have before it is composed, for each that it has afterwards.
const BYTES_BEFORE_COMPOSING: usize = 4;

impl Password {
    /// Takes a new password: long enough to resist guessing, whatever it consists of.
    pub fn new(text: &str) -> Result<Self, PasswordRefusal> {
        let composed = composed(text).ok_or(PasswordRefusal::TooLong)?;
        if composed.chars().count() < PASSWORD_CHARS_MIN {
            return Err(PasswordRefusal::TooShort);
        }
        Ok(Self(composed))
    }

    /// Takes an attempt at the password of an account. One that cannot be a password is as wrong as any
    /// other.
    pub fn attempt(text: &str) -> Self {
        Self(composed(text).unwrap_or_default())
    }
}

/// A text in its composed form, unless that is too long for a password.
fn composed(text: &str) -> Option<String> {
    if text.len() > BYTES_BEFORE_COMPOSING * PASSWORD_BYTES_MAX {
        return None;
    }
    let composed: String = text.nfc().collect();
    (composed.len() <= PASSWORD_BYTES_MAX).then_some(composed)
}

impl fmt::Debug for Password {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Password(…)")
    }
}

/// The hash of a password, with its salt and its costs in it (PHC string format).
#[derive(Clone, PartialEq, Eq)]
pub struct PasswordHash(String);

impl PasswordHash {
    /// As an account keeps it.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// What an account kept.
    pub const fn kept(text: String) -> Self {
        Self(text)
    }
}

impl fmt::Debug for PasswordHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PasswordHash(…)")
    }
}

/// What an attempt came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It is the password.
    Right,
    /// It is, and what the account keeps should be replaced: its costs are those of other times.
    RightButOld(PasswordHash),
    /// It is not.
    Wrong,
}

/// So many wait that nobody else may.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Busy;

impl fmt::Display for Busy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("too many passwords are being checked")
    }
}

impl std::error::Error for Busy {}

/// What hashes and compares passwords. Clones share its bounds.
#[derive(Clone, Debug)]
pub struct PasswordHasher {
    /// Places to wait in and to be worked on.
    places: Arc<Semaphore>,
    working: Arc<Semaphore>,
}

impl Default for PasswordHasher {
    fn default() -> Self {
        Self {
            places: Arc::new(Semaphore::new(HASHES_AT_ONCE + HASHES_WAITING_MAX)),
            working: Arc::new(Semaphore::new(HASHES_AT_ONCE)),
        }
    }
}

impl PasswordHasher {
    /// Hashes a new password.
    pub async fn hash(&self, password: &Password) -> Result<PasswordHash, Busy> {
        let password = password.clone();
        self.beside(move || hash(&password)).await
    }

    /// Whether an attempt is the password of a hash. Without a hash it takes as long and is wrong, so that
    /// time tells nobody which addresses have an account.
    pub async fn check(
        &self,
        attempt: &Password,
        kept: Option<&PasswordHash>,
    ) -> Result<Verdict, Busy> {
        let (attempt, kept) = (attempt.clone(), kept.cloned());
        self.beside(move || {
            let parsed = kept.as_ref().and_then(|kept| Phc::new(kept.as_str()).ok());
            let Some(parsed) = parsed else {
                drop(hash(&attempt));
                return Verdict::Wrong;
            };
            if argon2().verify_password(attempt.0.as_bytes(), &parsed).is_err() {
                return Verdict::Wrong;
            }
            let costs = Params::try_from(&parsed);
            let is_current = costs.is_ok_and(|costs| {
                (costs.m_cost(), costs.t_cost(), costs.p_cost()) == (MEMORY_KIB, PASSES, LANES)
            });
            if is_current { Verdict::Right } else { Verdict::RightButOld(hash(&attempt)) }
        })
        .await
    }

    /// Works beside the runtime. The place is kept until the work is done, even if nobody waits for it.
    async fn beside<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, Busy> {
        let place = Arc::clone(&self.places).try_acquire_owned().map_err(|_| Busy)?;
        let turn = Arc::clone(&self.working).acquire_owned().await;
        let work = move || {
            let done = work();
            drop((place, turn));
            done
        };
        // It panics only if memory is gone, and then so does whoever asked.
        Ok(tokio::task::spawn_blocking(work)
            .await
            .unwrap_or_else(|error| unreachable!("hashing a password: {error}")))
    }
}

fn argon2() -> Argon2<'static> {
    let costs = Params::new(MEMORY_KIB, PASSES, LANES, None);
    let costs = costs.unwrap_or_else(|error| unreachable!("costs of a hash: {error}"));
    Argon2::new(Algorithm::Argon2id, Version::V0x13, costs)
}

fn hash(password: &Password) -> PasswordHash {
    let hash = argon2().hash_password(password.0.as_bytes());
    let hash = hash.unwrap_or_else(|error| unreachable!("hashing a password: {error}"));
    PasswordHash(hash.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn only_the_password_itself_is_right() {
        let hasher = PasswordHasher::default();
        let right = Password::new("correct horse").unwrap();
        let hash = hasher.hash(&right).await.unwrap();
        assert!(hash.as_str().starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{}", hash.as_str());
        assert_ne!(hash, hasher.hash(&right).await.unwrap(), "the salt is new each time");
        let check = async |attempt: &str, hash: Option<&PasswordHash>| {
            hasher.check(&Password::attempt(attempt), hash).await.unwrap()
        };
        assert_eq!(check("correct horse", Some(&hash)).await, Verdict::Right);
        let long = format!("correct horse{}", "\0".repeat(PASSWORD_BYTES_MAX));
        for wrong in ["correct hors", "correct horse ", "Correct horse", "", &long] {
            assert_eq!(check(wrong, Some(&hash)).await, Verdict::Wrong, "{wrong}");
        }
        assert_eq!(check("correct horse", None).await, Verdict::Wrong);
        let none = PasswordHash::kept("no hash".to_owned());
        assert_eq!(check("correct horse", Some(&none)).await, Verdict::Wrong);
    }

    #[tokio::test]
    async fn a_password_is_the_same_however_a_keyboard_writes_it() {
        let hasher = PasswordHasher::default();
        let typed = "가각힣 가각힣 café";
        let decomposed: String = typed.nfd().collect();
        assert_ne!(typed, decomposed);
        let hash = hasher.hash(&Password::new(&decomposed).unwrap()).await.unwrap();
        let verdict = hasher.check(&Password::attempt(typed), Some(&hash)).await.unwrap();
        assert_eq!(verdict, Verdict::Right);
        // Seven letters, however many characters they are written in.
        let short: String = "가나다라마바사".nfd().collect();
        assert_eq!(Password::new(&short).unwrap_err(), PasswordRefusal::TooShort);
        let long: String = "가".repeat(PASSWORD_BYTES_MAX / 3).nfd().collect();
        assert!(long.len() > PASSWORD_BYTES_MAX && Password::new(&long).is_ok());
    }

    #[tokio::test]
    async fn a_hash_of_other_costs_is_replaced() {
        let cheap = Params::new(64, 1, 1, None).unwrap();
        let cheap = Argon2::new(Algorithm::Argon2id, Version::V0x13, cheap);
        let old = PasswordHash::kept(cheap.hash_password(b"correct horse").unwrap().to_string());
        let attempt = Password::attempt("correct horse");
        let hasher = PasswordHasher::default();
        let verdict = hasher.check(&attempt, Some(&old)).await.unwrap();
        let Verdict::RightButOld(new) = verdict else { unreachable!("{verdict:?}") };
        assert_eq!(hasher.check(&attempt, Some(&new)).await.unwrap(), Verdict::Right);
    }

    #[tokio::test]
    async fn whoever_goes_away_makes_no_room_before_the_work_is_done() {
        let hasher = PasswordHasher::default();
        let asked = HASHES_AT_ONCE + HASHES_WAITING_MAX;
        let (go, wait) = std::sync::mpsc::sync_channel::<()>(0);
        let wait = Arc::new(std::sync::Mutex::new(wait));
        let waiting: Vec<_> = (0..asked)
            .map(|_| {
                let (hasher, wait) = (hasher.clone(), Arc::clone(&wait));
                // Ends when the test does.
                let work = move || drop(wait.lock().map(|wait| wait.recv()));
                tokio::spawn(async move { hasher.beside(work).await })
            })
            .collect();
        while hasher.places.available_permits() > 0 || hasher.working.available_permits() > 0 {
            tokio::task::yield_now().await;
        }
        assert_eq!(hasher.hash(&Password::attempt("x")).await, Err(Busy));
        for one in waiting {
            one.abort();
            drop(one.await);
        }
        assert_eq!(hasher.working.available_permits(), 0, "the work goes on");
        assert_eq!(hasher.places.available_permits(), HASHES_WAITING_MAX);
        drop(go);
    }

    #[test]
    fn a_new_password_has_a_length() {
        assert_eq!(Password::new("1234567").unwrap_err(), PasswordRefusal::TooShort);
        assert!(Password::new("비밀번호여덟글자").is_ok());
        assert!(Password::new(&"x".repeat(PASSWORD_BYTES_MAX)).is_ok());
        let long = "x".repeat(PASSWORD_BYTES_MAX + 1);
        assert_eq!(Password::new(&long).unwrap_err(), PasswordRefusal::TooLong);
    }
}
