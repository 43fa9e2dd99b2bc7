//! Holds answers against `openapi.json`: the status is documented for the call, the content type
//! is one of those it may have, and the body has the keys its schema names, no more and no less.

use std::sync::OnceLock;

use serde_json::Value;

use crate::client::{Ask, Told};

/// The description as the program serves it; a test compares the two.
pub(crate) const DOCUMENT: &str = include_str!("../../openapi.json");

fn document() -> &'static Value {
    static DOCUMENT_READ: OnceLock<Value> = OnceLock::new();
    DOCUMENT_READ.get_or_init(|| serde_json::from_str(DOCUMENT).unwrap())
}

/// Checks an answer to a call that the description knows.
pub(crate) fn check(ask: &Ask, told: &Told) {
    let Some((template, operations)) = path_item(&ask.path) else { return };
    let method = ask.method.as_str().to_ascii_lowercase();
    let Some(operation) = operations.get(&method) else { return };
    let context = format!("{method} {template} {}", told.status);
    let response = &operation["responses"][told.status.to_string()];
    assert!(!response.is_null(), "{context} is not documented: {}", told.text());
    let response = resolved(response);
    let Some(contents) = response["content"].as_object() else {
        assert!(told.body.is_empty(), "{context} has a body that is not documented");
        return;
    };
    let kind = told.header("content-type").unwrap_or_default();
    let shape = contents.get(kind).unwrap_or_else(|| unreachable!("{context} is {kind}"));
    if kind.ends_with("json") {
        agree(&context, resolved(&shape["schema"]), &told.json());
    }
    if told.status >= 400 {
        documented_code(&context, shape, &told.code());
    }
}

/// The problem's code is one of those shown for this call and status.
fn documented_code(context: &str, shape: &Value, code: &str) {
    let examples = shape["examples"].as_object();
    let named = examples.is_none_or(|examples| examples.contains_key(code));
    assert!(named, "{context}: the code {code} is not among its examples");
}

/// The path item of a request's path; the more literal of two that fit.
fn path_item(path: &str) -> Option<(&'static str, &'static Value)> {
    let path = path.split('?').next().unwrap_or_default();
    let fits = |template: &str| {
        let (known, asked) = (template.split('/'), path.split('/'));
        known.clone().count() == asked.clone().count()
            && known.zip(asked).all(|(known, asked)| known.starts_with('{') || known == asked)
    };
    let paths = document()["paths"].as_object().unwrap().iter();
    let fitting = paths.filter(|(template, _)| fits(template));
    fitting.min_by_key(|(template, _)| template.matches('{').count()).map(|(t, v)| (t.as_str(), v))
}

fn resolved(value: &'static Value) -> &'static Value {
    match value["$ref"].as_str() {
        Some(target) => document().pointer(&target[1..]).unwrap(),
        None => value,
    }
}

/// Panics where `value` is not what `schema` describes.
fn agree(context: &str, schema: &'static Value, value: &Value) {
    let schema = resolved(schema);
    if let Some(choices) = schema["anyOf"].as_array() {
        let fitting = choices.iter().find(|choice| is_type(resolved(choice), value));
        let fitting = fitting.unwrap_or_else(|| unreachable!("{context}: {value} is none of them"));
        return agree(context, fitting, value);
    }
    assert!(is_type(schema, value), "{context}: {value} is not {}", schema["type"]);
    if let Some(words) = schema["enum"].as_array() {
        assert!(words.contains(value), "{context}: {value} is not among {words:?}");
    }
    if let (Some(properties), Some(object)) = (schema["properties"].as_object(), value.as_object())
    {
        for (name, inner) in object {
            let known = properties.get(name);
            let known = known.unwrap_or_else(|| unreachable!("{context}: {name} is not described"));
            agree(&format!("{context}.{name}"), known, inner);
        }
        for name in schema["required"].as_array().into_iter().flatten() {
            let there = object.contains_key(name.as_str().unwrap());
            assert!(there, "{context}: {name} is described as always there");
        }
    }
    for inner in value.as_array().into_iter().flatten() {
        agree(&format!("{context}[]"), &schema["items"], inner);
    }
}

fn is_type(schema: &Value, value: &Value) -> bool {
    match schema["type"].as_str() {
        Some("object") => value.is_object(),
        Some("array") => value.is_array(),
        Some("string") => value.is_string(),
        Some("integer") => value.is_i64() || value.is_u64(),
        Some("number") => value.is_number(),
        Some("boolean") => value.is_boolean(),
        Some("null") => value.is_null(),
        _ => true,
    }
}

#[test]
fn paths_find_the_most_literal_template() {
    let found = |path| path_item(path).map(|(template, _)| template);
    assert_eq!(found("/v1/sales/a/purchase"), Some("/v1/sales/{sale}/purchase"));
    assert_eq!(found("/v1/admin/sales/a/open?x=1"), Some("/v1/admin/sales/{sale}/open"));
    assert_eq!(found("/v1/nothing"), None);
}
