//! The API reference people read: `/docs`, rendered once at start from the OpenAPI document.
//!
//! No script and no external resource. Every problem code has the anchor `#error-<code>` that
//! problem documents link to as their `type`.

use bytes::Bytes;
use hyper::{Response, StatusCode, header::HeaderValue};
use serde_json::Value;
use web::respond::{self, Cache};

use crate::openapi;
use crate::pages::escape;
use crate::server::Body;

const METHODS: [&str; 4] = ["get", "post", "patch", "delete"];

const STYLE: &str = "\
:root{color-scheme:light dark;--soft:#5b6270;--line:#dfe2e8;--card:#fff;--ground:#f4f5f7;\
--go:#0b5fd3}\
@media(prefers-color-scheme:dark){:root{--soft:#a3abba;--line:#343a46;--card:#1d2129;\
--ground:#12151a;--go:#7db4ff}}\
*{box-sizing:border-box}body{margin:0;background:var(--ground);\
font:16px/1.55 system-ui,-apple-system,sans-serif;overflow-wrap:anywhere}\
main,header{max-width:52rem;margin:0 auto;padding:0 1rem}a{color:var(--go)}\
h1{font-size:1.8rem}h2{margin:2.2rem 0 .6rem}h3{margin:0;font-size:1rem}\
article,details{background:var(--card);border:1px solid var(--line);border-radius:10px;\
padding:.8rem 1rem;margin:0 0 .8rem}article details{background:none;margin:.5rem 0 0;\
padding:.4rem .7rem}\
code,pre{font:.87rem/1.5 ui-monospace,monospace}pre{overflow-x:auto;margin:.5rem 0}\
.method{display:inline-block;min-width:4.2rem;font-weight:700;color:var(--go);\
text-transform:uppercase}.soft,.card p{color:var(--soft)}p{margin:.4rem 0}\
table{border-collapse:collapse;width:100%}th,td{text-align:left;vertical-align:top;\
padding:.4rem .6rem .4rem 0;border-bottom:1px solid var(--line)}summary{cursor:pointer}\
:target{outline:2px solid var(--go)}";

/// The page, whose inline style carries the fixed nonce it was rendered with.
pub fn answer(html: Bytes) -> Response<Body> {
    let policy = "default-src 'none'; style-src 'nonce-reference'; img-src data:; \
                  base-uri 'none'; form-action 'none'; frame-ancestors 'none'";
    respond::page(StatusCode::OK, Cache::Hour, HeaderValue::from_static(policy), html)
}

/// Renders the page; `nonce` is the one of its inline style, or a fixed one hashed by the caller.
pub fn render(nonce: &str) -> String {
    // The document is built in and tested to be JSON; were it not, the page would be empty.
    let document: Value = serde_json::from_str(openapi::DOCUMENT).unwrap_or_default();
    let title = text(&document["info"]["title"]);
    let mut body = format!(
        "<header><h1>{title}: the API</h1><p>{}</p><p>As a file: \
         <a href=\"/openapi.json\">openapi.json</a>. <a href=\"#errors\">Errors</a></p></header>\
         <main>",
        prose(&document["info"]["description"])
    );
    for tag in document["tags"].as_array().into_iter().flatten() {
        body.push_str(&section(&document, tag));
    }
    body.push_str(&errors(&document));
    body.push_str("</main>");
    format!(
        "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\
         <meta name=\"viewport\" content=\"width=device-width,initial-scale=1\">\
         <link rel=\"icon\" href=\"data:,\"><title>{title} API</title>\
         <style nonce=\"{}\">{STYLE}</style></head><body>{body}</body></html>\n",
        escape(nonce)
    )
}

fn section(document: &Value, tag: &Value) -> String {
    let name = text(&tag["name"]);
    let mut html = format!("<h2 id=\"{name}\">{name}</h2><p>{}</p>", prose(&tag["description"]));
    for (path, item) in document["paths"].as_object().into_iter().flatten() {
        for method in METHODS {
            let operation = &item[method];
            if operation["tags"][0] == tag["name"] {
                html.push_str(&call(document, path, method, operation));
            }
        }
    }
    html
}

fn call(document: &Value, path: &str, method: &str, operation: &Value) -> String {
    let mut html = format!(
        "<article id=\"{id}\"><h3><span class=\"method\">{method}</span> <code>{path}</code></h3>\
         <p>{summary}. {description}</p>",
        id = text(&operation["operationId"]),
        path = escape(path),
        summary = prose(&operation["summary"]),
        description = prose(&operation["description"]),
    );
    let bearers = operation["security"].as_array().into_iter().flatten();
    let bearers: Vec<String> = bearers
        .filter_map(|one| Some(escape(&one.as_object()?.keys().next()?.replace('_', " "))))
        .collect();
    if !bearers.is_empty() {
        html.push_str("<p class=\"soft\">Bearer: ");
        html.push_str(&bearers.join(", or "));
        html.push_str("</p>");
    }
    for parameter in operation["parameters"].as_array().into_iter().flatten() {
        html.push_str(&parameter_line(resolved(document, parameter)));
    }
    let body = &operation["requestBody"];
    if body.is_object() {
        html.push_str(&details("Request body", &body["content"]));
    }
    for (status, response) in operation["responses"].as_object().into_iter().flatten() {
        let response = resolved(document, response);
        let said = response["description"].as_str().unwrap_or_default();
        match said.strip_prefix("Problem: ") {
            Some(codes) => html.push_str(&problem_line(status, codes)),
            None => html.push_str(&details(&format!("{status}: {said}"), &response["content"])),
        }
    }
    html.push_str("</article>");
    html
}

fn resolved<'a>(document: &'a Value, value: &'a Value) -> &'a Value {
    let target = value["$ref"].as_str().and_then(|target| target.strip_prefix('#'));
    target.and_then(|pointer| document.pointer(pointer)).unwrap_or(value)
}

fn parameter_line(parameter: &Value) -> String {
    let required = if parameter["required"] == true { "required" } else { "optional" };
    format!(
        "<p><code>{}</code> <span class=\"soft\">({}, {required})</span> {}</p>",
        text(&parameter["name"]),
        text(&parameter["in"]),
        prose(&parameter["description"]),
    )
}

/// The problems of one status, each leading to its row in the table of errors.
fn problem_line(status: &str, codes: &str) -> String {
    let links = codes.split(", ").map(|code| {
        let code = escape(code.trim_matches('`'));
        ["<a href=\"#error-", &code, "\"><code>", &code, "</code></a>"].concat()
    });
    let links: Vec<String> = links.collect();
    ["<p>", &escape(status), ": ", &links.join(", "), "</p>"].concat()
}

/// A line that opens to its examples, or just the line when there are none.
fn details(heading: &str, content: &Value) -> String {
    let mut examples = String::new();
    for (media, body) in content.as_object().into_iter().flatten() {
        let named = body["examples"].as_object().into_iter().flatten();
        let values = named.map(|(_, example)| &example["value"]).chain(body.get("example"));
        for value in values {
            let shown = match value.as_str() {
                Some(text) => text.to_owned(),
                None => serde_json::to_string_pretty(value).unwrap_or_default(),
            };
            examples.push_str("<p class=\"soft\">");
            examples.push_str(&escape(media));
            examples.push_str("</p><pre tabindex=\"0\">");
            examples.push_str(&escape(&shown));
            examples.push_str("</pre>");
        }
    }
    let heading = ticks_to_code(heading);
    if examples.is_empty() {
        return format!("<p>{heading}</p>");
    }
    format!("<details><summary>{heading}</summary>{examples}</details>")
}

fn errors(document: &Value) -> String {
    let mut html = String::from(
        "<h2 id=\"errors\">Errors</h2><table><thead><tr><th>Code</th><th>Status</th>\
         <th>Meaning and what to do</th></tr></thead><tbody>",
    );
    for error in document["x-errors"].as_array().into_iter().flatten() {
        let code = text(&error["code"]);
        html.push_str(
            &[
                "<tr id=\"error-",
                &code,
                "\"><td><code>",
                &code,
                "</code></td><td>",
                &error["status"].to_string(),
                "</td><td>",
                &prose(&error["meaning"]),
                "<br>",
                &prose(&error["advice"]),
                "</td></tr>",
            ]
            .concat(),
        );
    }
    html.push_str("</tbody></table>");
    html
}

fn text(value: &Value) -> String {
    escape(value.as_str().unwrap_or_default())
}

fn prose(value: &Value) -> String {
    ticks_to_code(value.as_str().unwrap_or_default())
}

/// Escapes a text and sets what stands between backticks as code.
fn ticks_to_code(text: &str) -> String {
    let parts = text.split('`').enumerate().map(|(at, part)| {
        let part = escape(part);
        if at % 2 == 1 { ["<code>", &part, "</code>"].concat() } else { part }
    });
    parts.collect::<Vec<String>>().concat()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_call_and_every_error_has_its_place() {
        let html = render("n0nce");
        let document: Value = serde_json::from_str(openapi::DOCUMENT).unwrap();
        for (path, item) in document["paths"].as_object().unwrap() {
            assert!(html.contains(&format!("<code>{path}</code>")), "{path}");
            for operation in item.as_object().unwrap().values() {
                let id = operation["operationId"].as_str().unwrap();
                assert!(html.contains(&format!("id=\"{id}\"")), "{id}");
            }
        }
        let codes =
            document["components"]["schemas"]["Problem"]["properties"]["code"]["enum"].as_array();
        for code in codes.unwrap() {
            let anchor = format!("id=\"error-{}\"", code.as_str().unwrap());
            assert!(html.contains(&anchor), "{anchor}");
        }
        for outside in ["<script", "http://", "https://", "@import", "url("] {
            assert!(!html.contains(outside), "{outside}");
        }
        if let Some(dir) = std::env::var_os("RUSHGATE_PAGES_DIR") {
            std::fs::write(std::path::Path::new(&dir).join("docs.html"), html).unwrap();
        }
    }
}
