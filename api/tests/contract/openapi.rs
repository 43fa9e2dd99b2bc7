//! Holds answers against `openapi.json`: the status is documented for the call, the content type
//! is one of those it may have, and the body is what its schema says, with no key beyond it. A body
//! that the program took must be one that the description lets a client send.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, OnceLock, PoisonError},
};

use jsonschema::{Draft, Validator};
use serde_json::Value;

use crate::client::{Ask, Told};

/// The description as the program serves it; a test compares the two.
pub(crate) const DOCUMENT: &str = include_str!("../../openapi.json");

/// The description with the calls of the shop, which some servers here run.
fn document() -> &'static Value {
    static DOCUMENT_READ: OnceLock<Value> = OnceLock::new();
    DOCUMENT_READ.get_or_init(|| serde_json::from_str(&api::openapi::with_shop()).unwrap())
}

/// Checks an answer to a call that the description knows.
pub(crate) fn check(ask: &Ask, told: &Told) {
    let Some((template, operations)) = path_item(&ask.path) else { return };
    let method = ask.method.as_str().to_ascii_lowercase();
    let Some(operation) = operations.get(&method) else { return };
    let context = format!("{method} {template} {}", told.status);
    let responses = format!("/paths/{}/{method}/responses", escaped(template));
    let response = &operation["responses"][told.status.to_string()];
    assert!(!response.is_null(), "{context} is not documented: {}", told.text());
    let at = match response["$ref"].as_str() {
        Some(target) => target[1..].to_owned(),
        None => format!("{responses}/{}", told.status),
    };
    let response = document().pointer(&at).unwrap();
    assert!(response["headers"]["X-Request-Id"].is_object(), "{context}: no request id");
    if told.status < 300 {
        accepted(&context, &format!("/paths/{}/{method}/requestBody", escaped(template)), ask);
    }
    let Some(contents) = response["content"].as_object() else {
        assert!(told.body.is_empty(), "{context} has a body that is not documented");
        return;
    };
    let kind = told.header("content-type").unwrap_or_default();
    let shape = contents.get(kind).unwrap_or_else(|| unreachable!("{context} is {kind}"));
    if kind.ends_with("json") {
        agree(&context, &format!("{at}/content/{}/schema", escaped(kind)), &told.json());
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

/// What the program took must be what the description lets a client send.
fn accepted(context: &str, at: &str, ask: &Ask) {
    let Some(body) = document().pointer(at) else {
        let is_nothing = ask.body.is_empty() || ask.body.trim_ascii() == b"{}";
        return assert!(is_nothing, "{context} took a body that is not described");
    };
    if ask.body.is_empty() {
        return assert_ne!(body["required"], true, "{context} took no body");
    }
    let sent: Value = serde_json::from_slice(&ask.body).unwrap();
    agree(
        &format!("request of {context}"),
        &format!("{at}/content/application~1json/schema"),
        &sent,
    );
}

/// Panics where `value` is not what stands at `pointer` in the description: types, ranges, patterns,
/// formats, and no key that is not described.
fn agree(context: &str, pointer: &str, value: &Value) {
    static READ: OnceLock<Mutex<HashMap<String, Arc<Validator>>>> = OnceLock::new();
    let mut read = READ.get_or_init(Mutex::default).lock().unwrap_or_else(PoisonError::into_inner);
    let validator = Arc::clone(read.entry(pointer.to_owned()).or_insert_with(|| {
        let mut schema = closed().pointer(pointer).unwrap().clone();
        schema["components"] = closed()["components"].clone();
        let options = jsonschema::options().with_draft(Draft::Draft202012);
        Arc::new(options.should_validate_formats(true).build(&schema).unwrap())
    }));
    drop(read);
    let errors: Vec<String> =
        validator.iter_errors(value).map(|e| format!("{}: {e}", e.instance_path())).collect();
    assert!(errors.is_empty(), "{context}: {errors:#?} in {value}");
}

/// The description with every object closed: readers must bear new keys, and the program has none
/// that is not described. Objects put together by `allOf` stay open.
fn closed() -> &'static Value {
    fn close(value: &mut Value) {
        if let Some(object) = value.as_object_mut() {
            if object.get("properties").is_some_and(Value::is_object)
                && object.get("type").is_some_and(|kind| kind == "object")
                && !object.contains_key("allOf")
            {
                object.entry("additionalProperties").or_insert(Value::Bool(false));
            }
            object.values_mut().for_each(close);
        } else if let Some(list) = value.as_array_mut() {
            list.iter_mut().for_each(close);
        }
    }
    static CLOSED: OnceLock<Value> = OnceLock::new();
    CLOSED.get_or_init(|| {
        let mut schemas = serde_json::json!({ "components": {}, "paths": document()["paths"] });
        schemas["components"] = document()["components"].clone();
        close(&mut schemas);
        schemas
    })
}

/// A part of a JSON pointer.
fn escaped(part: &str) -> String {
    part.replace('~', "~0").replace('/', "~1")
}

#[test]
fn paths_find_the_most_literal_template() {
    let found = |path| path_item(path).map(|(template, _)| template);
    assert_eq!(found("/v1/sales/a/purchase"), Some("/v1/sales/{sale}/purchase"));
    assert_eq!(found("/v1/admin/sales/a/open?x=1"), Some("/v1/admin/sales/{sale}/open"));
    assert_eq!(found("/v1/nothing"), None);
}
