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
    pub(super) to_room: &'static str,
    pub(super) left: &'static str,
    pub(super) in_line: &'static str,
    pub(super) opens: &'static str,
    pub(super) closes: &'static str,
    pub(super) enter: &'static str,
    pub(super) enter_hint: &'static str,
    pub(super) your_number: &'static str,
    pub(super) position: &'static str,
    pub(super) ahead: &'static str,
    pub(super) wait: &'static str,
    pub(super) wait_unknown: &'static str,
    pub(super) under_a_minute: &'static str,
    pub(super) minutes: &'static str,
    pub(super) keep_open: &'static str,
    pub(super) paused: &'static str,
    pub(super) called: &'static str,
    pub(super) admitted: &'static str,
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
    pub(super) promise: &'static str,
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
        self.purchase_states[match state {
            PurchaseState::Held => 0,
            PurchaseState::Paying => 1,
            PurchaseState::Confirmed => 2,
            PurchaseState::Released => 3,
            PurchaseState::Expired => 4,
            PurchaseState::Refunded => 5,
        }]
    }
}

static ENGLISH: Words = Words {
    sales: "Sales",
    no_sales: "There is no sale at the moment.",
    to_room: "Go to the waiting room",
    left: "{n} of {m} left",
    in_line: "{n} in line",
    opens: "Opens {n}",
    closes: "Closes {n}",
    enter: "Get in line",
    enter_hint: "You get a numbered place. It stays yours when you reload or lose the connection.",
    your_number: "Your number",
    position: "Your position",
    ahead: "{n} people ahead of you",
    wait: "Estimated wait",
    wait_unknown: "not known yet",
    under_a_minute: "under a minute",
    minutes: "{n}–{m} min",
    keep_open: "Keep this page open: it tells you when it is your turn.",
    paused: "The line is paused. Your place is kept.",
    called: "It is your turn",
    admitted: "It is your turn. You can buy now.",
    until: "Until {n}",
    quantity: "Quantity",
    buy: "Buy",
    all_held: "All held right now; some may come back",
    sold_out: "Sold out",
    leave: "Leave the line",
    purchase: "Your purchase",
    total: "Total",
    pay: "Pay (demo)",
    give_up: "Give it up",
    pay_until: "Reserved until {n}",
    sold_out_long: "Everything is sold. Thank you for waiting.",
    closed_long: "This sale is over.",
    promise: "First come, first served: nobody is let past you.",
    states: ["Coming soon", "Open", "Closing: no new places", "Sold out", "Over"],
    purchase_states: ["Reserved", "Payment under way", "Paid", "Given up", "Expired", "Refunded"],
};

static KOREAN: Words = Words {
    sales: "판매 목록",
    no_sales: "지금은 진행 중인 판매가 없습니다.",
    to_room: "대기실로 가기",
    left: "{m}개 중 {n}개 남음",
    in_line: "{n}명\u{a0}대기\u{a0}중",
    opens: "{n}에 시작",
    closes: "{n}에 종료",
    enter: "줄 서기",
    enter_hint: "번호가 있는 자리를 받습니다. 새로고침하거나 연결이 끊겨도 자리는 그대로입니다.",
    your_number: "내 번호",
    position: "내 순서",
    ahead: "앞에 {n}명",
    wait: "예상 대기 시간",
    wait_unknown: "아직 알 수 없음",
    under_a_minute: "1분 이내",
    minutes: "{n}–{m}분",
    keep_open: "이 페이지를 열어 두세요. 차례가 되면 알려 드립니다.",
    paused: "입장이 잠시 멈췄습니다. 자리는 유지됩니다.",
    called: "차례가 되었습니다",
    admitted: "차례가 되었습니다. 지금 구매할 수 있습니다.",
    until: "{n}까지",
    quantity: "수량",
    buy: "구매하기",
    all_held: "지금은 모두 예약 중입니다. 다시 나올 수 있습니다.",
    sold_out: "품절",
    leave: "줄에서 나가기",
    purchase: "내 구매",
    total: "합계",
    pay: "결제하기 (데모)",
    give_up: "포기하기",
    pay_until: "{n}까지 예약됩니다",
    sold_out_long: "모두 판매되었습니다. 기다려 주셔서 감사합니다.",
    closed_long: "판매가 끝났습니다.",
    promise: "먼저 온 순서대로 입장합니다. 아무도 앞지를 수 없습니다.",
    states: ["곧 시작", "판매 중", "마감 중: 새 자리 없음", "품절", "종료"],
    purchase_states: ["예약됨", "결제 중", "결제 완료", "포기함", "기한 지남", "환불됨"],
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
