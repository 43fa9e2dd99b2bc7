//! The visitor's place: the card at the top of the room, and the form at its end.

use super::view::{PlaceEnd, PlaceView, RoomPage};
use super::{can_buy, clock, hidden_key, is_in_session, is_polled, is_waiting, said_alone, soft};
use crate::pages::frame::{count, escape, time};
use crate::pages::home::in_line;
use crate::pages::words::Words;
use crate::wire::{EtaSeconds, OfferState, PlaceState, SaleState};

/// The card at the top: where the visitor stands, or how to get in.
pub(super) fn standing(words: &Words, contents: &RoomPage<'_>) -> String {
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

pub(super) fn leave_form(words: &Words, contents: &RoomPage<'_>) -> String {
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
