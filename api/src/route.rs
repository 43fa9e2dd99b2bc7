//! Which call a method and a path mean.
//!
//! Owns the path table of the API. The matcher is written by hand: no allocation, no regular
//! expression, captured segments borrowed from the path. A segment that is not in canonical form
//! (percent-encoded, over-long, of other characters) names nothing and is simply not found.

mod table;

use hyper::Method;
use hyper::header::HeaderValue;

pub use table::{Act, Admin, LABELS, MOUNTED, ROUTES, Route};

/// The most characters of a purchase's or session's name in a path.
const NAME_CHARS_MAX: usize = 64;

/// The methods a path knows; HEAD goes with GET, and OPTIONS with all.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Methods {
    /// GET
    Get,
    /// POST
    Post,
    /// GET and POST
    GetPost,
    /// GET, PATCH and DELETE
    GetPatchDelete,
}

impl Methods {
    /// As `Allow` lists them.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Get => "GET, HEAD, OPTIONS",
            Self::Post => "POST, OPTIONS",
            Self::GetPost => "GET, HEAD, POST, OPTIONS",
            Self::GetPatchDelete => "GET, HEAD, PATCH, DELETE, OPTIONS",
        }
    }

    /// The value of `Allow`.
    pub const fn header(self) -> HeaderValue {
        HeaderValue::from_static(self.as_str())
    }
}

/// What a request asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Resolved<'p> {
    /// A call the API knows. HEAD resolves as GET; the server drops the body.
    Call(Route<'p>),
    /// OPTIONS on a known path.
    Options(Methods),
    /// A known path, another method.
    MethodNotAllowed(Methods),
    /// An unknown path.
    NotFound,
}

/// Finds the call that `method` and `path` (without its query) mean.
pub fn resolve<'p>(method: &Method, path: &'p str) -> Resolved<'p> {
    let Some(calls) = calls_at(path) else { return Resolved::NotFound };
    match (calls.pick(method), calls.methods()) {
        (Some(route), _) => Resolved::Call(route),
        (None, allow) if *method == Method::OPTIONS => Resolved::Options(allow),
        (None, allow) => Resolved::MethodNotAllowed(allow),
    }
}

/// The calls that share one path.
enum Calls<'p> {
    Get(Route<'p>),
    Post(Route<'p>),
    GetPost(Route<'p>, Route<'p>),
    GetPatchDelete(Route<'p>, Route<'p>, Route<'p>),
}

impl<'p> Calls<'p> {
    fn pick(&self, method: &Method) -> Option<Route<'p>> {
        let reads = *method == Method::GET || *method == Method::HEAD;
        match *self {
            Self::Get(get) | Self::GetPost(get, _) | Self::GetPatchDelete(get, ..) if reads => {
                Some(get)
            }
            Self::Get(_) => None,
            Self::Post(post) | Self::GetPost(_, post) => (*method == Method::POST).then_some(post),
            Self::GetPatchDelete(_, patch, _) if *method == Method::PATCH => Some(patch),
            Self::GetPatchDelete(_, _, delete) => (*method == Method::DELETE).then_some(delete),
        }
    }

    const fn methods(&self) -> Methods {
        match self {
            Self::Get(_) => Methods::Get,
            Self::Post(_) => Methods::Post,
            Self::GetPost(..) => Methods::GetPost,
            Self::GetPatchDelete(..) => Methods::GetPatchDelete,
        }
    }
}

fn calls_at(path: &str) -> Option<Calls<'_>> {
    if let Some(rest) = path.strip_prefix("/v1/sales") {
        return match rest {
            "" => Some(Calls::Get(Route::Sales)),
            _ => shopper_calls(rest.strip_prefix('/')?),
        };
    }
    if let Some(rest) = path.strip_prefix("/v1/admin/") {
        return operator_calls(rest);
    }
    if let Some(name) = path.strip_prefix("/assets/") {
        return Some(Calls::Get(Route::Asset { name: plain_name(name)? }));
    }
    let route = match path {
        "/" => Route::Home,
        "/docs" => Route::Docs,
        "/openapi.json" => Route::OpenApi,
        "/.well-known/jwks.json" => Route::Jwks,
        "/v1/revoked-sessions" => return Some(Calls::Post(Route::RevokedSessions)),
        _ => return room_calls(path.strip_prefix("/s/")?),
    };
    Some(Calls::Get(route))
}

/// What stands below `/s/`.
fn room_calls(rest: &str) -> Option<Calls<'_>> {
    let Some((sale, form)) = rest.split_once('/') else {
        return Some(Calls::Get(Route::Room { sale: sale_name(rest)? }));
    };
    let known = matches!(form, "enter" | "leave" | "buy") || purchase_form(form).is_some();
    Some(Calls::Post(Route::RoomForm { sale: sale_name(sale)?, form })).filter(|_| known)
}

/// The purchase and the verb of a room's purchase form: `purchases/{id}/{pay,release}`.
pub fn purchase_form(form: &str) -> Option<(&str, &str)> {
    let (id, verb) = form.strip_prefix("purchases/")?.split_once('/')?;
    let known = matches!(verb, "pay" | "release");
    plain_name(id).filter(|_| known).map(|id| (id, verb))
}

/// What stands below `/v1/sales/`.
fn shopper_calls(rest: &str) -> Option<Calls<'_>> {
    let Some((sale, rest)) = rest.split_once('/') else {
        return Some(Calls::Get(Route::SaleStatus { sale: sale_name(rest)? }));
    };
    let sale = sale_name(sale)?;
    Some(match rest {
        "position" => Calls::Get(Route::Position { sale }),
        "enter" => Calls::Post(Route::Enter { sale }),
        "stream" => Calls::Get(Route::Stream { sale }),
        "leave" => Calls::Post(Route::Leave { sale }),
        "purchase" => Calls::Post(Route::Purchase { sale }),
        _ => {
            if let Some(rest) = rest.strip_prefix("purchases/") {
                return purchase_calls(sale, rest);
            }
            let jti = rest.strip_prefix("sessions/")?.strip_suffix("/end")?;
            Calls::Post(Route::SessionEnd { sale, jti: plain_name(jti)? })
        }
    })
}

/// What stands below `/v1/sales/{sale}/purchases/`.
fn purchase_calls<'p>(sale: &'p str, rest: &'p str) -> Option<Calls<'p>> {
    let Some((id, verb)) = rest.split_once('/') else {
        return Some(Calls::Get(Route::PurchaseShow { sale, id: plain_name(rest)? }));
    };
    let id = plain_name(id)?;
    Some(Calls::Post(match verb {
        "pay" => Route::Pay { sale, id },
        "confirm" => Route::Confirm { sale, id },
        "release" => Route::Release { sale, id },
        "refund" => Route::Refund { sale, id },
        _ => return None,
    }))
}

/// What stands below `/v1/admin/`.
fn operator_calls(rest: &str) -> Option<Calls<'_>> {
    match rest {
        "sales" => {
            return Some(Calls::GetPost(Route::Admin(Admin::Sales), Route::Admin(Admin::Create)));
        }
        "outbox" => return Some(Calls::Get(Route::Admin(Admin::Outbox))),
        "outbox/replay" => return Some(Calls::Post(Route::Admin(Admin::OutboxReplay))),
        _ => {}
    }
    let rest = rest.strip_prefix("sales/")?;
    let Some((sale, verb)) = rest.split_once('/') else {
        let sale = sale_name(rest)?;
        return Some(Calls::GetPatchDelete(
            Route::Admin(Admin::Show { sale }),
            Route::Admin(Admin::Update { sale }),
            Route::Admin(Admin::Delete { sale }),
        ));
    };
    let sale = sale_name(sale)?;
    Some(match verb {
        "audit" => Calls::Get(Route::Admin(Admin::Audit { sale })),
        "stats" => Calls::Get(Route::Admin(Admin::Stats { sale })),
        "invites" => Calls::Post(Route::Admin(Admin::Invites { sale })),
        _ => Calls::Post(Route::Admin(Admin::Act { sale, act: Act::of(verb)? })),
    })
}

/// `[a-z0-9-]{1,64}`, as `engine::id::SaleName` has it, without making one.
fn sale_name(text: &str) -> Option<&str> {
    let allowed = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    bounded(text, allowed)
}

/// `[A-Za-z0-9_.-]{1,64}` that is no relative path.
fn plain_name(text: &str) -> Option<&str> {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"_.-".contains(&byte);
    bounded(text, allowed).filter(|name| !name.starts_with('.'))
}

fn bounded(text: &str, allowed: impl Fn(u8) -> bool) -> Option<&str> {
    ((1..=NAME_CHARS_MAX).contains(&text.len()) && text.bytes().all(allowed)).then_some(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The paths of the contract with the methods they take.
    const PATHS: [(&str, &str); 38] = [
        ("/", "GET"),
        ("/s/demo", "GET"),
        ("/docs", "GET"),
        ("/assets/rushgate.0123456789ab.css", "GET"),
        ("/s/demo/enter", "POST"),
        ("/openapi.json", "GET"),
        ("/.well-known/jwks.json", "GET"),
        ("/v1/sales", "GET"),
        ("/v1/sales/demo", "GET"),
        ("/v1/sales/demo/enter", "POST"),
        ("/v1/sales/demo/position", "GET"),
        ("/v1/sales/demo/stream", "GET"),
        ("/v1/sales/demo/leave", "POST"),
        ("/v1/sales/demo/purchase", "POST"),
        ("/v1/sales/demo/purchases/7", "GET"),
        ("/v1/sales/demo/purchases/7/pay", "POST"),
        ("/v1/sales/demo/purchases/7/confirm", "POST"),
        ("/v1/sales/demo/purchases/7/release", "POST"),
        ("/v1/sales/demo/purchases/7/refund", "POST"),
        ("/v1/sales/demo/sessions/j_1-A/end", "POST"),
        ("/v1/revoked-sessions", "POST"),
        ("/v1/admin/sales", "GET POST"),
        ("/v1/admin/sales/demo", "GET PATCH DELETE"),
        ("/v1/admin/sales/demo/pause", "POST"),
        ("/v1/admin/sales/demo/resume", "POST"),
        ("/v1/admin/sales/demo/drain", "POST"),
        ("/v1/admin/sales/demo/open", "POST"),
        ("/v1/admin/sales/demo/close", "POST"),
        ("/v1/admin/sales/demo/message", "POST"),
        ("/v1/admin/sales/demo/rate", "POST"),
        ("/v1/admin/sales/demo/restock", "POST"),
        ("/v1/admin/sales/demo/unstrand", "POST"),
        ("/v1/admin/sales/demo/archive", "POST"),
        ("/v1/admin/sales/demo/audit", "GET"),
        ("/v1/admin/sales/demo/stats", "GET"),
        ("/v1/admin/sales/demo/invites", "POST"),
        ("/v1/admin/outbox", "GET"),
        ("/v1/admin/outbox/replay", "POST"),
    ];

    #[test]
    fn every_path_takes_exactly_its_methods() {
        let mut seen = [false; ROUTES];
        for (path, taken) in PATHS {
            for name in ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "BREW"] {
                let method = Method::from_bytes(name.as_bytes()).unwrap();
                let as_listed = if name == "HEAD" { "GET" } else { name };
                let listed = taken.split(' ').any(|one| one == as_listed);
                match resolve(&method, path) {
                    Resolved::Call(route) => {
                        assert!(listed, "{name} {path}");
                        seen[route.index()] = true;
                    }
                    Resolved::Options(allow) => {
                        assert_eq!(name, "OPTIONS");
                        assert!(taken.split(' ').all(|one| allow.as_str().contains(one)));
                    }
                    Resolved::MethodNotAllowed(_) => assert!(!listed, "{name} {path}"),
                    Resolved::NotFound => panic!("{name} {path} is not found"),
                }
            }
        }
        assert!(seen.iter().all(|&seen| seen), "a route has no path here");
    }

    #[test]
    fn captures_are_the_segments() {
        let resolved = resolve(&Method::POST, "/v1/sales/a-1/purchases/42/refund");
        assert_eq!(resolved, Resolved::Call(Route::Refund { sale: "a-1", id: "42" }));
        let resolved = resolve(&Method::HEAD, "/v1/sales/a-1/position");
        assert_eq!(resolved, Resolved::Call(Route::Position { sale: "a-1" }));
    }

    #[test]
    fn what_is_not_canonical_is_not_found() {
        let long = format!("/v1/sales/{}", "a".repeat(65));
        for path in [
            "",
            "*",
            "//",
            "/v1",
            "/v1/",
            "/v1/sales/",
            "/v1/salesdemo",
            "/v1/sales/Demo",
            "/v1/sales/d%65mo",
            "/v1/sales/demo/",
            "/v1/sales/demo/enter/",
            "/v1/sales//enter",
            "/v1/sales/demo/../demo",
            "/v1/sales/demo/purchases/",
            "/v1/sales/demo/purchases/7/",
            "/v1/sales/demo/purchases/a%2fb/pay",
            "/v1/sales/demo/sessions//end",
            "/v1/sales/demo/sessions/a/b/end",
            "/v1/admin",
            "/v1/admin/sales/",
            "/v1/admin/sales/demo/burn",
            "/s/",
            "/s/demo/x",
            "/s/demo/purchases/p1-1/burn",
            "/assets/",
            "/assets/../keys.json",
            "/assets/a/b",
            "/metrics",
            &long,
        ] {
            assert_eq!(resolve(&Method::GET, path), Resolved::NotFound, "{path}");
        }
    }

    #[test]
    fn labels_are_distinct() {
        let distinct: std::collections::BTreeSet<_> = LABELS.into_iter().collect();
        assert_eq!(distinct.len(), ROUTES);
    }
}
