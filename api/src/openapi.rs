//! The API's description: OpenAPI 3.1, built into the program and served as it is.

use serde_json::Value;

/// The document's bytes, JSON.
pub const DOCUMENT: &str = include_str!("../openapi.json");

/// The same with the calls of the shop, for a program that runs it.
pub fn with_shop() -> String {
    // Both are built in and tested to be JSON objects.
    let mut document: Value = serde_json::from_str(DOCUMENT).unwrap_or_default();
    let shop: Value = serde_json::from_str(commerce::OPENAPI).unwrap_or_default();
    merge(&mut document, shop);
    document.to_string()
}

/// Puts one document into another: lists are joined, objects merged.
fn merge(into: &mut Value, from: Value) {
    match (into, from) {
        (Value::Object(into), Value::Object(from)) => {
            for (name, value) in from {
                match into.get_mut(&name) {
                    Some(known) => merge(known, value),
                    None => {
                        into.insert(name, value);
                    }
                }
            }
        }
        (Value::Array(into), Value::Array(mut from)) => into.append(&mut from),
        // One text is as good as the other.
        (_, _) => {}
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    /// Every call of the contract.
    const CALLS: &[(&str, &[&str])] = &[
        ("/v1/sales", &["get"]),
        ("/v1/sales/{sale}", &["get"]),
        ("/v1/sales/{sale}/enter", &["post"]),
        ("/v1/sales/{sale}/position", &["get"]),
        ("/v1/sales/{sale}/stream", &["get"]),
        ("/v1/sales/{sale}/leave", &["post"]),
        ("/v1/sales/{sale}/purchase", &["post"]),
        ("/v1/sales/{sale}/purchases/{id}", &["get"]),
        ("/v1/sales/{sale}/purchases/{id}/pay", &["post"]),
        ("/v1/sales/{sale}/purchases/{id}/confirm", &["post"]),
        ("/v1/sales/{sale}/purchases/{id}/release", &["post"]),
        ("/v1/sales/{sale}/purchases/{id}/refund", &["post"]),
        ("/v1/sales/{sale}/sessions/{jti}/end", &["post"]),
        ("/v1/revoked-sessions", &["post"]),
        ("/.well-known/jwks.json", &["get"]),
        ("/v1/admin/sales", &["get", "post"]),
        ("/v1/admin/sales/{sale}", &["get", "patch", "delete"]),
        ("/v1/admin/sales/{sale}/pause", &["post"]),
        ("/v1/admin/sales/{sale}/resume", &["post"]),
        ("/v1/admin/sales/{sale}/drain", &["post"]),
        ("/v1/admin/sales/{sale}/open", &["post"]),
        ("/v1/admin/sales/{sale}/close", &["post"]),
        ("/v1/admin/sales/{sale}/message", &["post"]),
        ("/v1/admin/sales/{sale}/rate", &["post"]),
        ("/v1/admin/sales/{sale}/restock", &["post"]),
        ("/v1/admin/sales/{sale}/unstrand", &["post"]),
        ("/v1/admin/sales/{sale}/archive", &["post"]),
        ("/v1/admin/sales/{sale}/audit", &["get"]),
        ("/v1/admin/sales/{sale}/stats", &["get"]),
        ("/v1/admin/sales/{sale}/invites", &["post"]),
        ("/v1/admin/outbox", &["get"]),
        ("/v1/admin/outbox/replay", &["post"]),
    ];

    fn document() -> Value {
        serde_json::from_str(DOCUMENT).unwrap()
    }

    #[test]
    fn every_call_of_the_contract_is_described_with_answers_and_examples() {
        let document = document();
        assert_eq!(document["openapi"], "3.1.0");
        let paths = document["paths"].as_object().unwrap();
        assert_eq!(paths.len(), CALLS.len(), "no path is missing here or there");
        for (path, methods) in CALLS {
            let described: BTreeSet<&str> =
                paths[*path].as_object().unwrap().keys().map(String::as_str).collect();
            assert_eq!(described, methods.iter().copied().collect(), "{path}");
            for method in *methods {
                let responses = paths[*path][*method]["responses"].as_object().unwrap();
                assert!(responses.keys().any(|status| status.starts_with('2')), "{method} {path}");
                assert!(responses.keys().any(|status| status.starts_with('4')), "{method} {path}");
                for (status, response) in responses {
                    let shared = response["$ref"].as_str();
                    let shared = shared.and_then(|target| document.pointer(&target[1..]));
                    let response = shared.unwrap_or(response);
                    for content in
                        response["content"].as_object().into_iter().flat_map(|c| c.values())
                    {
                        let has =
                            content.get("example").is_some() || content.get("examples").is_some();
                        assert!(has, "{method} {path} {status} has no example");
                    }
                }
            }
        }
    }

    #[test]
    fn every_problem_code_of_the_program_is_described_and_no_other() {
        let source = include_str!("error.rs");
        let lines = source.lines().filter(|l| l.contains("facts(S::") || l.contains("later(S::"));
        let mut codes: Vec<&str> = lines.filter_map(|line| line.split('"').nth(1)).collect();
        codes.sort_unstable();
        // Two refusals may have one code: they differ in how long they last.
        codes.dedup();
        let document = document();
        let described = document["components"]["schemas"]["Problem"]["properties"]["code"]["enum"]
            .as_array()
            .unwrap();
        let mut described: Vec<&str> = described.iter().filter_map(Value::as_str).collect();
        described.sort_unstable();
        assert_eq!(described, codes);
    }

    #[test]
    fn every_reference_leads_somewhere() {
        fn walk(value: &Value, document: &Value) {
            if let Some(target) = value.get("$ref").and_then(Value::as_str) {
                assert!(document.pointer(&target[1..]).is_some(), "{target}");
            }
            let children = value.as_object().into_iter().flat_map(|object| object.values());
            children.chain(value.as_array().into_iter().flatten()).for_each(|v| walk(v, document));
        }
        let document = document();
        walk(&document, &document);
    }

    #[test]
    fn the_sale_and_purchase_examples_are_what_the_program_reads() {
        let document = document();
        let example = |path: &str, method: &str| {
            let body = &document["paths"][path][method]["requestBody"];
            body["content"]["application/json"]["example"].to_string()
        };
        let sale = example("/v1/admin/sales", "post");
        crate::wire::read_sale(sale.as_bytes()).unwrap();
        let purchase = example("/v1/sales/{sale}/purchase", "post");
        crate::wire::read_purchase(purchase.as_bytes()).unwrap();
        let patch = example("/v1/admin/sales/{sale}", "patch");
        crate::wire::read_patch(patch.as_bytes()).unwrap();
        crate::wire::read_rate(example("/v1/admin/sales/{sale}/rate", "post").as_bytes()).unwrap();
        crate::wire::read_restock(example("/v1/admin/sales/{sale}/restock", "post").as_bytes())
            .unwrap();
        crate::wire::read_message(example("/v1/admin/sales/{sale}/message", "post").as_bytes())
            .unwrap();
    }
}
