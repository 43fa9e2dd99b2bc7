//! Which arbiter the servers of this run have: `RUSHGATE_CONTRACT_ARBITER=redis` runs the whole
//! contract over a private Redis, as one node of many; without it each process decides alone.
//!
//! The promises are the same with both, so the tests are.

use std::{
    path::Path,
    sync::{OnceLock, mpsc},
    thread,
};

use testkit::redis::{AppendFsync, Redis};

const CHOICE: &str = "RUSHGATE_CONTRACT_ARBITER";

/// What a server on `dir` is told beside its configuration file, unless that names a store itself.
/// The same directory has the same sales, and no other has them.
pub(crate) fn environment(dir: &Path, config: &str) -> Vec<(&'static str, String)> {
    if !is_redis() || config.contains("[redis]") {
        return Vec::new();
    }
    let name: String = dir.to_string_lossy().chars().filter(char::is_ascii_alphanumeric).collect();
    let prefix = name[name.len().saturating_sub(64)..].to_owned();
    vec![
        ("RUSHGATE__ARBITER__KIND", "redis".to_owned()),
        ("RUSHGATE__REDIS__URL", url().to_owned()),
        ("RUSHGATE__REDIS__PREFIX", prefix),
        ("RUSHGATE__SERVER__NODE", "a".to_owned()),
        ("RUSHGATE__KEYS__SECRET", "the secret of all nodes in this run".to_owned()),
    ]
}

/// Whether this run's servers are nodes of many.
pub(crate) fn is_redis() -> bool {
    match std::env::var(CHOICE).as_deref() {
        Ok("redis") => true,
        Ok("local") | Err(_) => false,
        Ok(other) => unreachable!("{CHOICE} is {other:?}; allowed: local, redis"),
    }
}

/// The store of all servers of this run.
fn url() -> &'static str {
    static URL: OnceLock<String> = OnceLock::new();
    URL.get_or_init(|| {
        let (told, socket) = mpsc::sync_channel(1);
        // It ends with the thread that starts it, and is wanted until the process ends.
        thread::spawn(move || {
            let redis = Redis::start(AppendFsync::Everysec).expect("redis-server starts");
            told.send(redis.socket().to_owned()).expect("somebody waits for it");
            loop {
                thread::park();
            }
        });
        let socket = socket.recv().expect("a private Redis");
        format!("redis+unix://{}", socket.display())
    })
}
