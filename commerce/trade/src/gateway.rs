//! The gateways: providers that move a shopper's money to the shop and back.
//!
//! Owns how each provider is asked, and what its answers say. Refuses to decide: when to ask is the
//! payment's business. A payment goes so:
//!
//! ```text
//!  ready ─▶ the shopper pays at `page` ─▶ the browser comes back with a proof ─▶ approve ─▶ taken
//!                                         (or never)                              │
//!  look_up, at any time, says how it stands ◀─────────────────────────── no answer ┘
//!  void lets go of money that is not to be taken
//!  cancel gives a part back, or all
//! ```
//!
//! Always true:
//!
//! - No money moves before `approve`, and none but in `approve` and `cancel`.
//! - [`GatewayError::Refused`] is the provider's own word that this call moved nothing.
//!   [`GatewayError::Unheard`] says that nobody here knows, and only `look_up` tells.
//! - Of several `cancel` with the same `before`, one moves money.

use std::fmt::Debug;

use base::money::Money;

mod answer;
mod card;
mod kakaopay;
mod model;
mod providers;

pub use self::{
    card::{Card, CardOptions},
    kakaopay::{KakaoPay, KakaoPayOptions},
    model::{
        Attempt, Back, Begun, GatewayError, GiveBack, Intent, Method, Proof, Stage, Standing, Taken,
    },
    providers::{Provider, Providers},
};

/// A provider. The suite that says how each behaves is `tests/it/gateway.rs`.
pub trait Gateway: Debug + Send + Sync {
    /// Begins a payment at the provider.
    ///
    /// # Errors
    ///
    /// If it did not begin, or may not have. No money has moved then, and none can: it is begun again
    /// under the same payment.
    fn ready(
        &self,
        intent: &Intent<'_>,
    ) -> impl Future<Output = Result<Begun, GatewayError>> + Send;

    /// What the browser brought back in its query; nothing if the shopper did not pay. It proves nothing
    /// by itself.
    fn proof(&self, query: &str) -> Option<Proof>;

    /// Takes the money of a payment that the shopper authenticated.
    ///
    /// # Errors
    ///
    /// If it was not taken, or may not have been. A payment that the shopper can still make is not
    /// [`GatewayError::Refused`] but [`GatewayError::NotDone`]: the browser may come back too early.
    fn approve(
        &self,
        attempt: &Attempt<'_>,
        proof: &Proof,
    ) -> impl Future<Output = Result<Taken, GatewayError>> + Send;

    /// Lets go of money that the shopper agreed to and that was not taken, so that the provider does not
    /// keep it for the shop. Nothing is held after a success, also when nothing was before; repeating it
    /// changes nothing.
    ///
    /// # Errors
    ///
    /// If it may still be held. [`GatewayError::Refused`] says that it was taken.
    fn void(&self, attempt: &Attempt<'_>) -> impl Future<Output = Result<(), GatewayError>> + Send;

    /// Asks how a payment stands.
    ///
    /// # Errors
    ///
    /// If the provider does not say. Asking changes nothing, so it is repeated.
    fn look_up(
        &self,
        attempt: &Attempt<'_>,
    ) -> impl Future<Output = Result<Standing, GatewayError>> + Send;

    /// Gives money back, and says how much was given back by then in all.
    ///
    /// # Errors
    ///
    /// If it was not given back, or may not have been. After [`GatewayError::Unheard`] a look-up says
    /// which.
    fn cancel(
        &self,
        attempt: &Attempt<'_>,
        part: &GiveBack<'_>,
    ) -> impl Future<Output = Result<Money, GatewayError>> + Send;
}
