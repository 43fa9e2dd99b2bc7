//! Purchases: the request as shoppers send it, the object as everyone reads it, and its id.
//!
//! The request is read strictly: a quantity is a whole number written whole, and nothing but
//! `items` with `sku` and `quantity` may be said. Price and state are never taken from a client.

use engine::clock::Millis;
use engine::hold::HoldState;
use engine::id::{Epoch, HoldId, Sku};
use engine::limits::PURCHASE_ITEMS_MAX;
use serde::{Deserialize, Serialize};

use super::time;
use web::fields::{BodyError, Fields, Problems, read_json};
use web::node::Node;

/// Units of one SKU that one purchase may ask for; the sale's own limit is usually far lower.
const QUANTITY_MAX: u32 = 1_000_000;

/// What a shopper wants to buy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PurchaseRequest {
    /// 1 to [`PURCHASE_ITEMS_MAX`] lines, no SKU twice.
    pub items: Vec<PurchaseItem>,
}

/// One line of a purchase.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PurchaseItem {
    /// What.
    pub sku: Sku,
    /// How many units, at least 1.
    pub quantity: u32,
}

/// Reads a purchase body.
pub fn read_purchase(body: &[u8]) -> Result<PurchaseRequest, BodyError> {
    match plain(body) {
        Some(request) => Ok(request),
        None => read_strictly(body),
    }
}

/// The body that nearly everyone sends, read without a tree of it: no escapes, each field once.
/// Whatever is not that is left to the strict reader, who knows what to say of it.
fn plain(body: &[u8]) -> Option<PurchaseRequest> {
    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Plain<'a> {
        #[serde(borrow)]
        items: Vec<PlainItem<'a>>,
    }
    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    struct PlainItem<'a> {
        sku: &'a str,
        quantity: u32,
    }

    // serde takes a list of values for an object; with one bracket only `items` is a list.
    if body.split(|&byte| byte == b'[').count() != 2 {
        return None;
    }
    let Plain { items: lines } = serde_json::from_slice(body).ok()?;
    if !(1..=PURCHASE_ITEMS_MAX).contains(&lines.len()) {
        return None;
    }
    let mut items: Vec<PurchaseItem> = Vec::with_capacity(lines.len());
    for PlainItem { sku, quantity } in lines {
        let again = items.iter().any(|known| known.sku.as_str() == sku);
        if again || !(1..=QUANTITY_MAX).contains(&quantity) {
            return None;
        }
        items.push(PurchaseItem { sku: Sku::parse(sku)?, quantity });
    }
    Some(PurchaseRequest { items })
}

fn read_strictly(body: &[u8]) -> Result<PurchaseRequest, BodyError> {
    let node = read_json(body)?;
    let mut problems = Problems::default();
    let mut fields = Fields::open("", &node, &mut problems);
    let lines = fields.list("items");
    let count = lines.as_ref().map_or(0, Vec::len);
    if fields.problems().concern("items") {
        // Already told.
    } else if !(1..=PURCHASE_ITEMS_MAX).contains(&count) {
        let found = if lines.is_none() { "nothing".to_owned() } else { format!("{count} items") };
        fields.note("items", found, format!("a list of 1 to {PURCHASE_ITEMS_MAX} items"));
    }
    let mut items: Vec<PurchaseItem> = Vec::new();
    for (path, line) in lines.unwrap_or_default().iter().take(PURCHASE_ITEMS_MAX) {
        let Some(item) = read_item(path, line, fields.problems()) else { continue };
        if items.iter().any(|known| known.sku == item.sku) {
            let why = format!("{:?} is given twice", item.sku.as_str());
            fields.problems().note_stray(format!("{path}.sku"), &why, "each SKU may appear once");
        }
        items.push(item);
    }
    fields.finish();
    problems.check(PurchaseRequest { items }).map_err(BodyError::Invalid)
}

fn read_item(path: &str, node: &Node, problems: &mut Problems) -> Option<PurchaseItem> {
    const SKU_ALLOWED: &str = "1 to 64 letters, digits or . _ : -";
    let mut fields = Fields::open(path, node, problems);
    let sku = fields.text("sku", SKU_ALLOWED, Sku::parse);
    let quantity = fields.integer("quantity", 1..=QUANTITY_MAX);
    if matches!(node, Node::Table(_)) {
        fields.required("sku", SKU_ALLOWED, sku.as_ref());
        fields.required("quantity", "a whole number, at least 1", quantity);
    }
    fields.finish();
    Some(PurchaseItem { sku: sku?, quantity: quantity? })
}

/// A purchase as it stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct PurchaseObject<'a> {
    /// The id, as [`format_purchase_id`] writes it.
    pub purchase: &'a str,
    /// The sale's name.
    pub sale: &'a str,
    /// The shopper key, 32 hex digits.
    pub shopper: &'a str,
    /// Where it stands.
    pub state: PurchaseState,
    /// What was bought.
    pub items: Vec<PurchaseItemObject<'a>>,
    /// What it costs, in minor units.
    pub amount: i64,
    /// ISO 4217.
    pub currency: &'a str,
    /// When the hold ends by itself.
    #[serde(serialize_with = "time::serialize")]
    pub expires_at: Millis,
    /// When it was made.
    #[serde(serialize_with = "time::serialize")]
    pub created_at: Millis,
}

/// One line of a purchase as it stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct PurchaseItemObject<'a> {
    /// What.
    pub sku: &'a str,
    /// How many units.
    pub quantity: u32,
    /// The price of one unit when the hold was made, in minor units.
    pub price: i64,
}

/// Where a purchase stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum PurchaseState {
    /// Reserved; expires by itself.
    Held,
    /// Payment has begun.
    Paying,
    /// Paid.
    Confirmed,
    /// Given up.
    Released,
    /// Not paid in time.
    Expired,
    /// Paid back.
    Refunded,
}

impl From<HoldState> for PurchaseState {
    fn from(state: HoldState) -> Self {
        match state {
            HoldState::Held => Self::Held,
            HoldState::Paying => Self::Paying,
            HoldState::Confirmed => Self::Confirmed,
            HoldState::Released => Self::Released,
            HoldState::Expired => Self::Expired,
            HoldState::Refunded => Self::Refunded,
        }
    }
}

impl PurchaseState {
    /// The word on the wire.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Held => "held",
            Self::Paying => "paying",
            Self::Confirmed => "confirmed",
            Self::Released => "released",
            Self::Expired => "expired",
            Self::Refunded => "refunded",
        }
    }
}

/// A purchase's id: `p{epoch}-{hold number}`.
pub fn format_purchase_id(epoch: Epoch, hold: HoldId) -> String {
    format!("p{}-{}", epoch.0, hold.0)
}

/// Reads a purchase's id; anything but the form [`format_purchase_id`] writes is `None`.
pub fn parse_purchase_id(text: &str) -> Option<(Epoch, HoldId)> {
    let (epoch, hold) = text.strip_prefix('p')?.split_once('-')?;
    let parsed = (Epoch(epoch.parse().ok()?), HoldId(hold.parse().ok()?));
    (format_purchase_id(parsed.0, parsed.1) == text).then_some(parsed)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn problems(body: &str) -> Vec<String> {
        match read_purchase(body.as_bytes()) {
            Ok(_) => Vec::new(),
            Err(BodyError::NotJson(text)) => vec![text],
            Err(BodyError::Invalid(problems)) => {
                problems.into_iter().map(|problem| problem.field).collect()
            }
        }
    }

    #[test]
    fn a_plain_purchase_is_read() {
        let body = br#" {"items":[{"sku":"sneaker-42","quantity":2},{"quantity":1,"sku":"b"}]} "#;
        let request = read_purchase(body).unwrap();
        assert_eq!(request.items.len(), 2);
        assert_eq!((request.items[0].sku.as_str(), request.items[0].quantity), ("sneaker-42", 2));
        assert_eq!(plain(body), Some(request.clone()));
        assert_eq!(read_strictly(body), Ok(request));
        let escaped = br#"{"items":[{"sku":"\u0062","quantity":1}]}"#;
        assert_eq!(plain(escaped), None);
        assert_eq!(read_purchase(escaped).unwrap().items[0].sku.as_str(), "b");
    }

    #[test]
    fn a_quantity_is_a_whole_positive_number_and_nothing_else() {
        for quantity in [
            "1.5",
            "1.0",
            "\"1\"",
            "\"1e3\"",
            "1e3",
            "-1",
            "0",
            "-0",
            "2147483648",
            "9223372036854775808",
            "18446744073709551616",
            "null",
            "true",
            "[]",
            "{}",
        ] {
            let body = format!(r#"{{"items":[{{"sku":"a","quantity":{quantity}}}]}}"#);
            assert_eq!(problems(&body), ["items[0].quantity"], "{quantity}");
        }
        assert_eq!(
            problems(r#"{"items":[{"sku":"a","quantity":NaN}]}"#),
            ["the body is not JSON: line 1, column 33"]
        );
    }

    #[test]
    fn everything_else_is_refused_by_name() {
        for (body, fields) in [
            ("[]", &["(body)", "items"][..]),
            ("{}", &["items"]),
            (r#"{"items":[]}"#, &["items"]),
            (r#"{"items":{}}"#, &["items"]),
            (r#"{"items":[1]}"#, &["items[0]"]),
            (r#"{"items":[{}]}"#, &["items[0].sku", "items[0].quantity"]),
            (r#"{"items":[{"sku":"a b","quantity":1}]}"#, &["items[0].sku"]),
            (
                r#"{"items":[{"sku":"a","quantity":1,"price":1}],"state":"paid"}"#,
                &["items[0].price", "state"],
            ),
            (r#"{"items":[{"sku":"a","quantity":1,"quantity":1}]}"#, &["items[0].quantity"]),
            (r#"{"items":[{"sku":"a","quantity":1}],"items":[]}"#, &["items"]),
            (r#"{"items":[{"sku":"a","quantity":1},{"sku":"a","quantity":1}]}"#, &["items[1].sku"]),
        ] {
            assert_eq!(problems(body), fields, "{body}");
        }
        let many = vec![r#"{"sku":"a","quantity":1}"#; 17].join(",");
        assert_eq!(problems(&format!(r#"{{"items":[{many}]}}"#))[0], "items");
    }

    #[test]
    fn purchase_ids_read_back_in_one_form_only() {
        assert_eq!(format_purchase_id(Epoch(1), HoldId(9)), "p1-9");
        assert_eq!(parse_purchase_id("p1-9"), Some((Epoch(1), HoldId(9))));
        for text in ["p1-09", "p+1-9", "p1", "1-9", "p1-9-1", "p1--9", "P1-9", "p1-9 ", ""] {
            assert_eq!(parse_purchase_id(text), None, "{text}");
        }
    }

    proptest! {
        #[test]
        fn the_plain_reader_takes_nothing_that_the_strict_one_refuses(
            parts in prop::collection::vec(prop::sample::select(vec![
                r#"{"items":["#, r#"{"sku":"a","quantity":1}"#, r#"{"quantity":2,"sku":"b"}"#, ",",
                "]}", "[", "]", "{", "}", r#""sku":"a""#, r#""quantity":0"#, r#""quantity":1.0"#,
                r#"{"sku":"a","quantity":1,"price":1}"#, r#"["a",1]"#, r"[", " ", r"\u0061",
                r#"{"sku":"a b","quantity":1}"#, r#"{"sku":"c","quantity":1,"quantity":1}"#,
                r#"{"sku":"d","quantity":1000001}"#, r#","items":[]"#, "null",
            ]), 0..7),
        ) {
            let body = parts.concat();
            if let Some(request) = plain(body.as_bytes()) {
                prop_assert_eq!(read_strictly(body.as_bytes()), Ok(request), "{}", body);
            }
        }

        #[test]
        fn no_body_makes_reading_panic(body in prop::collection::vec(any::<u8>(), 0..200)) {
            let read = read_purchase(&body);
            prop_assert!(read.is_err());
        }
    }
}
