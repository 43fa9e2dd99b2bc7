//! What is read as a sale, what is refused by name, and what is written.

use super::*;

const LEAST: &str =
    r#"{"id":"demo","offers":[{"sku":"a","total":10,"price":99000,"currency":"KRW"}]}"#;

fn problems(body: &str) -> Vec<String> {
    match read_sale(body.as_bytes()) {
        Ok(_) => Vec::new(),
        Err(BodyError::NotJson(text)) => vec![text],
        Err(BodyError::Invalid(problems)) => {
            problems.into_iter().map(|problem| problem.field).collect()
        }
    }
}

fn with(field: &str) -> String {
    LEAST.replacen('{', &format!("{{{field},"), 1)
}

#[test]
fn id_and_offers_are_enough_and_the_rest_has_the_contracts_defaults() {
    let spec = read_sale(LEAST.as_bytes()).unwrap();
    assert_eq!(spec.title, "demo");
    assert_eq!(spec.admission_milli_per_second, 50_000);
    assert_eq!((spec.hold_ms, spec.idle_ms, spec.per_shopper_max), (300_000, 120_000, 2));
    assert_eq!(read_sale(LEAST.replace("offers", "offer").as_bytes()).unwrap(), spec);
}

/// The keys of a table, as its refusal of an unknown one lists them.
fn known_keys(body: &str, unknown: &str) -> Vec<String> {
    let Err(BodyError::Invalid(problems)) = read_sale(body.as_bytes()) else {
        panic!("{unknown} was accepted");
    };
    let told = problems.iter().find(|problem| problem.field == unknown).unwrap().to_string();
    let (_, known) = told.split_once("known keys: ").unwrap();
    known.split(", ").map(str::to_owned).collect()
}

#[test]
fn the_manual_and_the_example_have_every_key_of_a_sale_and_the_manual_its_default() {
    let manual = include_str!("../../../../docs/operations.md");
    let example = include_str!("../../../../config/example.toml");
    let (_, manual) = manual.split_once("### A sale\n").unwrap();
    let (_, example) = example.split_once("[[sale]]\n").unwrap();
    let offer = LEAST.replace(r#""sku""#, r#""x":1,"sku""#);
    let of_offer = known_keys(&offer, "offers[0].x");
    let of_offer = of_offer.into_iter().map(|key| (format!("offer.{key}"), key));
    let of_sale = known_keys(&with(r#""x":1"#), "x").into_iter().map(|key| (key.clone(), key));
    let spec = read_sale(LEAST.as_bytes()).unwrap();
    let defaults = serde_json::to_value(SaleTable::from(&spec)).unwrap();
    for (key, in_file) in of_sale.chain(of_offer) {
        // No version has had it yet, and JSON calls offers so.
        if ["lobby_opens_at", "offers"].contains(&key.as_str()) {
            continue;
        }
        let row = |row: &&str| row.starts_with("| `") && row.contains(&format!("`{key}`"));
        let row = manual.lines().find(row);
        let row = row.unwrap_or_else(|| panic!("the manual has no row for {key}"));
        let is_set = |line: &str| {
            line.split(" = ").next() == Some(&in_file) || line == format!("[[sale.{in_file}]]")
        };
        assert!(example.lines().any(is_set), "{key} is not in the example");
        let default = match &defaults[&key] {
            // Those that the row words: required, the id, none.
            Value::Null | Value::Array(_) => continue,
            Value::String(_) if ["id", "title"].contains(&key.as_str()) => continue,
            Value::String(word) => word.clone(),
            other @ (Value::Bool(_) | Value::Number(_) | Value::Object(_)) => {
                other.to_string().trim_end_matches(".0").to_owned()
            }
        };
        let column = row.split(" | ").nth(1).unwrap().trim_matches('`');
        assert_eq!(column, default, "the default of {key} in the manual");
    }
}

#[test]
fn what_is_written_makes_the_same_sale_again() {
    let body = with(
        r#""title":"Drop","opens_at":"2026-01-01T00:00:00Z","overbook":1.5,
        "closes_at":"2030-01-01T00:00:00Z","rejoin":"tail","identity":"header",
        "admission_per_second":0.125,"refund_restocks":false"#,
    );
    let spec = read_sale(body.as_bytes()).unwrap();
    let written = serde_json::to_vec(&SaleTable::from(&spec)).unwrap();
    assert_eq!(read_sale(&written), Ok(spec));
}

#[test]
fn what_this_version_cannot_do_is_refused_by_name() {
    for (field, name) in [
        (r#""order":"draw""#, "order"),
        (r#""lobby_opens_at":"2026-01-01T00:00:00Z""#, "lobby_opens_at"),
    ] {
        let Err(BodyError::Invalid(problems)) = read_sale(with(field).as_bytes()) else {
            panic!("{field} was accepted");
        };
        assert_eq!(problems[0].field, name);
        assert!(problems[0].allowed.contains("not available in this version"), "{problems:?}");
    }
}

#[test]
fn every_range_has_an_end_and_all_problems_are_told() {
    for (field, name) in [
        (r#""title":"""#, "title"),
        (r#""title":"a\nb""#, "title"),
        (r#""admission_per_second":0"#, "admission_per_second"),
        (r#""active_max":1000001"#, "active_max"),
        (r#""claim_window_seconds":0"#, "claim_window_seconds"),
        (r#""session_seconds":86401"#, "session_seconds"),
        (r#""idle_seconds":1.5"#, "idle_seconds"),
        (r#""hold_seconds":-1"#, "hold_seconds"),
        (r#""per_shopper_max":0"#, "per_shopper_max"),
        (r#""overbook":0"#, "overbook"),
        (r#""opens_at":"soon""#, "opens_at"),
        (r#""closes_at":"2026-01-01T00:00:00Z","opens_at":"2026-01-01T00:00:00Z""#, "closes_at"),
        (r#""colour":"red""#, "colour"),
    ] {
        assert_eq!(problems(&with(field)), [name], "{field}");
    }
    assert_eq!(
        problems(r#"{"id":"A","offers":[{"sku":"a","total":-1,"price":1.5}],"x":1}"#),
        ["id", "offers[0].total", "offers[0].price", "offers[0].currency", "x", "offer"]
    );
    for unknown in ["XTS", "ABC", "krw"] {
        assert_eq!(problems(&LEAST.replace("KRW", unknown))[0], "offers[0].currency");
    }
    let twice = r#"{"sku":"a","total":1,"price":1,"currency":"KRW"}"#;
    let two = format!(r#"{{"id":"a","offers":[{twice},{}]}}"#, twice.replace("KRW", "USD"));
    assert_eq!(problems(&two), ["offer.sku", "offer.currency"]);
}

#[test]
fn a_patch_changes_only_what_it_names() {
    let spec = read_sale(LEAST.as_bytes()).unwrap();
    let patch = read_patch(br#"{"title":"New","closes_at":null,"overbook":null}"#).unwrap();
    let changed = patch.applied_to(&spec);
    assert_eq!(patched_fields(&patch), ["title", "closes_at", "overbook"]);
    assert_eq!(changed, SaleSpec { title: "New".to_owned(), ..spec.clone() });
    assert!(read_patch(br#"{"id":"other"}"#).is_err());
    assert!(read_patch(br#"{"offers":[]}"#).is_err());
    assert!(read_patch(br#"{"order":"draw"}"#).is_err());
    let ended =
        read_patch(br#"{"opens_at":"2026-01-02T00:00:00Z","closes_at":"2026-01-01T00:00:00Z"}"#);
    assert_eq!(ended.unwrap().applied_to(&spec).check()[0].field, "closes_at");
}

#[test]
fn each_difference_of_two_tables_is_named_with_both_values() {
    let running = read_sale(LEAST.as_bytes()).unwrap();
    assert_eq!(differences(&running, &running), []);
    let changed = with(r#""title":"New","overbook":1.5,"closes_at":"2030-01-01T00:00:00Z""#);
    let file = read_sale(changed.replace("99000", "5").as_bytes()).unwrap();
    let told = differences(&file, &running);
    let mut told: Vec<[&str; 3]> =
        told.iter().map(|d| [d.key.as_str(), d.file.as_str(), d.running.as_str()]).collect();
    told.sort_unstable();
    let expected = [
        ["closes_at", "\"2030-01-01T00:00:00Z\"", "null"],
        ["offers[0].price", "5", "99000"],
        ["overbook", "1.5", "null"],
        ["title", "\"New\"", "\"demo\""],
    ];
    assert_eq!(told, expected);
}
