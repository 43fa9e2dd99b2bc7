//! A document at a URL, fetched again and again: whole, in time and within its bound, or not at all.

use std::{fmt, time::Duration};

use bytes::Bytes;
use hyper::{
    HeaderMap, StatusCode,
    header::{ACCEPT, CACHE_CONTROL},
};

use crate::{AnswerBound, Call, Options, Reach, Target, TargetError, Trust};

/// How a document is fetched.
#[derive(Clone, Debug)]
pub struct DocumentOptions {
    /// How long one fetch may take.
    pub deadline: Duration,
    /// The longest document, in bytes.
    pub bytes_max: usize,
    /// Whose certificates an https server may have.
    pub trust: Trust,
    /// Which addresses it may have.
    pub reach: Reach,
}

/// Where the document is.
#[derive(Clone, Debug)]
pub struct Document(Target);

/// A document as it came.
pub struct Fetched {
    /// All of it.
    pub body: Bytes,
    /// For how long the server says that it stays as it is.
    pub max_age: Option<Duration>,
}

impl fmt::Debug for Fetched {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Fetched({} bytes, max-age {:?})", self.body.len(), self.max_age)
    }
}

impl Document {
    /// Prepares fetching.
    ///
    /// # Errors
    ///
    /// If it cannot be fetched as configured.
    pub fn new(url: &str, options: DocumentOptions) -> Result<Self, TargetError> {
        let DocumentOptions { deadline, bytes_max, trust, reach } = options;
        let target = Target::new(
            url,
            Options {
                answer: AnswerBound::Whole { bytes_max },
                // Minutes lie between two fetches: a connection that is kept would be closed by then.
                idle: Duration::ZERO,
                trust,
                reach,
                ..Options::new(deadline)
            },
        )?;
        Ok(Self(target))
    }

    /// Whether it is fetched over TLS.
    pub fn is_secure(&self) -> bool {
        self.0.is_secure()
    }

    /// The whole document, or in plain words why it cannot be had.
    ///
    /// # Errors
    ///
    /// If there is no answer in time, or another one than 200 with a document within the bound.
    pub async fn fetch(&self) -> Result<Fetched, String> {
        let call = Call::get("").header(ACCEPT, "application/json");
        let answer = self.0.send(call).await.map_err(|error| error.to_string())?;
        let status = answer.status;
        if status.is_redirection() {
            return Err(format!("it answered {}; redirects are not followed", status.as_u16()));
        }
        if status != StatusCode::OK {
            return Err(format!("it answered {} instead of 200", status.as_u16()));
        }
        Ok(Fetched { max_age: max_age(&answer.headers), body: answer.body })
    }
}

/// `max-age` of `Cache-Control`; zero where the answer must not be kept.
fn max_age(headers: &HeaderMap) -> Option<Duration> {
    let lines = headers.get_all(CACHE_CONTROL).iter().filter_map(|line| line.to_str().ok());
    let directives: Vec<_> = lines.flat_map(|line| line.split(',')).map(str::trim).collect();
    let says = |name: &str| directives.iter().any(|said| said.eq_ignore_ascii_case(name));
    // Beside a max-age, wherever it stands.
    if says("no-store") || says("no-cache") {
        return Some(Duration::ZERO);
    }
    directives.iter().find_map(|directive| {
        let (name, seconds) = directive.split_once('=')?;
        let is_it = name.eq_ignore_ascii_case("max-age");
        seconds.parse().ok().filter(|_| is_it).map(Duration::from_secs)
    })
}

#[cfg(test)]
mod tests {
    use hyper::header::HeaderValue;

    use super::*;

    #[test]
    fn nothing_of_a_document_is_shown() {
        let fetched = Fetched { body: Bytes::from_static(b"hush"), max_age: None };
        assert_eq!(format!("{fetched:?}"), "Fetched(4 bytes, max-age None)");
    }

    #[test]
    fn a_document_stays_as_it_is_for_as_long_as_its_server_says() {
        let age = |line: &'static str| {
            let mut headers = HeaderMap::new();
            headers.insert(CACHE_CONTROL, HeaderValue::from_static(line));
            max_age(&headers).map(|age| age.as_secs())
        };
        assert_eq!(age("public, Max-Age=300"), Some(300));
        assert_eq!(age("no-store"), Some(0));
        assert_eq!(age("max-age=300, No-Store"), Some(0));
        assert_eq!(age("max-age=300, no-cache"), Some(0));
        assert_eq!(age("public, s-maxage=9"), None);
        assert_eq!(max_age(&HeaderMap::new()), None);
    }
}
