//! A folder of this machine. Browsers put and get its files at a route of the shop, which asks here what a
//! URL allows.

use std::{
    fmt, fs,
    io::{self, Read as _, Write as _},
    path::{Path, PathBuf},
    sync::Arc,
};

use base::moment::Moment;
use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD};
use bytes::Bytes;
use form_urlencoded::Serializer;
use store::sea_orm::prelude::async_trait::async_trait;
use tempfile::NamedTempFile;

use super::{
    Files,
    key::Key,
    model::{FilesError, Signed, Upload},
};
use crate::limits::PRIVATE_LINK_TTL;

/// What the key of the MACs is derived for.
const CONTEXT: &str = "rushgate 2026-11-30 media urls";

/// A folder. Clones are the same one.
#[derive(Clone)]
pub struct Folder(Arc<Inner>);

struct Inner {
    root: PathBuf,
    /// Where the shop's route is, without a slash at its end.
    url: String,
    key: [u8; 32],
}

impl fmt::Debug for Folder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Folder").field(&self.0.root).finish()
    }
}

/// What somebody may put, by the URL they came with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ticket {
    key: Key,
    bytes: u64,
}

impl Ticket {
    /// How many bytes it has to be: no more have to be read.
    pub const fn bytes(&self) -> u64 {
        self.bytes
    }
}

impl Folder {
    /// A folder, which is made if it is not there. `url` is that of the shop's route, below which a key
    /// is a path; `secret` is what all nodes share.
    ///
    /// # Errors
    ///
    /// If it cannot be made or written to.
    pub fn open(root: &Path, url: &str, secret: &[u8]) -> io::Result<Self> {
        fs::create_dir_all(root.join(PARTIAL))?;
        let probe = root.join(PARTIAL).join("probe");
        fs::write(&probe, b"")?;
        fs::remove_file(probe)?;
        Ok(Self(Arc::new(Inner {
            root: root.to_owned(),
            url: url.trim_end_matches('/').to_owned(),
            key: blake3::derive_key(CONTEXT, secret),
        })))
    }

    /// What a `PUT` of a key with this query and this `Content-Type` may put; nothing if it may not.
    pub fn ticket(&self, key: &Key, query: &str, media_type: &str, now: Moment) -> Option<Ticket> {
        let value = |name: &str| {
            let mut pairs = form_urlencoded::parse(query.as_bytes());
            pairs.find(|(known, _)| known == name).map(|(_, value)| value.into_owned())
        };
        let bytes = value("bytes")?.parse().ok()?;
        let until = Moment(value("until")?.parse().ok()?);
        let upload = Upload { key, media_type, bytes, until };
        let is_right = self.0.is(&put_text(&upload), &value("mac")?);
        (is_right && now < until).then(|| Ticket { key: key.clone(), bytes })
    }

    /// Puts what somebody brought with a ticket.
    ///
    /// # Errors
    ///
    /// If it has another length than the ticket says, or cannot be written.
    pub async fn receive(&self, ticket: &Ticket, bytes: Bytes) -> Result<(), FilesError> {
        if u64::try_from(bytes.len()).ok() != Some(ticket.bytes) {
            return Err(FilesError(format!(
                "the file has {} bytes: allowed are {}",
                bytes.len(),
                ticket.bytes
            )));
        }
        let (inner, key) = (Arc::clone(&self.0), ticket.key.clone());
        beside(move || inner.write(&key, &bytes)).await
    }

    /// Whether a `GET` of a key with this query may have the file.
    pub fn may_get(&self, key: &Key, query: &str, now: Moment) -> bool {
        if key.is_public() {
            return true;
        }
        let pairs = || form_urlencoded::parse(query.as_bytes());
        let value = |name: &str| pairs().find(|(known, _)| known == name).map(|(_, value)| value);
        let until = value("until").and_then(|until| until.parse().ok()).map(Moment);
        let (Some(until), Some(mac)) = (until, value("mac")) else { return false };
        now < until && self.0.is(&get_text(key, until), &mac)
    }
}

/// Where files are while they are written. No key begins so.
const PARTIAL: &str = ".partial";

fn put_text(upload: &Upload<'_>) -> String {
    let Upload { key, media_type, bytes, until } = upload;
    format!("put\n{key}\n{media_type}\n{bytes}\n{}", until.0)
}

fn get_text(key: &Key, until: Moment) -> String {
    format!("get\n{key}\n{}", until.0)
}

impl Inner {
    fn mac(&self, text: &str) -> blake3::Hash {
        blake3::keyed_hash(&self.key, text.as_bytes())
    }

    fn is(&self, text: &str, mac: &str) -> bool {
        let mac = BASE64_URL_SAFE_NO_PAD.decode(mac).ok();
        let mac: Option<[u8; 32]> = mac.and_then(|mac| mac.try_into().ok());
        // Compared in constant time.
        mac.is_some_and(|mac| self.mac(text) == mac)
    }

    fn sealed(&self, key: &Key, text: &str, pairs: &[(&str, &str)]) -> String {
        let mac = BASE64_URL_SAFE_NO_PAD.encode(self.mac(text).as_bytes());
        let mut query = Serializer::new(String::new());
        let query = query.extend_pairs(pairs).append_pair("mac", &mac).finish();
        format!("{}/{key}?{query}", self.url)
    }

    /// Writes a file so that it is there as a whole or not at all, also after a power cut.
    fn write(&self, key: &Key, bytes: &[u8]) -> io::Result<()> {
        let path = self.root.join(key.as_str());
        let folder = path.parent().unwrap_or(&self.root);
        fs::create_dir_all(folder)?;
        // Its name is its own among all nodes that share the folder, and it goes if this fails.
        let mut partial = NamedTempFile::new_in(self.root.join(PARTIAL))?;
        partial.write_all(bytes)?;
        partial.as_file().sync_all()?;
        partial.persist(&path)?;
        fs::File::open(folder)?.sync_all()
    }

    fn read(&self, key: &Key, bytes_max: u64) -> io::Result<Option<Bytes>> {
        let file = match fs::File::open(self.root.join(key.as_str())) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            file => file?,
        };
        let mut bytes = Vec::new();
        file.take(bytes_max.saturating_add(1)).read_to_end(&mut bytes)?;
        if u64::try_from(bytes.len()).is_ok_and(|length| length > bytes_max) {
            return Err(io::Error::other(format!("the file has more than {bytes_max} bytes")));
        }
        Ok(Some(bytes.into()))
    }

    fn remove(&self, key: &Key) -> io::Result<()> {
        let path = self.root.join(key.as_str());
        match fs::remove_file(&path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        // Its folder, if it is empty now; but none that other files come to.
        if let Some(folder) = path.parent().filter(|folder| folder.parent() != Some(&self.root)) {
            let is_root = folder == self.root;
            // One that is not empty stays.
            let _stays = is_root || fs::remove_dir(folder).is_err();
        }
        Ok(())
    }
}

/// Works beside the runtime.
async fn beside<T: Send + 'static>(
    work: impl FnOnce() -> io::Result<T> + Send + 'static,
) -> Result<T, FilesError> {
    let done = tokio::task::spawn_blocking(work).await;
    let done = done.map_err(|error| FilesError(format!("the work broke off: {error}")))?;
    done.map_err(|error| FilesError(format!("the folder for media: {error}")))
}

#[async_trait]
impl Files for Folder {
    fn sign(&self, upload: &Upload<'_>, _now: Moment) -> Signed {
        let (bytes, until) = (upload.bytes.to_string(), upload.until.0.to_string());
        let pairs = [("bytes", bytes.as_str()), ("until", until.as_str())];
        let url = self.0.sealed(upload.key, &put_text(upload), &pairs);
        Signed { url, media_type: upload.media_type.to_owned(), until: upload.until }
    }

    fn link(&self, key: &Key, now: Moment) -> String {
        if key.is_public() {
            return format!("{}/{key}", self.0.url);
        }
        let until = now.after(PRIVATE_LINK_TTL);
        let pairs = [("until", &*until.0.to_string())];
        self.0.sealed(key, &get_text(key, until), &pairs)
    }

    async fn get(
        &self,
        key: &Key,
        bytes_max: u64,
        _now: Moment,
    ) -> Result<Option<Bytes>, FilesError> {
        let (inner, key) = (Arc::clone(&self.0), key.clone());
        beside(move || inner.read(&key, bytes_max)).await
    }

    async fn put(
        &self,
        key: &Key,
        _media_type: &str,
        bytes: Bytes,
        _now: Moment,
    ) -> Result<(), FilesError> {
        let (inner, key) = (Arc::clone(&self.0), key.clone());
        beside(move || inner.write(&key, &bytes)).await
    }

    async fn remove(&self, key: &Key, _now: Moment) -> Result<(), FilesError> {
        let (inner, key) = (Arc::clone(&self.0), key.clone());
        beside(move || inner.remove(&key)).await
    }
}
