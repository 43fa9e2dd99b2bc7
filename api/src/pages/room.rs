//! The room of one sale: enter, wait, buy, pay, leave.

use engine::clock::Millis;

use super::frame::{Frame, count, escape, money, page, time};
use super::home::{badge, in_line};
use super::refusals::said;
use super::script::SCRIPT;
use super::words::{Language, Words};
use crate::wire::{EtaSeconds, OfferState, PlaceState, PurchaseState, SaleState};

/// The room page's contents.
#[derive(Clone, Debug)]
pub struct RoomPage<'a> {
    /// The language to speak.
    pub language: Language,
    /// The nonce of the inline style and script.
    pub nonce: &'a str,
    /// When the page is made: countdowns start here.
    pub now: Millis,
    /// The sale's name.
    pub sale: &'a str,
    /// What people read above the room.
    pub title: &'a str,
    /// What the sale is at.
    pub state: SaleState,
    /// When it opens.
    pub opens_at: Option<Millis>,
    /// When it closes.
    pub closes_at: Option<Millis>,
    /// Whether the gate stands still.
    pub paused: bool,
    /// The operator's announcement.
    pub message: Option<&'a str>,
    /// People in line.
    pub line_length: u64,
    /// What is sold.
    pub offers: Vec<OfferCard<'a>>,
    /// The visitor's place, if they have one.
    pub place: Option<PlaceView>,
    /// Why the visitor's last place is over, if they had one.
    pub ended: Option<PlaceEnd>,
    /// The visitor's purchases, newest first.
    pub purchases: Vec<PurchaseView<'a>>,
    /// The code by which the last form was refused.
    pub refusal: Option<&'a str>,
    /// Whether the page may play the payment provider: demos only.
    pub can_pay: bool,
    /// The key of the forms that enter and leave.
    pub key: String,
    /// The cookie that keeps the lowest position shown, where nodes may differ.
    pub floor: Option<&'a str>,
}

/// One offer in the room.
#[derive(Clone, Debug)]
pub struct OfferCard<'a> {
    /// The stock-keeping unit.
    pub sku: &'a str,
    /// Price of one unit, in minor units.
    pub price: i64,
    /// ISO 4217.
    pub currency: &'a str,
    /// Units free to buy.
    pub available: u64,
    /// All units.
    pub total: u64,
    /// Whether it can be bought.
    pub state: OfferState,
    /// The most this visitor can still take, for the quantity list; shown up to 10.
    pub quantity_max: u32,
    /// The key of its form, its own on each page: pressing the button twice buys once.
    pub key: String,
}

/// Why a place is over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PlaceEnd {
    /// The page was not open for too long.
    Idle,
    /// The call was not answered in time.
    Missed,
    /// The time to buy is over.
    SessionOver,
    /// The visitor left.
    Left,
    /// The sale was made again under the same name.
    Remade,
}

/// The visitor's place.
#[derive(Clone, Copy, Debug)]
pub struct PlaceView {
    /// What the place is at.
    pub state: PlaceState,
    /// The number in line.
    pub number: u64,
    /// `ahead + 1`, 0 once admitted.
    pub position: u64,
    /// People ahead.
    pub ahead: u64,
    /// The estimated wait.
    pub eta: Option<EtaSeconds>,
    /// When to ask again.
    pub poll_after_ms: u64,
    /// When the pass expires, once admitted.
    pub pass_expires_at: Option<Millis>,
}

/// One purchase of the visitor.
#[derive(Clone, Debug)]
pub struct PurchaseView<'a> {
    /// Its id.
    pub purchase: &'a str,
    /// Where it stands.
    pub state: PurchaseState,
    /// SKU and quantity of each line.
    pub items: Vec<(&'a str, u32)>,
    /// What it costs, in minor units.
    pub amount: i64,
    /// ISO 4217.
    pub currency: &'a str,
    /// When the hold ends by itself.
    pub expires_at: Millis,
    /// The key of its forms.
    pub key: String,
}

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

/// The card at the top: where the visitor stands, or how to get in.
fn standing(words: &Words, contents: &RoomPage<'_>) -> String {
    match (contents.place, contents.state) {
        (Some(place), _) if is_waiting(place.state) => waiting(words, contents, &place),
        (Some(place), _) if is_in_session(contents) => admitted(words, contents, &place),
        (Some(place), _) if place.state == PlaceState::SoldOut => format!(
            "<section class=\"card\" role=\"status\"{}><p>{}</p></section>",
            polled(words, contents, &place),
            words.sold_out_waiting
        ),
        (Some(_), _) => said_alone(words.closed_long),
        (None, state) => outside(words, contents, state),
    }
}

/// The card of a visitor without a place: what became of the last one, and how to get one.
fn outside(words: &Words, contents: &RoomPage<'_>, state: SaleState) -> String {
    let ended = contents.ended.map(|end| match end {
        PlaceEnd::Idle => words.place_idle,
        PlaceEnd::Missed => words.place_missed,
        PlaceEnd::SessionOver => words.session_over,
        PlaceEnd::Left => words.place_left,
        PlaceEnd::Remade => words.sale_remade,
    });
    let notice = ended
        .map_or_else(String::new, |text| format!("<p class=\"notice\" role=\"status\">{text}</p>"));
    let card = match state {
        SaleState::SoldOut => said_alone(words.sold_out_long),
        SaleState::Closed => said_alone(words.closed_long),
        SaleState::Draining => said_alone(words.draining_long),
        SaleState::Coming => {
            let opens = contents.opens_at.map(time).unwrap_or_default();
            format!(
                "<section class=\"card center\"><p>{opens}</p>{clock}{hint}</section>",
                opens = words.opens.replace("{n}", &opens),
                clock = clock(words.opens_in, contents, contents.opens_at),
                hint = soft(words.coming_hint),
            )
        }
        SaleState::Open => format!(
            "<section class=\"card center\"><p>{hint}</p>{line}\
             <form method=\"post\" action=\"/s/{sale}/enter\">{key}<button>{enter}</button></form>\
             </section>",
            hint = words.enter_hint,
            line = soft(&in_line(words, contents.line_length)),
            sale = escape(contents.sale),
            key = hidden_key(&contents.key),
            enter = if ended.is_some() { words.enter_again } else { words.enter },
        ),
    };
    notice + &card
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

/// The attributes of the element that the script keeps up to date.
fn polled(words: &Words, contents: &RoomPage<'_>, place: &PlaceView) -> String {
    format!(
        " id=\"place\" data-url=\"/v1/sales/{sale}/position\" data-state=\"{state}\" \
         data-poll=\"{poll}\" data-first=\"{number}\" data-position=\"{position}\" \
         data-floor=\"{floor}\" data-message=\"{message}\" data-next=\"{next}\" \
         data-one=\"{one}\" data-ahead=\"{ahead}\" \
         data-line=\"{line}\" data-unknown=\"{unknown}\" data-soon=\"{soon}\" \
         data-minutes=\"{minutes}\"",
        sale = escape(contents.sale),
        state = place.state.word(),
        poll = place.poll_after_ms,
        number = place.number.max(1),
        position = place.position,
        floor = contents.floor.unwrap_or_default(),
        message = escape(contents.message.unwrap_or_default()),
        next = words.next,
        one = words.ahead_one,
        ahead = words.ahead,
        line = words.in_line,
        unknown = words.wait_unknown,
        soon = words.under_a_minute,
        minutes = words.minutes,
    )
}

fn waiting(words: &Words, contents: &RoomPage<'_>, place: &PlaceView) -> String {
    let polled = polled(words, contents, place);
    if place.state == PlaceState::Ready {
        return format!(
            "<section class=\"card center turn\" role=\"status\"{polled}><h2>{}</h2>{}</section>",
            words.called,
            soft(words.one_moment)
        );
    }
    let advice = if contents.paused { words.paused } else { words.keep_open };
    // What the bar counts from: the number itself is the furthest back this place ever was.
    let passed = place.number.saturating_sub(place.position);
    format!(
        "<section class=\"card center\"{polled}>\
         <div aria-live=\"polite\" aria-atomic=\"true\"><h2>{heading}</h2>\
         <p class=\"big\" id=\"position\">{position}</p><p id=\"ahead\">{ahead}</p></div>\
         <progress id=\"bar\" max=\"{number}\" value=\"{passed}\" aria-label=\"{heading}\">\
         </progress>\
         <dl><dt>{wait}</dt><dd id=\"eta\">{eta}</dd>\
         <dt>{your_number}</dt><dd>{shown_number}</dd></dl>\
         <p class=\"soft\" id=\"line\">{line}</p><p class=\"soft\">{advice}</p></section>",
        heading = words.position,
        number = place.number.max(1),
        position = count(place.position),
        ahead = words.ahead(place.ahead).replace("{n}", &count(place.ahead)),
        wait = words.wait,
        eta = eta(words, place.eta),
        your_number = words.your_number,
        shown_number = count(place.number),
        line = words.in_line.replace("{n}", &count(contents.line_length)),
    )
}

fn eta(words: &Words, eta: Option<EtaSeconds>) -> String {
    let Some(eta) = eta else { return words.wait_unknown.to_owned() };
    if eta.max < 60 {
        return words.under_a_minute.to_owned();
    }
    let minutes = |seconds: u32| count(seconds.div_ceil(60).into());
    words.minutes.replace("{n}", &minutes(eta.min)).replace("{m}", &minutes(eta.max))
}

fn admitted(words: &Words, contents: &RoomPage<'_>, place: &PlaceView) -> String {
    let until = place
        .pass_expires_at
        .map_or_else(String::new, |at| soft(&words.until.replace("{n}", &time(at))));
    let advice = if contents.offers.iter().any(|offer| can_buy(contents, offer)) {
        words.can_buy
    } else if contents.offers.iter().any(|offer| offer.state == OfferState::Available) {
        words.limit_reached
    } else {
        words.cannot_buy
    };
    format!(
        "<section class=\"card center turn\" role=\"status\"><h2>{}</h2><p>{}</p>{}{until}</section>",
        words.called,
        advice,
        clock(words.time_left, contents, place.pass_expires_at)
    )
}

/// What people call an offer: the sale's own title where it sells one thing.
fn product(contents: &RoomPage<'_>, sku: &str) -> String {
    let only = contents.offers.len() == 1 && contents.offers.iter().any(|offer| offer.sku == sku);
    escape(if only && !contents.title.is_empty() { contents.title } else { sku })
}

fn offer_card(words: &Words, contents: &RoomPage<'_>, offer: &OfferCard<'_>) -> String {
    let left = words.left.replace("{n}", &count(offer.available));
    let left = match offer.state {
        OfferState::Available => left.replace("{m}", &count(offer.total)),
        OfferState::AllHeld => words.all_held.to_owned(),
        OfferState::SoldOut => words.sold_out.to_owned(),
    };
    let form =
        if can_buy(contents, offer) { buy_form(words, contents, offer) } else { String::new() };
    format!(
        "<section class=\"card\"><div class=\"row\"><h2>{product}</h2>\
         <span class=\"price\">{price}</span></div><p class=\"soft\">{left}</p>{form}</section>",
        product = product(contents, offer.sku),
        price = money(contents.language, offer.price, offer.currency),
    )
}

fn buy_form(words: &Words, contents: &RoomPage<'_>, offer: &OfferCard<'_>) -> String {
    let quantities: Vec<String> =
        (1..=offer.quantity_max.min(10)).map(|n| format!("<option>{n}</option>")).collect();
    let quantities = quantities.concat();
    format!(
        "<form method=\"post\" action=\"/s/{sale}/buy\"><div class=\"row\">\
         <input type=\"hidden\" name=\"sku\" value=\"{sku}\">{key}\
         <select name=\"quantity\" aria-label=\"{quantity}\">{quantities}</select>\
         <button>{buy}</button></div></form>",
        sale = escape(contents.sale),
        sku = escape(offer.sku),
        key = hidden_key(&offer.key),
        quantity = words.quantity,
        buy = words.buy,
    )
}

fn purchase_card(words: &Words, contents: &RoomPage<'_>, purchase: &PurchaseView<'_>) -> String {
    let rows = purchase.items.iter();
    let rows = rows
        .map(|(sku, quantity)| format!("<dt>{}</dt><dd>× {quantity}</dd>", product(contents, sku)));
    let items = rows.collect::<Vec<String>>().concat();
    let reload = if purchase.state == PurchaseState::Paying {
        format!(" data-reload=\"{RELOAD_SECONDS}\"")
    } else {
        String::new()
    };
    format!(
        "<section class=\"card\"{reload}><div class=\"row\"><h2>{heading}</h2>\
         <span class=\"badge {class}\">{state}</span></div>\
         <dl>{items}<dt>{total}</dt><dd class=\"price\">{amount}</dd></dl>{note}{forms}\
         </section>",
        heading = words.purchase,
        class = if purchase.state == PurchaseState::Confirmed { "open" } else { "soft" },
        state = words.purchase_state(purchase.state),
        total = words.total,
        amount = money(contents.language, purchase.amount, purchase.currency),
        note = soft(words.purchase_note(purchase.state)),
        forms = purchase_forms(words, contents, purchase),
    )
}

/// How long an open purchase is kept, and what can be done with it.
fn purchase_forms(words: &Words, contents: &RoomPage<'_>, purchase: &PurchaseView<'_>) -> String {
    let (sale, id) = (escape(contents.sale), escape(purchase.purchase));
    let key = hidden_key(&purchase.key);
    let button = |verb: &str, class: &str, text: &str| {
        format!(
            "<form method=\"post\" action=\"/s/{sale}/purchases/{id}/{verb}\">{key}\
             <button class=\"{class}\">{text}</button></form>"
        )
    };
    let pay = if contents.can_pay { button("pay", "", words.pay) } else { String::new() };
    match purchase.state {
        PurchaseState::Held => {
            let until = soft(&words.pay_until.replace("{n}", &time(purchase.expires_at)));
            let clock = clock(words.time_left, contents, Some(purchase.expires_at));
            until + &clock + &pay + &button("release", "quiet", words.give_up)
        }
        // In the demo, a payment that broke off can be ended from here.
        PurchaseState::Paying => pay,
        PurchaseState::Confirmed
        | PurchaseState::Released
        | PurchaseState::Expired
        | PurchaseState::Refunded => String::new(),
    }
}

fn leave_form(words: &Words, contents: &RoomPage<'_>) -> String {
    let text = match contents.place.map(|place| place.state) {
        Some(PlaceState::Admitted) if is_in_session(contents) => words.finish,
        Some(state) if is_polled(state) => words.leave,
        _ => return String::new(),
    };
    format!(
        "<form method=\"post\" action=\"/s/{}/leave\">{}<button class=\"quiet\">{text}</button></form>",
        escape(contents.sale),
        hidden_key(&contents.key),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

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
        let home = super::super::HomePage { language, nonce, sales: vec![sale, coming] };
        write("home.html", super::super::home(&home));
    }
}
