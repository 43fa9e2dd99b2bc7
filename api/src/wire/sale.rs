//! A sale as the admin API and the configuration file write it.
//!
//! One reader serves both, so a table that works in the file works as JSON. What this version
//! cannot do (a lobby, a draw) is refused by name, never ignored.

use std::ops::RangeInclusive;

use base::currency::{CURRENCY_ALLOWED, minor_digits};
use engine::clock::Millis;
use engine::id::{Currency, SaleName, Sku};
use engine::limits::{ACTIVE_SESSIONS_MAX, OFFERS_MAX, PRICE_MAX, TEXT_BYTES_MAX, UNITS_MAX};
use engine::spec::{IdentityMode, OfferSpec, Rejoin, SaleSpec, SpecPatch};
use serde::Serialize;
use serde_json::Value;

use super::status::{SaleState, per_second};
use super::time;
use web::fields::{BodyError, FieldProblem, Fields, Problems, read_json};
use web::node::Node;

const NAME_ALLOWED: &str = "1 to 64 of a-z, 0-9 and -";
const SKU_ALLOWED: &str = "1 to 64 letters, digits or . _ : -";

/// Waits and sessions, in seconds: up to a day.
const SECONDS: RangeInclusive<u64> = 1..=86_400;

/// Reads `POST /v1/admin/sales`.
pub fn read_sale(body: &[u8]) -> Result<SaleSpec, BodyError> {
    read_sale_table("", &read_json(body)?).map_err(BodyError::Invalid)
}

/// Reads one `[[sale]]` table that stands at `path`.
pub fn read_sale_table(path: &str, node: &Node) -> Result<SaleSpec, Vec<FieldProblem>> {
    let mut problems = Problems::default();
    let mut fields = Fields::open(path, node, &mut problems);
    let name = fields.text("id", NAME_ALLOWED, SaleName::parse);
    let name = fields.required("id", NAME_ALLOWED, name);
    let identity = read_identity(&mut fields).unwrap_or(IdentityMode::Anonymous);
    refuse_what_is_not_there(&mut fields);
    let terms = read_terms(&mut fields);
    let offers = read_offers(&mut fields);
    fields.finish();

    // Without a name nothing is made; the stand-in only lets the other checks go on.
    let stand_in = || SaleName::parse("unnamed");
    let spec = name.or_else(stand_in).map(|name| {
        let mut spec = defaults(name, identity, offers);
        terms.apply(&mut spec);
        spec
    });
    if let Some(spec) = &spec {
        note_engine_problems(path, spec, &mut problems);
    }
    problems.check(())?;
    spec.ok_or_else(Vec::new)
}

/// What a sale has when its table says no more than id and offers.
fn defaults(name: SaleName, identity: IdentityMode, offers: Vec<OfferSpec>) -> SaleSpec {
    SaleSpec {
        title: name.as_str().to_owned(),
        name,
        opens_at: None,
        closes_at: None,
        identity,
        rejoin: Rejoin::Keep,
        admission_milli_per_second: 50_000,
        active_max: 500,
        claim_window_ms: 60_000,
        session_ms: 600_000,
        idle_ms: 120_000,
        hold_ms: 300_000,
        per_shopper_max: 2,
        overbook_milli: None,
        refund_restocks: true,
        offers,
    }
}

/// Reads `PATCH /v1/admin/sales/{sale}`.
pub fn read_patch(body: &[u8]) -> Result<SpecPatch, BodyError> {
    const FIXED: &str = "nothing: it is fixed once the sale is made";
    let node = read_json(body)?;
    let mut problems = Problems::default();
    let mut fields = Fields::open("", &node, &mut problems);
    for name in ["id", "identity", "offer", "offers"] {
        if let Some(node) = fields.take(name) {
            fields.note(name, node.shown(), FIXED);
        }
    }
    refuse_what_is_not_there(&mut fields);
    let patch = read_terms(&mut fields);
    fields.finish();
    problems.check(patch).map_err(BodyError::Invalid)
}

/// The fields that a patch changes, as the API names them.
pub fn patched_fields(patch: &SpecPatch) -> Vec<&'static str> {
    let fields = [
        ("title", patch.title.is_some()),
        ("opens_at", patch.opens_at.is_some()),
        ("closes_at", patch.closes_at.is_some()),
        ("rejoin", patch.rejoin.is_some()),
        ("admission_per_second", patch.admission_milli_per_second.is_some()),
        ("active_max", patch.active_max.is_some()),
        ("claim_window_seconds", patch.claim_window_ms.is_some()),
        ("session_seconds", patch.session_ms.is_some()),
        ("idle_seconds", patch.idle_ms.is_some()),
        ("hold_seconds", patch.hold_ms.is_some()),
        ("per_shopper_max", patch.per_shopper_max.is_some()),
        ("overbook", patch.overbook_milli.is_some()),
        ("refund_restocks", patch.refund_restocks.is_some()),
    ];
    fields.into_iter().filter_map(|(name, is_changed)| is_changed.then_some(name)).collect()
}

fn read_terms(fields: &mut Fields<'_, '_>) -> SpecPatch {
    let title_allowed = format!("a text of 1 to {TEXT_BYTES_MAX} bytes without control characters");
    let title = fields.text("title", &title_allowed, |text| {
        let fits =
            (1..=TEXT_BYTES_MAX).contains(&text.len()) && !text.chars().any(char::is_control);
        fits.then(|| text.to_owned())
    });
    let mut span_ms = |name| fields.integer(name, SECONDS).map(|seconds| seconds * 1_000);
    let claim_window_ms = span_ms("claim_window_seconds");
    let session_ms = span_ms("session_seconds");
    let idle_ms = span_ms("idle_seconds");
    let hold_ms = span_ms("hold_seconds");
    SpecPatch {
        title,
        opens_at: fields.time("opens_at").map(|at| at.map(Millis)),
        closes_at: fields.time("closes_at").map(|at| at.map(Millis)),
        rejoin: fields.word("rejoin", &[("keep", Rejoin::Keep), ("tail", Rejoin::Tail)]),
        admission_milli_per_second: fields.milli("admission_per_second", 1..=1_000_000_000),
        active_max: fields.integer("active_max", 1..=ACTIVE_SESSIONS_MAX),
        claim_window_ms,
        session_ms,
        idle_ms,
        hold_ms,
        per_shopper_max: fields.integer("per_shopper_max", 1..=1_000_000),
        overbook_milli: read_overbook(fields),
        refund_restocks: fields.bool("refund_restocks"),
    }
}

#[expect(clippy::option_option, reason = "absent, null and a number are three answers")]
fn read_overbook(fields: &mut Fields<'_, '_>) -> Option<Option<u32>> {
    if fields.is_null("overbook") {
        fields.take("overbook");
        return Some(None);
    }
    let milli = fields.milli("overbook", 1..=1_000_000)?;
    u32::try_from(milli).ok().map(Some)
}

fn read_identity(fields: &mut Fields<'_, '_>) -> Option<IdentityMode> {
    let modes = [
        ("anonymous", IdentityMode::Anonymous),
        ("header", IdentityMode::Header),
        ("jwt", IdentityMode::Jwt),
        ("invite", IdentityMode::Invite),
    ];
    fields.word("identity", &modes)
}

/// Options of the contract that this version does not have.
fn refuse_what_is_not_there(fields: &mut Fields<'_, '_>) {
    const ORDER: &str = "arrival (draw is not available in this version)";
    const LOBBY: &str = "nothing: a lobby is not available in this version";
    fields.text("order", ORDER, |word| (word == "arrival").then_some(()));
    if let Some(node) = fields.take("lobby_opens_at")
        && *node != Node::Null
    {
        fields.note("lobby_opens_at", node.shown(), LOBBY);
    }
}

fn read_offers(fields: &mut Fields<'_, '_>) -> Vec<OfferSpec> {
    let (one, many) = (fields.list("offer"), fields.list("offers"));
    if one.is_some() && many.is_some() {
        fields.note("offers", "both offer and offers", "one of them");
    }
    let tables = one.or(many).unwrap_or_default();
    if tables.len() > OFFERS_MAX || (tables.is_empty() && !fields.has_problem("offers")) {
        let allowed = format!("1 to {OFFERS_MAX} offers");
        fields.note("offer", format!("{} offers", tables.len()), allowed);
    }
    let read = |(path, node): &(String, &Node)| read_offer(path, node, fields.problems());
    tables.iter().take(OFFERS_MAX).filter_map(read).collect()
}

fn read_offer(path: &str, node: &Node, problems: &mut Problems) -> Option<OfferSpec> {
    let mut fields = Fields::open(path, node, problems);
    let sku = fields.text("sku", SKU_ALLOWED, Sku::parse);
    let total = fields.integer("total", 0..=UNITS_MAX);
    let price = fields.integer("price", 0..=PRICE_MAX);
    let currency = fields.text("currency", CURRENCY_ALLOWED, parse_currency);
    if matches!(node, Node::Table(_)) {
        fields.required("sku", SKU_ALLOWED, sku.as_ref());
        fields.required("total", &format!("a whole number from 0 to {UNITS_MAX}"), total);
        fields.required("price", "a whole number of minor units, at least 0", price);
        fields.required("currency", CURRENCY_ALLOWED, currency);
    }
    fields.finish();
    Some(OfferSpec { sku: sku?, total: total?, price: price?, currency: currency? })
}

fn parse_currency(text: &str) -> Option<Currency> {
    minor_digits(text)?;
    Currency::parse(text)
}

/// Adds what the engine itself will not run and the reader has not told yet: rules between fields.
fn note_engine_problems(path: &str, spec: &SaleSpec, problems: &mut Problems) {
    for problem in spec.check() {
        let field = web::fields::join(path, problem.field);
        let told = problems.concern(&field);
        if !told {
            let found = found_in(spec, problem.field);
            problems.note(field, found, problem.allowed);
        }
    }
}

fn found_in(spec: &SaleSpec, field: &str) -> String {
    let list = |texts: Vec<&str>| texts.join(", ");
    match field {
        "closes_at" => spec.closes_at.map_or_else(|| "never".to_owned(), time::format_time),
        "offer.sku" => list(spec.offers.iter().map(|offer| offer.sku.as_str()).collect()),
        "offer.currency" => list(spec.offers.iter().map(|o| o.currency.as_str()).collect()),
        "offer" => format!("{} offers", spec.offers.len()),
        _ => "a value outside the range".to_owned(),
    }
}

/// A sale as operators see it: its table, and how it stands.
#[derive(Clone, Debug, Serialize)]
pub struct AdminSale {
    /// What it was told to be.
    #[serde(flatten)]
    pub table: SaleTable,
    /// What it is at.
    pub state: SaleState,
    /// The present epoch.
    pub epoch: u32,
    /// Whether the gate stands still.
    pub paused: bool,
    /// The operator's word to everyone.
    pub message: Option<String>,
}

/// A sale's table as it is written; sent back unchanged, it makes the same sale.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[expect(missing_docs, reason = "each field is the one of SaleSpec, in the units of its name")]
pub struct SaleTable {
    pub id: String,
    pub title: String,
    #[serde(serialize_with = "time::serialize_option")]
    pub opens_at: Option<Millis>,
    #[serde(serialize_with = "time::serialize_option")]
    pub closes_at: Option<Millis>,
    pub order: &'static str,
    pub identity: &'static str,
    pub rejoin: &'static str,
    pub admission_per_second: f64,
    pub active_max: u32,
    pub claim_window_seconds: u64,
    pub session_seconds: u64,
    pub idle_seconds: u64,
    pub hold_seconds: u64,
    pub per_shopper_max: u32,
    pub overbook: Option<f64>,
    pub refund_restocks: bool,
    pub offers: Vec<OfferTable>,
}

/// An offer's table as it is written.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[expect(missing_docs, reason = "each field is the one of OfferSpec")]
pub struct OfferTable {
    pub sku: String,
    pub total: u64,
    pub price: i64,
    pub currency: String,
}

impl From<&SaleSpec> for SaleTable {
    fn from(spec: &SaleSpec) -> Self {
        let offers = spec.offers.iter().map(|offer| OfferTable {
            sku: offer.sku.as_str().to_owned(),
            total: offer.total,
            price: offer.price,
            currency: offer.currency.as_str().to_owned(),
        });
        Self {
            id: spec.name.as_str().to_owned(),
            title: spec.title.clone(),
            opens_at: spec.opens_at,
            closes_at: spec.closes_at,
            order: "arrival",
            identity: match spec.identity {
                IdentityMode::Anonymous => "anonymous",
                IdentityMode::Header => "header",
                IdentityMode::Jwt => "jwt",
                IdentityMode::Invite => "invite",
            },
            rejoin: match spec.rejoin {
                Rejoin::Keep => "keep",
                Rejoin::Tail => "tail",
            },
            admission_per_second: per_second(spec.admission_milli_per_second),
            active_max: spec.active_max,
            claim_window_seconds: spec.claim_window_ms / 1_000,
            session_seconds: spec.session_ms / 1_000,
            idle_seconds: spec.idle_ms / 1_000,
            hold_seconds: spec.hold_ms / 1_000,
            per_shopper_max: spec.per_shopper_max,
            overbook: spec.overbook_milli.map(|milli| per_second(milli.into())),
            refund_restocks: spec.refund_restocks,
            offers: offers.collect(),
        }
    }
}

/// Where two tables of one sale differ: each key with both values, as the file writes them.
pub fn differences(file: &SaleSpec, running: &SaleSpec) -> Vec<Difference> {
    let table = |spec| serde_json::to_value(SaleTable::from(spec)).unwrap_or_default();
    let mut found = Vec::new();
    compare("", &table(file), &table(running), &mut found);
    found
}

/// One key of a sale that has another value in the file than in the running sale.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    /// The key's path, as `offers[0].price`.
    pub key: String,
    /// What the file says.
    pub file: String,
    /// What the running sale has.
    pub running: String,
}

fn compare(key: &str, file: &Value, running: &Value, found: &mut Vec<Difference>) {
    match (file, running) {
        (Value::Object(file), Value::Object(running)) => {
            for (name, value) in file {
                let other = running.get(name).unwrap_or(&Value::Null);
                compare(&web::fields::join(key, name), value, other, found);
            }
        }
        (Value::Array(file), Value::Array(running)) if file.len() == running.len() => {
            for (index, (value, other)) in file.iter().zip(running).enumerate() {
                compare(&format!("{key}[{index}]"), value, other, found);
            }
        }
        _ if file != running => {
            let (file, running) = (file.to_string(), running.to_string());
            found.push(Difference { key: key.to_owned(), file, running });
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests;
