//! What is for sale in the room, and what the visitor has bought.

use super::view::{OfferCard, PurchaseView, RoomPage};
use super::{RELOAD_SECONDS, can_buy, clock, hidden_key, soft};
use crate::pages::frame::{count, escape, money, time};
use crate::pages::words::Words;
use crate::wire::{OfferState, PurchaseState};

/// What people call an offer: the sale's own title where it sells one thing.
fn product(contents: &RoomPage<'_>, sku: &str) -> String {
    let only = contents.offers.len() == 1 && contents.offers.iter().any(|offer| offer.sku == sku);
    escape(if only && !contents.title.is_empty() { contents.title } else { sku })
}

pub(super) fn offer_card(words: &Words, contents: &RoomPage<'_>, offer: &OfferCard<'_>) -> String {
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

pub(super) fn purchase_card(
    words: &Words,
    contents: &RoomPage<'_>,
    purchase: &PurchaseView<'_>,
) -> String {
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
