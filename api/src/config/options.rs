//! The options everything is built from: plain values, valid by construction.

use engine::spec::SaleSpec;
use serde::{Serialize, Serializer};

use super::arbiter::{Arbiter, Redis};
use super::jwt::Jwt;
use super::keys::Keys;
use super::limits::Limits;
use super::log::Log;
use super::pipeline::Pipeline;
use super::selling::{Deals, Media, Payments, Push};
use super::server::Server;
use super::shop::{Doubles, Login, Mail, Shop, Tax};
use super::small::{Data, Pages};
use crate::wire::SaleTable;

/// All options of one process.
#[derive(Clone, Debug, Serialize)]
pub struct Config {
    /// The two listeners.
    pub server: Server,
    /// What one caller may do.
    pub limits: Limits,
    /// Where the journal lives.
    pub data: Data,
    /// Who decides order and stock.
    pub arbiter: Arbiter,
    /// The store that many nodes share.
    pub redis: Redis,
    /// Bearer keys and token secrets.
    pub keys: Keys,
    /// The shop's own tokens, if it has any.
    #[serde(skip_serializing_if = "is_absent")]
    pub jwt: Jwt,
    /// Where order events go.
    pub pipeline: Pipeline,
    /// The built-in pages.
    pub pages: Pages,
    /// The shop behind the waiting room.
    pub shop: Shop,
    /// Where the shop's mails are handed in.
    #[serde(skip_serializing_if = "Mail::is_absent")]
    pub mail: Mail,
    /// Who people can sign in to the shop with.
    #[serde(skip_serializing_if = "Login::is_absent")]
    pub login: Login,
    /// Who knows businesses.
    #[serde(skip_serializing_if = "Tax::is_absent")]
    pub tax: Tax,
    /// How the waiting room of every deal lets people in.
    pub deals: Deals,
    /// The ways to pay.
    #[serde(skip_serializing_if = "Payments::is_absent")]
    pub payments: Payments,
    /// Where pictures are kept.
    #[serde(skip_serializing_if = "Media::is_absent")]
    pub media: Media,
    /// Who sends pushes.
    #[serde(skip_serializing_if = "Push::is_absent")]
    pub push: Push,
    /// Local stand-ins for the servers of others.
    #[serde(skip_serializing_if = "Doubles::is_absent")]
    pub doubles: Doubles,
    /// What is logged.
    pub log: Log,
    /// The sales to make at start, unless they exist.
    #[serde(rename = "sale", serialize_with = "sale_tables")]
    pub sales: Vec<SaleSpec>,
}

impl Config {
    /// The configuration as it was resolved, as TOML, with every secret masked: `rushgate check`.
    pub fn to_text(&self) -> String {
        toml::to_string(self).unwrap_or_else(|error| format!("# cannot be written: {error}\n"))
    }
}

fn is_absent(jwt: &Jwt) -> bool {
    jwt.jwks.is_none()
}

fn sale_tables<S: Serializer>(sales: &[SaleSpec], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_seq(sales.iter().map(SaleTable::from))
}
