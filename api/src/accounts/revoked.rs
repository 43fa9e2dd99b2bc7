//! Sessions that were ended before their tokens: a sign-out, a stolen phone, a banned account.
//!
//! Owns two lists of session ids (`sid`). The file is the operator's: one id a line, blank lines and
//! those that begin with `#` left out, read again when it changes. The calls' list lives in this
//! process, each entry until no token of the session can hold any more. Ids are kept as 128 bits of
//! their hash. Both lists are bounded. A file that cannot be read, or is too long, leaves the list
//! read before in force and is tried again; at the start, when there is none, nothing starts without it.
//! The file is read on a thread for such work, never on one that serves.

use std::{
    collections::{HashMap, HashSet},
    path::PathBuf,
    sync::{Mutex, MutexGuard, PoisonError},
    time::{Duration, SystemTime},
};

use arc_swap::ArcSwap;
use engine::{clock::Millis, sync::Arc};
use tokio::{
    task::spawn_blocking,
    time::{Instant, sleep},
};

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
    called: Mutex<HashMap<u128, End>>,
    reading: Mutex<Reading>,
}

/// When a called session is forgotten: by both clocks. Tokens go by the wall clock, which may be set back; one
/// that was behind and is set right would forget too early.
#[derive(Clone, Copy)]
struct End {
    wall: Millis,
    elapsed: Instant,
}

impl End {
    fn is_over(self, wall: Millis) -> bool {
        self.wall <= wall && self.elapsed <= Instant::now()
    }
}

/// How the last reading of the file went.
#[derive(Default)]
struct Reading {
    /// The file whose list is in force.
    stamp: Option<Stamp>,
    /// Why it could not be read since, if so; said once.
    failed: Option<String>,
}

impl Revoked {
    /// The lists at the start: what the file has, if there is one, or why it cannot be read.
    pub(super) fn open(file: Option<PathBuf>) -> Result<Self, String> {
        let (listed, called, reading) = (ArcSwap::default(), Mutex::default(), Mutex::default());
        let revoked = Self { file, listed, called, reading };
        revoked.read_file()?;
        Ok(revoked)
    }

    /// Whether the tokens of this session are refused at the time `wall` of the wall clock.
    pub(super) fn contains(&self, session: &str, wall: Millis) -> bool {
        let id = id_of(session);
        self.listed.load().contains(&id)
            || self.called().get(&id).is_some_and(|end| !end.is_over(wall))
    }

    /// Refuses these sessions for so long from `wall` on.
    pub(super) fn add(
        &self,
        sessions: &[String],
        wall: Millis,
        life: Duration,
    ) -> Result<(), Full> {
        let mut called = self.called();
        if called.len() + sessions.len() > SESSIONS_MAX {
            called.retain(|_, end| !end.is_over(wall));
        }
        if called.len() + sessions.len() > SESSIONS_MAX {
            return Err(Full);
        }
        let end = End { wall: wall.after(ms(life)), elapsed: Instant::now() + life };
        called.extend(sessions.iter().map(|session| (id_of(session), end)));
        Ok(())
    }

    fn called(&self) -> MutexGuard<'_, HashMap<u128, End>> {
        self.called.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn reading(&self) -> MutexGuard<'_, Reading> {
        self.reading.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Reads the file again whenever it has changed; returns only if there is none.
    pub(super) async fn keep_fresh(self: &Arc<Self>) {
        while self.file.is_some() {
            sleep(LOOK).await;
            self.aside(Self::look).await;
        }
    }

    /// Reads the file now, and says in the log what came of it.
    pub(super) async fn reload(self: &Arc<Self>) {
        self.aside(Self::read_and_say).await;
    }

    /// Does what waits for the disk on a thread for such work. A panic there has ended the process.
    async fn aside(self: &Arc<Self>, work: fn(&Self)) {
        let revoked = Arc::clone(self);
        drop(spawn_blocking(move || work(&revoked)).await);
    }

    /// Reads the file if it is not the one whose list is in force, or could not be read the last time.
    fn look(&self) {
        if self.stamp() != self.reading().stamp {
            self.read_and_say();
        }
    }

    /// The file as it is now; `None` when it is not there.
    fn stamp(&self) -> Option<Stamp> {
        let found = std::fs::metadata(self.file.as_ref()?).ok()?;
        Some((found.modified().ok(), found.len()))
    }

    fn read_and_say(&self) {
        let Err(why) = self.read_file() else { return };
        let mut reading = self.reading();
        // Whatever else changes, it is to be read again.
        reading.stamp = None;
        if reading.failed.as_ref() != Some(&why) {
            tracing::error!(%why, "the list of revoked sessions that was read before stays in force");
            reading.failed = Some(why);
        }
    }

    fn read_file(&self) -> Result<(), String> {
        let Some(file) = &self.file else { return Ok(()) };
        // Looked at before it is read: what changes in between is read again.
        let stamp = self.stamp();
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
        *self.reading() = Reading { stamp, failed: None };
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

fn ms(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

fn id_of(session: &str) -> u128 {
    let mut first = [0; 16];
    first.copy_from_slice(&blake3::hash(session.as_bytes()).as_bytes()[..16]);
    u128::from_le_bytes(first)
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    const NOW: Millis = Millis(1_000_000);
    const LIFE: Duration = Duration::from_mins(1);

    fn later(seconds: u64) -> Millis {
        NOW.after(seconds * 1_000)
    }

    #[tokio::test(start_paused = true)]
    async fn a_called_session_is_refused_until_its_last_token_has_expired() {
        let revoked = Revoked::open(None).unwrap();
        revoked.add(&["anna".to_owned()], NOW, LIFE).unwrap();
        assert!(revoked.contains("anna", NOW) && !revoked.contains("bert", NOW));
        tokio::time::advance(Duration::from_secs(59)).await;
        assert!(revoked.contains("anna", later(59)));
        assert!(revoked.contains("anna", later(3_600)), "a clock that was behind is set right");
        tokio::time::advance(Duration::from_secs(2)).await;
        assert!(revoked.contains("anna", later(1)), "the clock was set back, and so are tokens");
        assert!(!revoked.contains("anna", later(61)));
    }

    #[tokio::test(start_paused = true)]
    async fn a_full_list_says_so_and_takes_more_when_some_have_expired() {
        let revoked = Revoked::open(None).unwrap();
        let ids: Vec<String> = (0..SESSIONS_MAX).map(|id| id.to_string()).collect();
        revoked.add(&ids[1..], NOW, LIFE).unwrap();
        let two = ["x".to_owned(), "y".to_owned()];
        assert_eq!(revoked.add(&two, NOW, LIFE), Err(Full));
        assert!(!revoked.contains("x", NOW), "all of a call or nothing");
        tokio::time::advance(Duration::from_secs(61)).await;
        revoked.add(&two, later(61), LIFE).unwrap();
    }

    #[tokio::test]
    async fn a_file_that_cannot_be_read_leaves_the_list_before_in_force() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("revoked");
        fs::write(&file, "# ended on Monday\nanna\n\n  bert  \n").unwrap();
        let revoked = Arc::new(Revoked::open(Some(file.clone())).unwrap());
        let lists = |session: &str| revoked.contains(session, NOW);
        assert!(lists("anna") && lists("bert"));
        fs::write(&file, "x".repeat(SESSION_BYTES_MAX + 1)).unwrap();
        revoked.reload().await;
        assert!(lists("anna"));
        fs::remove_file(&file).unwrap();
        revoked.reload().await;
        assert!(lists("anna"));
        fs::write(&file, "cleo\n").unwrap();
        revoked.reload().await;
        assert!(lists("cleo") && !lists("anna"));
        assert!(Revoked::open(Some(dir.path().join("none"))).is_err());
    }

    /// As after a `chmod`, which leaves length and time of change as they are.
    #[test]
    fn a_file_that_could_not_be_read_is_read_once_it_can_though_its_stamp_is_the_same() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("revoked");
        fs::write(&file, "anna\n").unwrap();
        let revoked = Revoked::open(Some(file.clone())).unwrap();
        let line = "x".repeat(SESSION_BYTES_MAX + 1);
        fs::write(&file, &line).unwrap();
        let stamp = revoked.stamp();
        revoked.look();
        assert!(revoked.contains("anna", NOW));
        fs::write(&file, line.replacen("xxxxx", "bert\n", 1)).unwrap();
        let opened = fs::File::options().write(true).open(&file).unwrap();
        opened.set_modified(stamp.unwrap().0.unwrap()).unwrap();
        assert_eq!(revoked.stamp(), stamp);
        revoked.look();
        assert!(revoked.contains("bert", NOW) && !revoked.contains("anna", NOW));
    }
}
