//! Paying and orders.

use pages::{
    Moment,
    shop::{
        Allowed, CheckoutPage, DealState, Field, Gateway, GoPage, Going, Line, OrderCard,
        OrderPage, OrderState, OrdersPage, Outcome, Parcel, Provider, Refund, ResultPage, Step,
        StepKind, StepState, Sums, Tick,
    },
};

use super::{DAY, HOUR, Maker, NOW, SERUM, Sample, account::addresses, ago, at, sample};

const NUMBER: &str = "D261130-4829-13KQ";

fn lines(maker: Maker) -> Vec<Line<'static>> {
    let deal = maker.deal(&SERUM, DealState::Open, at(0), 3);
    vec![Line {
        deal: deal.deal,
        title: deal.title,
        picture: deal.picture,
        quantity: maker.figure(2),
        price: deal.price,
        amount: maker.sum(62_000),
    }]
}

fn sums(maker: Maker) -> Sums<'static> {
    Sums { list: maker.sum(124_000), discount: super::won(-62_000), total: maker.sum(62_000) }
}

fn checkout(maker: Maker) -> CheckoutPage<'static> {
    CheckoutPage {
        frame: maker.frame("/shop/orders/o1/pay"),
        form: "/shop/checkout/d1/p1-1",
        give_up: "/shop/checkout/d1/p1-1/cancel",
        lines: lines(maker),
        sums: sums(maker),
        held_until: Moment(NOW.0 + 581_000),
        held_seconds: 900,
        addresses: addresses(maker),
        is_fixed: false,
        address: Field::default(),
        receiver: Field::default(),
        phone: Field::default(),
        zip: Field::default(),
        road: Field::default(),
        detail: Field::default(),
        keeps: Tick::default(),
        gateways: &[Gateway::KakaoPay, Gateway::Card],
        gateway: Field::default(),
        agrees: Tick::default(),
        refusal: None,
        key: "key",
    }
}

const fn step(kind: StepKind, state: StepState, at: Option<Moment>) -> Step {
    Step { kind, state, at }
}

fn result(maker: Maker, outcome: Outcome) -> ResultPage<'static> {
    let reserved = step(StepKind::Reserved, StepState::Done, Some(ago(0)));
    let asked = step(StepKind::Asked, StepState::Done, Some(Moment(NOW.0 - 60_000)));
    let steps = match outcome {
        Outcome::Confirming => vec![
            reserved,
            asked,
            step(StepKind::Approved, StepState::Now, Some(Moment(NOW.0 - 4_000))),
            step(StepKind::Confirmed, StepState::Todo, None),
        ],
        Outcome::Paid => vec![
            reserved,
            step(StepKind::Paid, StepState::Done, Some(Moment(NOW.0 - 4_000))),
            step(StepKind::Preparing, StepState::Now, None),
            step(StepKind::Sent, StepState::Todo, None),
        ],
        _ => vec![],
    };
    ResultPage {
        frame: maker.frame("/shop/orders/o1/result"),
        order: "o1",
        number: NUMBER,
        deal: "d1",
        title: maker.text(SERUM.korean, SERUM.english),
        quantity: maker.figure(2),
        amount: maker.sum(62_000),
        gateway: Gateway::KakaoPay,
        outcome,
        steps,
        held_until: Some(Moment(NOW.0 + 400_000)),
    }
}

const SENT: Parcel<'static> = Parcel::Sent {
    carrier: "Nowhere Express",
    number: "6012-3344-5566",
    track: Some("https://carrier.example/6012"),
};

fn order(maker: Maker, state: OrderState, parcel: Option<Parcel<'static>>) -> OrderPage<'static> {
    let amounts = || vec![maker.sum(31_000), maker.sum(62_000)];
    let is_paid = state == OrderState::Paid;
    let delivered = parcel == Some(Parcel::Delivered);
    let sent = parcel == Some(SENT);
    let allowed = Allowed {
        pay_until: (state == OrderState::Waiting).then_some(Moment(NOW.0 + 581_000)),
        can_cancel: state == OrderState::Waiting,
        refund_amounts: if is_paid && !sent && !delivered { amounts() } else { vec![] },
        return_amount: if delivered { amounts().pop() } else { None },
        return_until: delivered.then_some(at(6 * DAY)),
        can_confirm: sent,
    };
    let steps = match (state, parcel) {
        (OrderState::Paid, Some(Parcel::Delivered)) => vec![
            step(StepKind::Paid, StepState::Done, Some(ago(3 * DAY))),
            step(StepKind::Preparing, StepState::Done, Some(ago(2 * DAY))),
            step(StepKind::Sent, StepState::Done, Some(ago(28 * HOUR))),
            step(StepKind::Delivered, StepState::Done, Some(ago(2 * HOUR))),
        ],
        (OrderState::Paid, _) => vec![
            step(StepKind::Paid, StepState::Done, Some(ago(HOUR))),
            step(StepKind::Preparing, StepState::Now, Some(ago(0))),
            step(StepKind::Sent, StepState::Todo, None),
            step(StepKind::Delivered, StepState::Todo, None),
        ],
        (OrderState::Cancelled, _) => vec![
            step(StepKind::Reserved, StepState::Done, Some(ago(HOUR))),
            step(StepKind::Expired, StepState::Done, Some(ago(0))),
        ],
        (OrderState::Refunding, _) => vec![
            step(StepKind::Paid, StepState::Done, Some(ago(HOUR))),
            step(StepKind::RefundAsked, StepState::Done, Some(ago(0))),
            step(StepKind::Refunded, StepState::Now, None),
        ],
        _ => vec![step(StepKind::Reserved, StepState::Done, Some(ago(0)))],
    };
    let back =
        matches!(state, OrderState::Refunding | OrderState::Refunded | OrderState::PartRefunded);
    let paid = !matches!(state, OrderState::Waiting | OrderState::Paying | OrderState::Cancelled);
    OrderPage {
        frame: maker.frame("/shop/orders/o1"),
        order: "o1",
        number: NUMBER,
        placed_at: ago(HOUR),
        state,
        parcel,
        steps,
        lines: lines(maker),
        sums: sums(maker),
        paid: paid.then_some((Gateway::KakaoPay, ago(HOUR))),
        receipt: is_paid.then_some("https://pay.example/receipt"),
        address: Some(addresses(maker)[0]),
        refunds: if back {
            vec![Refund {
                amount: maker.sum(31_000),
                at: ago(0),
                is_done: state != OrderState::Refunding,
            }]
        } else {
            vec![]
        },
        allowed,
        quantity: Field::default(),
        reason: Field::default(),
        return_reason: Field::default(),
        refusal: None,
        key: "key",
    }
}

fn cards(maker: Maker) -> Vec<OrderCard<'static>> {
    let deal = maker.deal(&SERUM, DealState::Open, at(0), 3);
    let card = |state, parcel, pay_until, placed_at| OrderCard {
        order: "o1",
        number: NUMBER,
        placed_at,
        title: deal.title,
        picture: deal.picture,
        quantity: maker.figure(2),
        total: maker.sum(62_000),
        state,
        parcel,
        pay_until,
    };
    vec![
        card(OrderState::Waiting, None, Some(Moment(NOW.0 + 581_000)), ago(0)),
        card(OrderState::Confirming, None, None, ago(0)),
        card(OrderState::Paid, Some(SENT), None, ago(30 * HOUR)),
        card(OrderState::Paid, Some(Parcel::Delivered), None, ago(9 * DAY)),
        card(OrderState::Refunded, None, None, ago(40 * DAY)),
        card(OrderState::Cancelled, None, None, ago(400 * DAY)),
    ]
}

/// The pages.
pub(super) fn samples(maker: Maker) -> Vec<Sample> {
    let refused = CheckoutPage {
        address: Field::of("new"),
        receiver: Field::of(maker.name()),
        phone: Field::refused("010-0000-12", "phone_length_wrong"),
        zip: Field::refused("1234", "zip_invalid"),
        road: Field::of(maker.text("서울 중구 세종대로 110", "110 Sejong-daero, Jung-gu, Seoul")),
        gateway: Field::of("card"),
        agrees: Tick { is_on: false, error: Some("agreement_missing") },
        ..checkout(maker)
    };
    let go = GoPage {
        frame: maker.frame("/shop/orders/o1/pay"),
        going: Going::Pay { gateway: Gateway::KakaoPay, amount: maker.sum(62_000) },
        href: "https://pay.example/redirect",
    };
    let orders = OrdersPage {
        frame: maker.frame("/shop/orders"),
        orders: cards(maker),
        next: Some("/shop/orders?after=x"),
    };
    let asked = OrderPage {
        refusal: Some("order_state_wrong"),
        quantity: Field::refused("2", "refund_too_much"),
        ..order(maker, OrderState::Paid, Some(Parcel::Preparing))
    };
    let mut samples = vec![
        sample("checkout", checkout(maker).html()),
        sample("checkout-first", CheckoutPage { addresses: vec![], ..checkout(maker) }.html()),
        sample("checkout-refused", refused.html()),
        sample("checkout-again", CheckoutPage { is_fixed: true, ..checkout(maker) }.html()),
        sample("go", go.html()),
        sample("go-link", GoPage { going: Going::Link(Provider::Google), ..go }.html()),
        sample("orders", orders.html()),
        sample("orders-empty", OrdersPage { orders: vec![], next: None, ..orders }.html()),
        sample("order-refused", asked.html()),
    ];
    let outcomes = [
        ("paid", Outcome::Paid),
        ("confirming", Outcome::Confirming),
        ("failed", Outcome::Failed),
        ("cancelled", Outcome::Cancelled),
        ("expired", Outcome::Expired),
        ("owed", Outcome::Owed),
    ];
    samples.extend(
        outcomes.map(|(name, outcome)| {
            sample(&format!("result-{name}"), result(maker, outcome).html())
        }),
    );
    let states = [
        ("waiting", OrderState::Waiting, None),
        ("paying", OrderState::Paying, None),
        ("confirming", OrderState::Confirming, None),
        ("preparing", OrderState::Paid, Some(Parcel::Preparing)),
        ("sent", OrderState::Paid, Some(SENT)),
        ("delivered", OrderState::Paid, Some(Parcel::Delivered)),
        ("part-refunded", OrderState::PartRefunded, None),
        ("refunding", OrderState::Refunding, None),
        ("refunded", OrderState::Refunded, None),
        ("cancelled", OrderState::Cancelled, None),
        ("doubt", OrderState::Doubt, None),
    ];
    samples.extend(states.map(|(name, state, parcel)| {
        sample(&format!("order-{name}"), order(maker, state, parcel).html())
    }));
    samples
}
