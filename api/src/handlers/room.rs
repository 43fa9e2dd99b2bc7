//! The built-in pages: what a shopper's browser sees. What it posts is in [`forms`].
//!
//! The ticket lives in a cookie that scripts cannot read; the pass is never given to a page. A
//! refusal is a page too, in the visitor's language, with a way on.

mod browser;
mod deal;
mod forms;
mod view;

use std::sync::Arc;

use bytes::Bytes;
use engine::{
    id::SaleName, sale::TicketRef, spec::IdentityMode, standing::Standing, view::SaleView,
};
use hyper::{
    HeaderMap, Request, Response, StatusCode,
    header::{CONTENT_SECURITY_POLICY, CONTENT_TYPE},
};
use pages::{Frame, Invitation, Language, PlaceEnd, ProblemPage};
use web::{
    cookies::Cookie,
    request_id::RequestId,
    respond::{self, Cache},
};

use self::{
    browser::{Browser, floor_cookie, language_cookie, notice_code, notice_cookie, refresh_cookie},
    view::Seen,
};
use super::{authority, only_looks};
use crate::{
    app::{App, split},
    attend,
    error::{ApiError, Retry},
    server::{Answer, Body, Peer, RequestBody},
};

pub use self::forms::post;

/// Sales on one page of `/`.
const HOME_SALES_MAX: usize = 100;

/// Seconds after which a page that could not be had for the moment is asked for again.
const RETRY_SECONDS: u64 = 15;

/// `GET /`, and the pages behind it: `?after=` the name of the last sale before.
pub fn home(app: &App, query: Option<&str>, headers: &HeaderMap, peer: &Peer) -> Response<Body> {
    let preferences = preference_cookies(query);
    if !preferences.is_empty() {
        return respond::with_cookies(respond::see_other("/"), &preferences);
    }
    let after = browser::parameter(query, "after");
    let mut sales = app.engine.sales();
    sales.retain(|sale| after.as_deref().is_none_or(|after| sale.name().as_str() > after));
    let has_more = sales.len() > HOME_SALES_MAX;
    sales.truncate(HOME_SALES_MAX);
    let last = sales.last().filter(|_| has_more).map(|sale| sale.name().clone());
    let browser = Browser::of(app, headers, peer);
    let more_after = last.as_ref().map(SaleName::as_str);
    html(view::home(app, &sales, more_after, &browser), None)
}

/// `GET /s/{sale}`: answered at once, unless the visitor is called and claims by coming, or has just
/// been given a place by another node. A page that is only loaded ahead claims nothing.
pub fn show(
    app: &Arc<App>,
    sale: Arc<SaleView>,
    request: Request<RequestBody>,
    peer: &Arc<Peer>,
) -> Answer {
    let query = request.uri().query().map(str::to_owned);
    let claims = !only_looks(&request);
    let (head, _) = split(request, peer);
    let browser = Browser::of(app, &head.headers, &head.peer);
    if let Some(redirect) = redirect_without_parameters(app, &sale, &browser, query.as_deref()) {
        return Answer::Now(redirect);
    }
    let ticket = authority::cookie_ticket(app, &sale, &head.headers);
    let ticket = ticket.map(|ticket| authority::place_of(&ticket));
    let is_late = ticket.is_some_and(|ticket| attend::is_late(&app.engine, &sale, ticket));
    let place = ticket.map(|ticket| (ticket, sale.standing(ticket, app.engine.now())));
    let waits = |(_, standing): &(TicketRef, Standing)| {
        is_late || claims && matches!(standing, Standing::Called { .. })
    };
    let Some((ticket, _)) = place.filter(waits) else {
        return Answer::Now(page(app, &sale, &browser, place));
    };
    let app = Arc::clone(app);
    Answer::later(async move {
        let browser = Browser::of(&app, &head.headers, &head.peer);
        let name = sale.name().clone();
        let (sale, standing) = match attend::met(&app.engine, sale, ticket).await {
            Ok(met) => met,
            Err(refusal) => return answer_refusal(&browser, &format!("/s/{name}"), &refusal),
        };
        let standing = if claims {
            attend::claim((&app.engine, &app.wait_estimates), &sale, ticket, standing).await
        } else {
            standing
        };
        page(&app, &sale, &browser, Some((ticket, standing)))
    })
}

/// The way back to a room whose address brought something along: the address bar, the history and other sites
/// see no more of it. An invitation (`?invite=`) is kept in a cookie if it holds; if not, the room says why.
fn redirect_without_parameters(
    app: &App,
    sale: &SaleView,
    browser: &Browser<'_>,
    query: Option<&str>,
) -> Option<Response<Body>> {
    let mut cookies = preference_cookies(query);
    let invite = browser::parameter(query, "invite");
    if cookies.is_empty() && invite.is_none() {
        return None;
    }
    let is_for_guests = sale.settings().spec.identity == IdentityMode::Invite;
    if let Some(invite) = invite.filter(|_| is_for_guests) {
        match authority::open_invite(app, sale, &invite) {
            Ok(_) if has_other_invitation(app, sale, browser, &invite) => {}
            Ok(_) => cookies.push(browser.invite_cookie(sale, &invite, app.engine.now())),
            Err(why) => cookies.push(notice_cookie(sale, notice_code(&why.into()))),
        }
    }
    let room = format!("/s/{}", sale.name());
    Some(respond::with_cookies(respond::see_other(&room), &cookies))
}

/// Whether the browser keeps an invitation other than `new` that still holds and that its place did not use. A link
/// does not replace that one: the link's own may be used already, which only an entry can tell.
fn has_other_invitation(app: &App, sale: &SaleView, browser: &Browser<'_>, new: &str) -> bool {
    let kept = authority::cookie_invite(app, sale, browser.headers()).filter(|kept| *kept != new);
    let guest = kept.and_then(|kept| authority::open_invite(app, sale, kept).ok());
    let ticket = authority::cookie_ticket(app, sale, browser.headers());
    guest.is_some_and(|guest| ticket.is_none_or(|ticket| ticket.shopper != guest))
}

/// The cookies of what the links of a page choose: a language (`?lang=`), and whether it reloads by itself
/// (`?refresh=`).
fn preference_cookies(query: Option<&str>) -> Vec<Cookie<'static>> {
    let language = browser::parameter(query, "lang").and_then(|tag| Language::of_tag(&tag));
    let refresh = browser::parameter(query, "refresh");
    let cookies = [language.map(language_cookie), refresh.as_deref().map(refresh_cookie)];
    cookies.into_iter().flatten().collect()
}

/// A refusal at `path`, as a page if the client takes one.
pub fn refuse(
    app: &App,
    headers: &HeaderMap,
    peer: &Peer,
    path: &str,
    refusal: &ApiError,
) -> Response<Body> {
    answer_refusal(&Browser::of(app, headers, peer), path, refusal)
}

fn answer_refusal(browser: &Browser<'_>, path: &str, refusal: &ApiError) -> Response<Body> {
    let response = refusal.respond();
    if !browser.takes_pages() {
        return response;
    }
    let facts = refusal.facts();
    let reference = RequestId::current().to_string();
    // A form's address below the room is one that only forms know.
    let room = path.strip_prefix("/s/").and_then(|rest| rest.split('/').next());
    let room = room.filter(|_| !matches!(refusal, ApiError::NotFound | ApiError::SaleArchived));
    let back = room.map_or_else(|| "/".to_owned(), |sale| format!("/s/{sale}"));
    // Only an address that GET knows can be loaded again.
    let retries = !matches!(facts.retry, Retry::Useless) && back == path && browser.refreshes;
    let refresh_seconds = retries.then_some(RETRY_SECONDS);
    let contents = ProblemPage {
        frame: Frame { language: browser.language, here: &back },
        status: facts.status.as_u16(),
        code: facts.code,
        back: &back,
        is_room: room.is_some(),
        refresh_seconds,
        reference: &reference,
    };
    let mut page = html(contents.html(), refresh_seconds);
    *page.status_mut() = facts.status;
    page = page.map(|body| body.about(facts.code));
    for (name, value) in response.headers() {
        if *name != CONTENT_TYPE {
            page.headers_mut().insert(name.clone(), value.clone());
        }
    }
    debug_assert!(page.headers().contains_key(CONTENT_SECURITY_POLICY), "a page has its policy");
    page
}

/// A place, if it still is one.
fn present(place: Option<(TicketRef, Standing)>) -> Option<(TicketRef, Standing)> {
    place.filter(|(_, standing)| attend::check_here(*standing).is_ok())
}

/// The room as this browser sees it: `place` is that of its ticket, over or not.
fn page(
    app: &App,
    sale: &SaleView,
    browser: &Browser<'_>,
    place: Option<(TicketRef, Standing)>,
) -> Response<Body> {
    let mut cookies = Vec::new();
    let visitor = browser.visitor().map(str::to_owned).or_else(|| {
        let (name, cookie) = browser.new_visitor()?;
        cookies.push(cookie);
        Some(name)
    });
    let purchases = place.map(|(ticket, _)| sale.holds_of(ticket.shopper)).unwrap_or_default();
    let ended = place.and_then(|place| view::end_of(sale, place));
    if matches!(ended, Some(PlaceEnd::Left | PlaceEnd::Remade)) && purchases.is_empty() {
        // A ticket that says nothing more. Of the others the page goes on to say what became.
        cookies.extend(browser.no_ticket(sale));
    }
    let mut here = present(place).map(|(ticket, standing)| view::place(sale, ticket, standing));
    if let Some(place) = here.as_mut().filter(|place| app.engine.is_shared() && place.position > 0)
    {
        // Another node may lag behind the one that was asked before.
        place.position = place.position.min(browser.floor(place.number).unwrap_or(u64::MAX));
        place.ahead = place.ahead.min(place.position - 1);
        cookies.push(floor_cookie(sale, place.number, place.position));
    }
    let notice = browser.notice();
    if notice.is_some() {
        cookies.push(notice_cookie(sale, ""));
    }
    let form_key = || {
        let sealed = visitor.as_deref().map(|name| app.keyring.seal_form(sale.tag(), name));
        // Without randomness a form has no key, and its origin decides.
        sealed.and_then(Result::ok).unwrap_or_default()
    };
    let ticket = place.map(|(ticket, _)| ticket);
    // The ticket of a sale that was here before says nothing of invitations to this one.
    let is_over = ended.is_some_and(|end| end != PlaceEnd::Remade);
    let invitation = view::invitation(app, sale, browser, ticket.filter(|_| is_over));
    if invitation == Invitation::Used {
        cookies.extend(browser.no_invite(sale));
    }
    let seen = Seen { place: here, ended, invitation, notice, purchases: &purchases, ticket };
    let (body, refresh_seconds) = view::room(app, sale, browser, &form_key, &seen);
    respond::with_cookies(html(body, refresh_seconds), &cookies)
}

fn html(html: String, refresh_seconds: Option<u64>) -> Response<Body> {
    let page = respond::page(StatusCode::OK, Cache::NoStore, Bytes::from(html));
    respond::refreshed(page, refresh_seconds)
}
