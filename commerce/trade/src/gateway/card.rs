//! The card gateway, which authorises and captures (`docs/doubles.md` has its protocol).
//!
//! Every change carries a key that follows from the payment, so that a repetition has one
//! effect.

use std::time::Duration;

use base::money::Money;

use hyper::header::{AUTHORIZATION, HeaderName};
use outbound::{Answer, Call, Reach, Secret, Target, TargetError, Trust, segment};
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::{
    Gateway,
    answer::{judged, money, options, unknown, won},
    model::{
        Attempt, Begun, GatewayError, GiveBack, Intent, Method, Proof, Stage, Standing, Taken,
    },
};
use crate::limits;

const KEY: HeaderName = HeaderName::from_static("idempotency-key");

/// A key that was used for something else.
const REUSED: &str = "idempotency_conflict";
/// Another amount was refunded before than the call says.
const REFUNDED: &str = "refunded_otherwise";
/// A payment that is not where the call needs it.
const STATE: &str = "wrong_state";

/// How the card gateway is reached.
#[derive(Clone, Debug)]
pub struct CardOptions {
    /// The base URL of the API.
    pub url: String,
    /// The shop's key.
    pub key: Secret,
    /// Where notices of changes go, if they are wanted.
    pub notify: Option<String>,
    /// How long a call may take.
    pub deadline: Duration,
    /// Whose certificates it may have.
    pub trust: Trust,
    /// Which addresses it may have.
    pub reach: Reach,
}

impl CardOptions {
    /// A gateway on the public internet, without notices.
    pub const fn new(url: String, key: Secret) -> Self {
        Self {
            url,
            key,
            notify: None,
            deadline: limits::GATEWAY_DEADLINE,
            trust: Trust::System,
            reach: Reach::Public,
        }
    }
}

/// The gateway.
#[derive(Clone, Debug)]
pub struct Card {
    target: Target,
    key: Secret,
    notify: Option<String>,
}

/// What it says of a payment.
#[derive(Debug, Deserialize)]
struct Authorisation {
    id: String,
    state: String,
    captured: i64,
    refunded: i64,
    pay_url: String,
    created_at_ms: i64,
    expires_at_ms: i64,
    refunds: Vec<Refunded>,
}

/// One refund of it.
#[derive(Debug, Deserialize)]
struct Refunded {
    amount: i64,
    /// The shop's id of the refund; there is one only if the shop asked for it.
    reference: Option<String>,
}

#[derive(Debug, Deserialize)]
struct Refused {
    error: RefusedWith,
}

#[derive(Debug, Deserialize)]
struct RefusedWith {
    code: String,
}

impl Card {
    /// Prepares calls.
    ///
    /// # Errors
    ///
    /// If it cannot be called as configured.
    pub fn new(options: CardOptions) -> Result<Self, TargetError> {
        let CardOptions { url, key, notify, deadline, trust, reach } = options;
        let target = Target::new(&url, self::options(deadline, trust, reach))?;
        Ok(Self { target, key, notify })
    }

    async fn change(
        &self,
        path: &str,
        key: &str,
        body: &(impl Serialize + Sync),
    ) -> Result<Authorisation, GatewayError> {
        self.call(Call::post(path).header(KEY, key).json(body)).await
    }

    /// How a payment stands, for a call that was refused.
    async fn standing(&self, attempt: &Attempt<'_>) -> Result<Standing, GatewayError> {
        self.look_up(attempt).await.map_err(|error| match error {
            GatewayError::Refused { code } => unknown(&code),
            error @ (GatewayError::NotDone(_) | GatewayError::Unheard(_)) => error,
        })
    }

    async fn call(&self, call: Call) -> Result<Authorisation, GatewayError> {
        let call = call.secret(AUTHORIZATION, "Bearer", &self.key);
        let answer = judged(self.target.send(call).await?, code)?;
        Ok(answer.json()?)
    }
}

/// The provider's code for a refusal.
fn code(answer: &Answer) -> Option<String> {
    answer.json::<Refused>().ok().map(|refused| refused.error.code)
}

impl Gateway for Card {
    async fn ready(&self, intent: &Intent<'_>) -> Result<Begun, GatewayError> {
        let title: String = intent.title.chars().take(limits::TITLE_CHARS_MAX).collect();
        let body = json!({
            "order": intent.payment,
            "amount": won(intent.amount)?,
            "currency": intent.amount.currency.code(),
            "description": title,
            "return_url": intent.back.paid,
            "notify_url": self.notify,
        });
        let key = format!("{}-ready", intent.payment);
        let begun = self.change("/authorisations", &key, &body).await?;
        let lasts = u64::try_from(begun.expires_at_ms.saturating_sub(begun.created_at_ms));
        let lasts = Duration::from_millis(lasts.unwrap_or_default());
        Ok(Begun { reference: begun.id, page: begun.pay_url, lasts })
    }

    fn proof(&self, _query: &str) -> Option<Proof> {
        // Anybody can write what stands there; capturing says whether the shopper paid.
        Some(Proof(String::new()))
    }

    async fn approve(&self, attempt: &Attempt<'_>, _proof: &Proof) -> Result<Taken, GatewayError> {
        let path = format!("/authorisations/{}/capture", segment(attempt.reference));
        let key = format!("{}-capture", attempt.payment);
        let body = json!({ "amount": won(attempt.amount)? });
        let told = match self.change(&path, &key, &body).await {
            Err(GatewayError::Refused { code }) if code == STATE => {
                let told = self.standing(attempt).await?;
                return Err(match told.stage {
                    Stage::Open | Stage::Agreed => {
                        GatewayError::NotDone("the shopper had not paid yet".to_owned())
                    }
                    Stage::Taken => GatewayError::Unheard("the money is taken already".to_owned()),
                    Stage::Over => GatewayError::Refused { code },
                });
            }
            told => told?,
        };
        Ok(Taken { amount: money(told.captured), method: Method::Card })
    }

    async fn void(&self, attempt: &Attempt<'_>) -> Result<(), GatewayError> {
        let path = format!("/authorisations/{}/void", segment(attempt.reference));
        let key = format!("{}-void", attempt.payment);
        match self.change(&path, &key, &json!({})).await {
            Err(GatewayError::Refused { code }) if code == STATE => {
                match self.standing(attempt).await?.stage {
                    Stage::Over => Ok(()),
                    Stage::Taken => Err(GatewayError::Refused { code }),
                    Stage::Open | Stage::Agreed => {
                        Err(GatewayError::Unheard("the payment is not voided".to_owned()))
                    }
                }
            }
            done => done.map(|_voided| ()),
        }
    }

    async fn look_up(&self, attempt: &Attempt<'_>) -> Result<Standing, GatewayError> {
        let path = format!("/authorisations/{}", segment(attempt.reference));
        let told = self.call(Call::get(&path)).await?;
        let stage = match told.state.as_str() {
            "pending" => Stage::Open,
            "authorised" => Stage::Agreed,
            "captured" | "part_refunded" | "refunded" => Stage::Taken,
            "declined" | "cancelled" | "expired" | "voided" => Stage::Over,
            _ => return Err(GatewayError::Unheard("the payment has an unknown state".to_owned())),
        };
        let ours = told.refunds.iter().filter(|refund| refund.reference.is_some());
        let ours = ours.fold(0_i64, |sum, refund| sum.saturating_add(refund.amount));
        Ok(Standing {
            stage,
            taken: money(told.captured),
            back: money(told.refunded),
            ours: money(ours),
            method: Some(Method::Card),
        })
    }

    async fn cancel(
        &self,
        attempt: &Attempt<'_>,
        part: &GiveBack<'_>,
    ) -> Result<Money, GatewayError> {
        let path = format!("/authorisations/{}/refunds", segment(attempt.reference));
        // The amount is no part of the key: two amounts after the same one before are a contradiction.
        // The key holds until a call arrives, the precondition also between this call and a late one.
        let before = won(part.before)?;
        let key = format!("{}-back-{before}", attempt.payment);
        let body = json!({
            "amount": won(part.amount)?,
            "refunded_before": before,
            "reference": part.refund,
        });
        match self.change(&path, &key, &body).await {
            Ok(told) => Ok(money(told.refunded)),
            Err(GatewayError::Refused { code }) if code == REUSED => {
                let why = "another amount was asked back under the same key".to_owned();
                Err(GatewayError::Unheard(why))
            }
            Err(GatewayError::Refused { code }) if code == REFUNDED => Err(GatewayError::Unheard(
                "another amount was given back than the shop knew of".to_owned(),
            )),
            Err(error) => Err(error),
        }
    }
}
