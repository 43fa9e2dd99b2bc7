//! Where a key set is read from: a file or a URL.

use std::{fmt, path::PathBuf, time::Duration};

use bytes::Bytes;

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

    /// Whether nobody can change the set on its way.
    pub fn is_secure(&self) -> bool {
        match &self.0 {
            Place::File(_) => true,
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
        };
        let set = KeySet::parse(&bytes).map_err(|error| error.to_string())?;
        Ok((set, fresh))
    }
}

impl fmt::Display for KeySource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Place::File(path) => write!(f, "{}", path.display()),
            Place::Url { url, .. } => f.write_str(url),
        }
    }
}
