//! Firebase Cloud Messaging, HTTP v1: pushes to browsers and telephones.
//!
//! Owns how a message is sent to one device and what the service's answers say of it. Refuses to know
//! whose device it is. A push that nobody answered may have arrived, and the service cannot be asked; so
//! each carries a tag, by which a repetition replaces the first on the device.

mod access;
mod account;
mod model;
mod wire;

use std::sync::Arc;

use base::moment::{Clock, Moment};
use hyper::{StatusCode, header::AUTHORIZATION};
use outbound::{Answer, AnswerBound, Call, Options, Target, segment};

use self::access::Access;
pub use self::{
    account::{AccountError, ServiceAccount},
    model::{Message, PushError, PushOptions, PushSetupError},
};
use crate::limits::{PUSH_ANSWER_BYTES_MAX, PUSHES_AT_ONCE};

/// The service, as one project uses it.
#[derive(Clone, Debug)]
pub struct Fcm {
    target: Target,
    path: String,
    access: Arc<Access>,
}

impl Fcm {
    /// Prepares sending.
    ///
    /// # Errors
    ///
    /// If nothing could ever be sent as configured.
    pub fn new(options: PushOptions, clock: Arc<dyn Clock>) -> Result<Self, PushSetupError> {
        let PushOptions { account, url, deadline, trust, reach } = options;
        let how = || Options {
            answer: AnswerBound::Whole { bytes_max: PUSH_ANSWER_BYTES_MAX },
            in_flight_max: usize::try_from(PUSHES_AT_ONCE).unwrap_or(usize::MAX),
            trust: trust.clone(),
            reach,
            ..Options::new(deadline)
        };
        let target = Target::new(&url, how()).map_err(PushSetupError::Service)?;
        let prover = Target::new(account.token_uri(), how()).map_err(PushSetupError::TokenUri)?;
        let path = format!("/v1/projects/{}/messages:send", segment(account.project()));
        Ok(Self { target, path, access: Arc::new(Access::new(account, prover, clock)) })
    }

    /// Sends a message to the device that the service knows by a token.
    ///
    /// # Errors
    ///
    /// As [`PushError`] says.
    ///
    /// # Panics
    ///
    /// Panics inside a write to the database, as every call to another service does.
    pub async fn send(
        &self,
        token: &str,
        message: &Message<'_>,
        now: Moment,
    ) -> Result<(), PushError> {
        let access = self.access.get().await?;
        let call = Call::post(&self.path)
            .secret(AUTHORIZATION, "Bearer", &access)
            .json(&wire::body(token, message, now));
        let answer = self.target.send(call).await?;
        if answer.status == StatusCode::UNAUTHORIZED {
            self.access.forget(&access);
        }
        judged(&answer)
    }
}

/// What an answer says of the message.
fn judged(answer: &Answer) -> Result<(), PushError> {
    if answer.status.is_success() {
        return Ok(());
    }
    let told = wire::refusal(answer);
    let why = || {
        let name = told.code.as_deref().unwrap_or("no code");
        format!("the push service answered {} ({name})", answer.status.as_u16())
    };
    match (answer.status, told.code.as_deref()) {
        (StatusCode::NOT_FOUND, Some("UNREGISTERED"))
        | (StatusCode::FORBIDDEN, Some("SENDER_ID_MISMATCH")) => Err(PushError::Gone),
        (StatusCode::BAD_REQUEST, _) if told.is_about_the_token => Err(PushError::Gone),
        (StatusCode::BAD_REQUEST, _) => Err(PushError::Refused(why())),
        // What is left is not the message's fault: a wrong key or project, too many at once, an outage.
        _ => Err(PushError::Later(why())),
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use hyper::HeaderMap;
    use serde_json::json;

    use super::*;

    fn answered(status: u16, code: &str, message: &str, field: &str) -> Result<(), PushError> {
        let details = json!([
            { "@type": "type.googleapis.com/google.firebase.fcm.v1.FcmError", "errorCode": code },
            { "@type": "type.googleapis.com/google.rpc.BadRequest",
              "fieldViolations": [{ "field": field, "description": "no such thing" }] },
        ]);
        judged(&Answer {
            status: StatusCode::from_u16(status).unwrap(),
            headers: HeaderMap::new(),
            body: Bytes::from(
                json!({ "error": { "message": message, "details": details } }).to_string(),
            ),
        })
    }

    #[test]
    fn only_the_services_word_on_the_token_takes_a_device_away() {
        assert_eq!(answered(404, "UNREGISTERED", "", ""), Err(PushError::Gone));
        assert_eq!(answered(403, "SENDER_ID_MISMATCH", "", ""), Err(PushError::Gone));
        let told = answered(400, "INVALID_ARGUMENT", "", "message.token");
        assert_eq!(told, Err(PushError::Gone));
        let words = "The registration token is not a valid FCM registration token";
        assert_eq!(answered(400, "INVALID_ARGUMENT", words, ""), Err(PushError::Gone));
        let told = answered(400, "INVALID_ARGUMENT", "too long", "message.data");
        assert!(matches!(told, Err(PushError::Refused(_))), "{told:?}");
        for (status, code) in [
            (401, "UNAUTHENTICATED"),
            (403, "PERMISSION_DENIED"),
            (404, "NOT_FOUND"),
            (429, "QUOTA_EXCEEDED"),
            (500, "INTERNAL"),
            (503, "UNAVAILABLE"),
        ] {
            let told = answered(status, code, "", "");
            assert!(matches!(told, Err(PushError::Later(_))), "{status} {code}: {told:?}");
        }
        for body in ["", "[]", "<html>", "{\"error\":\"x\"}"] {
            let body = Bytes::from(body);
            let answer = Answer { status: StatusCode::NOT_FOUND, headers: HeaderMap::new(), body };
            assert!(matches!(judged(&answer), Err(PushError::Later(_))));
        }
    }
}
