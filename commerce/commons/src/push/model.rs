//! What a push is, and what can become of it.

use std::{fmt, time::Duration};

use base::moment::Moment;
use outbound::{CallError, Reach, TargetError, Trust};

use super::account::ServiceAccount;
use crate::limits::PUSH_DEADLINE;

/// Where Google has it.
const GOOGLE: &str = "https://fcm.googleapis.com";

/// How the service is reached.
#[derive(Clone, Debug)]
pub struct PushOptions {
    /// Who sends.
    pub account: ServiceAccount,
    /// The base URL of the API.
    pub url: String,
    /// How long a call may take.
    pub deadline: Duration,
    /// Whose certificates it may have.
    pub trust: Trust,
    /// Which addresses it may have.
    pub reach: Reach,
}

impl PushOptions {
    /// Google's service.
    pub fn new(account: ServiceAccount) -> Self {
        Self {
            account,
            url: GOOGLE.to_owned(),
            deadline: PUSH_DEADLINE,
            trust: Trust::System,
            reach: Reach::Public,
        }
    }
}

/// Why no push could be sent as configured.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PushSetupError {
    /// The service's URL cannot be called.
    Service(TargetError),
    /// Nor can the `token_uri` of the service account.
    TokenUri(TargetError),
}

impl fmt::Display for PushSetupError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Service(_) => f.write_str("the push service cannot be called"),
            Self::TokenUri(_) => f.write_str("the service account's `token_uri` cannot be called"),
        }
    }
}

impl std::error::Error for PushSetupError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Service(error) | Self::TokenUri(error) => Some(error),
        }
    }
}

/// What a device is to show.
#[derive(Clone, Copy, Debug)]
pub struct Message<'a> {
    /// A later message with the same tag replaces this one on the device.
    pub tag: &'a str,
    /// The first line.
    pub title: &'a str,
    /// The rest.
    pub body: &'a str,
    /// The page that opens, as an absolute URL.
    pub link: Option<&'a str>,
    /// A picture beside it, as an absolute URL.
    pub image: Option<&'a str>,
    /// After this, it is of no use to show it.
    pub until: Option<Moment>,
}

/// Why a message was not sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PushError {
    /// There is no such device any more: its token is to be removed.
    Gone,
    /// The service never takes this message.
    Refused(String),
    /// It was not taken now, or nobody knows. It may be sent again.
    Later(String),
}

impl fmt::Display for PushError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Gone => f.write_str("the push service does not know the device any more"),
            Self::Refused(why) | Self::Later(why) => f.write_str(why),
        }
    }
}

impl std::error::Error for PushError {}

impl From<CallError> for PushError {
    fn from(error: CallError) -> Self {
        Self::Later(error.to_string())
    }
}
