//! An object store that speaks S3. Browsers put and get its objects by URLs that it knows to be ours.

use std::{fmt, time::Duration};

use base::moment::Moment;
use bytes::Bytes;
use hyper::StatusCode;
use jiff::Timestamp;
use outbound::{Answer, AnswerBound, Call, Options, Reach, Secret, Target, TargetError, Trust};
use rusty_s3::{Bucket, BucketError, Credentials, S3Action as _, UrlStyle};
use store::sea_orm::prelude::async_trait::async_trait;

use super::{
    Files,
    key::Key,
    model::{FilesError, Signed, Upload},
};
use crate::limits::{FILES_DEADLINE, PRIVATE_LINK_TTL, UPLOAD_BYTES_MAX};

/// How long a URL is good that we call ourselves.
const OWN_TTL: Duration = Duration::from_mins(5);

/// How the object store is reached.
#[derive(Clone, Debug)]
pub struct S3Options {
    /// The endpoint, without the bucket.
    pub endpoint: String,
    /// The bucket.
    pub bucket: String,
    /// Its region.
    pub region: String,
    /// The access key's id.
    pub access_key: String,
    /// The access key's secret.
    pub secret_key: Secret,
    /// Whether the bucket is part of the path, as most stores other than Amazon's have it.
    pub is_in_path: bool,
    /// The URL that public files are read at, if it is not the bucket's own.
    pub public_url: Option<String>,
    /// How long a call may take.
    pub deadline: Duration,
    /// Whose certificates it may have.
    pub trust: Trust,
    /// Which addresses it may have.
    pub reach: Reach,
}

impl S3Options {
    /// A store that the operator named.
    pub const fn new(
        endpoint: String,
        bucket: String,
        region: String,
        access_key: String,
        secret_key: Secret,
    ) -> Self {
        Self {
            endpoint,
            bucket,
            region,
            access_key,
            secret_key,
            is_in_path: true,
            public_url: None,
            deadline: FILES_DEADLINE,
            trust: Trust::System,
            reach: Reach::Anywhere,
        }
    }
}

/// Why the object store cannot be used as configured.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum S3SetupError {
    /// The endpoint is no URL, or none that a bucket of the name can be at.
    Endpoint,
    /// The store cannot be called.
    Target(TargetError),
}

impl fmt::Display for S3SetupError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Endpoint => f.write_str(
                "the endpoint must be an http or https URL that the bucket can be a path or a host of",
            ),
            Self::Target(_) => f.write_str("the object store cannot be called"),
        }
    }
}

impl std::error::Error for S3SetupError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Endpoint => None,
            Self::Target(error) => Some(error),
        }
    }
}

impl From<BucketError> for S3SetupError {
    fn from(_: BucketError) -> Self {
        Self::Endpoint
    }
}

/// An object store.
pub struct S3 {
    bucket: Bucket,
    credentials: Credentials,
    public_url: Option<String>,
    /// Its scheme, host and port.
    origin: String,
    target: Target,
}

impl fmt::Debug for S3 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("S3").field(&self.bucket.name()).finish()
    }
}

impl S3 {
    /// Prepares its use.
    ///
    /// # Errors
    ///
    /// If it cannot be used as configured.
    pub fn new(options: S3Options) -> Result<Self, S3SetupError> {
        let style = if options.is_in_path { UrlStyle::Path } else { UrlStyle::VirtualHost };
        let endpoint = options.endpoint.parse().map_err(|_| S3SetupError::Endpoint)?;
        let bucket = Bucket::new(endpoint, style, options.bucket, options.region)?;
        let origin = bucket.base_url().origin().ascii_serialization();
        let bytes_max = usize::try_from(UPLOAD_BYTES_MAX).unwrap_or(usize::MAX);
        let how = Options {
            answer: AnswerBound::Whole { bytes_max },
            trust: options.trust,
            reach: options.reach,
            ..Options::new(options.deadline)
        };
        Ok(Self {
            credentials: Credentials::new(options.access_key, options.secret_key.expose()),
            public_url: options.public_url.map(|url| url.trim_end_matches('/').to_owned()),
            target: Target::new(&origin, how).map_err(S3SetupError::Target)?,
            origin,
            bucket,
        })
    }

    /// The scheme, host and port of public files' URLs.
    pub fn public_origin(&self) -> &str {
        let Some(url) = self.public_url.as_deref() else { return &self.origin };
        let host = url.find("://").map_or(0, |at| at + "://".len());
        url[host..].find('/').map_or(url, |end| &url[..host + end])
    }

    /// Calls a URL of our own.
    async fn call(
        &self,
        url: impl Into<String>,
        call: impl FnOnce(&str) -> Call,
    ) -> Result<Answer, FilesError> {
        let url = url.into();
        let path = url.strip_prefix(&self.origin).unwrap_or(&url);
        let answer = self.target.send(call(path)).await;
        answer.map_err(|error| FilesError(format!("the object store: {error}")))
    }
}

/// A moment as signatures have it.
fn at(now: Moment) -> Timestamp {
    Timestamp::from_millisecond(now.0).unwrap_or_default()
}

fn unexpected(answer: &Answer) -> FilesError {
    FilesError(format!("the object store answered {}", answer.status.as_u16()))
}

#[async_trait]
impl Files for S3 {
    fn sign(&self, upload: &Upload<'_>, now: Moment) -> Signed {
        let mut put = self.bucket.put_object(Some(&self.credentials), upload.key.as_str());
        put.headers_mut().insert("content-type", upload.media_type);
        put.headers_mut().insert("content-length", upload.bytes.to_string());
        let url = put.sign_with_time(upload.until.since(now), &at(now)).into();
        Signed { url, media_type: upload.media_type.to_owned(), until: upload.until }
    }

    fn link(&self, key: &Key, now: Moment) -> String {
        if !key.is_public() {
            let get = self.bucket.get_object(Some(&self.credentials), key.as_str());
            return get.sign_with_time(PRIVATE_LINK_TTL, &at(now)).into();
        }
        match &self.public_url {
            Some(url) => format!("{url}/{key}"),
            None => self.bucket.object_url(key.as_str()).into(),
        }
    }

    async fn get(
        &self,
        key: &Key,
        bytes_max: u64,
        now: Moment,
    ) -> Result<Option<Bytes>, FilesError> {
        let get = self.bucket.get_object(Some(&self.credentials), key.as_str());
        let answer = self.call(get.sign_with_time(OWN_TTL, &at(now)), Call::get).await?;
        match answer.status {
            StatusCode::OK if answer.body.len() as u64 > bytes_max => {
                Err(FilesError(format!("the object has more than {bytes_max} bytes")))
            }
            StatusCode::OK => Ok(Some(answer.body)),
            StatusCode::NOT_FOUND => Ok(None),
            _ => Err(unexpected(&answer)),
        }
    }

    async fn put(
        &self,
        key: &Key,
        media_type: &str,
        bytes: Bytes,
        now: Moment,
    ) -> Result<(), FilesError> {
        let mut put = self.bucket.put_object(Some(&self.credentials), key.as_str());
        put.headers_mut().insert("content-type", media_type);
        let url = put.sign_with_time(OWN_TTL, &at(now));
        let answer = self.call(url, |path| Call::put(path).body(media_type, bytes)).await?;
        if answer.status.is_success() { Ok(()) } else { Err(unexpected(&answer)) }
    }

    async fn remove(&self, key: &Key, now: Moment) -> Result<(), FilesError> {
        let delete = self.bucket.delete_object(Some(&self.credentials), key.as_str());
        let answer = self.call(delete.sign_with_time(OWN_TTL, &at(now)), Call::delete).await?;
        let is_gone = answer.status.is_success() || answer.status == StatusCode::NOT_FOUND;
        if is_gone { Ok(()) } else { Err(unexpected(&answer)) }
    }
}
