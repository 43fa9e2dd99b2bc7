//! What each state of the room shows, offers and refuses.

use super::*;
use crate::{
    Frame, Gate, Invitation, Language, Money, Offer, OfferState, Place, PlaceEnd, PlaceState,
    Purchase, PurchaseState, Wait,
};

const NOW: Moment = Moment(1_799_999_700_000);

fn won(minor: i64) -> Money<'static> {
    Money { minor, currency: "KRW", digits: 0 }
}

fn room(language: Language, place: Option<Place>) -> RoomPage<'static> {
    RoomPage {
        frame: Frame { language, here: "/s/demo" },
        now: NOW,
        sale: "demo",
        title: "Demo <drop>",
        state: SaleState::Open,
        opens_at: None,
        closes_at: Some(Moment(1_893_456_000_000)),
        gate: Gate::Moving,
        message: Some("Bring \"patience\""),
        line_length: 48_210,
        offers: vec![Offer {
            sku: "sneaker-42",
            price: won(99_000),
            available: 812,
            total: 1_000,
            state: OfferState::Available,
            quantity_max: 2,
        }],
        place,
        ended: None,
        invitation: Invitation::NotNeeded,
        purchases: Vec::new(),
        refusal: None,
        sign_in: None,
        can_pay: true,
        key: "page-key".to_owned(),
        buy_key: "buy-key".to_owned(),
        floor: None,
        idle_seconds: 300,
        session_seconds: 600,
        hold_seconds: 600,
        refreshes: true,
    }
}

fn place(state: PlaceState) -> Place {
    let waits = matches!(state, PlaceState::Waiting | PlaceState::SoldOut);
    Place {
        state,
        number: 20_418,
        position: if waits { 12_346 } else { 0 },
        ahead: if waits { 12_345 } else { 0 },
        wait: waits.then_some(Wait { min: 240, max: 410 }),
        poll_after_ms: 4_000,
        turn_ends_at: (state == PlaceState::Admitted).then_some(Moment(NOW.0 + 300_000)),
    }
}

fn purchase(state: PurchaseState) -> Purchase<'static> {
    Purchase {
        purchase: "p1-7",
        state,
        items: vec![("sneaker-42", 2)],
        amount: won(198_000),
        expires_at: Moment(NOW.0 + 420_000),
        is_of_this_turn: true,
        key: "purchase-key".to_owned(),
        checkout: None,
    }
}

/// What stands in the form that goes to `action`.
fn form<'h>(html: &'h str, action: &str) -> &'h str {
    let rest = html.split_once(&format!("action=\"/s/demo/{action}\""));
    let rest = rest.unwrap_or_else(|| panic!("no form goes to {action}: {html}")).1;
    rest.split_once("</form>").unwrap().0
}

/// The filled buttons of a page.
fn filled(html: &str) -> usize {
    html.matches("class=\"btn wide\"").count() + html.matches("class=\"btn\"").count()
}

#[test]
fn a_visitor_without_a_place_can_enter_and_do_nothing_else() {
    let html = room(Language::English, None).html();
    assert!(form(&html, "enter").contains("value=\"page-key\""));
    assert!(!html.contains("/buy") && !html.contains("/leave") && !html.contains("id=\"place\""));
    assert!(html.contains("Demo &#60;drop&#62;") && !html.contains("<drop>"), "{html}");
    assert!(html.contains("48,210") && html.contains("812 of 1,000"), "{html}");
    assert_eq!(room(Language::English, None).refresh_seconds(), None);
}

#[test]
fn a_guest_is_told_what_the_invitation_is_good_for_and_others_that_they_need_one() {
    let with = |invitation, state, ended| {
        let page = RoomPage { state, ended, invitation, ..room(Language::English, None) };
        page.html()
    };
    let open = |invitation| with(invitation, SaleState::Open, None);
    let ready = open(Invitation::Ready);
    assert!(ready.contains("good for one place") && filled(&ready) == 1, "{ready}");
    assert!(ready.contains("You are invited") && ready.contains("ticks low\""), "{ready}");
    for (invitation, words) in [
        (Invitation::Missing, "This sale is by invitation"),
        (Invitation::Expired, "Your invitation has expired"),
    ] {
        let html = open(invitation);
        assert!(html.contains(words) && !html.contains("/enter\""), "{html}");
        assert!(html.contains("ticks low rest") && html.contains("See all sales"), "{html}");
        let coming = with(invitation, SaleState::Coming, None);
        assert!(coming.contains(words) && !coming.contains("you can get in line here. Coming"));
    }
    let coming = with(Invitation::Ready, SaleState::Coming, None);
    assert!(coming.contains("You are invited"), "{coming}");
    for end in [PlaceEnd::Left, PlaceEnd::Idle, PlaceEnd::Missed, PlaceEnd::SessionOver] {
        let html = with(Invitation::Used, SaleState::Open, Some(end));
        assert!(html.contains("good for this one place") && !html.contains("/enter\""), "{html}");
        assert!(!html.contains("end of the line"), "there is no way back: {html}");
        let again = with(Invitation::Ready, SaleState::Open, Some(end));
        assert!(again.contains("/enter\""), "by another invitation there is");
    }
    for (invitation, words) in [
        (Invitation::Missing, "Open the link in your invitation"),
        (Invitation::Expired, "Ask whoever invited you"),
    ] {
        let html = with(invitation, SaleState::Open, Some(PlaceEnd::Remade));
        assert!(html.contains(words) && !html.contains("good for this one place"), "{html}");
        assert!(!html.contains("/enter\""), "{html}");
    }
    for state in [SaleState::Open, SaleState::Coming] {
        let (refusal, invitation) = (Some("invite_used"), Invitation::Missing);
        let page = room(Language::English, None);
        let html = RoomPage { state, invitation, refusal, ..page }.html();
        assert!(html.contains("already been used"), "{html}");
        assert!(!html.contains("Open the link"), "it would not help: {html}");
    }
    let page = room(Language::English, Some(place(PlaceState::Waiting)));
    let warned = RoomPage { invitation: Invitation::Ready, ..page }.html();
    assert!(form(&warned, "leave").contains("invitation is used up"), "{warned}");
}

#[test]
fn a_waiting_visitor_sees_who_is_ahead_with_and_without_javascript() {
    let page = room(Language::Korean, Some(place(PlaceState::Waiting)));
    let html = page.html();
    assert!(html.contains("<html lang=\"ko\">") && html.contains("role=\"status\" id=\"said\""));
    assert!(html.contains("<title>앞에 12,345명 · Demo"), "{html}");
    assert!(html.contains("id=\"number\">12,345<small>명") && html.contains("약 4–7분"), "{html}");
    assert!(html.contains("max=\"20418\" value=\"8073\""), "{html}");
    assert_eq!(page.refresh_seconds(), Some(15));
    assert!(html.contains("?refresh=off"), "who needs time can have it");
    assert!(
        html.contains("5분 동안 지켜")
            && html.contains("data-message=\"Bring &#34;patience&#34;\"")
    );
    assert!(form(&html, "leave").contains("맨 뒤") && !html.contains("/buy\""));
    assert_eq!(filled(&html), 0, "there is nothing to press");
    let still = RoomPage { refreshes: false, ..page };
    assert_eq!(still.refresh_seconds(), None);
    assert!(still.html().contains("다시 새로 고치기"));
}

#[test]
fn the_wait_is_told_in_minutes_and_never_closer() {
    let mut waits = place(PlaceState::Waiting);
    for (wait, ahead, words) in [
        (None, 5, "We can’t estimate the wait yet"),
        (Some(Wait { min: 0, max: 59 }), 5, "Less than a minute"),
        (Some(Wait { min: 0, max: 60 }), 5, "About 1 min"),
        (Some(Wait { min: 100, max: 115 }), 5, "About 2 min"),
        (Some(Wait { min: 0, max: 100 }), 5, "About 1–2 min"),
        (None, 0, "You are next"),
    ] {
        (waits.wait, waits.ahead) = (wait, ahead);
        let html = room(Language::English, Some(waits)).html();
        assert!(html.contains(&format!("id=\"eta\">{words}<")), "{words}: {html}");
    }
}

#[test]
fn a_pause_is_said_with_what_it_means() {
    let mut page = room(Language::English, Some(place(PlaceState::Waiting)));
    page.gate = Gate::Paused;
    let html = page.html();
    assert!(html.contains("class=\"room held\"") && html.contains("tag warn\">Paused"), "{html}");
    assert!(html.contains("Your place is kept"), "{html}");
    page.place = None;
    let html = page.html();
    assert!(html.contains("You can get in line now") && html.contains("ticks low rest"), "{html}");
    page.place = Some(place(PlaceState::Admitted));
    assert!(!page.html().contains("Paused"), "a session goes on");
}

#[test]
fn the_page_turns_green_on_ones_turn_and_only_then() {
    let page = room(Language::English, Some(place(PlaceState::Admitted)));
    let html = page.html();
    assert!(html.contains("class=\"room turn\"") && html.contains("role=\"alert\""), "{html}");
    assert!(html.contains("<title>It is your turn · Demo"), "{html}");
    assert!(html.contains("role=\"timer\" data-left=\"300\">5:00<"), "{html}");
    assert_eq!(page.refresh_seconds(), Some(301));
    let buy = form(&html, "buy");
    assert!(buy.contains("value=\"buy-key\"") && buy.contains("value=\"sneaker-42\""), "{buy}");
    assert!(buy.contains("<option value=\"2\">") && !buy.contains("<option value=\"3\">"));
    assert_eq!(filled(&html), 1);
    let ready = room(Language::English, Some(place(PlaceState::Ready)));
    assert!(ready.html().contains("class=\"room turn\"") && ready.html().contains("Go in"));
    let states =
        [PlaceState::Waiting, PlaceState::SoldOut, PlaceState::Closed].map(place).map(Some);
    for place in states.into_iter().chain([None]) {
        assert!(!room(Language::English, place).html().contains("turn\""), "{place:?}");
    }
}

#[test]
fn a_reservation_leads_and_can_be_paid_or_given_up() {
    let mut page = room(Language::English, Some(place(PlaceState::Admitted)));
    page.purchases = vec![purchase(PurchaseState::Held), purchase(PurchaseState::Confirmed)];
    page.purchases[1].purchase = "p1-6";
    let html = page.html();
    assert!(html.contains("class=\"num\" role=\"timer\" data-left=\"420\">7:00<"), "{html}");
    for verb in ["pay", "release"] {
        let form = form(&html, &format!("purchases/p1-7/{verb}"));
        assert!(form.contains("name=\"key\" value=\"purchase-key\""), "{form}");
    }
    assert!(form(&html, "buy").contains("btn wide line"), "paying comes first: {html}");
    assert_eq!(filled(&html), 1);
    assert!(!html.contains("purchases/p1-6/"), "a paid purchase has no buttons");
    assert_eq!(page.refresh_seconds(), Some(301), "the turn is over first");
    page.can_pay = false;
    assert!(page.html().contains("You pay in the shop") && !page.html().contains("/pay\""));
    page.purchases = vec![purchase(PurchaseState::Paying)];
    let html = page.html();
    assert!(html.contains("Your payment is being confirmed") && html.contains("data-renew=\"4\""));
    page.purchases = vec![purchase(PurchaseState::Confirmed)];
    assert!(page.html().contains("<h1 id=\"h\">Your payment is complete</h1>"));
    page.purchases[0].is_of_this_turn = false;
    assert!(page.html().contains("room turn"), "an earlier order takes nothing of this turn");
}

#[test]
fn a_page_offers_nothing_that_the_sale_would_refuse() {
    let mut page = room(Language::English, Some(place(PlaceState::Admitted)));
    page.offers[0].quantity_max = 0;
    assert!(page.html().contains("all that one person can buy"));
    page.offers[0].state = OfferState::SoldOut;
    let html = page.html();
    assert!(!html.contains("/s/demo/buy") && html.contains("nothing you can buy right now"));
    let mut page = room(Language::English, Some(place(PlaceState::Admitted)));
    page.state = SaleState::Closed;
    let html = page.html();
    assert!(html.contains("This sale is over") && !html.contains("<form"), "{html}");
    page.state = SaleState::Draining;
    assert!(page.html().contains("action=\"/s/demo/buy\""), "a session goes on");
    page.place = None;
    let html = page.html();
    assert!(html.contains("No new places in line") && !html.contains("<form"), "{html}");
}

#[test]
fn several_offers_are_one_choice_with_one_button() {
    let mut page = room(Language::Korean, Some(place(PlaceState::Admitted)));
    page.offers.push(Offer { sku: "sneaker-43", quantity_max: 4, ..page.offers[0] });
    page.offers.push(Offer { sku: "gone", state: OfferState::SoldOut, ..page.offers[0] });
    let html = page.html();
    let buy = form(&html, "buy");
    assert!(buy.contains("value=\"sneaker-42\" checked") && buy.contains("value=\"sneaker-43\">"));
    assert!(!buy.contains("value=\"gone\"") && buy.contains("<option value=\"4\">"), "{buy}");
    assert_eq!(filled(&html), 1);
}

#[test]
fn before_the_opening_nothing_is_green() {
    let mut page = room(Language::Korean, None);
    page.state = SaleState::Coming;
    page.opens_at = Some(Moment(NOW.0 + 252_000));
    let html = page.html();
    assert!(
        html.contains("data-left=\"252\">4:12<") && html.contains("ticks rest\" max=\"600\""),
        "{html}"
    );
    assert!(!html.contains("<form") && filled(&html) == 0, "{html}");
    assert_eq!(page.refresh_seconds(), Some(60));
    page.opens_at = Some(Moment(NOW.0 + 5_000));
    assert_eq!(page.refresh_seconds(), Some(15), "a reader needs time");
    page.opens_at = Some(Moment(NOW.0 + 3 * 86_400_000));
    assert!(page.html().contains(">3<small>일"), "{}", page.html());
    page.opens_at = None;
    assert!(page.html().contains("아직 시작하지 않았습니다"));
}

#[test]
fn the_end_is_said() {
    let mut page = room(Language::Korean, Some(place(PlaceState::SoldOut)));
    page.state = SaleState::SoldOut;
    let html = page.html();
    assert!(html.contains("예비 순서") && html.contains("12,346<small>번"), "{html}");
    assert!(html.contains("id=\"place\"") && page.refresh_seconds() == Some(15), "it goes on");
    page.place = None;
    assert!(page.html().contains("모두 판매되었습니다"));
    page.state = SaleState::Closed;
    assert!(page.html().contains("판매가 끝났습니다"));
    page.place = Some(Place { position: 412, ..place(PlaceState::Closed) });
    assert!(page.html().contains("412<small>번"));
}

#[test]
fn a_place_that_is_over_is_explained_and_can_be_taken_again() {
    use PlaceEnd::{Idle, Left, Missed, Remade, SessionOver};
    let mut page = room(Language::Korean, None);
    for end in [Idle, Missed, SessionOver, Left, Remade] {
        page.ended = Some(end);
        page.purchases = Vec::new();
        let html = page.html();
        assert!(form(&html, "enter").contains("다시 줄 서기") && filled(&html) == 1);
        let why = page.frame.words().ended_why(end);
        assert!(html.contains(why), "{end:?} is explained: {html}");
        page.purchases = vec![purchase(PurchaseState::Held)];
        let html = page.html();
        assert!(html.contains("/purchases/p1-7/release"), "the reservation goes on");
        assert!(html.contains(why) && form(&html, "enter").contains("btn wide line"), "{html}");
    }
}

#[test]
fn only_known_codes_become_words() {
    let mut page = room(Language::Korean, None);
    page.refusal = Some("sold_out");
    let html = page.html();
    assert!(html.contains("남은 수량이 부족하여") && html.contains("<title>오류: "), "{html}");
    page.refusal = Some("<b>anything</b>");
    assert!(!page.html().contains("anything") && !page.html().contains("오류"));
}

#[test]
fn each_class_of_a_template_is_in_the_sheet() {
    let room = include_str!("../../static/rushgate.css");
    let both = [room, include_str!("../../static/shop.css")].concat();
    let mut seen = 0;
    for file in templates(std::path::Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/templates"))) {
        let text = std::fs::read_to_string(&file).unwrap();
        let is_of_shop = file.components().any(|part| part.as_os_str() == "shop");
        let sheet = if is_of_shop { &both } else { room };
        // What a tag's state or a condition adds is in the sheet as the other classes are.
        for list in text.split("class=\"").skip(1).filter_map(|rest| rest.split('"').next()) {
            for class in list.split([' ', '{', '}', '%']).filter(|word| is_class(word)) {
                assert!(sheet.contains(&format!(".{class}")), "{class} of {}", file.display());
                seen += 1;
            }
        }
        assert!(!text.contains("style=") && !text.contains("onclick"), "{}", file.display());
    }
    assert!(seen > 50, "the templates are read");
}

fn is_class(word: &str) -> bool {
    const LOGIC: [&str; 6] = ["if", "else", "endif", "look", "block", "endblock"];
    let is_plain = word.bytes().all(|byte| byte.is_ascii_lowercase());
    !word.is_empty() && is_plain && !LOGIC.contains(&word) && !["width", "docs"].contains(&word)
}

fn templates(directory: &std::path::Path) -> Vec<std::path::PathBuf> {
    let entries = std::fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path());
    entries.flat_map(|path| if path.is_dir() { templates(&path) } else { vec![path] }).collect()
}

#[test]
fn a_deal_of_the_shop_leads_to_signing_in_and_to_its_checkout() {
    let sign_in = Some("/shop/sign-in?return_to=/s/demo".to_owned());
    let page = RoomPage { sign_in, ..room(Language::English, None) };
    let html = page.html();
    assert!(html.contains("href=\"/shop/sign-in?return_to=/s/demo\""), "{html}");
    assert!(!html.contains("action=\"/s/demo/enter\"") && filled(&html) == 1, "{html}");
    for state in [PurchaseState::Held, PurchaseState::Paying] {
        let checkout = Some("/shop/checkout/demo/p1-7".to_owned());
        let bought = Purchase { checkout, ..purchase(state) };
        let page = RoomPage {
            purchases: vec![bought],
            can_pay: false,
            ..room(Language::Korean, Some(place(PlaceState::Admitted)))
        };
        let html = page.html();
        assert!(html.contains("href=\"/shop/checkout/demo/p1-7\""), "{html}");
        assert!(!html.contains("p1-7/pay"), "{html}");
    }
}
