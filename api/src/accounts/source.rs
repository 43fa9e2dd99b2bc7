//! Where the key set is read from: a file or a URL.

use std::{fmt, path::PathBuf, time::Duration};

use bytes::Bytes;
use outbound::{Document, DocumentOptions, Fetched, Reach, TargetError};

use super::{key_set::KeySet, options::AccountOptions};

/// The longest set, in bytes: 64 RSA keys with certificate chains stay below.
const SET_BYTES_MAX: usize = 256 * 1_024;
/// How often a file is looked at. A file costs nothing, so a change counts within seconds.
const FILE_FRESH: Duration = Duration::from_secs(5);
/// The shortest time for which a fetched set counts as fresh, whatever its server says.
const FRESH_MIN: Duration = Duration::from_secs(10);

/// Where the set is.
pub(super) enum Source {
    File(PathBuf),
    Url { url: String, document: Document, fresh_max: Duration },
}

impl Source {
    pub(super) fn new(options: &AccountOptions) -> Result<Self, TargetError> {
        let AccountOptions { jwks, deadline, fresh_max, trust, .. } = options;
        if !outbound::is_url(jwks) {
            return Ok(Self::File(PathBuf::from(jwks)));
        }
        let fetching = DocumentOptions {
            deadline: *deadline,
            bytes_max: SET_BYTES_MAX,
            trust: trust.clone(),
            // The operator named it: it may well stand next door.
            reach: Reach::Anywhere,
        };
        let document = Document::new(jwks, fetching)?;
        if !document.is_secure() {
            tracing::warn!(
                url = %jwks,
                "the key set of jwt.jwks is fetched without TLS: whoever can change the answer on its \
                 way can sign in as anybody"
            );
        }
        Ok(Self::Url { url: jwks.clone(), document, fresh_max: *fresh_max })
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
            Self::Url { document, fresh_max, .. } => {
                let Fetched { body, max_age } = document.fetch().await?;
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
