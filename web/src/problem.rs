//! Refusals as `application/problem+json` (RFC 9457).
//!
//! Owns the form of the document and the headers that go with it. Who refuses owns the table from a
//! refusal to its [`Facts`]; they say in [`Retry`] what sending the same request again means.
//!
//! What comes from such a table stands in the document as it is: it holds nothing that JSON would
//! escape. What may quote the caller is escaped.

use std::borrow::Cow;
use std::sync::OnceLock;

use bytes::Bytes;
use http::header::{HeaderValue, RETRY_AFTER, WWW_AUTHENTICATE};
use http::{Response, StatusCode};
use serde::Serialize;

use crate::caller::Origin;
use crate::content::{self, Cache};
use crate::request_id::RequestId;

/// The most field problems one document lists; the rest would say nothing new.
const FIELDS_MAX: usize = 16;

/// Where browsers find this site, if that is configured: what a document's `type` begins with. The same for the
/// whole process, like the ids of its requests.
static SITE: OnceLock<String> = OnceLock::new();

/// From here on the `type` of a problem document is an absolute URL of this site.
pub fn set_site(origin: &Origin) {
    SITE.get_or_init(|| origin.to_string());
}

/// One thing wrong with a request's fields.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct FieldProblem {
    /// Where, as a path such as `items[0].quantity`; empty for the whole body.
    pub field: String,
    /// What is allowed, in words for the caller.
    pub message: String,
}

impl FieldProblem {
    /// Says that `field` is wrong and what would be right.
    pub fn new(field: impl Into<String>, message: impl Into<String>) -> Self {
        Self { field: field.into(), message: message.into() }
    }
}

impl From<crate::fields::FieldProblem> for FieldProblem {
    fn from(problem: crate::fields::FieldProblem) -> Self {
        let message = problem.message();
        Self { field: problem.field, message }
    }
}

/// What sending the same request again means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Retry {
    /// The same answer would come.
    Useless,
    /// Nothing happened; again after the given base of seconds, spread by as much again.
    After(u32),
    /// It may have happened; again with the same idempotency key, after the base of seconds.
    WithKey(u32),
}

/// A kind of refusal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Facts {
    /// HTTP status.
    pub status: StatusCode,
    /// Stable machine-readable code.
    pub code: &'static str,
    /// Short human-readable summary, the same for each use of the code.
    pub title: &'static str,
    /// What a retry means.
    pub retry: Retry,
}

impl Facts {
    /// A refusal that a retry does not change.
    pub const fn lasting(status: StatusCode, code: &'static str, title: &'static str) -> Self {
        Self { status, code, title, retry: Retry::Useless }
    }

    /// A refusal that passes.
    pub const fn passing(
        status: StatusCode,
        code: &'static str,
        title: &'static str,
        retry: Retry,
    ) -> Self {
        Self { status, code, title, retry }
    }

    /// A fault of ours.
    pub const INTERNAL: Self = Self::passing(
        StatusCode::INTERNAL_SERVER_ERROR,
        "internal",
        "internal error",
        Retry::WithKey(1),
    );
}

/// One refusal.
#[derive(Clone, Copy, Debug)]
pub struct Problem<'a> {
    /// Its kind.
    pub facts: Facts,
    /// Words about this occurrence, for the caller; without them the first field's, or the title.
    pub detail: Option<&'a str>,
    /// The state that a change cannot apply in, as the API names it.
    pub found: Option<&'static str>,
    /// What is wrong field by field.
    pub fields: &'a [FieldProblem],
}

impl Problem<'_> {
    /// A refusal about which its kind says everything.
    pub const fn of(facts: Facts) -> Self {
        Self { facts, detail: None, found: None, fields: &[] }
    }

    fn detail(&self) -> Cow<'_, str> {
        match (self.detail, self.fields) {
            (Some(detail), _) => detail.into(),
            (None, [FieldProblem { field, message }, ..]) if field.is_empty() => message.into(),
            (None, [FieldProblem { field, message }, ..]) => format!("{field}: {message}").into(),
            (None, []) => self.facts.title.into(),
        }
    }

    fn document(&self, request_id: &str) -> serde_json::Result<Vec<u8>> {
        let Facts { status, code, title, .. } = self.facts;
        let mut json = Vec::with_capacity(384);
        let site = SITE.get().map_or("", String::as_str);
        put(&mut json, &[r#"{"type":""#, site, "/docs#error-", code, r#"","title":""#, title]);
        put(&mut json, &[r#"","status":"#, status.as_str(), r#","detail":"#]);
        serde_json::to_writer(&mut json, &self.detail())?;
        put(&mut json, &[r#","code":""#, code, r#"","request_id":""#, request_id, "\""]);
        if let Some(found) = self.found {
            put(&mut json, &[r#","found":""#, found, "\""]);
        }
        if !self.fields.is_empty() {
            put(&mut json, &[r#","errors":"#]);
            let shown = &self.fields[..self.fields.len().min(FIELDS_MAX)];
            serde_json::to_writer(&mut json, shown)?;
        }
        json.push(b'}');
        Ok(json)
    }

    /// The answer, under the id of the request that this thread works on. `body` makes one of the
    /// document.
    pub fn respond<B>(&self, body: impl FnOnce(Bytes) -> B) -> Response<B> {
        let request_id = RequestId::current();
        let id = request_id.header();
        // Texts always serialise.
        let document = self.document(id.to_str().unwrap_or_default()).unwrap_or_default();
        let Facts { status, retry, .. } = self.facts;
        let body = body(Bytes::from(document));
        let mut response = content::with_body(status, content::PROBLEM_JSON, Cache::NoStore, body);
        let headers = response.headers_mut();
        if let Retry::After(base) | Retry::WithKey(base) = retry {
            let seconds = base + request_id.spread(base + 1);
            headers.insert(RETRY_AFTER, HeaderValue::from(seconds));
        }
        if status == StatusCode::UNAUTHORIZED {
            headers.insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        response
    }
}

fn put(json: &mut Vec<u8>, pieces: &[&str]) {
    for piece in pieces {
        json.extend_from_slice(piece.as_bytes());
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use serde_json::{Value, json};

    use super::*;

    const LATE: Facts =
        Facts::passing(StatusCode::SERVICE_UNAVAILABLE, "late", "too late", Retry::After(10));
    const WRONG: Facts =
        Facts::lasting(StatusCode::UNPROCESSABLE_ENTITY, "wrong", "that is not valid");

    fn read(problem: &Problem<'_>) -> Value {
        serde_json::from_slice(&problem.document("1f-2").unwrap()).unwrap()
    }

    #[test]
    fn a_document_is_json_and_quotes_nothing_unescaped() {
        let expected = json!({
            "type": "/docs#error-late", "title": "too late", "status": 503,
            "detail": "too late", "code": "late", "request_id": "1f-2",
        });
        assert_eq!(read(&Problem::of(LATE)), expected);
        let fields = [FieldProblem::new("a\"\n\u{0}", "한\\"), FieldProblem::new("b", "c")];
        let problem = Problem { found: Some("paying"), fields: &fields, ..Problem::of(WRONG) };
        let document = read(&problem);
        assert_eq!(
            (&document["found"], &document["detail"]),
            (&json!("paying"), &json!("a\"\n\u{0}: 한\\"))
        );
        assert_eq!(document["errors"][0], json!({ "field": "a\"\n\u{0}", "message": "한\\" }));
        assert_eq!(document["errors"].as_array().unwrap().len(), 2);
    }

    #[test]
    fn the_detail_is_about_this_occurrence_if_anything_is_known_of_it() {
        let whole = [FieldProblem::new("", "a JSON object is required")];
        let problem = Problem { fields: &whole, ..Problem::of(WRONG) };
        assert_eq!(read(&problem)["detail"], "a JSON object is required");
        let problem = Problem { detail: Some("line 3"), ..problem };
        assert_eq!(read(&problem)["detail"], "line 3");
        let many = vec![FieldProblem::new("x", "y"); FIELDS_MAX + 5];
        let problem = Problem { fields: &many, ..Problem::of(WRONG) };
        assert_eq!(read(&problem)["errors"].as_array().unwrap().len(), FIELDS_MAX);
    }

    #[test]
    fn retry_hints_are_there_only_where_a_retry_helps_and_are_spread() {
        let hint = |facts| {
            let response = Problem::of(facts).respond(|body| body);
            response.headers().get(RETRY_AFTER).map(|seconds| seconds.to_str().unwrap().to_owned())
        };
        assert_eq!(hint(WRONG), None);
        let hints: BTreeSet<u32> = (0..200).map(|_| hint(LATE).unwrap().parse().unwrap()).collect();
        assert!(hints.iter().all(|seconds| (10..=20).contains(seconds)), "{hints:?}");
        assert!(hints.len() > 5, "{hints:?}");
    }
}
