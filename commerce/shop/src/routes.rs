//! The one table of routes: path, method, who may call, and what answers.
//!
//! A handler takes a [`Visit`], a proof of who asks and its input, in this order. The types of the last two
//! say what is checked before it runs, and a handler without an authority is none.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
    pin::Pin,
    sync::Arc,
};

use axum::{
    Router,
    body::Body,
    extract::{FromRequestParts as _, RawPathParams, Request},
    http::{Method, Response},
    routing::any,
};
use web::{mounted::RouteLabel, respond};

use crate::{
    answer::Answer,
    authority::{Authority, Who, require_our_page},
    input::Input,
    refusal::Refusal,
    shop::Shop,
    visit::{Place, Visit},
};

type Answering = Pin<Box<dyn Future<Output = Answer> + Send>>;
type Call = Arc<dyn Fn(Visit, Body) -> Answering + Send + Sync>;

/// One row of the table, for tests and the reference.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    /// The method; HEAD goes with GET.
    pub method: Method,
    /// The path, with names in braces.
    pub path: &'static str,
    /// Who may call.
    pub who: Who,
}

/// Answers a page that was refused.
type Lost = fn(&Visit, &Refusal) -> Response<Body>;

/// The routes.
pub(crate) struct Routes {
    lost: Lost,
    rows: Vec<Row>,
    calls: BTreeMap<&'static str, Vec<(Method, Call)>>,
    /// Paths that show a page.
    pages: BTreeSet<&'static str>,
}

/// A path of the table.
#[derive(Clone)]
struct Known {
    lost: Lost,
    calls: Arc<Vec<(Method, Call)>>,
    label: RouteLabel,
    page: Option<usize>,
}

impl fmt::Debug for Routes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(&self.rows).finish()
    }
}

impl Routes {
    /// None yet; pages that are refused are answered by this.
    pub(crate) fn new(lost: Lost) -> Self {
        Self { lost, rows: Vec::new(), calls: BTreeMap::new(), pages: BTreeSet::new() }
    }

    /// Adds a page or the target of a form, which a page of ours posts to.
    #[must_use]
    pub(crate) fn page<A, I, F, W>(mut self, method: Method, path: &'static str, handler: F) -> Self
    where
        A: Authority,
        I: Input,
        F: Fn(Visit, A, I) -> W + Send + Sync + 'static,
        W: Future<Output = Answer> + Send + 'static,
    {
        let (handler, lost) = (Arc::new(handler), self.lost);
        let call: Call = Arc::new(move |visit, body| {
            let handler = Arc::clone(&handler);
            Box::pin(async move {
                visit.keep_language();
                let answering = async {
                    let by = A::admit(&visit).await?;
                    if !visit.only_reads() {
                        require_our_page(&visit)?;
                    }
                    let input = I::read(&visit, body).await?;
                    handler(visit.clone(), by, input).await
                };
                match answering.await {
                    Err(refusal) if visit.wants_page() => Ok(lost(&visit, &refusal)),
                    answered => answered,
                }
            })
        });
        if method == Method::GET {
            self.pages.insert(path);
        }
        self.add(method, path, A::WHO, call);
        self
    }

    fn add(&mut self, method: Method, path: &'static str, who: Who, call: Call) {
        self.rows.push(Row { method: method.clone(), path, who });
        self.calls.entry(path).or_default().push((method, call));
    }

    /// Adds a route.
    #[must_use]
    pub(crate) fn on<A, I, F, W>(mut self, method: Method, path: &'static str, handler: F) -> Self
    where
        A: Authority,
        I: Input,
        F: Fn(Visit, A, I) -> W + Send + Sync + 'static,
        W: Future<Output = Answer> + Send + 'static,
    {
        let handler = Arc::new(handler);
        let call: Call = Arc::new(move |visit, body| {
            let handler = Arc::clone(&handler);
            Box::pin(async move {
                let by = A::admit(&visit).await?;
                let input = I::read(&visit, body).await?;
                handler(visit, by, input).await
            })
        });
        self.add(method, path, A::WHO, call);
        self
    }

    /// The rows of the table.
    pub(crate) fn rows(self) -> Vec<Row> {
        self.rows
    }

    /// Adds the routes of an area.
    #[must_use]
    pub(crate) fn with(self, area: impl FnOnce(Self) -> Self) -> Self {
        area(self)
    }

    /// What answers every route, and 404 to everything else.
    pub(crate) fn router(self, shop: &Shop) -> Router {
        let Self { lost, calls, pages, .. } = self;
        let mut router = Router::new();
        for (path, calls) in calls {
            let known = Known {
                lost,
                calls: Arc::new(calls),
                label: RouteLabel(Arc::from(path)),
                page: page_of(path, &pages),
            };
            let shop = shop.clone();
            let serve = move |request: Request| answer(shop.clone(), known.clone(), request);
            router = router.route(path, any(serve));
        }
        let shop = shop.clone();
        router.fallback(move |request: Request| {
            let visit = Visit::new(shop.clone(), request.into_parts().0, Place::default());
            visit.keep_language();
            let refused = refused(&visit, lost, &Refusal::NotFound);
            async move { respond::with_cookies(refused, &visit.take_cookies()) }
        })
    }
}

/// How many parts of a path lead to a page: all of one that shows a page, fewer of the target of a form.
fn page_of(path: &str, pages: &BTreeSet<&'static str>) -> Option<usize> {
    let mut above = path;
    while !pages.contains(above) {
        above = above.rsplit_once('/')?.0;
    }
    Some(above.matches('/').count())
}

/// What is wrong with a path or a method: a page for a browser, unless it asked for a call.
fn refused(visit: &Visit, lost: Lost, refusal: &Refusal) -> Response<Body> {
    if visit.wants_page() && !visit.path().starts_with("/v1/") {
        return lost(visit, refusal);
    }
    refusal.respond(visit.language())
}

/// Answers a request to a path that is known.
async fn answer(shop: Shop, known: Known, request: Request) -> Response<Body> {
    let Known { lost, calls, label, page } = known;
    let (mut parts, body) = request.into_parts();
    let captured = RawPathParams::from_request_parts(&mut parts, &()).await;
    let captured = captured.map(|all| {
        all.iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect::<Vec<_>>()
    });
    let method = if parts.method == Method::HEAD { Method::GET } else { parts.method.clone() };
    let place = Place { captured: captured.unwrap_or_default(), page };
    let visit = Visit::new(shop, parts, place);
    let call = calls.iter().find(|(known, _)| *known == method);
    let answered = match call {
        Some((_, call)) => call(visit.clone(), body).await,
        None if method == Method::OPTIONS => Ok(options(&calls)),
        // Who stands at a form that was refused and loads its address again wants the form.
        None if method == Method::GET && visit.wants_page() && visit.is_below_its_page() => {
            Ok(respond::see_other(&visit.here()))
        }
        None => Ok(refused(&visit, lost, &Refusal::MethodNotAllowed(allowed(&calls)))),
    };
    let mut response = match answered {
        Ok(response) => response,
        Err(refusal) => refusal.respond(visit.language()),
    };
    response.extensions_mut().insert(label);
    if let Ok(selling) = visit.shop().selling() {
        response = respond::under_policy(response, &selling.page_policy);
    }
    respond::with_cookies(response, &visit.take_cookies())
}

/// The methods of a path, as `Allow` lists them.
fn allowed(calls: &[(Method, Call)]) -> String {
    let mut all: Vec<&str> = Vec::new();
    for (method, _) in calls {
        all.push(method.as_str());
        if *method == Method::GET {
            all.push("HEAD");
        }
    }
    all.push("OPTIONS");
    all.join(", ")
}

fn options(calls: &[(Method, Call)]) -> Response<Body> {
    match axum::http::HeaderValue::try_from(allowed(calls)) {
        Ok(allow) => respond::options(allow),
        Err(_) => respond::no_content(),
    }
}
