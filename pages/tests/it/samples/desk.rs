//! The operators' pages.

use pages::{
    Moment,
    shop::{
        ApplicantRow, ApplicantsPage, BusinessState, DeadTask, DealRow, DealState, DealsDeskPage,
        Doubt, DoubtKind, DoubtsPage, Gateway, OrderRow, OrderState, OrdersDeskPage, Parcel,
        RefundRow, RefundState, RefundsPage, TasksPage, Verdict,
    },
};

use super::{
    DAY, HOUR, KETTLE, Maker, NOW, QUILT, SERUM, Sample, ago, at, business::company, sample,
};

const NUMBER: &str = "D261130-4829-13KQ";

fn applicants(maker: Maker) -> ApplicantsPage<'static> {
    let row = |business, state, verdict, can_approve| ApplicantRow {
        business,
        company: company(maker),
        state,
        verdict,
        applied_at: ago(20 * HOUR),
        reason: None,
        can_approve,
    };
    ApplicantsPage {
        frame: maker.told("/shop/desk/businesses", "decided", false),
        showing: "pending",
        rows: vec![
            row("b1", BusinessState::Pending, Some((Verdict::Active, ago(2 * HOUR))), true),
            row("b2", BusinessState::Pending, None, false),
            row("b3", BusinessState::Approved, Some((Verdict::Active, ago(9 * DAY))), false),
            ApplicantRow {
                reason: Some(
                    maker.text("신고가 여러 건 들어왔습니다", "There were several reports"),
                ),
                ..row("b4", BusinessState::Suspended, Some((Verdict::Dormant, ago(9 * DAY))), false)
            },
        ],
        refusal: None,
        next: Some("/shop/desk/businesses?after=x"),
    }
}

fn deals(maker: Maker) -> DealsDeskPage<'static> {
    let row = |goods, state, opens| DealRow {
        card: maker.deal(goods, state, opens, 3),
        company: company(maker).name,
        sold: maker.figure(288),
        held: maker.figure(61),
        rate: maker.figure(80),
    };
    DealsDeskPage {
        frame: maker.of_seller("/shop/desk/deals"),
        showing: "all",
        rows: vec![
            row(&QUILT, DealState::Pending, at(50 * HOUR)),
            row(&SERUM, DealState::Open, at(0)),
            row(&SERUM, DealState::Paused, at(0)),
            row(&KETTLE, DealState::Scheduled, at(3 * HOUR)),
            row(&KETTLE, DealState::Ended, ago(90 * HOUR)),
        ],
        refusal: None,
        next: None,
    }
}

fn orders(maker: Maker) -> OrdersDeskPage<'static> {
    let row = |state, parcel| OrderRow {
        order: "o1",
        number: NUMBER,
        account: "0192f3a1-7c5e-7b60-8a52-2f6a8f0c1d11",
        placed_at: ago(HOUR),
        title: maker.text(SERUM.korean, SERUM.english),
        quantity: maker.figure(2),
        total: maker.sum(62_000),
        state,
        parcel,
    };
    OrdersDeskPage {
        frame: maker.of_seller("/shop/desk/orders"),
        q: maker.text("D261130", "D261130"),
        rows: vec![
            row(OrderState::Waiting, None),
            row(OrderState::Paid, Some(Parcel::Preparing)),
            row(OrderState::Doubt, None),
            row(OrderState::Refunded, None),
        ],
        next: None,
    }
}

fn doubts(maker: Maker) -> DoubtsPage<'static> {
    let doubt = |kind, heard| Doubt {
        payment: "p1",
        number: NUMBER,
        title: maker.text(SERUM.korean, SERUM.english),
        kind,
        since: ago(3 * HOUR),
        gateway: Gateway::KakaoPay,
        expected: maker.sum(62_000),
        heard,
        records: vec![
            (ago(3 * HOUR), maker.text("asked approve", "asked approve")),
            (Moment(NOW.0 - 60_000), maker.text("heard nothing", "heard nothing")),
        ],
        can_give_back: true,
    };
    DoubtsPage {
        frame: maker.of_seller("/shop/desk/doubts"),
        doubts: vec![
            doubt(DoubtKind::Amount, Some(maker.sum(31_000))),
            doubt(DoubtKind::Units, None),
            Doubt { can_give_back: false, ..doubt(DoubtKind::Silence, None) },
            doubt(DoubtKind::Refund, None),
            doubt(DoubtKind::Contradiction, None),
        ],
        refusal: None,
        next: None,
    }
}

fn refunds(maker: Maker) -> RefundsPage<'static> {
    let row = |state, reason| RefundRow {
        refund: "r1",
        number: NUMBER,
        title: maker.text(SERUM.korean, SERUM.english),
        amount: maker.sum(31_000),
        state,
        asked_at: ago(5 * HOUR),
        reason,
    };
    RefundsPage {
        frame: maker.of_seller("/shop/desk/refunds"),
        showing: "open",
        rows: vec![
            row(
                RefundState::WaitsForGoods,
                maker.text("다른 상품이 왔습니다", "It is not what I ordered"),
            ),
            row(RefundState::Asked, ""),
            row(RefundState::Refused, ""),
            row(RefundState::Done, ""),
        ],
        refusal: Some("refund_too_much"),
        next: None,
    }
}

fn tasks(maker: Maker) -> TasksPage<'static> {
    let task = |kind, error| DeadTask {
        task: "t1",
        kind,
        key: "0192f3a1-7c5e-7b60-8a52-2f6a8f0c1d11",
        attempts: maker.figure(12),
        at: ago(HOUR),
        error,
    };
    TasksPage {
        frame: maker.of_seller("/shop/desk/tasks"),
        tasks: vec![
            task(
                "identity.check_business",
                maker.text("the tax service answered 500", "the tax service answered 500"),
            ),
            task(
                "commons.push",
                maker.text("the name could not be looked up", "the name could not be looked up"),
            ),
        ],
        refusal: None,
        next: None,
    }
}

/// The pages.
pub(super) fn samples(maker: Maker) -> Vec<Sample> {
    vec![
        sample("desk-applicants", applicants(maker).html()),
        sample(
            "desk-applicants-empty",
            ApplicantsPage { rows: vec![], next: None, ..applicants(maker) }.html(),
        ),
        sample("desk-deals", deals(maker).html()),
        sample(
            "desk-deals-refused",
            DealsDeskPage { refusal: Some("deal_state_wrong"), ..deals(maker) }.html(),
        ),
        sample("desk-orders", orders(maker).html()),
        sample("desk-orders-empty", OrdersDeskPage { rows: vec![], ..orders(maker) }.html()),
        sample("desk-doubts", doubts(maker).html()),
        sample("desk-doubts-empty", DoubtsPage { doubts: vec![], ..doubts(maker) }.html()),
        sample("desk-refunds", refunds(maker).html()),
        sample("desk-tasks", tasks(maker).html()),
        sample("desk-tasks-empty", TasksPage { tasks: vec![], ..tasks(maker) }.html()),
    ]
}
