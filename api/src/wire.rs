//! Wire types: what the HTTP contract and the configuration file say, and nothing the engine sees.
//!
//! Owns every JSON shape of `docs/API.md`, reading and writing. Reading is strict and tells all
//! problems of a body at once, each with its field, what was found and what is allowed. Writing
//! takes plain values; handlers copy engine views into these structs. No arithmetic of the domain
//! happens here.

mod admin;
mod list;
mod place;
mod purchase;
mod sale;
mod status;
mod time;

pub use admin::{
    AuditEntry, DeadLetter, InvitesObject, InvitesRequest, MessageRequest, OfferStats,
    OutboxObject, RateRequest, ReplayRequest, RestockRequest, RevokedRequest, SaleStats,
    SinkObject, read_invites, read_message, read_nothing, read_rate, read_replay, read_restock,
    read_revoked, read_unstrand,
};
pub use list::{List, Page, read_no_query, read_page};
pub use place::{EtaSeconds, PlaceObject, PlaceState, write_place};
pub use purchase::{
    PurchaseItem, PurchaseItemObject, PurchaseObject, PurchaseRequest, PurchaseState,
    format_purchase_id, parse_purchase_id, read_purchase,
};
pub use sale::{
    AdminSale, Difference, OfferTable, SaleTable, differences, patched_fields, read_patch,
    read_sale, read_sale_table,
};
pub use status::{OfferState, OfferStatus, SaleState, SaleStatus};
pub use time::{format_time, parse_time, write_time};
pub use web::fields::{BodyError, FieldProblem, Fields, Problems};
pub use web::node::Node;
