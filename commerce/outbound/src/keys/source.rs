//! Where a key set is read from: a file, a URL, or whoever in this process tells it.

use std::{fmt, future::pending, path::PathBuf, time::Duration};

use bytes::Bytes;
use tokio::{sync::watch, time::timeout};

use super::key_set::KeySet;
use crate::{
    Document, DocumentOptions, Fetched, Reach, TargetError, Trust, is_url,
    limits::{KEY_FILE_FRESH, KEY_SET_BYTES, KEY_SET_FRESH_MIN},
};

/// How a key set is read.
#[derive(Clone, Debug)]
pub struct KeySourceOptions {
    /// Where it is: a URL, or the path of a file.
    pub place: String,
    /// The longest time that a set counts as fresh.
    pub fresh_max: Duration,
    /// How long one fetch may take.
    pub deadline: Duration,
    /// Whose certificates its server may have.
    pub trust: Trust,
    /// Which addresses its server may have.
    pub reach: Reach,
}

/// Where the set is.
#[derive(Debug)]
pub struct KeySource(Place);

#[derive(Debug)]
enum Place {
    File(PathBuf),
    Url { url: String, document: Document, fresh_max: Duration },
    Told { sets: watch::Receiver<Option<Bytes>>, by: &'static str, patience: Duration },
}

impl KeySource {
    /// Prepares reading.
    ///
    /// # Errors
    ///
    /// If it cannot be fetched as configured.
    pub fn new(options: KeySourceOptions) -> Result<Self, TargetError> {
        let KeySourceOptions { place, fresh_max, deadline, trust, reach } = options;
        if !is_url(&place) {
            return Ok(Self(Place::File(PathBuf::from(place))));
        }
        let fetching = DocumentOptions { deadline, bytes_max: KEY_SET_BYTES, trust, reach };
        let document = Document::new(&place, fetching)?;
        Ok(Self(Place::Url { url: place, document, fresh_max }))
    }

    /// Takes the sets that somebody in this process tells, in their JSON. The first one is waited for so long.
    pub fn told(
        sets: watch::Receiver<Option<Bytes>>,
        by: &'static str,
        patience: Duration,
    ) -> Self {
        Self(Place::Told { sets, by, patience })
    }

    /// Whether nobody can change the set on its way.
    pub fn is_secure(&self) -> bool {
        match &self.0 {
            Place::File(_) | Place::Told { .. } => true,
            Place::Url { document, .. } => document.is_secure(),
        }
    }

    /// The set as it is now and for how long it counts as fresh, or why it cannot be read.
    pub(super) async fn read(&self) -> Result<(KeySet, Duration), String> {
        let (bytes, fresh) = match &self.0 {
            Place::File(path) => {
                let length = tokio::fs::metadata(path).await.map_err(|error| error.to_string())?;
                if length.len() > KEY_SET_BYTES as u64 {
                    return Err(format!("it is longer than {KEY_SET_BYTES} bytes"));
                }
                let bytes = tokio::fs::read(path).await.map_err(|error| error.to_string())?;
                (Bytes::from(bytes), KEY_FILE_FRESH)
            }
            Place::Url { document, fresh_max, .. } => {
                let Fetched { body, max_age } = document.fetch().await?;
                (body, max_age.unwrap_or(*fresh_max).max(KEY_SET_FRESH_MIN).min(*fresh_max))
            }
            Place::Told { sets, patience, .. } => {
                let mut sets = sets.clone();
                let first = timeout(*patience, sets.wait_for(Option::is_some)).await;
                let first = first.ok().and_then(Result::ok).and_then(|told| told.clone());
                (first.ok_or("nobody has told it yet")?, KEY_FILE_FRESH)
            }
        };
        let set = KeySet::parse(&bytes).map_err(|error| error.to_string())?;
        Ok((set, fresh))
    }

    /// Waits until there may be another set than the one that was read last, if its place says so by itself.
    pub(super) async fn changed(&self, seen: &mut Option<watch::Receiver<Option<Bytes>>>) {
        if let Place::Told { sets, .. } = &self.0 {
            let seen = seen.get_or_insert_with(|| sets.clone());
            if seen.changed().await.is_ok() {
                return;
            }
        }
        pending::<()>().await;
    }
}

impl fmt::Display for KeySource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Place::File(path) => write!(f, "{}", path.display()),
            Place::Url { url, .. } => f.write_str(url),
            Place::Told { by, .. } => f.write_str(by),
        }
    }
}
