//! One call: what it names, whether it writes, and how long its answer may take.

use std::time::Duration;

use engine::id::SaleTag;
use fred::types::{Value, config::Options};
use tokio::time::timeout;

use super::StoreError;

/// Which keys a call names.
#[derive(Clone, Copy, Debug)]
pub(super) enum Keys {
    Of(SaleTag),
    /// What nodes heard in a period, and a place to put it together.
    Heard(SaleTag, u64),
    None,
}

/// Whether a call may write.
#[derive(Clone, Copy, Debug)]
pub(super) enum Writes {
    Yes,
    No,
}

pub(super) fn call_options(deadline: Duration) -> Options {
    Options {
        max_attempts: Some(1),
        timeout: Some(deadline),
        fail_fast: true,
        ..Options::default()
    }
}

/// The answer, if it comes in time.
pub(super) fn within<T>(
    deadline: Duration,
    answer: impl Future<Output = Result<T, fred::error::Error>>,
) -> impl Future<Output = Result<T, StoreError>> {
    // The client's calls are of 20 KiB each, which everything above would carry along.
    let answer = Box::pin(answer);
    async move {
        match timeout(deadline, answer).await {
            Ok(answer) => answer.map_err(StoreError::of_call),
            Err(_) => Err(StoreError::Unavailable("no answer within the deadline".to_owned())),
        }
    }
}

pub(super) fn number(number: impl Into<u64>) -> Value {
    Value::from(number.into().to_string())
}

pub(super) fn bytes(bytes: &[u8]) -> Value {
    Value::from(bytes)
}

/// What tells one writer from another.
pub(super) fn random() -> Result<[u8; 16], StoreError> {
    let mut random = [0; 16];
    getrandom::fill(&mut random).map_err(|_| StoreError::Reply("no random numbers"))?;
    Ok(random)
}
