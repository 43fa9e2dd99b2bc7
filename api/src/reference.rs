//! The API reference people read: `/docs`, rendered once at start from the OpenAPI document.
//!
//! Owns what is taken out of the document; how it looks is the `pages` crate's. Every problem code has
//! the anchor `#error-<code>` that problem documents link to as their `type`.

use pages::{Call, ErrorRow, Example, Frame, Language, Parameter, Prose, ReferencePage, Section};
use serde_json::Value;

const METHODS: [&str; 5] = ["get", "post", "put", "patch", "delete"];

/// Renders the page.
pub fn render(document: &str) -> String {
    // The document is built in and tested to be JSON; were it not, the page would be empty.
    let document: Value = serde_json::from_str(document).unwrap_or_default();
    let page = ReferencePage {
        frame: Frame { language: Language::English, here: "/docs" },
        title: text(&document["info"]["title"]),
        description: prose(&document["info"]["description"]),
        sections: list(&document["tags"]).map(|tag| section(&document, tag)).collect(),
        errors: list(&document["x-errors"]).map(error).collect(),
    };
    page.html()
}

fn section<'d>(document: &'d Value, tag: &'d Value) -> Section<'d> {
    let operations = document["paths"].as_object().into_iter().flatten();
    let operations = operations.flat_map(|(path, item)| {
        METHODS.into_iter().map(move |method| (path.as_str(), method, &item[method]))
    });
    let of_tag = operations.filter(|(_, _, operation)| operation["tags"][0] == tag["name"]);
    Section {
        name: text(&tag["name"]),
        description: prose(&tag["description"]),
        calls: of_tag.map(|call_of| call(document, call_of)).collect(),
    }
}

fn call<'d>(
    document: &'d Value,
    (path, method, operation): (&'d str, &'d str, &'d Value),
) -> Call<'d> {
    let bearers = list(&operation["security"]);
    let bearers = bearers.filter_map(|one| Some(one.as_object()?.keys().next()?.replace('_', " ")));
    let parameters = list(&operation["parameters"]).map(|one| parameter(resolved(document, one)));
    let request = &operation["requestBody"];
    let mut bodies = Vec::new();
    if request.is_object() {
        bodies.push(example("", "Request body", &request["content"]));
    }
    let mut problems = Vec::new();
    for (status, response) in operation["responses"].as_object().into_iter().flatten() {
        let response = resolved(document, response);
        let said = text(&response["description"]);
        match said.strip_prefix("Problem: ") {
            Some(codes) => {
                let codes = codes.split(", ").map(|code| code.trim_matches('`'));
                problems.push((status.as_str(), codes.collect()));
            }
            None => bodies.push(example(status, said, &response["content"])),
        }
    }
    Call {
        id: text(&operation["operationId"]),
        method,
        path,
        summary: prose(&operation["summary"]),
        description: prose(&operation["description"]),
        bearers: bearers.collect::<Vec<String>>().join(", or "),
        parameters: parameters.collect(),
        bodies,
        problems,
    }
}

fn resolved<'d>(document: &'d Value, value: &'d Value) -> &'d Value {
    let target = value["$ref"].as_str().and_then(|target| target.strip_prefix('#'));
    target.and_then(|pointer| document.pointer(pointer)).unwrap_or(value)
}

fn parameter(parameter: &Value) -> Parameter<'_> {
    Parameter {
        name: text(&parameter["name"]),
        place: text(&parameter["in"]),
        is_required: parameter["required"] == true,
        description: prose(&parameter["description"]),
    }
}

fn example<'d>(status: &'d str, heading: &'d str, content: &'d Value) -> Example<'d> {
    let mut texts = Vec::new();
    for (media, body) in content.as_object().into_iter().flatten() {
        let named = body["examples"].as_object().into_iter().flatten();
        let values = named.map(|(_, example)| &example["value"]).chain(body.get("example"));
        for value in values {
            let shown = match value.as_str() {
                Some(text) => text.to_owned(),
                None => serde_json::to_string_pretty(value).unwrap_or_default(),
            };
            texts.push((media.as_str(), shown));
        }
    }
    Example { status, heading: Prose(heading), texts }
}

fn error(error: &Value) -> ErrorRow<'_> {
    ErrorRow {
        code: text(&error["code"]),
        status: error["status"].as_u64().unwrap_or_default(),
        meaning: prose(&error["meaning"]),
        advice: prose(&error["advice"]),
    }
}

fn list(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_array().into_iter().flatten()
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

fn prose(value: &Value) -> Prose<'_> {
    Prose(text(value))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::openapi;

    #[test]
    fn every_call_of_the_shop_and_every_error_of_it_has_its_place() {
        check(&openapi::with_shop());
    }

    #[test]
    fn every_call_and_every_error_has_its_place_and_its_words() {
        let html = check(openapi::DOCUMENT);
        let document: Value = serde_json::from_str(openapi::DOCUMENT).unwrap();
        let codes =
            document["components"]["schemas"]["Problem"]["properties"]["code"]["enum"].as_array();
        for code in codes.unwrap().iter().map(|code| code.as_str().unwrap()) {
            for language in Language::ALL {
                assert!(pages::words_of(language, code).is_some(), "{language:?}: {code}");
            }
        }
        for outside in ["<script", "<style", "style=", "http://", "https://", "url("] {
            assert!(!html.contains(outside), "{outside}");
        }
    }

    /// Renders a document in which everything must have its place.
    fn check(document: &str) -> String {
        let html = render(document);
        let document: Value = serde_json::from_str(document).unwrap();
        for (path, item) in document["paths"].as_object().unwrap() {
            assert!(html.contains(&format!("<code>{path}</code>")), "{path}");
            for operation in item.as_object().unwrap().values() {
                let id = operation["operationId"].as_str().unwrap();
                assert!(html.contains(&format!("id=\"{id}\"")), "{id}");
            }
        }
        let codes =
            document["components"]["schemas"]["Problem"]["properties"]["code"]["enum"].as_array();
        for code in codes.unwrap().iter().map(|code| code.as_str().unwrap()) {
            let anchor = format!("id=\"error-{code}\"");
            assert!(html.contains(&anchor), "{anchor}");
        }
        html
    }
}
