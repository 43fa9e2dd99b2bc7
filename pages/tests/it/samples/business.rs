//! The sellers' pages.

use pages::{
    Moment,
    shop::{
        ApplyPage, BusinessState, Company, CompanyPage, DealForm, DealFormPage, DealState, Field,
        Hour, Invoice, InvoiceState, InvoicesPage, Month, OwnDeal, OwnDealsPage, SaleRow,
        SalesPage, SalesTotals, Upload, Verdict, WatchPage,
    },
};

use super::{DAY, HOUR, KETTLE, Maker, NOW, QUILT, SERUM, Sample, ago, at, sample, won};

fn apply(maker: Maker, state: BusinessState) -> ApplyPage<'static> {
    let applied = state != BusinessState::None;
    let typed = |text| if applied { Field::of(text) } else { Field::default() };
    ApplyPage {
        frame: maker.of_seller("/shop/business"),
        state,
        verdict: match state {
            BusinessState::Approved => Some(Verdict::Active),
            BusinessState::Rejected => Some(Verdict::Closed),
            _ => None,
        },
        reason: match state {
            BusinessState::Rejected | BusinessState::Suspended => {
                Some(maker.text("폐업한 사업자입니다", "The business was closed"))
            }
            _ => None,
        },
        applied_at: applied.then_some(ago(20 * HOUR)),
        decided_at: (applied && state != BusinessState::Pending).then_some(ago(HOUR)),
        is_verified: true,
        company_name: typed(maker.text("(주)숲과물", "Forest & Water Inc.")),
        business_number: typed("999-00-00023"),
        representative: typed(maker.text("김해나", "Haena Kim")),
        email: typed("care@forest.example"),
        phone: typed("064-000-1200"),
        refusal: None,
    }
}

/// A company.
pub(super) fn company(maker: Maker) -> Company<'static> {
    Company {
        name: maker.text("(주)숲과물", "Forest & Water Inc."),
        number: "999-00-00023",
        representative: maker.text("김해나", "Haena Kim"),
        email: "care@forest.example",
        phone: "064-000-1200",
    }
}

fn hours(chosen: std::ops::Range<u8>) -> Vec<Hour> {
    let hour = |hour: u8| Hour {
        hour,
        is_taken: matches!(hour, 12..15 | 18..20),
        is_chosen: chosen.contains(&hour),
    };
    (0..24).map(hour).collect()
}

fn register(maker: Maker) -> DealFormPage<'static> {
    DealFormPage {
        frame: maker.of_seller("/shop/business/deals/new"),
        deal: None,
        is_published: false,
        form: DealForm { per_person: Field::of("5"), ..DealForm::default() },
        uploads: vec![],
        sold_at: None,
        days: (0..7).map(|day| (Moment(NOW.0 + day * DAY), 5 + day)).collect(),
        day: at(DAY),
        hours: hours(0..0),
        rent: won(40_000),
        refusal: None,
        key: "key",
    }
}

fn refused(maker: Maker) -> DealFormPage<'static> {
    DealFormPage {
        form: DealForm {
            title: Field::of(maker.text(SERUM.korean, SERUM.english)),
            description: Field::of(maker.text("첫 문단\n둘째 문단", "First\nSecond")),
            category: Field::of("beauty"),
            price: Field::refused("0", "price_invalid"),
            percent: Field::of("45"),
            stock: Field::of("300"),
            per_person: Field::refused("400", "per_shopper_max_invalid"),
            pictures_error: Some("picture_too_large"),
            hours_error: Some("slot_taken"),
        },
        uploads: vec![
            Upload { media: "m1", src: SERUM.picture },
            Upload { media: "m2", src: "/pictures/soap.webp" },
        ],
        sold_at: Some(maker.sum(26_400)),
        hours: hours(21..23),
        ..register(maker)
    }
}

fn own(maker: Maker) -> OwnDealsPage<'static> {
    let deal = |goods, state, opens, reason| OwnDeal {
        card: maker.deal(goods, state, opens, 3),
        sold: maker.figure(288),
        revenue: maker.sum(8_928_000),
        reason,
    };
    let why = Some(maker.text("사진이 상품과 다릅니다", "The pictures show something else"));
    OwnDealsPage {
        frame: maker.of_seller("/shop/business/deals"),
        deals: vec![
            deal(&SERUM, DealState::Open, at(0), None),
            deal(&KETTLE, DealState::Scheduled, at(27 * HOUR), None),
            deal(&QUILT, DealState::Pending, at(51 * HOUR), None),
            deal(&QUILT, DealState::Rejected, at(75 * HOUR), why),
            deal(&SERUM, DealState::Ended, ago(200 * HOUR), None),
        ],
        may_sell: true,
        next: Some("/shop/business/deals?after=x"),
    }
}

fn watch(maker: Maker) -> WatchPage<'static> {
    WatchPage {
        frame: maker.of_seller("/shop/business/deals/d1/watch"),
        deal: maker.deal(&SERUM, DealState::Open, at(0), 3),
        sold: maker.figure(288),
        held: maker.figure(61),
        revenue: maker.sum(8_928_000),
        funnel: Some([
            maker.figure(3_912),
            maker.figure(1_204),
            maker.figure(349),
            maker.figure(288),
        ]),
        sold_by_time: Some(vec![
            44, 52, 61, 58, 40, 22, 9, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
        ]),
        refusal: None,
        is_live: true,
    }
}

fn sales(maker: Maker) -> SalesPage<'static> {
    let row = |goods: &super::Goods, opens: u64, units| SaleRow {
        deal: "d1",
        title: maker.text(goods.korean, goods.english),
        opens_at: ago(opens),
        closes_at: ago(opens - 3 * HOUR),
        state: DealState::Ended,
        units: maker.figure(units),
        amount: maker.sum(15_560_000),
        refunded_units: maker.figure(11),
    };
    SalesPage {
        frame: maker.of_seller("/shop/business/sales"),
        months: vec![
            Month { word: "2026-11", at: NOW, is_shown: true },
            Month { word: "2026-10", at: ago(31 * DAY), is_shown: false },
        ],
        totals: SalesTotals {
            deals: 3,
            units: maker.figure(825),
            amount: maker.sum(27_313_000),
            refunded_units: maker.figure(16),
            refunded: maker.sum(400_000),
            net: maker.sum(26_913_000),
        },
        rows: vec![
            row(&SERUM, 27 * HOUR, 288),
            row(&KETTLE, 200 * HOUR, 400),
            row(&QUILT, 500 * HOUR, 137),
        ],
        csv: "/shop/business/sales.csv?month=2026-11",
        next: None,
    }
}

fn invoices(maker: Maker) -> InvoicesPage<'static> {
    let invoice = |number, state, opens: Moment| Invoice {
        number,
        title: maker.text(SERUM.korean, SERUM.english),
        opens_at: opens,
        closes_at: Moment(opens.0 + 3 * HOUR),
        amount: maker.sum(120_000),
        state,
        due_at: at(10 * DAY),
    };
    InvoicesPage {
        frame: maker.of_seller("/shop/business/invoices"),
        invoices: vec![
            invoice("R2611-0412", InvoiceState::Due, at(0)),
            invoice("R2611-0388", InvoiceState::Paid, ago(200 * HOUR)),
            invoice("R2610-0101", InvoiceState::Waived, ago(900 * HOUR)),
            invoice("R2512-0007", InvoiceState::Cancelled, ago(9_000 * HOUR)),
        ],
        due: maker.sum(120_000),
        rent: won(40_000),
        next: None,
    }
}

/// The pages.
pub(super) fn samples(maker: Maker) -> Vec<Sample> {
    let states = [
        ("none", BusinessState::None),
        ("pending", BusinessState::Pending),
        ("approved", BusinessState::Approved),
        ("rejected", BusinessState::Rejected),
        ("suspended", BusinessState::Suspended),
        ("closed", BusinessState::Closed),
    ];
    let mut samples: Vec<_> = states
        .map(|(name, state)| sample(&format!("apply-{name}"), apply(maker, state).html()))
        .into();
    let mistyped = ApplyPage {
        business_number: Field::refused("1234567890", "business_number_check_digit"),
        company_name: Field::refused("", "company_name_invalid"),
        ..apply(maker, BusinessState::None)
    };
    let company = CompanyPage {
        frame: maker.of_seller("/shop/business/company"),
        business_number: "999-00-00023",
        company_name: Field::of(maker.text("(주)숲과물", "Forest & Water Inc.")),
        representative: Field::of(maker.text("김해나", "Haena Kim")),
        email: Field::of("care@forest.example"),
        phone: Field::of("064-000-1200"),
        refusal: None,
        state: BusinessState::Approved,
        verdict: Some((Verdict::Active, ago(3 * DAY))),
        reason: None,
    };
    let chosen = DealFormPage { hours: hours(21..23), ..register(maker) };
    samples.extend([
        sample("apply-refused", mistyped.html()),
        sample(
            "apply-unverified",
            ApplyPage { is_verified: false, ..apply(maker, BusinessState::None) }.html(),
        ),
        sample("company", company.html()),
        sample(
            "company-refused",
            CompanyPage { phone: Field::refused("12", "phone_invalid"), ..company }.html(),
        ),
        sample("register", chosen.html()),
        sample("register-empty", register(maker).html()),
        sample(
            "register-published",
            DealFormPage { deal: Some("d1"), is_published: true, ..register(maker) }.html(),
        ),
        sample("register-refused", refused(maker).html()),
        sample("own-deals", own(maker).html()),
        sample("own-deals-empty", OwnDealsPage { deals: vec![], next: None, ..own(maker) }.html()),
        sample("watch", watch(maker).html()),
        sample(
            "watch-empty",
            WatchPage { sold_by_time: None, funnel: None, is_live: false, ..watch(maker) }.html(),
        ),
        sample(
            "watch-refused",
            WatchPage { refusal: Some("deal_paused_by_others"), ..watch(maker) }.html(),
        ),
        sample("sales", sales(maker).html()),
        sample("sales-empty", SalesPage { rows: vec![], ..sales(maker) }.html()),
        sample("invoices", invoices(maker).html()),
        sample("invoices-empty", InvoicesPage { invoices: vec![], ..invoices(maker) }.html()),
    ]);
    samples
}
