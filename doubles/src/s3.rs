//! An object store that speaks S3: objects are put and got by presigned URLs.
//!
//! Owns buckets in memory and the check of signatures (AWS Signature Version 4, in the query). Refuses
//! listing, parts and policies. Always true: what was signed is what is stored: the content type and the
//! length of a PUT too, where they were signed.

use std::{
    collections::BTreeMap,
    fmt, io,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use base::moment::Clock;
use bytes::Bytes;
use hyper::{
    Method, StatusCode,
    header::{CONTENT_LENGTH, ETAG},
};
use ring::digest;

pub use self::signature::Account;
use self::signature::Refusal;
use crate::{
    Asked, Setting,
    server::{Reply, Server, Site, bind, bytes_of, tells_of_its_server, with},
    token,
};

mod signature;

/// What is stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Object {
    /// As it was put.
    pub bytes: Bytes,
    /// As it was put.
    pub content_type: String,
}

/// A running double.
#[derive(Debug)]
pub struct ObjectStore {
    server: Server,
    store: Arc<Store>,
}

struct Store {
    account: Account,
    bucket: String,
    clock: Arc<dyn Clock>,
    objects: Mutex<BTreeMap<String, Object>>,
}

impl fmt::Debug for Store {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Store").field("bucket", &self.bucket).finish_non_exhaustive()
    }
}

tells_of_its_server!(ObjectStore, "`put`, `get` and `delete` are the operations");

impl ObjectStore {
    /// Starts it with one bucket, which is the first part of each path.
    ///
    /// # Errors
    ///
    /// If its address cannot be listened at.
    pub async fn start(setting: Setting, account: Account, bucket: &str) -> io::Result<Self> {
        let bound = bind(&setting).await?;
        let store = Arc::new(Store {
            account,
            bucket: bucket.to_owned(),
            clock: setting.clock,
            objects: Mutex::default(),
        });
        let server = Server::start(bound, Arc::clone(&store), setting.faults);
        Ok(Self { server, store })
    }

    /// The endpoint, without the bucket.
    pub fn url(&self) -> &str {
        &self.server.url
    }

    /// What is stored, by key.
    pub fn objects(&self) -> BTreeMap<String, Object> {
        self.store.lock().clone()
    }
}

impl Site for Store {
    fn operation(&self, asked: &Asked) -> Option<&'static str> {
        match asked.method {
            Method::PUT => Some("put"),
            Method::GET | Method::HEAD => Some("get"),
            Method::DELETE => Some("delete"),
            _ => None,
        }
    }

    fn answer(&self, asked: &Asked) -> Reply {
        match self.checked(asked) {
            Ok(reply) => reply,
            Err(refusal) => refusal.reply(),
        }
    }

    fn refusal(&self) -> Reply {
        Refusal::SLOW_DOWN.reply()
    }
}

impl Store {
    fn checked(&self, asked: &Asked) -> Result<Reply, Refusal> {
        signature::check(asked, &self.account, self.clock.now())?;
        let key = asked.path.strip_prefix('/').and_then(|path| path.strip_prefix(&*self.bucket));
        let key = key.and_then(|path| path.strip_prefix('/')).filter(|key| !key.is_empty());
        let key = key.ok_or(Refusal::NO_BUCKET)?.to_owned();
        let mut objects = self.lock();
        match asked.method {
            Method::PUT => {
                let content_type =
                    asked.header("content-type").unwrap_or("binary/octet-stream").to_owned();
                let object = Object { bytes: asked.body.clone(), content_type };
                let reply = with(bytes_of(StatusCode::OK, "text/plain", ""), ETAG, &etag(&object));
                objects.insert(key, object);
                Ok(reply)
            }
            Method::DELETE => {
                objects.remove(&key);
                Ok(bytes_of(StatusCode::NO_CONTENT, "text/plain", ""))
            }
            Method::HEAD => {
                let object = objects.get(&key).ok_or(Refusal::NO_KEY)?;
                let reply = bytes_of(StatusCode::OK, &object.content_type, "");
                let reply = with(reply, CONTENT_LENGTH, &object.bytes.len().to_string());
                Ok(with(reply, ETAG, &etag(object)))
            }
            _ => {
                let object = objects.get(&key).ok_or(Refusal::NO_KEY)?;
                let reply = bytes_of(StatusCode::OK, &object.content_type, object.bytes.clone());
                Ok(with(reply, ETAG, &etag(object)))
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<String, Object>> {
        self.objects.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Names the content. Clients must not read more into it.
fn etag(object: &Object) -> String {
    let hash = digest::digest(&digest::SHA256, &object.bytes);
    format!("\"{}\"", token::hex(&hash.as_ref()[..16]))
}
