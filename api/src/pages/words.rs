//! The words of the pages, in each language.

use crate::wire::{PurchaseState, SaleState};

/// A language the pages speak.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Language {
    /// English, when nothing better is asked for.
    English,
    /// Korean.
    Korean,
}

impl Language {
    /// The language an `Accept-Language` header prefers; order breaks ties, `q=0` refuses.
    pub fn of_header(header: Option<&str>) -> Self {
        let mut best = (0.0_f32, Self::English);
        for part in header.unwrap_or_default().split(',').take(16) {
            let mut pieces = part.split(';').map(str::trim);
            let tag = pieces.next().unwrap_or_default().to_ascii_lowercase();
            let weight = pieces.find_map(|piece| piece.strip_prefix("q=")?.parse().ok());
            let language = match tag.split('-').next() {
                Some("ko") => Self::Korean,
                Some("en") => Self::English,
                _ => continue,
            };
            let weight = weight.unwrap_or(1.0);
            if weight > best.0 {
                best = (weight, language);
            }
        }
        best.1
    }

    /// The `lang` attribute.
    pub const fn tag(self) -> &'static str {
        match self {
            Self::English => "en",
            Self::Korean => "ko",
        }
    }

    pub(super) const fn words(self) -> &'static Words {
        match self {
            Self::English => &ENGLISH,
            Self::Korean => &KOREAN,
        }
    }
}

/// Every text of the pages; `{n}` and `{m}` stand for numbers or times.
pub(super) struct Words {
    pub(super) sales: &'static str,
    pub(super) no_sales: &'static str,
    pub(super) more_sales: &'static str,
    pub(super) to_room: &'static str,
    pub(super) left: &'static str,
    pub(super) in_line: &'static str,
    pub(super) no_line: &'static str,
    pub(super) opens: &'static str,
    pub(super) opens_in: &'static str,
    pub(super) closes: &'static str,
    pub(super) enter: &'static str,
    pub(super) enter_hint: &'static str,
    pub(super) your_number: &'static str,
    pub(super) position: &'static str,
    pub(super) next: &'static str,
    pub(super) ahead_one: &'static str,
    pub(super) ahead: &'static str,
    pub(super) wait: &'static str,
    pub(super) wait_unknown: &'static str,
    pub(super) under_a_minute: &'static str,
    pub(super) minutes: &'static str,
    pub(super) keep_open: &'static str,
    pub(super) paused: &'static str,
    pub(super) called: &'static str,
    pub(super) can_buy: &'static str,
    pub(super) cannot_buy: &'static str,
    pub(super) limit_reached: &'static str,
    pub(super) until: &'static str,
    pub(super) quantity: &'static str,
    pub(super) buy: &'static str,
    pub(super) all_held: &'static str,
    pub(super) sold_out: &'static str,
    pub(super) leave: &'static str,
    pub(super) purchase: &'static str,
    pub(super) total: &'static str,
    pub(super) pay: &'static str,
    pub(super) give_up: &'static str,
    pub(super) pay_until: &'static str,
    pub(super) sold_out_long: &'static str,
    pub(super) closed_long: &'static str,
    pub(super) draining_long: &'static str,
    pub(super) promise: &'static str,
    pub(super) enter_again: &'static str,
    pub(super) place_idle: &'static str,
    pub(super) place_missed: &'static str,
    pub(super) session_over: &'static str,
    pub(super) place_left: &'static str,
    pub(super) sale_remade: &'static str,
    pub(super) one_moment: &'static str,
    pub(super) time_left: &'static str,
    pub(super) finish: &'static str,
    pub(super) refused: &'static str,
    pub(super) not_found: &'static str,
    pub(super) back_to_room: &'static str,
    pub(super) to_sales: &'static str,
    pub(super) asks_again: &'static str,
    pub(super) reference: &'static str,
    pub(super) sold_out_waiting: &'static str,
    pub(super) coming_hint: &'static str,
    purchase_notes: [&'static str; 6],
    states: [&'static str; 5],
    purchase_states: [&'static str; 6],
}

impl Words {
    pub(super) const fn state(&self, state: SaleState) -> &'static str {
        self.states[match state {
            SaleState::Coming => 0,
            SaleState::Open => 1,
            SaleState::Draining => 2,
            SaleState::SoldOut => 3,
            SaleState::Closed => 4,
        }]
    }

    pub(super) const fn purchase_state(&self, state: PurchaseState) -> &'static str {
        self.purchase_states[at(state)]
    }

    /// The words for so many people ahead; `{n}` is the count where there are more than one.
    pub(super) const fn ahead(&self, people: u64) -> &'static str {
        match people {
            0 => self.next,
            1 => self.ahead_one,
            _ => self.ahead,
        }
    }

    /// What a purchase's state means to its shopper; empty where the deadline says it.
    pub(super) const fn purchase_note(&self, state: PurchaseState) -> &'static str {
        self.purchase_notes[at(state)]
    }
}

/// Where a purchase state's words stand.
const fn at(state: PurchaseState) -> usize {
    match state {
        PurchaseState::Held => 0,
        PurchaseState::Paying => 1,
        PurchaseState::Confirmed => 2,
        PurchaseState::Released => 3,
        PurchaseState::Expired => 4,
        PurchaseState::Refunded => 5,
    }
}

static ENGLISH: Words = Words {
    sales: "Sales",
    no_sales: "There is no sale at the moment.",
    more_sales: "More sales",
    to_room: "Go to the waiting room",
    left: "{n} of {m} left",
    in_line: "{n} in line",
    no_line: "No one is in line right now.",
    opens: "Opens {n}",
    opens_in: "Opens in {n}",
    closes: "Closes {n}",
    enter: "Get in line",
    enter_hint: "You will get a number in line. It stays yours if you reload the page, briefly close the \
                 browser or lose your connection.",
    your_number: "Your number",
    position: "Your position",
    next: "You are next",
    ahead_one: "1 person ahead of you",
    ahead: "{n} people ahead of you",
    wait: "Estimated wait",
    wait_unknown: "not known yet",
    under_a_minute: "under a minute",
    minutes: "{n}–{m} min",
    keep_open: "Keep this page open. It will tell you when it is your turn.",
    paused: "The line is paused. Your place is kept.",
    called: "It is your turn",
    can_buy: "You can buy now.",
    cannot_buy: "There is nothing you can buy right now.",
    limit_reached: "You already have as many as one person can buy.",
    until: "Until {n}",
    quantity: "Quantity",
    buy: "Buy",
    all_held: "All reserved right now. Some may become available again.",
    sold_out: "Sold out",
    leave: "Leave the line",
    purchase: "Your purchase",
    total: "Total",
    pay: "Pay (demo)",
    give_up: "Cancel reservation",
    pay_until: "Reserved until {n}",
    sold_out_long: "Everything is sold. Thank you for waiting.",
    closed_long: "This sale is over.",
    draining_long: "This sale is no longer taking new people. Those already in line are still served.",
    promise: "First come, first served. No one can cut in line.",
    enter_again: "Get in line again",
    place_idle: "You lost your place because this page was closed for too long.",
    place_missed: "Your turn came, but this page was not open, so it went to the next person.",
    session_over: "Your time to buy has run out.",
    place_left: "You have left the line.",
    sale_remade: "This sale was restarted, so earlier places no longer count.",
    one_moment: "One moment. We are letting you in.",
    time_left: "{n} left",
    finish: "I’m done",
    refused: "That did not work",
    not_found: "Page not found",
    back_to_room: "Back to the room",
    to_sales: "See all sales",
    asks_again: "This page will try again by itself.",
    reference: "Reference: {n}",
    sold_out_waiting: "Everything is sold right now. If something becomes available again, the line will move.",
    coming_hint: "Keep this page open. You can get in line here as soon as the sale opens.",
    purchase_notes: [
        "",
        "We are confirming your payment. The result will appear on this page.",
        "Your payment is complete.",
        "You cancelled this reservation.",
        "The reservation ended because it was not paid in time.",
        "Your payment was refunded.",
    ],
    states: ["Coming soon", "Open", "No new entries", "Sold out", "Over"],
    purchase_states: [
        "Reserved",
        "Payment in progress",
        "Paid",
        "Cancelled",
        "Expired",
        "Refunded",
    ],
};

static KOREAN: Words = Words {
    sales: "판매 목록",
    no_sales: "지금은 진행 중인 판매가 없습니다.",
    more_sales: "판매 더 보기",
    to_room: "대기실로 가기",
    left: "{m}개 중 {n}개 남음",
    in_line: "{n}명\u{a0}대기\u{a0}중",
    no_line: "지금은 기다리는 사람이 없습니다.",
    opens: "{n}에 시작",
    opens_in: "시작까지 {n}",
    closes: "{n}에 종료",
    enter: "줄 서기",
    enter_hint: "번호가 있는 자리를 받습니다. 새로고침하거나 잠시 브라우저를 닫거나 연결이 끊겨도 자리는 그대로입니다.",
    your_number: "내 번호",
    position: "내 순서",
    next: "바로 다음 차례입니다",
    ahead_one: "앞에 1명",
    ahead: "앞에 {n}명",
    wait: "예상 대기 시간",
    wait_unknown: "아직 알 수 없음",
    under_a_minute: "1분 이내",
    minutes: "{n}–{m}분",
    keep_open: "이 페이지를 열어 두십시오. 차례가 되면 여기에서 알려 드립니다.",
    paused: "입장이 잠시 멈췄습니다. 자리는 유지됩니다.",
    called: "차례가 되었습니다",
    can_buy: "지금 구매할 수 있습니다.",
    cannot_buy: "지금은 구매할 수 있는 상품이 없습니다.",
    limit_reached: "한 사람이 살 수 있는 수량을 모두 예약하거나 구매했습니다.",
    until: "{n}까지",
    quantity: "수량",
    buy: "구매하기",
    all_held: "지금은 모두 예약되어 있습니다. 취소되면 다시 구매할 수 있습니다.",
    sold_out: "품절",
    leave: "줄에서 나가기",
    purchase: "내 구매",
    total: "합계",
    pay: "결제하기 (데모)",
    give_up: "예약 취소하기",
    pay_until: "예약은 {n}까지 유지됩니다",
    sold_out_long: "모두 판매되었습니다. 기다려 주셔서 감사합니다.",
    closed_long: "판매가 끝났습니다.",
    draining_long: "더 이상 줄을 설 수 없습니다. 이미 줄을 선 사람은 순서대로 입장합니다.",
    promise: "먼저 온 순서대로 입장합니다. 아무도 앞지를 수 없습니다.",
    enter_again: "다시 줄 서기",
    place_idle: "이 페이지가 한동안 열려 있지 않아 자리가 없어졌습니다.",
    place_missed: "차례가 되었을 때 이 페이지가 열려 있지 않아 다음 사람에게 차례가 넘어갔습니다.",
    session_over: "구매할 수 있는 시간이 끝났습니다.",
    place_left: "줄에서 나왔습니다.",
    sale_remade: "판매를 새로 시작하여 이전에 받은 자리는 쓸 수 없습니다.",
    one_moment: "지금 입장하고 있습니다. 잠시 기다려 주십시오.",
    time_left: "{n} 남음",
    finish: "구매 마치기",
    refused: "처리하지 못했습니다",
    not_found: "페이지를 찾을 수 없습니다",
    back_to_room: "대기실로 돌아가기",
    to_sales: "판매 목록 보기",
    asks_again: "잠시 후 자동으로 다시 시도합니다.",
    reference: "문의 번호: {n}",
    sold_out_waiting: "지금은 모두 판매되었습니다. 다시 구매할 수 있는 수량이 생기면 순서대로 입장합니다.",
    coming_hint: "이 페이지를 열어 두십시오. 시작 시각이 되면 바로 줄을 설 수 있습니다.",
    purchase_notes: [
        "",
        "결제를 확인하고 있습니다. 결과는 이 페이지에 자동으로 나타납니다.",
        "결제가 완료되었습니다.",
        "예약을 취소했습니다.",
        "결제 시간이 지나 예약이 끝났습니다.",
        "결제 금액을 환불했습니다.",
    ],
    states: ["곧 시작", "판매 중", "줄 서기 마감", "품절", "종료"],
    purchase_states: ["예약됨", "결제 진행 중", "결제 완료", "취소됨", "기한 만료", "환불됨"],
};

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_preferred_language_is_spoken() {
        for (header, language) in [
            (None, Language::English),
            (Some(""), Language::English),
            (Some("ko-KR,ko;q=0.9,en-US;q=0.8"), Language::Korean),
            (Some("fr, en;q=0.5, ko;q=0.4"), Language::English),
            (Some("en;q=0.1, KO;q=0.2"), Language::Korean),
            (Some("ko;q=0"), Language::English),
            (Some("ko;q=NaN,,;;"), Language::English),
        ] {
            assert_eq!(Language::of_header(header), language, "{header:?}");
        }
    }
}
