//! An entry of the stream: its fields, and its id.

use bytes::Bytes;
use engine::outbox::OrderEvent;
use fred::{
    error::{Error, ErrorKind},
    types::Value,
};

use super::super::payload;
use crate::wire::{format_purchase_id, format_time};

/// An entry's id: milliseconds and a number within them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct EntryId(pub(super) u64, pub(super) u64);

impl EntryId {
    /// Reads `milliseconds-number`.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let (milliseconds, number) = text.split_once('-')?;
        Some(Self(milliseconds.parse().ok()?, number.parse().ok()?))
    }

    /// The lowest id above this one.
    pub(super) fn next(self) -> Self {
        let carried = || Self(self.0.saturating_add(1), 0);
        self.1.checked_add(1).map_or_else(carried, |number| Self(self.0, number))
    }
}

/// What a worker needs without reading JSON, and the JSON that a webhook would get.
pub(super) fn fields(event: &OrderEvent) -> Vec<(&'static str, Value)> {
    let name = payload::event_name(event.hold.state);
    let state = name.rsplit('.').next().unwrap_or(name);
    let purchase = format_purchase_id(event.epoch, event.hold.id);
    vec![
        ("event_id", event.id.0.to_string().into()),
        ("sale", event.sale.as_str().into()),
        ("purchase", purchase.into()),
        ("state", state.into()),
        ("at", format_time(event.at).into()),
        ("body", Value::Bytes(Bytes::from(payload::to_json(event)))),
    ]
}

/// What stands in the answer to an `XADD` that was done.
pub(super) fn id(reply: &Value) -> Result<EntryId, Error> {
    let id = reply.as_str().and_then(|text| EntryId::parse(&text));
    id.ok_or_else(|| Error::new(ErrorKind::Protocol, "an answer that is no entry's id"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pipeline::payload::tests::event;

    #[test]
    fn an_entry_has_the_fields_that_the_document_shows() {
        let fields = fields(&event(17));
        let shown: Vec<(&str, String)> =
            fields.iter().map(|(name, value)| (*name, value.as_string().unwrap())).collect();
        let body = String::from_utf8(payload::to_json(&event(17))).unwrap();
        let expected = [
            ("event_id", "17"),
            ("sale", "demo"),
            ("purchase", "p3-25"),
            ("state", "confirmed"),
            ("at", "2026-01-01T00:00:00.007Z"),
            ("body", &body),
        ];
        assert_eq!(shown, expected.map(|(name, value)| (name, value.to_owned())));
    }

    #[test]
    fn ids_are_ordered_as_redis_orders_them() {
        let id = |text| EntryId::parse(text).unwrap();
        assert!(id("9-0") < id("10-0"));
        assert!(id("10-9") < id("10-10"));
        assert_eq!(id("10-9").next(), id("10-10"));
        assert_eq!(id("10-18446744073709551615").next(), id("11-0"));
        assert_eq!(id("0-0").next(), id("0-1"));
        for text in ["", "1", "1-", "-1", "1-2-3", "a-1"] {
            assert_eq!(EntryId::parse(text), None, "{text}");
        }
    }
}
