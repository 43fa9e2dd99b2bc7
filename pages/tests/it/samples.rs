//! Every page of the shop with believable values, with none, and with hostile ones.
//!
//! The browser's tests of `api` take this file too: they look at the same pages.

#![expect(
    clippy::wildcard_enum_match_arm,
    reason = "a state that a sample does not care about gets what is usual"
)]

#[path = "samples/account.rs"]
mod account;
#[path = "samples/business.rs"]
mod business;
#[path = "samples/desk.rs"]
mod desk;
#[path = "samples/order.rs"]
mod order;
#[path = "samples/store.rs"]
mod store;

use pages::{
    Frame, Language, Moment, Money,
    shop::{
        Category, DealCard, DealState, Merchant, Notice, Person, Picture, Price, ShopFrame, Visitor,
    },
};

/// A page and what it shows.
#[derive(Clone, Debug)]
pub(crate) struct Sample {
    /// Which page, in which state.
    pub(crate) name: String,
    /// The page.
    pub(crate) html: String,
}

/// What the values of a page are like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Values {
    /// As in a shop that is doing well.
    Full,
    /// As long as they may be, with characters that mean something in HTML.
    Hostile,
}

/// 2026-11-30 12:21:27 in Seoul.
pub(crate) const NOW: Moment = Moment(1_796_008_887_000);
const HOUR: u64 = 3_600_000;
const DAY: u64 = 24 * HOUR;

/// What stands for a text that somebody typed to do harm.
pub(crate) const HOSTILE: &str = "<script>alert('1')</script>&\"'`\u{7}{{ frame }}{n}";

/// So many milliseconds from the hour that has begun.
const fn at(ms: u64) -> Moment {
    Moment(NOW.0 - NOW.0 % HOUR + ms)
}

const fn ago(ms: u64) -> Moment {
    Moment(NOW.0 - NOW.0 % HOUR - ms)
}

const fn won(minor: i64) -> Money<'static> {
    Money { minor, currency: "KRW", digits: 0 }
}

/// Everything that makes pages.
#[derive(Clone, Copy)]
struct Maker {
    language: Language,
    values: Values,
}

impl Maker {
    fn frame(self, here: &'static str) -> ShopFrame<'static> {
        let person =
            Person { name: self.name(), unread: 3, is_business: false, is_operator: false };
        ShopFrame {
            page: Frame { language: self.language, here },
            now: NOW,
            visitor: Visitor::Person(person),
            notice: None,
            merchant: &Merchant::FICTIONAL,
        }
    }

    fn of_guest(self, here: &'static str) -> ShopFrame<'static> {
        ShopFrame { visitor: Visitor::Guest, ..self.frame(here) }
    }

    fn of_seller(self, here: &'static str) -> ShopFrame<'static> {
        let person = Person { name: self.name(), unread: 0, is_business: true, is_operator: true };
        ShopFrame { visitor: Visitor::Person(person), ..self.frame(here) }
    }

    fn told(self, here: &'static str, code: &'static str, is_bad: bool) -> ShopFrame<'static> {
        ShopFrame { notice: Some(Notice { code, is_bad }), ..self.frame(here) }
    }

    /// A text in the language, or a hostile one.
    fn text(self, korean: &'static str, english: &'static str) -> &'static str {
        match (self.values, self.language) {
            (Values::Hostile, _) => HOSTILE,
            (Values::Full, Language::Korean) => korean,
            (Values::Full, Language::English) => english,
        }
    }

    fn name(self) -> &'static str {
        self.text("김지우", "Jiwoo Kim")
    }

    /// A number, or one as large as it may be.
    const fn figure(self, full: u64) -> u64 {
        match self.values {
            Values::Full => full,
            Values::Hostile => 9_999_999,
        }
    }

    const fn sum(self, full: i64) -> Money<'static> {
        match self.values {
            Values::Full => won(full),
            Values::Hostile => won(999_999_999_999),
        }
    }

    fn deal(self, goods: &Goods, state: DealState, opens: Moment, hours: u64) -> DealCard<'static> {
        let now = goods.price * i64::from(100 - goods.percent) / 100;
        DealCard {
            deal: "0192f3a1-7c5e-7b60-8a52-2f6a8f0c1d11",
            title: self.text(goods.korean, goods.english),
            picture: Some(Picture {
                src: goods.picture,
                alt: self.text(goods.korean_alt, goods.english_alt),
            }),
            category: goods.category,
            state,
            opens_at: opens,
            closes_at: Moment(opens.0 + hours * HOUR),
            price: Price {
                now: self.sum(now),
                list: self.sum(goods.price),
                percent: goods.percent,
            },
            left: match state {
                DealState::SoldOut => 0,
                _ => self.figure(goods.stock * 2 / 5),
            },
            total: self.figure(goods.stock),
            in_line: match state {
                DealState::Open | DealState::Paused => self.figure(1_204),
                _ => 0,
            },
            likes: self.figure(goods.likes),
        }
    }
}

/// What is sold in the samples.
struct Goods {
    korean: &'static str,
    english: &'static str,
    korean_alt: &'static str,
    english_alt: &'static str,
    picture: &'static str,
    category: Category,
    price: i64,
    percent: u32,
    stock: u64,
    likes: u64,
}

macro_rules! goods {
    ($($name:ident: $korean:literal, $english:literal, $korean_alt:literal, $english_alt:literal, $picture:literal, $category:ident, $price:literal, $percent:literal, $stock:literal, $likes:literal;)*) => {
        $(const $name: Goods = Goods {
            korean: $korean, english: $english, korean_alt: $korean_alt, english_alt: $english_alt,
            picture: concat!("/pictures/", $picture, ".webp"), category: Category::$category,
            price: $price, percent: $percent, stock: $stock, likes: $likes,
        };)*
    };
}

goods! {
    SERUM: "쑥 진정 세럼 50ml", "Mugwort calming serum, 50 ml", "둥근 어깨의 유리 세럼 병", "A round-shouldered glass serum bottle", "serum", Beauty, 62_000, 50, 500, 2_318;
    KETTLE: "온도 조절 전기 포트 0.8L", "Temperature-control kettle, 0.8 l", "목이 긴 주전자", "A kettle with a long spout", "kettle", Appliance, 99_000, 32, 200, 3_118;
    PEARS: "나주 배 7.5kg", "Naju pears, 7.5 kg", "그릇에 담은 배", "Pears in a bowl", "pears", Food, 45_000, 28, 1_000, 842;
    QUILT: "겹거즈 이불 퀸", "Double-gauze quilt, queen", "개어 놓은 이불", "Folded quilts", "quilt", Living, 220_000, 41, 120, 1_560;
    BAG: "캔버스 백팩 22L", "Canvas backpack, 22 l", "세워 놓은 백팩", "A standing backpack", "backpack", Fashion, 130_000, 35, 80, 611;
    RACKET: "카본 배드민턴 라켓", "Carbon badminton racket", "라켓과 셔틀콕", "A racket and a shuttlecock", "racket", Sports, 89_000, 20, 150, 240;
    CAT: "원목 고양이 침대", "Wooden cat bed", "둥근 고양이 침대", "A round cat bed", "catbed", Pet, 74_000, 15, 60, 199;
    SUITCASE: "폴리카보네이트 여행 가방 28인치", "Polycarbonate suitcase, 28 in", "여행 가방", "A suitcase", "suitcase", Travel, 189_000, 45, 90, 77;
}

/// Every page, in a language.
pub(crate) fn all(language: Language, values: Values) -> Vec<Sample> {
    let maker = Maker { language, values };
    let mut samples = Vec::new();
    samples.extend(store::samples(maker));
    samples.extend(account::samples(maker));
    samples.extend(order::samples(maker));
    samples.extend(business::samples(maker));
    samples.extend(desk::samples(maker));
    samples
}

fn sample(name: &str, html: String) -> Sample {
    Sample { name: name.to_owned(), html }
}
