//! What the status of an answer says about money. The same for all providers.

use std::time::Duration;

use base::money::{Currency, Money};
use hyper::StatusCode;
use outbound::{Answer, AnswerBound, Options, Reach, Trust};

use super::model::GatewayError;
use crate::limits;

/// How a provider is called.
pub(super) fn options(deadline: Duration, trust: Trust, reach: Reach) -> Options {
    Options {
        answer: AnswerBound::Whole { bytes_max: limits::GATEWAY_ANSWER_BYTES_MAX },
        in_flight_max: limits::GATEWAY_IN_FLIGHT_MAX,
        trust,
        reach,
        ..Options::new(deadline)
    }
}

/// Passes an answer that says yes. `code` reads the provider's code for a refusal.
pub(super) fn judged(
    answer: Answer,
    code: impl FnOnce(&Answer) -> Option<String>,
) -> Result<Answer, GatewayError> {
    let status = answer.status;
    let words = || format!("the provider answered {}", status.as_u16());
    match status {
        status if status.is_success() => Ok(answer),
        // Not asked for this payment's sake: a wrong key, or too many calls.
        StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN | StatusCode::TOO_MANY_REQUESTS => {
            Err(GatewayError::NotDone(words()))
        }
        StatusCode::REQUEST_TIMEOUT => Err(GatewayError::Unheard(words())),
        status if status.is_client_error() => match code(&answer) {
            Some(code) => Err(GatewayError::Refused { code }),
            // Not the provider's own words: something on the way said it.
            None => Err(GatewayError::Unheard(words())),
        },
        _ => Err(GatewayError::Unheard(words())),
    }
}

/// A look-up that the provider refused says nothing of the payment.
pub(super) fn unknown(code: &str) -> GatewayError {
    GatewayError::Unheard(format!("the provider refused to look the payment up with {code}"))
}

/// The amount in won: what both providers take.
pub(super) fn won(amount: Money) -> Result<i64, GatewayError> {
    if amount.currency == Currency::KRW {
        return Ok(amount.minor);
    }
    Err(GatewayError::Refused { code: "currency".to_owned() })
}

/// An amount that a provider tells.
pub(super) const fn money(won: i64) -> Money {
    Money::new(won, Currency::KRW)
}
