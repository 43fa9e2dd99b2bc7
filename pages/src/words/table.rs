//! One language's table of words, and how what is told by a state or a code is looked up in it.

use crate::{
    format::Phrase,
    sale::{PlaceEnd, PurchaseState, SaleState},
};

/// Every text of the pages.
pub(crate) struct Words {
    // Frame.
    pub(crate) skip: &'static str,
    pub(crate) promise: &'static str,
    pub(crate) to_sales: &'static str,
    pub(crate) stop: &'static str,
    // Home.
    pub(crate) sales: &'static str,
    pub(crate) no_sales: &'static str,
    pub(crate) more_sales: &'static str,
    pub(crate) hour_now: &'static str,
    pub(crate) hour_past: &'static str,
    pub(crate) hour_soon: &'static str,
    pub(crate) in_line: Phrase,
    pub(crate) no_line: &'static str,
    // Problem.
    pub(crate) refused: &'static str,
    pub(crate) busy: &'static str,
    pub(crate) not_found: &'static str,
    pub(crate) unknown_refusal: &'static str,
    pub(crate) reference: Phrase,
    pub(crate) back_to_room: &'static str,
    pub(crate) asks_again: Phrase,
    pub(crate) error_title: Phrase,
    // Room: what stands above.
    pub(crate) closes_at: Phrase,
    pub(crate) paused_tag: &'static str,
    pub(crate) paused: &'static str,
    pub(crate) paused_place: &'static str,
    pub(crate) paused_outside: &'static str,
    pub(crate) refreshes: Phrase,
    pub(crate) stands_still: &'static str,
    pub(crate) go_on: &'static str,
    // Room: before a place.
    pub(crate) opens_in: &'static str,
    pub(crate) days: &'static str,
    pub(crate) not_open_yet: &'static str,
    pub(crate) opens_at: Phrase,
    pub(crate) coming_hint: &'static str,
    pub(crate) in_line_now: &'static str,
    pub(crate) people: &'static str,
    pub(crate) enter: &'static str,
    pub(crate) enter_again: &'static str,
    pub(crate) sign_in_first: &'static str,
    pub(crate) enter_say: &'static str,
    pub(crate) enter_hint: &'static str,
    pub(crate) invite_needed: &'static str,
    pub(crate) invite_needed_text: &'static str,
    pub(crate) invite_expired: &'static str,
    pub(crate) invite_expired_text: &'static str,
    pub(crate) invite_over: &'static str,
    pub(crate) invited: &'static str,
    pub(crate) invite_ready: &'static str,
    pub(crate) stock: &'static str,
    pub(crate) stock_total: &'static str,
    pub(crate) price: &'static str,
    pub(crate) what: &'static str,
    pub(crate) left: Phrase,
    pub(crate) all_held: &'static str,
    pub(crate) sold_out: &'static str,
    // Room: in line.
    pub(crate) ahead: &'static str,
    pub(crate) tab_ahead: Phrase,
    pub(crate) spoken: Phrase,
    pub(crate) covered: &'static str,
    pub(crate) next: &'static str,
    pub(crate) wait_unknown: &'static str,
    pub(crate) wait_soon: &'static str,
    pub(crate) wait_about: Phrase,
    pub(crate) wait_range: Phrase,
    pub(crate) keep_open: &'static str,
    pub(crate) full: &'static str,
    pub(crate) late: &'static str,
    pub(crate) your_number: &'static str,
    pub(crate) last_checked: &'static str,
    pub(crate) tell_me: &'static str,
    pub(crate) safe: Phrase,
    pub(crate) minutes: Phrase,
    pub(crate) seconds: Phrase,
    pub(crate) order_heading: &'static str,
    pub(crate) order_text: Phrase,
    pub(crate) standby: &'static str,
    pub(crate) tab_standby: Phrase,
    pub(crate) nth: &'static str,
    pub(crate) all_reserved: &'static str,
    pub(crate) standby_hint: &'static str,
    // Room: called.
    pub(crate) your_turn: &'static str,
    pub(crate) enter_now: &'static str,
    pub(crate) go_in: &'static str,
    pub(crate) can_buy: &'static str,
    pub(crate) time_left: &'static str,
    pub(crate) turn_until: Phrase,
    pub(crate) quantity: &'static str,
    pub(crate) units: Phrase,
    pub(crate) buy: &'static str,
    pub(crate) buy_more: &'static str,
    pub(crate) cannot_buy: &'static str,
    pub(crate) cannot_buy_text: &'static str,
    pub(crate) limit_reached: &'static str,
    pub(crate) limit_reached_text: &'static str,
    // Room: purchases.
    pub(crate) purchase: &'static str,
    pub(crate) total: &'static str,
    pub(crate) reserved: &'static str,
    pub(crate) reserved_until: Phrase,
    pub(crate) time_to_pay: &'static str,
    pub(crate) pay_in_time: &'static str,
    pub(crate) pay_elsewhere: &'static str,
    pub(crate) pay: Phrase,
    pub(crate) give_up: &'static str,
    pub(crate) give_up_warning: &'static str,
    pub(crate) give_up_now: &'static str,
    pub(crate) paying: &'static str,
    pub(crate) paying_hint: &'static str,
    pub(crate) step_reserved: &'static str,
    pub(crate) step_paying: &'static str,
    pub(crate) step_paid: &'static str,
    pub(crate) paid: &'static str,
    pub(crate) paid_text: &'static str,
    // Room: the end.
    pub(crate) leave: &'static str,
    pub(crate) leave_warning: &'static str,
    pub(crate) leave_warning_guest: &'static str,
    pub(crate) leave_now: &'static str,
    pub(crate) finish: &'static str,
    pub(crate) finish_warning: &'static str,
    pub(crate) finish_now: &'static str,
    pub(crate) sold_out_long: &'static str,
    pub(crate) sold_out_text: &'static str,
    pub(crate) draining_long: &'static str,
    pub(crate) draining_text: &'static str,
    pub(crate) closed_long: &'static str,
    pub(crate) closed_text: &'static str,
    pub(crate) closed_place: Phrase,
    // By state.
    /// Tags by [`SaleState`].
    pub(super) states: [&'static str; 5],
    /// Tags by [`PurchaseState`].
    pub(super) purchase_states: [&'static str; 6],
    /// Sentences by [`PurchaseState`].
    pub(super) purchase_notes: [&'static str; 6],
    /// Headings by [`PlaceEnd`].
    pub(super) ends: [&'static str; 5],
    /// Reasons by [`PlaceEnd`].
    pub(super) ends_why: [&'static str; 5],
    /// What a problem's code means to a person.
    pub(super) problems: &'static [(&'static str, &'static str)],
}

impl Words {
    pub(crate) const fn state(&self, state: SaleState) -> &'static str {
        self.states[state as usize]
    }

    pub(crate) const fn purchase_state(&self, state: PurchaseState) -> &'static str {
        self.purchase_states[state as usize]
    }

    pub(crate) const fn purchase_note(&self, state: PurchaseState) -> &'static str {
        self.purchase_notes[state as usize]
    }

    pub(crate) const fn ended(&self, end: PlaceEnd) -> &'static str {
        self.ends[end as usize]
    }

    pub(crate) const fn ended_why(&self, end: PlaceEnd) -> &'static str {
        self.ends_why[end as usize]
    }

    /// The words for a problem's code; `None` for a code that is none. A notice comes back from the
    /// browser, so only what stands in the table is ever shown.
    pub(crate) fn problem(&self, code: &str) -> Option<&'static str> {
        self.problems.iter().find(|(known, _)| *known == code).map(|(_, text)| *text)
    }
}
