//! What operators send and read besides the sale itself: pace, message, restock, audit, stats, and
//! which sessions are over.

use std::ops::RangeInclusive;

use engine::clock::Millis;
use engine::id::{EventId, SaleName, SinkName, Sku};
use engine::limits::{TEXT_BYTES_MAX, UNITS_MAX};
use serde::Serialize;

use super::list::List;
use super::time;
use web::fields::{BodyError, Fields, Problems, read_json};
use web::node::Node;

/// `POST …/rate`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RateRequest {
    /// Admissions per 1,000 seconds.
    pub admission_milli_per_second: u64,
}

/// `POST …/message`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MessageRequest {
    /// The word to everyone in the room; `None` takes it away.
    pub message: Option<String>,
}

/// `POST …/restock` and `POST …/unstrand`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RestockRequest {
    /// Which offer.
    pub sku: Sku,
    /// How many units come; negative takes unsold units away. Never 0, and of stranded units positive.
    pub units: i64,
}

/// `POST …/invites`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InvitesRequest {
    /// How many.
    pub count: u16,
    /// When they no longer hold; `None`: as long as the sale.
    pub expires_at: Option<Millis>,
}

/// Invitations that were made; nothing is kept of them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct InvitesObject {
    /// The sale they invite to.
    pub sale: String,
    /// When they no longer hold.
    #[serde(serialize_with = "time::serialize_option")]
    pub expires_at: Option<Millis>,
    /// One text each.
    pub invites: Vec<String>,
}

/// `POST /v1/revoked-sessions`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RevokedRequest {
    /// The `sid` of each session that is over.
    pub sids: Vec<String>,
}

/// `POST /v1/admin/outbox/replay`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ReplayRequest {
    /// Of which sale; `None`: of all.
    pub sale: Option<SaleName>,
    /// To which sink; `None`: to all.
    pub sink: Option<SinkName>,
    /// Which events of the sale; `None`: all.
    pub events: Option<Vec<EventId>>,
}

/// Reads `{"admission_per_second": …}`.
pub fn read_rate(body: &[u8]) -> Result<RateRequest, BodyError> {
    const ALLOWED: &str = "a number from 0.001 to 1000000";
    read_body(body, |fields| {
        let rate = fields.milli("admission_per_second", 1..=1_000_000_000);
        let rate = fields.required("admission_per_second", ALLOWED, rate)?;
        Some(RateRequest { admission_milli_per_second: rate })
    })
}

/// Reads `{"message": "…"}`; null or an empty text takes the message away. Pages show it and compare
/// it, so tabs become spaces, line ends become `\n`, and other control characters are refused.
pub fn read_message(body: &[u8]) -> Result<MessageRequest, BodyError> {
    let allowed =
        format!("a text of at most {TEXT_BYTES_MAX} bytes without control characters, or null");
    read_body(body, |fields| {
        let message = fields.read("message", &allowed, |node| {
            if *node == Node::Null {
                return Some(None);
            }
            let text = node.as_text().filter(|text| text.len() <= TEXT_BYTES_MAX)?;
            let text = text.replace("\r\n", "\n").replace('\r', "\n").replace('\t', " ");
            if text.chars().any(|character| character.is_control() && character != '\n') {
                return None;
            }
            Some(if text.is_empty() { None } else { Some(text) })
        });
        Some(MessageRequest { message: fields.required("message", &allowed, message)? })
    })
}

/// Reads `{"sku": "…", "units": ±n}`.
pub fn read_restock(body: &[u8]) -> Result<RestockRequest, BodyError> {
    let most = i64::try_from(UNITS_MAX).unwrap_or(i64::MAX);
    read_units(body, -most..=most, "a whole number, not 0")
}

/// Reads `{"sku": "…", "units": n}`.
pub fn read_unstrand(body: &[u8]) -> Result<RestockRequest, BodyError> {
    let most = i64::try_from(UNITS_MAX).unwrap_or(i64::MAX);
    read_units(body, 1..=most, "a whole number from 1")
}

fn read_units(
    body: &[u8],
    range: RangeInclusive<i64>,
    allowed: &str,
) -> Result<RestockRequest, BodyError> {
    const SKU: &str = "1 to 64 letters, digits or . _ : -";
    read_body(body, |fields| {
        let sku = fields.text("sku", SKU, Sku::parse);
        let sku = fields.required("sku", SKU, sku);
        let units = fields.integer("units", range);
        let units = fields.required("units", allowed, units);
        if units == Some(0) {
            fields.note("units", "0", allowed);
        }
        Some(RestockRequest { sku: sku?, units: units? })
    })
}

/// Invitations made by one call.
const INVITES_MAX: u16 = 1_000;

/// Reads `{"count": n, "expires_at": …}`.
pub fn read_invites(body: &[u8]) -> Result<InvitesRequest, BodyError> {
    read_body(body, |fields| {
        let count = fields.integer("count", 1..=INVITES_MAX);
        let allowed = format!("a whole number from 1 to {INVITES_MAX}");
        let count = fields.required("count", &allowed, count);
        let expires_at = fields.time("expires_at").flatten().map(Millis);
        Some(InvitesRequest { count: count?, expires_at })
    })
}

/// Sessions revoked by one call: so many UUIDs fit a body.
const SIDS_MAX: usize = 32;
/// The longest id of a session, in bytes.
const SID_BYTES_MAX: usize = 256;

/// Reads `{"sids": ["…"]}`.
pub fn read_revoked(body: &[u8]) -> Result<RevokedRequest, BodyError> {
    let allowed =
        format!("a list of 1 to {SIDS_MAX} session ids of 1 to {SID_BYTES_MAX} bytes each");
    read_body(body, |fields| {
        let sids = fields.read("sids", &allowed, |node| {
            let Node::List(nodes) = node else { return None };
            let fits = |sid: &str| (1..=SID_BYTES_MAX).contains(&sid.len());
            let sids = nodes.iter().map(|node| {
                let Node::Text(sid) = node else { return None };
                fits(sid).then(|| sid.clone())
            });
            let sids: Vec<String> = sids.collect::<Option<_>>()?;
            (1..=SIDS_MAX).contains(&sids.len()).then_some(sids)
        });
        Some(RevokedRequest { sids: fields.required("sids", &allowed, sids)? })
    })
}

/// Dead letters sent again by number at once.
const REPLAYS_MAX: usize = 1_024;

/// Reads `{"sale": "…", "events": […]}`; no body, or nothing in it: all dead letters.
pub fn read_replay(body: &[u8]) -> Result<ReplayRequest, BodyError> {
    const SALE: &str = "the name of a sale, whenever there are events";
    const SINK: &str = "the name of a sink";
    if body.is_empty() {
        return Ok(ReplayRequest::default());
    }
    let allowed = format!("a list of 1 to {REPLAYS_MAX} event numbers");
    read_body(body, |fields| {
        let sale = fields.text("sale", SALE, SaleName::parse);
        let sink = fields.text("sink", SINK, SinkName::parse);
        let events = fields.read("events", &allowed, |node| {
            let Node::List(nodes) = node else { return None };
            let events = nodes.iter().map(|node| {
                let Node::Integer(number) = node else { return None };
                u64::try_from(*number).ok().filter(|number| *number > 0).map(EventId)
            });
            let events: Vec<EventId> = events.collect::<Option<_>>()?;
            (1..=REPLAYS_MAX).contains(&events.len()).then_some(events)
        });
        if events.is_some() && sale.is_none() {
            fields.required("sale", SALE, None::<SaleName>)?;
        }
        Some(ReplayRequest { sale, sink, events })
    })
}

/// Accepts a call that takes no body: nothing, or `{}`.
pub fn read_nothing(body: &[u8]) -> Result<(), BodyError> {
    if body.is_empty() { Ok(()) } else { read_body(body, |_| Some(())) }
}

fn read_body<T>(
    body: &[u8],
    read: impl FnOnce(&mut Fields<'_, '_>) -> Option<T>,
) -> Result<T, BodyError> {
    let node = read_json(body)?;
    let mut problems = Problems::default();
    let mut fields = Fields::open("", &node, &mut problems);
    let value = read(&mut fields);
    fields.finish();
    // Whoever reads nothing has noted why.
    match (problems.check(()), value) {
        (Ok(()), Some(value)) => Ok(value),
        (Ok(()), None) => Err(BodyError::Invalid(Vec::new())),
        (Err(problems), _) => Err(BodyError::Invalid(problems)),
    }
}

/// One change by an operator.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct AuditEntry {
    /// When it was decided.
    #[serde(serialize_with = "time::serialize")]
    pub at: Millis,
    /// Who: `config`, or a role and the first digits of the key's hash.
    pub author: String,
    /// What kind of change, as `pause` or `restock`.
    pub action: String,
    /// What it changed, in words; empty when the action says it all.
    pub detail: String,
}

/// Order events not yet delivered.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct OutboxObject {
    /// How many wait for a sink.
    pub lag: u64,
    /// Why a sink takes nothing at present, if so.
    pub stalled: Option<String>,
    /// How the delivery to each sink goes.
    pub sinks: Vec<SinkObject>,
    /// Those a sink refused for good, a page of them.
    #[serde(flatten)]
    pub dead_letters: List<DeadLetter>,
}

/// How the delivery to one sink goes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct SinkObject {
    /// Its name.
    pub sink: String,
    /// How many events wait for it.
    pub lag: u64,
    /// How many of them it refused for good.
    pub dead_letters: u64,
    /// Why it takes nothing at present, if so.
    pub stalled: Option<String>,
}

/// An order event that waits for an operator.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct DeadLetter {
    /// The sale's name.
    pub sale: String,
    /// The event's number in its sale.
    pub event: u64,
    /// The sink that refused it.
    pub sink: String,
    /// When it was decided.
    #[serde(serialize_with = "time::serialize")]
    pub at: Millis,
    /// The purchase's id.
    pub purchase: String,
    /// What the sink said.
    pub why: String,
}

/// A sale in numbers.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct SaleStats {
    /// The sale's name.
    pub sale: String,
    /// The present epoch.
    pub epoch: u32,
    /// Numbers issued.
    pub entered: u64,
    /// People in line.
    pub line_length: u64,
    /// Places that left the line before they were called.
    pub departed: u64,
    /// The gate's watermark.
    pub serving: u64,
    /// Slots taken now: called or let in.
    pub active_sessions: u64,
    /// Each offer's units.
    pub offers: Vec<OfferStats>,
    /// Order events not yet delivered.
    pub outbox_lag: u64,
    /// Order events that sinks refused for good.
    pub dead_letters: u64,
}

/// One offer's units; `available + held + paying + sold = total`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct OfferStats {
    /// The stock-keeping unit.
    pub sku: String,
    /// All units.
    pub total: u64,
    /// Free to buy.
    pub available: u64,
    /// Reserved.
    pub held: u64,
    /// Reserved with payment under way.
    pub paying: u64,
    /// Paid.
    pub sold: u64,
    /// Perhaps sold by a node that was missing when the store lost facts.
    pub stranded: u64,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn operator_bodies_are_read_strictly() {
        assert_eq!(
            read_rate(br#"{"admission_per_second":12.5}"#),
            Ok(RateRequest { admission_milli_per_second: 12_500 })
        );
        assert_eq!(read_message(br#"{"message":""}"#), Ok(MessageRequest { message: None }));
        let unstrand = read_unstrand(br#"{"sku":"a","units":5}"#).unwrap();
        assert_eq!((unstrand.sku.as_str(), unstrand.units), ("a", 5));
        assert!(read_unstrand(br#"{"sku":"a","units":-5}"#).is_err());
        let restock = read_restock(br#"{"sku":"a","units":-5}"#).unwrap();
        assert_eq!((restock.sku.as_str(), restock.units), ("a", -5));
        assert_eq!(read_nothing(b""), Ok(()));
        assert_eq!(read_nothing(b"{}"), Ok(()));
        assert_eq!(read_replay(b""), Ok(ReplayRequest::default()));
        assert_eq!(read_replay(b"{}"), Ok(ReplayRequest::default()));
        let (sale, sink) = (SaleName::parse("demo"), SinkName::parse("webhook"));
        let of_sink = ReplayRequest { sink, ..ReplayRequest::default() };
        assert_eq!(read_replay(br#"{"sink":"webhook"}"#), Ok(of_sink.clone()));
        let replay = read_replay(br#"{"sale":"demo","sink":"webhook","events":[7]}"#);
        let events = Some(vec![EventId(7)]);
        assert_eq!(replay, Ok(ReplayRequest { sale, events, ..of_sink }));

        for body in [
            "",
            "{}",
            "null",
            r#"{"admission_per_second":0}"#,
            r#"{"admission_per_second":"1"}"#,
            r#"{"admission_per_second":1,"x":1}"#,
        ] {
            assert!(read_rate(body.as_bytes()).is_err(), "{body}");
        }
        for body in [
            "{}",
            r#"{"sku":"a"}"#,
            r#"{"sku":"a","units":0}"#,
            r#"{"sku":"a","units":1.5}"#,
            r#"{"sku":"a","units":1000000001}"#,
        ] {
            assert!(read_restock(body.as_bytes()).is_err(), "{body}");
        }
        let invites = read_invites(br#"{"count":2,"expires_at":"2026-01-01T00:00:00Z"}"#).unwrap();
        assert_eq!((invites.count, invites.expires_at.is_some()), (2, true));
        for body in ["{}", r#"{"count":0}"#, r#"{"count":1001}"#, r#"{"count":1,"expires_at":7}"#] {
            assert!(read_invites(body.as_bytes()).is_err(), "{body}");
        }
        let revoked = read_revoked(br#"{"sids":["a","b"]}"#).unwrap();
        assert_eq!(revoked.sids, ["a", "b"]);
        for body in [
            "{}",
            r#"{"sids":[]}"#,
            r#"{"sids":[""]}"#,
            r#"{"sids":[7]}"#,
            r#"{"sids":"a"}"#,
            &format!(r#"{{"sids":["{}"]}}"#, "x".repeat(SID_BYTES_MAX + 1)),
        ] {
            assert!(read_revoked(body.as_bytes()).is_err(), "{body}");
        }
        for body in [
            r#"{"events":[7]}"#,
            r#"{"sale":"demo","events":[0]}"#,
            r#"{"sale":"demo","events":[]}"#,
            r#"{"sale":"A","events":[7]}"#,
            r#"{"sale":"A"}"#,
        ] {
            assert!(read_replay(body.as_bytes()).is_err(), "{body}");
        }
        assert!(read_message(br#"{"message":5}"#).is_err());
        assert!(read_nothing(br#"{"x":1}"#).is_err());
    }
}
