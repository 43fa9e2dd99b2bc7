//! A document at a URL, fetched again and again: whole, in time and within its bound, or not at all.

use std::{error::Error as _, fmt, time::Duration};

use bytes::Bytes;
use http_body_util::{BodyExt as _, Empty, Limited};
use hyper::{
    HeaderMap, Request, StatusCode, Uri,
    header::{ACCEPT, CACHE_CONTROL, HeaderValue, USER_AGENT},
};
use hyper_rustls::HttpsConnector;
use hyper_util::{
    client::legacy::{Client, connect::HttpConnector},
    rt::TokioExecutor,
};
use tokio::time::timeout;

use super::{AGENT, Trust, URL_ALLOWED, connector, parse};

/// Where the document is.
#[derive(Debug)]
pub struct Document {
    client: Client<HttpsConnector<HttpConnector>, Empty<Bytes>>,
    uri: Uri,
}

/// A document as it came.
#[derive(Debug)]
pub struct Fetched {
    /// All of it.
    pub body: Bytes,
    /// For how long the server says that it stays as it is.
    pub max_age: Option<Duration>,
}

/// Why a document cannot be fetched as configured.
#[derive(Debug)]
pub enum DocumentError {
    /// The URL is not one that can be called.
    Url,
    /// The certificates to trust cannot be read; says why.
    Trust(String),
}

impl fmt::Display for DocumentError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Url => write!(f, "the URL must be {URL_ALLOWED}"),
            Self::Trust(why) => write!(f, "cannot read the certificates to trust: {why}"),
        }
    }
}

impl std::error::Error for DocumentError {}

impl Document {
    /// Prepares fetching.
    pub fn new(url: &str, trust: Trust) -> Result<Self, DocumentError> {
        let uri = parse(url).ok_or(DocumentError::Url)?;
        let connector = connector(&uri, trust).map_err(DocumentError::Trust)?;
        // Minutes lie between two fetches: a connection that is kept would be closed by then.
        let client =
            Client::builder(TokioExecutor::new()).pool_max_idle_per_host(0).build(connector);
        Ok(Self { client, uri })
    }

    /// Whether it is fetched over TLS.
    pub fn is_secure(&self) -> bool {
        self.uri.scheme_str() == Some("https")
    }

    /// The whole document, or in plain words why it cannot be had.
    pub async fn fetch(&self, deadline: Duration, bytes_max: usize) -> Result<Fetched, String> {
        let fetching = self.fetch_all(bytes_max);
        let late = |_| format!("no answer within {} ms", deadline.as_millis());
        timeout(deadline, fetching).await.map_err(late)?
    }

    async fn fetch_all(&self, bytes_max: usize) -> Result<Fetched, String> {
        let request = Request::get(self.uri.clone())
            .header(ACCEPT, HeaderValue::from_static("application/json"))
            .header(USER_AGENT, HeaderValue::from_static(AGENT))
            .body(Empty::new())
            .map_err(|error| error.to_string())?;
        let response = self.client.request(request).await.map_err(|error| {
            let cause = error.source().map(ToString::to_string).unwrap_or_default();
            format!("{error}: {cause}")
        })?;
        let status = response.status();
        if status.is_redirection() {
            return Err(format!("it answered {}; redirects are not followed", status.as_u16()));
        }
        if status != StatusCode::OK {
            return Err(format!("it answered {} instead of 200", status.as_u16()));
        }
        let max_age = max_age(response.headers());
        let body = Limited::new(response.into_body(), bytes_max).collect().await;
        let body = body.map_err(|error| {
            let is_too_long = error.is::<http_body_util::LengthLimitError>();
            if is_too_long {
                format!("it is longer than {bytes_max} bytes")
            } else {
                error.to_string()
            }
        })?;
        Ok(Fetched { body: body.to_bytes(), max_age })
    }
}

/// `max-age` of `Cache-Control`; zero where the answer must not be kept.
fn max_age(headers: &HeaderMap) -> Option<Duration> {
    let lines = headers.get_all(CACHE_CONTROL).iter().filter_map(|line| line.to_str().ok());
    let mut directives = lines.flat_map(|line| line.split(',')).map(str::trim);
    directives.find_map(|directive| {
        if directive.eq_ignore_ascii_case("no-store") || directive.eq_ignore_ascii_case("no-cache")
        {
            return Some(Duration::ZERO);
        }
        let (name, seconds) = directive.split_once('=')?;
        let is_it = name.eq_ignore_ascii_case("max-age");
        seconds.parse().ok().filter(|_| is_it).map(Duration::from_secs)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_document_stays_as_it_is_for_as_long_as_its_server_says() {
        let age = |line: &'static str| {
            let mut headers = HeaderMap::new();
            headers.insert(CACHE_CONTROL, HeaderValue::from_static(line));
            max_age(&headers).map(|age| age.as_secs())
        };
        assert_eq!(age("public, Max-Age=300"), Some(300));
        assert_eq!(age("no-store"), Some(0));
        assert_eq!(age("public, s-maxage=9"), None);
        assert_eq!(max_age(&HeaderMap::new()), None);
    }
}
