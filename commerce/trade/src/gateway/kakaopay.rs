//! `KakaoPay`, single payment (`open-api.kakaopay.com/online/v1/payment`).
//!
//! Its `cancel` has no key against repetition, so each says what can be given back, itself included.
//! The provider refuses when that is no longer so, and a look-up tells what happened.

use std::time::Duration;

use base::{id::Id, money::Money};

use form_urlencoded::parse;
use hyper::header::AUTHORIZATION;
use outbound::{Answer, Call, Reach, Secret, Target, TargetError, Trust};
use serde::{Serialize, de::DeserializeOwned};

use self::wire::{
    Action, Amount, Approve, Approved, Cancel, Look, Looked, Readied, Ready, Refused,
};
use super::{
    Gateway,
    answer::{judged, money, options, unknown, won},
    model::{
        Attempt, Begun, GatewayError, GiveBack, Intent, Method, Proof, Stage, Standing, Taken,
    },
};
use crate::limits;

mod wire;

/// How long after `ready` the provider still approves.
const LASTS: Duration = Duration::from_mins(15);

/// An amount that is wrong, such as one that can no longer be returned.
const WRONG_AMOUNTS: [i64; 2] = [-710, -722];

/// How `KakaoPay` is reached.
#[derive(Clone, Debug)]
pub struct KakaoPayOptions {
    /// The base URL of the API.
    pub url: String,
    /// The merchant's code.
    pub cid: String,
    /// The merchant's secret key.
    pub key: Secret,
    /// How long a call may take.
    pub deadline: Duration,
    /// Whose certificates it may have.
    pub trust: Trust,
    /// Which addresses it may have.
    pub reach: Reach,
}

impl KakaoPayOptions {
    /// The real one.
    pub fn new(cid: String, key: Secret) -> Self {
        Self {
            url: "https://open-api.kakaopay.com/online/v1/payment".to_owned(),
            cid,
            key,
            deadline: limits::GATEWAY_DEADLINE,
            trust: Trust::System,
            reach: Reach::Public,
        }
    }
}

/// The gateway.
#[derive(Clone, Debug)]
pub struct KakaoPay {
    target: Target,
    cid: String,
    key: Secret,
}

impl KakaoPay {
    /// Prepares calls.
    ///
    /// # Errors
    ///
    /// If it cannot be called as configured.
    pub fn new(options: KakaoPayOptions) -> Result<Self, TargetError> {
        let KakaoPayOptions { url, cid, key, deadline, trust, reach } = options;
        let target = Target::new(&url, self::options(deadline, trust, reach))?;
        Ok(Self { target, cid, key })
    }

    /// What a refused approval comes to. The provider does not document all of its codes, so how the
    /// payment stands decides.
    async fn unapproved(&self, attempt: &Attempt<'_>, code: String) -> GatewayError {
        match self.look_up(attempt).await.map(|told| told.stage) {
            Ok(Stage::Open) => GatewayError::NotDone("the shopper has not paid yet".to_owned()),
            // By this payment's own approval, whose answer was not heard.
            Ok(Stage::Taken) => GatewayError::Unheard("the payment is approved already".to_owned()),
            Ok(Stage::Agreed | Stage::Over) => GatewayError::Refused { code },
            Err(GatewayError::Refused { code }) => unknown(&code),
            Err(error @ (GatewayError::NotDone(_) | GatewayError::Unheard(_))) => error,
        }
    }

    async fn call<T: DeserializeOwned>(
        &self,
        path: &str,
        body: &(impl Serialize + Sync),
    ) -> Result<T, GatewayError> {
        let call = Call::post(path).secret(AUTHORIZATION, "SECRET_KEY", &self.key).json(body);
        let answer = judged(self.target.send(call).await?, code)?;
        Ok(answer.json()?)
    }
}

/// The provider's code for a refusal.
fn code(answer: &Answer) -> Option<String> {
    answer.json::<Refused>().ok().map(|refused| refused.error_code.to_string())
}

/// An amount that an answer must have; without it nobody knows how much it is.
fn total(amount: Option<Amount>) -> Result<Money, GatewayError> {
    let missing = || GatewayError::Unheard("the answer has no amount".to_owned());
    amount.map(|amount| money(amount.total)).ok_or_else(missing)
}

fn method(name: &str) -> Method {
    if name == "CARD" { Method::Card } else { Method::Money }
}

/// How much of what was given back the shop's calls gave back.
fn ours(actions: &[Action], back: Money) -> Result<Money, GatewayError> {
    if back.minor == 0 {
        return Ok(back);
    }
    let returned = actions.iter().filter(|action| action.payment_action_type == "CANCEL");
    let mut sums = (0_i64, 0_i64);
    for action in returned {
        let is_ours = action.payload.as_ref().is_some_and(|payload| payload.parse::<Id>().is_ok());
        sums.0 = sums.0.saturating_add(action.amount);
        sums.1 = sums.1.saturating_add(if is_ours { action.amount } else { 0 });
    }
    if sums.0 != back.minor {
        let why = "the answer lists other repayments than it adds up".to_owned();
        return Err(GatewayError::Unheard(why));
    }
    Ok(money(sums.1))
}

/// Whether it was refused with one of these.
fn is_refused_with(error: &GatewayError, codes: &[i64]) -> bool {
    match error {
        GatewayError::Refused { code } => code.parse().is_ok_and(|code| codes.contains(&code)),
        GatewayError::NotDone(_) | GatewayError::Unheard(_) => false,
    }
}

impl Gateway for KakaoPay {
    async fn ready(&self, intent: &Intent<'_>) -> Result<Begun, GatewayError> {
        let title: String = intent.title.chars().take(limits::TITLE_CHARS_MAX).collect();
        let begun: Readied = self
            .call(
                "/ready",
                &Ready {
                    cid: &self.cid,
                    partner_order_id: intent.payment,
                    partner_user_id: intent.shopper,
                    item_name: &title,
                    quantity: intent.quantity,
                    total_amount: won(intent.amount)?,
                    tax_free_amount: 0,
                    approval_url: intent.back.paid,
                    cancel_url: intent.back.given_up,
                    fail_url: intent.back.failed,
                },
            )
            .await?;
        Ok(Begun { reference: begun.tid, page: begun.next_redirect_pc_url, lasts: LASTS })
    }

    fn proof(&self, query: &str) -> Option<Proof> {
        let mut pairs = parse(query.as_bytes());
        let token = pairs.find(|(name, _)| name == "pg_token").map(|(_, token)| token.into_owned());
        token.filter(|token| !token.is_empty()).map(Proof)
    }

    async fn approve(&self, attempt: &Attempt<'_>, proof: &Proof) -> Result<Taken, GatewayError> {
        let total_amount = won(attempt.amount)?;
        let approve = Approve {
            cid: &self.cid,
            tid: attempt.reference,
            partner_order_id: attempt.payment,
            partner_user_id: attempt.shopper,
            pg_token: proof.expose(),
            total_amount,
        };
        let approved: Result<Approved, _> = self.call("/approve", &approve).await;
        let approved = match approved {
            Err(GatewayError::Refused { code }) => {
                return Err(self.unapproved(attempt, code).await);
            }
            approved => approved?,
        };
        let method = method(&approved.payment_method_type);
        Ok(Taken { amount: money(approved.amount.total), method })
    }

    async fn void(&self, _attempt: &Attempt<'_>) -> Result<(), GatewayError> {
        // What the shopper agreed to holds no money, and ends by itself after 15 minutes.
        Ok(())
    }

    async fn look_up(&self, attempt: &Attempt<'_>) -> Result<Standing, GatewayError> {
        let look = Look { cid: &self.cid, tid: attempt.reference };
        let told: Looked = self.call("/order", &look).await?;
        let stage = match told.status.as_str() {
            "READY" | "SEND_TMS" | "OPEN_PAYMENT" | "SELECT_METHOD" | "ARS_WAITING" => Stage::Open,
            "AUTH_PASSWORD" => Stage::Agreed,
            "SUCCESS_PAYMENT" | "PART_CANCEL_PAYMENT" | "CANCEL_PAYMENT" => Stage::Taken,
            "FAIL_AUTH_PASSWORD" | "QUIT_PAYMENT" | "FAIL_PAYMENT" => Stage::Over,
            _ => return Err(GatewayError::Unheard("the payment has an unknown state".to_owned())),
        };
        let taken = if stage == Stage::Taken { total(told.amount)? } else { money(0) };
        let back = match told.status.as_str() {
            "PART_CANCEL_PAYMENT" | "CANCEL_PAYMENT" => total(told.canceled_amount)?,
            _ => total(told.canceled_amount).unwrap_or(money(0)),
        };
        let ours = ours(&told.payment_action_details, back)?;
        let method = told.payment_method_type.as_deref().map(method);
        Ok(Standing { stage, taken, back, ours, method })
    }

    async fn cancel(
        &self,
        attempt: &Attempt<'_>,
        part: &GiveBack<'_>,
    ) -> Result<Money, GatewayError> {
        let (amount, before) = (won(part.amount)?, won(part.before)?);
        let cancel = Cancel {
            cid: &self.cid,
            tid: attempt.reference,
            cancel_amount: amount,
            cancel_tax_free_amount: 0,
            cancel_available_amount: won(attempt.amount)?.saturating_sub(before),
            payload: part.refund,
        };
        let done: Result<Looked, _> = self.call("/cancel", &cancel).await;
        match done {
            Err(error) if is_refused_with(&error, &WRONG_AMOUNTS) => {
                // More may have been given back than the shop knows: by this call, or without the shop.
                let told = self.look_up(attempt).await?;
                if told.back == part.before {
                    return Err(error);
                }
                Err(GatewayError::Unheard("more was given back than the shop knew of".to_owned()))
            }
            Err(error) => Err(error),
            Ok(told) => total(told.canceled_amount),
        }
    }
}
