//! The two places for files, as a browser sees them.

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use commons::files::{Files, Folder, Key, S3, S3Options, Signed};
use doubles::{
    Setting,
    s3::{Account, ObjectStore},
};
use outbound::{Call, Options, Reach, Secret, Target};
use store::{Moment, trial::Trial};
use tempfile::TempDir;

const FOLDER_URL: &str = "https://shop.example/media";

/// A place and the other side of it.
pub(crate) struct Place {
    pub(crate) files: Arc<dyn Files>,
    pub(crate) side: Side,
}

pub(crate) enum Side {
    /// The shop's route, and what is below it.
    Route(Folder, TempDir),
    /// A double.
    Store(ObjectStore),
}

impl Place {
    pub(crate) async fn both(trial: &Trial) -> [Self; 2] {
        [Self::folder(), Self::s3(trial).await]
    }

    pub(crate) fn folder() -> Self {
        let below = tempfile::tempdir().unwrap();
        let folder = Folder::open(below.path(), FOLDER_URL, b"a secret of all nodes").unwrap();
        Self { files: Arc::new(folder.clone()), side: Side::Route(folder, below) }
    }

    pub(crate) async fn s3(trial: &Trial) -> Self {
        let setting = Setting { clock: trial.clock(), ..Setting::local() };
        let text = str::to_owned;
        let account = Account { key: text("AK"), secret: text("hush"), region: text("kr-1") };
        let store = ObjectStore::start(setting, account, "media").await.unwrap();
        let secret = Secret::new(text("hush"));
        let options =
            S3Options::new(store.url().to_owned(), text("media"), text("kr-1"), text("AK"), secret);
        let files = S3::new(S3Options { deadline: Duration::from_secs(5), ..options }).unwrap();
        Self { files: Arc::new(files), side: Side::Store(store) }
    }

    /// Puts a file as a browser does, and says whether it was taken.
    pub(crate) async fn put(
        &self,
        signed: &Signed,
        media_type: &str,
        bytes: Bytes,
        now: Moment,
    ) -> bool {
        match &self.side {
            Side::Route(folder, _) => {
                let (key, query) = split(&signed.url);
                let Some(ticket) = folder.ticket(&key, query, media_type, now) else {
                    return false;
                };
                folder.receive(&ticket, bytes).await.is_ok()
            }
            Side::Store(_) => {
                let (target, path) = target(&signed.url);
                let answer = target.send(Call::put(&path).body(media_type, bytes)).await.unwrap();
                answer.status.is_success()
            }
        }
    }

    /// Gets what a URL leads to, as a browser does.
    pub(crate) async fn get(&self, url: &str, now: Moment) -> Option<Bytes> {
        match &self.side {
            Side::Route(folder, _) => {
                let (key, query) = split(url);
                if !folder.may_get(&key, query, now) {
                    return None;
                }
                self.files.get(&key, 1 << 24, now).await.unwrap()
            }
            Side::Store(_) => {
                let (target, path) = target(url);
                let answer = target.send(Call::get(&path)).await.unwrap();
                answer.status.is_success().then_some(answer.body)
            }
        }
    }

    /// The keys of all that is there.
    pub(crate) fn keys(&self) -> Vec<String> {
        match &self.side {
            Side::Route(_, below) => {
                let mut keys = Vec::new();
                let mut folders = vec![below.path().to_owned()];
                while let Some(folder) = folders.pop() {
                    for entry in std::fs::read_dir(folder).unwrap() {
                        let path = entry.unwrap().path();
                        if path.is_dir() {
                            folders.push(path);
                        } else {
                            let key = path.strip_prefix(below.path()).unwrap();
                            keys.push(key.to_str().unwrap().to_owned());
                        }
                    }
                }
                keys.sort();
                keys
            }
            Side::Store(store) => store.objects().into_keys().collect(),
        }
    }
}

/// The key and the query of a URL of the shop's route.
fn split(url: &str) -> (Key, &str) {
    let rest = url.strip_prefix(FOLDER_URL).unwrap().trim_start_matches('/');
    let (path, query) = rest.split_once('?').unwrap_or((rest, ""));
    (Key::parse(path).unwrap(), query)
}

fn target(url: &str) -> (Target, String) {
    let path = url.match_indices('/').nth(2).unwrap().0;
    let options = Options { reach: Reach::Anywhere, ..Options::new(Duration::from_secs(5)) };
    (Target::new(&url[..path], options).unwrap(), url[path..].to_owned())
}
