//! The storefront.

use pages::shop::{
    Category, DayBar, DealListPage, DealPage, DealState, Entry, HomePage, InboxPage, LegalPage,
    LikesPage, LostPage, NoticeKind, NoticeRow, Picture, Seller, Showing,
};

use super::{
    BAG, CAT, DAY, HOUR, KETTLE, Maker, NOW, PEARS, QUILT, RACKET, SERUM, SUITCASE, Sample, ago,
    at, sample,
};

fn week(maker: Maker) -> Vec<DayBar> {
    let counts = [5, 4, 6, 3, 7, 0, 1];
    let day = |(at, deals): (u64, u64)| DayBar {
        day: pages::Moment(NOW.0 + at * DAY),
        deals: if deals == 0 { 0 } else { maker.figure(deals) },
    };
    (0..).zip(counts).map(day).collect()
}

fn home(maker: Maker) -> HomePage<'static> {
    let bag = maker.deal(&BAG, DealState::Ended, ago(3 * HOUR), 2);
    let serum = maker.deal(&SERUM, DealState::Open, at(0), 3);
    let kettle = maker.deal(&KETTLE, DealState::Scheduled, at(3 * HOUR), 3);
    let pears = maker.deal(&PEARS, DealState::Scheduled, at(6 * HOUR), 2);
    let quilt = maker.deal(&QUILT, DealState::Scheduled, at(9 * HOUR), 3);
    HomePage {
        frame: maker.of_guest("/shop"),
        featured: vec![serum, kettle, pears],
        today: vec![bag, serum, kettle, pears, quilt],
        week: week(maker),
    }
}

fn deal(maker: Maker, state: DealState) -> DealPage<'static> {
    let opens = match state {
        DealState::Scheduled | DealState::Pending => at(3 * HOUR),
        DealState::Ended | DealState::Cancelled => ago(5 * HOUR),
        _ => at(0),
    };
    let card = maker.deal(&SERUM, state, opens, 3);
    DealPage {
        frame: maker.frame("/shop/deals/0192f3a1"),
        deal: card,
        description: maker.text(
            "세안한 뒤 두세 방울이면 하루 종일 편안합니다. 향료를 넣지 않았습니다.\n봄에 거둔 어린 쑥을 저온에서 우려 담았습니다. 원료는 열두 가지, 모두 병 뒤에 적었습니다.\n유리병은 다 쓴 뒤 씻어서 작은 꽃병으로 쓸 수 있습니다.",
            "Two or three drops after washing keep skin calm all day. No perfume.\nYoung mugwort, picked in spring and steeped cold. Twelve ingredients, all of them named on the bottle.\nRinse the glass afterwards and it makes a small vase.",
        ),
        pictures: vec![Picture { src: "/pictures/soap.webp", alt: "" }],
        held: if state == DealState::Open { maker.figure(61) } else { 0 },
        per_person: maker.figure(5),
        seller: Seller {
            company: maker.text("(주)숲과물", "Forest & Water Inc."),
            representative: maker.text("김해나", "Haena Kim"),
            business_number: "999-00-00023",
            email: "care@forest.example",
            phone: "064-000-1200",
        },
        is_liked: state == DealState::Scheduled,
        entry: match state {
            DealState::Open => Entry::Line { minutes: Some((8, 11)) },
            DealState::Paused => Entry::Place,
            DealState::SoldOut => Entry::Line { minutes: None },
            _ => Entry::Closed,
        },
        is_preview: state == DealState::Pending,
        status: matches!(state, DealState::Open | DealState::Paused).then_some("/v1/sales/demo"),
    }
}

fn notices(maker: Maker) -> Vec<NoticeRow<'static>> {
    let row = |kind,
               korean: (&'static str, &'static str),
               english: (&'static str, &'static str),
               at,
               is_read| NoticeRow {
        kind,
        title: maker.text(korean.0, english.0),
        text: maker.text(korean.1, english.1),
        href: "/shop/inbox/1",
        at,
        is_read,
    };
    vec![
        row(
            NoticeKind::Reminder,
            ("1시간 뒤에 시작합니다", "온도 조절 전기 포트 0.8L · 15:00"),
            ("Opens in 1 hour", "Temperature-control kettle, 0.8 l · 15:00"),
            at(0),
            false,
        ),
        row(
            NoticeKind::Order,
            ("상품을 보냈습니다", "쑥 진정 세럼 50ml · 없는택배 6012-3344-5566"),
            ("It was sent", "Mugwort calming serum, 50 ml · Nowhere Express 6012-3344-5566"),
            ago(2 * HOUR),
            false,
        ),
        row(
            NoticeKind::NewDeal,
            ("생활용품에 새 딜이 올라왔습니다", "겹거즈 이불 퀸"),
            ("A new deal in Home", "Double-gauze quilt, queen"),
            ago(20 * HOUR),
            true,
        ),
        row(
            NoticeKind::Refund,
            ("환불을 마쳤습니다", "31,000원을 카카오페이로 돌려드렸습니다"),
            ("Your refund is done", "₩31,000 went back to KakaoPay"),
            ago(4 * DAY),
            true,
        ),
        row(
            NoticeKind::Business,
            ("사업자 심사가 끝났습니다", ""),
            ("Your business was reviewed", ""),
            ago(400 * DAY),
            true,
        ),
    ]
}

fn list(maker: Maker) -> DealListPage<'static> {
    DealListPage {
        frame: maker.frame("/shop/deals?q=%EC%84%B8%EB%9F%BC"),
        showing: Showing { q: maker.text("세럼", "serum"), ..Showing::default() },
        week: week(maker),
        deals: vec![
            maker.deal(&SERUM, DealState::Open, at(0), 3),
            maker.deal(&KETTLE, DealState::Scheduled, at(3 * HOUR), 3),
            maker.deal(&CAT, DealState::Scheduled, at(26 * HOUR), 2),
            maker.deal(&RACKET, DealState::Scheduled, at(50 * HOUR), 2),
            maker.deal(&SUITCASE, DealState::SoldOut, ago(HOUR), 3),
            maker.deal(&BAG, DealState::Ended, ago(30 * HOUR), 2),
            maker.deal(&QUILT, DealState::Cancelled, ago(50 * HOUR), 2),
        ],
        next: Some("/shop/deals?after=x"),
    }
}

/// Today's deals, and lists of them.
fn lists(maker: Maker) -> Vec<Sample> {
    vec![
        sample("home", home(maker).html()),
        sample("home-empty", HomePage { featured: vec![], today: vec![], ..home(maker) }.html()),
        sample("list", list(maker).html()),
        sample(
            "list-of-category",
            DealListPage {
                showing: Showing {
                    category: Some(Category::Beauty),
                    with_ended: true,
                    ..Showing::default()
                },
                ..list(maker)
            }
            .html(),
        ),
        sample(
            "list-of-day",
            DealListPage {
                showing: Showing { day: Some(NOW), ..Showing::default() },
                ..list(maker)
            }
            .html(),
        ),
        sample("list-empty", DealListPage { deals: vec![], next: None, ..list(maker) }.html()),
    ]
}

/// The pages.
pub(super) fn samples(maker: Maker) -> Vec<Sample> {
    let states = [
        DealState::Scheduled,
        DealState::Open,
        DealState::Paused,
        DealState::SoldOut,
        DealState::Ended,
        DealState::Cancelled,
        DealState::Pending,
        DealState::Rejected,
    ];
    let mut samples = lists(maker);
    samples.extend(
        states.map(|state| sample(&format!("deal-{}", state.word()), deal(maker, state).html())),
    );
    let likes =
        LikesPage { frame: maker.frame("/shop/likes"), deals: list(maker).deals, next: None };
    let inbox = InboxPage {
        frame: maker.frame("/shop/inbox"),
        notices: notices(maker),
        up_to: Some("01jdz8m7q3k5v2x9c4b6n0r1ta"),
        only_unread: false,
        next: Some("/shop/inbox?after=x"),
    };
    let lost = LostPage {
        frame: maker.frame("/shop/nothing"),
        status: 404,
        code: "not_found",
        reference: "7f3k-20qm",
        retry_seconds: None,
    };
    samples.extend([
        sample("likes", likes.html()),
        sample("likes-empty", LikesPage { deals: vec![], ..likes }.html()),
        sample("inbox", inbox.html()),
        sample(
            "inbox-empty",
            InboxPage { notices: vec![], up_to: None, next: None, ..inbox }.html(),
        ),
        sample("lost", lost.html()),
        sample(
            "lost-operators-only",
            LostPage { status: 403, code: "operator_session_needed", ..lost }.html(),
        ),
        sample(
            "busy",
            LostPage { status: 503, code: "overloaded", retry_seconds: Some(10), ..lost }.html(),
        ),
    ]);
    samples.extend(legal(maker));
    samples
}

fn legal(maker: Maker) -> [Sample; 2] {
    let page = |here, is_privacy| LegalPage { frame: maker.of_guest(here), is_privacy }.html();
    [sample("terms", page("/shop/terms", false)), sample("privacy", page("/shop/privacy", true))]
}
