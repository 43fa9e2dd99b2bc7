//! The room of one sale: enter, wait, buy, pay, leave.
//!
//! [`view`] is what the page is made of; [`place`] and [`shop`] are its two halves.

mod place;
mod shop;
mod view;

use engine::clock::Millis;

use self::place::{leave_form, standing};
use self::shop::{offer_card, purchase_card};
pub use self::view::{OfferCard, PlaceEnd, PlaceView, PurchaseView, RoomPage};
use super::frame::{Frame, escape, page, time};
use super::home::badge;
use super::refusals::said;
use super::script::SCRIPT;
use crate::wire::{OfferState, PlaceState, PurchaseState, SaleState};

/// Renders `/s/{sale}`.
pub fn room(contents: &RoomPage<'_>) -> String {
    let words = contents.language.words();
    let mut body = format!(
        "<div class=\"row head\"><h1>{}</h1>{}</div>",
        escape(contents.title),
        badge(words, contents.state)
    );
    if let (SaleState::Open, Some(at)) = (contents.state, contents.closes_at) {
        body.push_str(&soft(&words.closes.replace("{n}", &time(at))));
    }
    let refusal = contents.refusal.and_then(|code| said(contents.language, code));
    for notice in [contents.message, refusal].into_iter().flatten() {
        body.push_str("<p class=\"notice\" role=\"status\">");
        body.push_str(&escape(notice));
        body.push_str("</p>");
    }
    body.push_str(&standing(words, contents));
    for purchase in &contents.purchases {
        body.push_str(&purchase_card(words, contents, purchase));
    }
    for offer in &contents.offers {
        body.push_str(&offer_card(words, contents, offer));
    }
    body.push_str(&leave_form(words, contents));

    let polls = contents.place.filter(|place| is_polled(place.state));
    let pays = contents.purchases.iter().any(|purchase| purchase.state == PurchaseState::Paying);
    let title = match contents.place.map(|place| place.state) {
        Some(PlaceState::Admitted | PlaceState::Ready) => {
            format!("{} · {}", words.called, contents.title)
        }
        _ => contents.title.to_owned(),
    };
    let polls_after = |place: PlaceView| place.poll_after_ms.div_ceil(1_000).clamp(2, 60);
    let frame = Frame {
        language: contents.language,
        nonce: contents.nonce,
        title: &title,
        refresh_seconds: polls.map(polls_after).or_else(|| pays.then_some(RELOAD_SECONDS)),
        reload_seconds: None,
        script: Some(SCRIPT),
    };
    page(&frame, &body)
}

/// Seconds after which a page whose payment is under way looks for the result.
const RELOAD_SECONDS: u64 = 4;

const fn is_waiting(state: PlaceState) -> bool {
    matches!(state, PlaceState::Lobby | PlaceState::Waiting | PlaceState::Ready)
}

/// Whether it is the visitor's turn to buy; a sale that is over ends every turn.
fn is_in_session(contents: &RoomPage<'_>) -> bool {
    contents.state != SaleState::Closed
        && contents.place.is_some_and(|place| place.state == PlaceState::Admitted)
}

/// Whether this visitor can buy units of `offer` now.
fn can_buy(contents: &RoomPage<'_>, offer: &OfferCard<'_>) -> bool {
    let available = offer.state == OfferState::Available && offer.quantity_max > 0;
    is_in_session(contents) && available
}

/// Whether the place lapses when its page stops asking.
const fn is_polled(state: PlaceState) -> bool {
    is_waiting(state) || matches!(state, PlaceState::SoldOut)
}

fn said_alone(text: &str) -> String {
    format!("<p class=\"card\" role=\"status\">{text}</p>")
}

fn soft(html: &str) -> String {
    if html.is_empty() {
        return String::new();
    }
    format!("<p class=\"soft\">{html}</p>")
}

/// A countdown, which a script fills in; `text` has `{n}` for the time left, and the time itself
/// stands beside it.
fn clock(text: &str, contents: &RoomPage<'_>, until: Option<Millis>) -> String {
    let Some(until) = until else { return String::new() };
    let left = until.0.saturating_sub(contents.now.0).div_ceil(1_000);
    format!(
        "<p class=\"clock\" role=\"timer\" data-left=\"{left}\" data-words=\"{text}\" hidden></p>"
    )
}

/// What proves that a form is of this page; it also makes a form sent twice one request.
fn hidden_key(key: &str) -> String {
    format!("<input type=\"hidden\" name=\"key\" value=\"{}\">", escape(key))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pages::words::Language;
    use crate::wire::EtaSeconds;

    fn contents(language: Language, place: Option<PlaceView>) -> RoomPage<'static> {
        RoomPage {
            language,
            nonce: "n0nce",
            now: Millis(1_799_999_700_000),
            sale: "demo",
            title: "Demo <drop>",
            state: SaleState::Open,
            opens_at: None,
            closes_at: Some(Millis(1_893_456_000_000)),
            paused: false,
            message: Some("Bring \"patience\""),
            line_length: 48_210,
            offers: vec![OfferCard {
                sku: "sneaker-42",
                price: 99_000,
                currency: "KRW",
                available: 812,
                total: 1_000,
                state: OfferState::Available,
                quantity_max: 2,
                key: "offer-key".to_owned(),
            }],
            place,
            ended: None,
            purchases: Vec::new(),
            refusal: None,
            can_pay: true,
            key: "page-key".to_owned(),
            floor: None,
        }
    }

    fn place(state: PlaceState) -> PlaceView {
        let waits = state != PlaceState::Admitted;
        PlaceView {
            state,
            number: 20_418,
            position: if waits { 12_346 } else { 0 },
            ahead: if waits { 12_345 } else { 0 },
            eta: waits.then_some(EtaSeconds { min: 240, max: 410 }),
            poll_after_ms: 4_000,
            pass_expires_at: (!waits).then_some(Millis(1_800_000_000_000)),
        }
    }

    fn purchase(state: PurchaseState) -> PurchaseView<'static> {
        PurchaseView {
            purchase: "p1-7",
            state,
            items: vec![("sneaker-42", 2)],
            amount: 198_000,
            currency: "KRW",
            expires_at: Millis(1_800_000_300_000),
            key: "purchase-key".to_owned(),
        }
    }

    #[test]
    fn a_visitor_without_a_place_can_enter_and_do_nothing_else() {
        let html = room(&contents(Language::English, None));
        assert!(html.contains("action=\"/s/demo/enter\""));
        assert!(
            !html.contains("/buy") && !html.contains("/leave") && !html.contains("id=\"place\"")
        );
        assert!(html.contains("Demo &lt;drop&gt;") && !html.contains("<drop>"));
    }

    #[test]
    fn a_waiting_visitor_sees_the_position_with_and_without_javascript() {
        let html = room(&contents(Language::Korean, Some(place(PlaceState::Waiting))));
        assert!(html.contains("<html lang=\"ko\">") && html.contains("aria-live=\"polite\""));
        assert!(html.contains("data-position=\"12346\""));
        assert!(html.contains("id=\"position\">12,346<") && html.contains("앞에 12,345명"));
        assert!(html.contains("<noscript><meta http-equiv=\"refresh\" content=\"4\">"));
        assert!(html.contains("<script nonce=\"n0nce\">") && html.contains("/leave"));
        assert!(html.contains("data-message=\"Bring &quot;patience&quot;\""));
        assert!(!html.contains("/buy\""));
    }

    #[test]
    fn an_admitted_visitor_can_buy_pay_and_give_up() {
        let mut page = contents(Language::English, Some(place(PlaceState::Admitted)));
        page.purchases = vec![purchase(PurchaseState::Held)];
        let html = room(&page);
        assert!(html.contains("<title>It is your turn · Demo &lt;drop&gt;</title>"));
        assert!(html.contains("data-left=\"300\"") && html.contains("data-left=\"600\""));
        for (action, key) in [("buy", "offer-key"), ("purchases/p1-7/release", "purchase-key")] {
            let form = html.split_once(&format!("action=\"/s/demo/{action}\"")).unwrap().1;
            let form = form.split_once("</form>").unwrap().0;
            assert!(form.contains(&format!("name=\"key\" value=\"{key}\"")), "{form}");
        }
        assert!(!html.contains("value=\"n0nce\""), "a script could read the nonce from a field");
        assert!(html.contains("action=\"/s/demo/buy\"") && html.contains("<option>2</option>"));
        assert!(!html.contains("<option>3</option>"));
        assert!(html.contains("/s/demo/purchases/p1-7/pay"));
        assert!(html.contains("/s/demo/purchases/p1-7/release"));
        page.purchases = vec![purchase(PurchaseState::Confirmed)];
        assert!(!room(&page).contains("/purchases/"), "a paid purchase has no buttons");
        page.purchases = vec![purchase(PurchaseState::Paying)];
        let html = room(&page);
        assert!(html.contains("confirming your payment") && html.contains("data-reload=\"4\""));
        page.offers[0].quantity_max = 0;
        assert!(room(&page).contains("as many as one person can buy"));
        page.offers[0].state = OfferState::SoldOut;
        let html = room(&page);
        assert!(!html.contains("/s/demo/buy") && html.contains("nothing you can buy right now"));
    }

    #[test]
    fn a_page_offers_nothing_that_the_sale_would_refuse() {
        let mut page = contents(Language::English, Some(place(PlaceState::Admitted)));
        page.state = SaleState::Closed;
        let html = room(&page);
        assert!(html.contains("This sale is over"), "{html}");
        assert!(!html.contains("You can buy") && !html.contains("<form"), "{html}");
        page.state = SaleState::Draining;
        assert!(room(&page).contains("action=\"/s/demo/buy\""), "a session goes on");
        page.place = None;
        let html = room(&page);
        assert!(html.contains("no longer taking new people") && !html.contains("<form"), "{html}");
    }

    #[test]
    fn the_end_is_said() {
        let mut page = contents(Language::English, Some(place(PlaceState::SoldOut)));
        page.state = SaleState::SoldOut;
        let html = room(&page);
        assert!(html.contains("Everything is sold right now") && html.contains("id=\"place\""));
        page.state = SaleState::Closed;
        page.place = None;
        assert!(room(&page).contains("This sale is over"));
    }

    #[test]
    fn a_place_that_is_over_is_explained_and_can_be_taken_again() {
        let mut page = contents(Language::Korean, None);
        for end in [
            PlaceEnd::Idle,
            PlaceEnd::Missed,
            PlaceEnd::SessionOver,
            PlaceEnd::Left,
            PlaceEnd::Remade,
        ] {
            page.ended = Some(end);
            let html = room(&page);
            assert!(html.contains("다시 줄 서기") && html.contains("action=\"/s/demo/enter\""));
            assert!(html.contains("습니다.</p><section"), "{end:?} is explained: {html}");
        }
        page.purchases = vec![purchase(PurchaseState::Held)];
        assert!(room(&page).contains("/purchases/p1-7/release"), "the reservation goes on");
    }

    #[test]
    fn only_known_codes_become_words() {
        let mut page = contents(Language::Korean, None);
        page.refusal = Some("sold_out");
        assert!(room(&page).contains("남은 수량이 부족하여"));
        page.refusal = Some("<b>anything</b>");
        assert!(!room(&page).contains("anything"));
    }

    /// Writes the pages where a browser can open them: `RUSHGATE_PAGES_DIR=dir cargo test pages`.
    #[test]
    fn pages_can_be_looked_at() {
        let Some(dir) = std::env::var_os("RUSHGATE_PAGES_DIR") else { return };
        let write = |name: &str, html: String| {
            std::fs::write(std::path::Path::new(&dir).join(name), html).unwrap();
        };
        write("enter.html", room(&contents(Language::English, None)));
        write("waiting.html", room(&contents(Language::Korean, Some(place(PlaceState::Waiting)))));
        let mut page = contents(Language::English, Some(place(PlaceState::Admitted)));
        page.purchases = vec![purchase(PurchaseState::Held), purchase(PurchaseState::Confirmed)];
        write("admitted.html", room(&page));
        let sale = super::super::SaleCard {
            sale: "demo",
            title: "Demo drop",
            state: SaleState::Open,
            opens_at: None,
            price: 99_000,
            currency: "KRW",
            available: 812,
            total: 1_000,
            line_length: 48_210,
        };
        let coming = super::super::SaleCard {
            title: "Autumn",
            state: SaleState::Coming,
            opens_at: Some(Millis(1_800_000_000_000)),
            ..sale.clone()
        };
        let (language, nonce) = (Language::Korean, "n");
        let home =
            super::super::HomePage { language, nonce, sales: vec![sale, coming], more_after: None };
        write("home.html", super::super::home(&home));
    }
}
