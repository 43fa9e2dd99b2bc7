//! Sessions that were ended before their tokens: a sign-out, a stolen phone, a banned account.
//!
//! Owns two lists of session ids (`sid`). The file is the operator's: one id a line, blank lines and
//! those that begin with `#` left out, read again when it changes. The calls' list lives in this
//! process, each entry until no token of the session can hold any more. Ids are kept as 128 bits of
//! their hash. Both lists are bounded. A file that cannot be read, or is too long, leaves the list
//! read before in force; at the start, when there is none, nothing starts without it.

use std::{
    collections::{HashMap, HashSet},
    path::PathBuf,
    sync::{Mutex, MutexGuard, PoisonError},
    time::{Duration, SystemTime},
};

use arc_swap::ArcSwap;
use engine::sync::Arc;
use tokio::time::{Instant, sleep};

/// Sessions in each of the lists.
const SESSIONS_MAX: usize = 262_144;
/// The longest session id, in bytes.
const SESSION_BYTES_MAX: usize = 256;
/// The longest file: its lines at their longest.
const FILE_BYTES_MAX: u64 = (SESSIONS_MAX * (SESSION_BYTES_MAX + 1)) as u64;
/// How often the file is looked at.
const LOOK: Duration = Duration::from_secs(2);

/// There is no room for more revoked sessions until some of their tokens have expired.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Full;

/// What tells that a file has changed.
type Stamp = (Option<SystemTime>, u64);

/// Both lists.
pub(super) struct Revoked {
    file: Option<PathBuf>,
    listed: ArcSwap<HashSet<u128>>,
    called: Mutex<Called>,
    read: Mutex<Option<Stamp>>,
}

#[derive(Default)]
struct Called(HashMap<u128, Instant>);

impl Revoked {
    /// The lists at the start: what the file has, if there is one, or why it cannot be read.
    pub(super) fn open(file: Option<PathBuf>) -> Result<Self, String> {
        let (listed, called, read) = (ArcSwap::default(), Mutex::default(), Mutex::default());
        let revoked = Self { file, listed, called, read };
        revoked.read_file()?;
        Ok(revoked)
    }

    /// Whether the tokens of this session are refused.
    pub(super) fn contains(&self, session: &str) -> bool {
        let id = id_of(session);
        self.listed.load().contains(&id)
            || self.called().0.get(&id).is_some_and(|until| *until > Instant::now())
    }

    /// Refuses these sessions for so long.
    pub(super) fn add(&self, sessions: &[String], life: Duration) -> Result<(), Full> {
        let now = Instant::now();
        let mut called = self.called();
        if called.0.len() + sessions.len() > SESSIONS_MAX {
            called.0.retain(|_, until| *until > now);
        }
        if called.0.len() + sessions.len() > SESSIONS_MAX {
            return Err(Full);
        }
        called.0.extend(sessions.iter().map(|session| (id_of(session), now + life)));
        Ok(())
    }

    fn called(&self) -> MutexGuard<'_, Called> {
        self.called.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Reads the file again whenever it has changed; returns only if there is none.
    pub(super) async fn keep_fresh(&self) {
        while self.file.is_some() {
            sleep(LOOK).await;
            let read = *self.read.lock().unwrap_or_else(PoisonError::into_inner);
            if self.stamp() != read {
                self.reload();
            }
        }
    }

    /// The file as it is now; `None` when it is not there.
    fn stamp(&self) -> Option<Stamp> {
        let found = std::fs::metadata(self.file.as_ref()?).ok()?;
        Some((found.modified().ok(), found.len()))
    }

    /// Reads the file now, and says in the log what came of it.
    pub(super) fn reload(&self) {
        if let Err(why) = self.read_file() {
            tracing::error!(%why, "the list of revoked sessions that was read before stays in force");
        }
    }

    fn read_file(&self) -> Result<(), String> {
        let Some(file) = &self.file else { return Ok(()) };
        // Looked at before it is read: what changes in between is read again.
        let stamp = self.stamp();
        *self.read.lock().unwrap_or_else(PoisonError::into_inner) = stamp;
        let text = match stamp {
            Some((_, length)) if length > FILE_BYTES_MAX => {
                Err(format!("it is longer than {FILE_BYTES_MAX} bytes"))
            }
            _ => std::fs::read_to_string(file).map_err(|error| error.to_string()),
        };
        let file = file.display();
        let sessions = text
            .and_then(|text| sessions_of(&text))
            .map_err(|why| format!("cannot read the revoked sessions of {file}: {why}"))?;
        tracing::info!(%file, sessions = sessions.len(), "read the revoked sessions");
        self.listed.store(Arc::new(sessions));
        Ok(())
    }
}

/// The ids of a file, or why it is not a list of them.
fn sessions_of(text: &str) -> Result<HashSet<u128>, String> {
    let lines = text.lines().map(str::trim).enumerate();
    let ids = lines.filter(|(_, line)| !line.is_empty() && !line.starts_with('#'));
    let mut sessions = HashSet::new();
    for (at, id) in ids {
        if id.len() > SESSION_BYTES_MAX {
            return Err(format!("line {} is longer than {SESSION_BYTES_MAX} bytes", at + 1));
        }
        sessions.insert(id_of(id));
    }
    if sessions.len() > SESSIONS_MAX {
        return Err(format!(
            "it lists {} sessions; at most {SESSIONS_MAX} are read",
            sessions.len()
        ));
    }
    Ok(sessions)
}

fn id_of(session: &str) -> u128 {
    let mut first = [0; 16];
    first.copy_from_slice(&blake3::hash(session.as_bytes()).as_bytes()[..16]);
    u128::from_le_bytes(first)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_called_session_is_refused_until_its_last_token_has_expired() {
        let revoked = Revoked::open(None).unwrap();
        revoked.add(&["anna".to_owned()], Duration::from_mins(1)).unwrap();
        assert!(revoked.contains("anna") && !revoked.contains("bert"));
        tokio::time::advance(Duration::from_secs(59)).await;
        assert!(revoked.contains("anna"));
        tokio::time::advance(Duration::from_secs(2)).await;
        assert!(!revoked.contains("anna"));
    }

    #[tokio::test(start_paused = true)]
    async fn a_full_list_says_so_and_takes_more_when_some_have_expired() {
        let revoked = Revoked::open(None).unwrap();
        let ids: Vec<String> = (0..SESSIONS_MAX).map(|id| id.to_string()).collect();
        revoked.add(&ids[1..], Duration::from_mins(1)).unwrap();
        let two = ["x".to_owned(), "y".to_owned()];
        assert_eq!(revoked.add(&two, Duration::from_mins(1)), Err(Full));
        assert!(!revoked.contains("x"), "all of a call or nothing");
        tokio::time::advance(Duration::from_secs(61)).await;
        revoked.add(&two, Duration::from_mins(1)).unwrap();
    }

    #[tokio::test]
    async fn a_file_that_cannot_be_read_leaves_the_list_before_in_force() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("revoked");
        std::fs::write(&file, "# ended on Monday\nanna\n\n  bert  \n").unwrap();
        let revoked = Revoked::open(Some(file.clone())).unwrap();
        assert!(revoked.contains("anna") && revoked.contains("bert"));
        std::fs::write(&file, "x".repeat(SESSION_BYTES_MAX + 1)).unwrap();
        revoked.reload();
        assert!(revoked.contains("anna"));
        std::fs::remove_file(&file).unwrap();
        revoked.reload();
        assert!(revoked.contains("anna"));
        std::fs::write(&file, "cleo\n").unwrap();
        revoked.reload();
        assert!(revoked.contains("cleo") && !revoked.contains("anna"));
        assert!(Revoked::open(Some(dir.path().join("none"))).is_err());
    }
}
