//! Which providers the shop has.
//!
//! There are two, each of a type of its own, so a call goes to one of them by name.

use base::money::Money;
use store::sea_orm::{self, DeriveActiveEnum, EnumIter};

use super::{
    Gateway as _,
    card::Card,
    kakaopay::KakaoPay,
    model::{Attempt, Begun, GatewayError, GiveBack, Intent, Proof, Standing, Taken},
};

/// A provider by its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, EnumIter, DeriveActiveEnum)]
#[sea_orm(rs_type = "String", db_type = "Text")]
pub enum Provider {
    /// `KakaoPay`.
    #[sea_orm(string_value = "kakaopay")]
    KakaoPay,
    /// The card gateway.
    #[sea_orm(string_value = "card")]
    Card,
}

/// The providers that the shop has a contract with.
#[derive(Clone, Debug, Default)]
pub struct Providers {
    /// `KakaoPay`, if there is a contract.
    pub kakaopay: Option<KakaoPay>,
    /// The card gateway, if there is a contract.
    pub card: Option<Card>,
}

/// Passes a call to the provider of a name.
macro_rules! at {
    ($self:ident, $provider:ident, $gateway:ident => $call:expr) => {
        match ($provider, &$self.kakaopay, &$self.card) {
            (Provider::KakaoPay, Some($gateway), _) => $call,
            (Provider::Card, _, Some($gateway)) => $call,
            (Provider::KakaoPay | Provider::Card, ..) => Err(absent()),
        }
    };
}

/// A provider that the shop no longer has is asked again later: somebody may configure it.
fn absent() -> GatewayError {
    GatewayError::NotDone("the provider is not configured".to_owned())
}

impl Providers {
    /// Whether there is a contract.
    pub const fn has(&self, provider: Provider) -> bool {
        match provider {
            Provider::KakaoPay => self.kakaopay.is_some(),
            Provider::Card => self.card.is_some(),
        }
    }

    /// As [`Gateway::proof`](super::Gateway::proof).
    pub fn proof(&self, provider: Provider, query: &str) -> Option<Proof> {
        match provider {
            Provider::KakaoPay => self.kakaopay.as_ref()?.proof(query),
            Provider::Card => self.card.as_ref()?.proof(query),
        }
    }

    /// As [`Gateway::ready`](super::Gateway::ready).
    ///
    /// # Errors
    ///
    /// As there.
    pub async fn ready(
        &self,
        provider: Provider,
        intent: &Intent<'_>,
    ) -> Result<Begun, GatewayError> {
        at!(self, provider, gateway => gateway.ready(intent).await)
    }

    /// As [`Gateway::approve`](super::Gateway::approve).
    ///
    /// # Errors
    ///
    /// As there.
    pub async fn approve(
        &self,
        provider: Provider,
        attempt: &Attempt<'_>,
        proof: &Proof,
    ) -> Result<Taken, GatewayError> {
        at!(self, provider, gateway => gateway.approve(attempt, proof).await)
    }

    /// As [`Gateway::void`](super::Gateway::void).
    ///
    /// # Errors
    ///
    /// As there.
    pub async fn void(
        &self,
        provider: Provider,
        attempt: &Attempt<'_>,
    ) -> Result<(), GatewayError> {
        at!(self, provider, gateway => gateway.void(attempt).await)
    }

    /// As [`Gateway::look_up`](super::Gateway::look_up).
    ///
    /// # Errors
    ///
    /// As there.
    pub async fn look_up(
        &self,
        provider: Provider,
        attempt: &Attempt<'_>,
    ) -> Result<Standing, GatewayError> {
        at!(self, provider, gateway => gateway.look_up(attempt).await)
    }

    /// As [`Gateway::cancel`](super::Gateway::cancel).
    ///
    /// # Errors
    ///
    /// As there.
    pub async fn cancel(
        &self,
        provider: Provider,
        attempt: &Attempt<'_>,
        part: &GiveBack<'_>,
    ) -> Result<Money, GatewayError> {
        at!(self, provider, gateway => gateway.cancel(attempt, part).await)
    }
}
