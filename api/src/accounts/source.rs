//! Where the key set is read from: a file or a URL.

use std::{fmt, path::PathBuf, time::Duration};

use bytes::Bytes;

use super::{key_set::KeySet, options::AccountOptions};
use crate::outbound::{self, Document, DocumentError, Fetched};

/// The longest set, in bytes: 64 RSA keys with certificate chains stay below.
const SET_BYTES_MAX: usize = 256 * 1_024;
/// How often a file is looked at. A file costs nothing, so a change counts within seconds.
const FILE_FRESH: Duration = Duration::from_secs(5);
/// The shortest time for which a fetched set counts as fresh, whatever its server says.
const FRESH_MIN: Duration = Duration::from_secs(10);

/// Where the set is.
pub(super) enum Source {
    File(PathBuf),
    Url { url: String, document: Box<Document>, deadline: Duration, fresh_max: Duration },
}

impl Source {
    pub(super) fn new(options: &AccountOptions) -> Result<Self, DocumentError> {
        let AccountOptions { jwks, deadline, fresh_max, .. } = options;
        if !outbound::is_url(jwks) {
            return Ok(Self::File(PathBuf::from(jwks)));
        }
        let document = Box::new(Document::new(jwks, options.trust.clone())?);
        if !document.is_secure() {
            tracing::warn!(
                url = %jwks,
                "the key set of jwt.jwks is fetched without TLS: whoever can change the answer on its \
                 way can sign in as anybody"
            );
        }
        let (deadline, fresh_max) = (*deadline, *fresh_max);
        Ok(Self::Url { url: jwks.clone(), document, deadline, fresh_max })
    }

    /// The set as it is now and for how long it counts as fresh, or why it cannot be read.
    pub(super) async fn read(&self) -> Result<(KeySet, Duration), String> {
        let (bytes, fresh) = match self {
            Self::File(path) => {
                let length = tokio::fs::metadata(path).await.map_err(|error| error.to_string())?;
                if length.len() > SET_BYTES_MAX as u64 {
                    return Err(format!("it is longer than {SET_BYTES_MAX} bytes"));
                }
                let bytes = tokio::fs::read(path).await.map_err(|error| error.to_string())?;
                (Bytes::from(bytes), FILE_FRESH)
            }
            Self::Url { document, deadline, fresh_max, .. } => {
                let Fetched { body, max_age } = document.fetch(*deadline, SET_BYTES_MAX).await?;
                (body, max_age.unwrap_or(*fresh_max).max(FRESH_MIN).min(*fresh_max))
            }
        };
        let set = KeySet::parse(&bytes).map_err(|error| error.to_string())?;
        Ok((set, fresh))
    }
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(path) => write!(f, "{}", path.display()),
            Self::Url { url, .. } => f.write_str(url),
        }
    }
}
