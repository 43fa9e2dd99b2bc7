//! Deals on the wire.

use base::moment::Moment;
use identity::business::Company;
use serde::Serialize;
use trade::{
    deal::{Deal, PausedBy, Reason, Terms, TermsRefusal, Typed},
    slot::Policy,
};
use web::fields::Fields;

use super::{read, time};
use crate::{
    input::Object,
    refusal::{Fault, Refusal},
    shown::{Picture, Shown},
};

/// Units that a shopper gets unless the seller says otherwise.
const PER_SHOPPER_DEFAULT: i64 = 10;

/// A deal.
#[derive(Debug, Serialize)]
pub(crate) struct DealObject {
    deal: String,
    state: &'static str,
    title: String,
    description: String,
    category: &'static str,
    price: i64,
    discount_percent: u16,
    sale_price: i64,
    currency: String,
    stock: u32,
    available: u64,
    per_shopper_max: u32,
    opens_at: String,
    closes_at: String,
    reason: Option<String>,
    media: Vec<String>,
    pictures: Vec<PictureObject>,
    likes: u64,
    liked: bool,
    seller: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    company: Option<CompanyObject>,
    #[serde(skip_serializing_if = "Option::is_none")]
    own: Option<OwnObject>,
}

#[derive(Debug, Serialize)]
struct PictureObject {
    media: String,
    url: String,
    width: u32,
    height: u32,
}

/// What the law has a shop say of a seller beside an offer.
#[derive(Debug, Serialize)]
struct CompanyObject {
    company_name: String,
    business_number: String,
    ceo_name: String,
    ceo_email: String,
    ceo_phone: String,
}

/// What only the seller of a deal is told.
#[derive(Debug, Serialize)]
struct OwnObject {
    sold: u64,
    reserved: u64,
    paused_by: Option<&'static str>,
    written_at: String,
    published_at: Option<String>,
}

impl DealObject {
    /// A deal as everybody sees it.
    pub(crate) fn of(shown: &Shown) -> Self {
        let (deal, terms) = (&shown.deal, &shown.deal.terms);
        Self {
            deal: deal.id.to_string(),
            state: shown.state.code(),
            title: terms.title.clone(),
            description: terms.description.clone(),
            category: terms.category.code(),
            price: terms.price.minor,
            discount_percent: terms.discount.basis_points() / 100,
            sale_price: terms.unit_price().minor,
            currency: terms.price.currency.code().to_owned(),
            stock: terms.stock,
            available: shown.available(),
            per_shopper_max: terms.per_shopper_max,
            opens_at: time(terms.hours.starts_at()),
            closes_at: time(terms.hours.ends_at().min(deal.over_at)),
            reason: deal.reason.clone(),
            media: terms.media.iter().map(ToString::to_string).collect(),
            pictures: shown.pictures.iter().map(PictureObject::of).collect(),
            likes: shown.likes,
            liked: shown.is_liked,
            seller: deal.business.to_string(),
            company: None,
            own: None,
        }
    }

    /// The same with who sells it.
    pub(crate) fn with_company(self, company: &Company) -> Self {
        let company = CompanyObject {
            company_name: company.name().to_owned(),
            business_number: company.number().grouped(),
            ceo_name: company.representative().to_owned(),
            ceo_email: company.email().to_owned(),
            ceo_phone: company.phone().to_owned(),
        };
        Self { company: Some(company), ..self }
    }

    /// A deal as its seller sees it.
    pub(crate) fn own(shown: &Shown) -> Self {
        let deal = &shown.deal;
        let own = OwnObject {
            sold: shown.counts.map_or(0, |counts| counts.sold),
            reserved: shown.counts.map_or(0, |counts| counts.reserved),
            paused_by: deal.paused().map(|paused| match paused.by {
                PausedBy::Owner => "seller",
                PausedBy::Platform => "platform",
                PausedBy::Operator => "operator",
            }),
            written_at: time(deal.written_at),
            published_at: deal.published_at.map(time),
        };
        Self { own: Some(own), ..Self::of(shown) }
    }
}

impl PictureObject {
    fn of(picture: &Picture) -> Self {
        Self {
            media: picture.media.to_string(),
            url: picture.large.clone(),
            width: picture.width,
            height: picture.height,
        }
    }
}

/// `POST /v1/deals`.
#[derive(Debug)]
pub(crate) struct DealRequest {
    terms: DealChange,
    /// Whether it is only written down.
    pub(crate) is_draft: bool,
}

/// `PATCH /v1/deals/{deal}`: what is left out stays.
#[derive(Debug, Default)]
pub(crate) struct DealChange {
    title: Option<String>,
    description: Option<String>,
    category: Option<String>,
    price: Option<i64>,
    discount_percent: Option<i64>,
    stock: Option<i64>,
    per_shopper_max: Option<i64>,
    opens_at: Option<Moment>,
    closes_at: Option<Moment>,
    media: Option<Vec<String>>,
}

impl Object for DealChange {
    fn read(fields: &mut Fields<'_, '_>) -> Option<Self> {
        let text = |fields: &mut Fields<'_, '_>, name| {
            fields.text(name, "a text", |text| Some(text.to_owned()))
        };
        let number =
            |fields: &mut Fields<'_, '_>, name| fields.integer::<i64>(name, i64::MIN..=i64::MAX);
        let moment = |fields: &mut Fields<'_, '_>, name| {
            let ms = fields.time(name)?;
            if ms.is_none() {
                fields.note(name, "null", "a time");
            }
            i64::try_from(ms?).ok().map(Moment)
        };
        Some(Self {
            title: text(fields, "title"),
            description: text(fields, "description"),
            category: text(fields, "category"),
            price: number(fields, "price"),
            discount_percent: number(fields, "discount_percent"),
            stock: number(fields, "stock"),
            per_shopper_max: number(fields, "per_shopper_max"),
            opens_at: moment(fields, "opens_at"),
            closes_at: moment(fields, "closes_at"),
            media: fields.texts("media", "a list of ids"),
        })
    }
}

impl Object for DealRequest {
    fn read(fields: &mut Fields<'_, '_>) -> Option<Self> {
        let terms = DealChange::read(fields)?;
        let is_draft = fields.bool("draft").unwrap_or(false);
        let texts = [("title", terms.title.is_some()), ("category", terms.category.is_some())];
        let numbers = [("price", terms.price.is_some()), ("stock", terms.stock.is_some())];
        let times =
            [("opens_at", terms.opens_at.is_some()), ("closes_at", terms.closes_at.is_some())];
        for (all, allowed) in
            [(texts, "a text"), (numbers, "a whole number"), (times, "an RFC 3339 time")]
        {
            for (name, is_there) in all {
                fields.required(name, allowed, is_there.then_some(()));
            }
        }
        Some(Self { terms, is_draft })
    }
}

impl DealRequest {
    /// The terms, or what is wrong with each field.
    pub(crate) fn terms(&self, policy: &Policy) -> Result<Terms, Refusal> {
        let at = Moment(0);
        self.terms.over(
            policy,
            &Typed {
                title: "",
                description: "",
                category: "",
                price: 0,
                discount_percent: 0,
                stock: 0,
                per_shopper_max: PER_SHOPPER_DEFAULT,
                opens_at: at,
                closes_at: at,
                media: &[],
            },
        )
    }
}

impl DealChange {
    /// A deal's terms with this change, or what is wrong with each field.
    pub(crate) fn terms(&self, policy: &Policy, deal: &Deal) -> Result<Terms, Refusal> {
        let known = &deal.terms;
        let media: Vec<String> = known.media.iter().map(ToString::to_string).collect();
        let media: Vec<&str> = media.iter().map(String::as_str).collect();
        self.over(
            policy,
            &Typed {
                title: &known.title,
                description: &known.description,
                category: known.category.code(),
                price: known.price.minor,
                discount_percent: i64::from(known.discount.basis_points() / 100),
                stock: known.stock.into(),
                per_shopper_max: known.per_shopper_max.into(),
                opens_at: known.hours.starts_at(),
                closes_at: known.hours.ends_at(),
                media: &media,
            },
        )
    }

    fn over(&self, policy: &Policy, known: &Typed<'_>) -> Result<Terms, Refusal> {
        let media: Option<Vec<&str>> =
            self.media.as_ref().map(|all| all.iter().map(String::as_str).collect());
        parsed(
            policy,
            &Typed {
                title: self.title.as_deref().unwrap_or(known.title),
                description: self.description.as_deref().unwrap_or(known.description),
                category: self.category.as_deref().unwrap_or(known.category),
                price: self.price.unwrap_or(known.price),
                discount_percent: self.discount_percent.unwrap_or(known.discount_percent),
                stock: self.stock.unwrap_or(known.stock),
                per_shopper_max: self.per_shopper_max.unwrap_or(known.per_shopper_max),
                opens_at: self.opens_at.unwrap_or(known.opens_at),
                closes_at: self.closes_at.unwrap_or(known.closes_at),
                media: media.as_deref().unwrap_or(known.media),
            },
        )
    }
}

/// Terms, or what is wrong with each field.
pub(crate) fn parsed(policy: &Policy, typed: &Typed<'_>) -> Result<Terms, Refusal> {
    Terms::parse(policy, typed)
        .map_err(|faults| Refusal::Invalid(faults.into_iter().map(fault).collect()))
}

/// `POST …/close` and `…/cancel`.
#[derive(Debug)]
pub(crate) struct ReasonRequest(Option<String>);

impl Object for ReasonRequest {
    const MAY_BE_ABSENT: bool = true;

    fn read(fields: &mut Fields<'_, '_>) -> Option<Self> {
        Some(Self(read::optional(fields, "reason")))
    }
}

impl ReasonRequest {
    /// The reason that was given, or the usual one.
    pub(crate) fn reason(&self) -> Result<Reason, Refusal> {
        reason(self.0.as_deref().unwrap_or_default())
    }
}

/// What shoppers read if the seller says nothing.
const REASON_DEFAULT: &str = "판매자의 사정";

/// A reason that was given; the usual one if it is empty.
pub(crate) fn reason(text: &str) -> Result<Reason, Refusal> {
    let text = if text.trim().is_empty() { REASON_DEFAULT } else { text };
    Reason::parse(text).ok_or_else(|| {
        Refusal::field(
            "reason",
            "reason_invalid",
            "이유를 200자 안으로 적어 주세요.",
            "a reason of 1 to 200 characters on one line",
        )
    })
}

/// What is wrong with a field of a deal.
#[rustfmt::skip]
pub(crate) fn fault(refusal: TermsRefusal) -> Fault {
    let (ko, en) = match refusal {
        TermsRefusal::Title => ("이름을 100자 안의 한 줄로 적어 주세요.", "a deal has a title of 1 to 100 characters on one line"),
        TermsRefusal::Description => ("설명은 5000자까지 적을 수 있습니다.", "a description has 5000 characters at most"),
        TermsRefusal::Category => ("분류를 골라 주세요.", "allowed are fashion, beauty, food, appliance, sports, living, pet and travel"),
        TermsRefusal::Price => ("정가는 1원부터 10억 원까지입니다.", "a price is 1 to 1000000000 minor units"),
        TermsRefusal::Discount => ("할인율은 0에서 100까지입니다.", "a discount is 0 to 100 percent"),
        TermsRefusal::DiscountWhole => ("할인한 가격은 1원 이상이어야 합니다.", "the price less the discount is at least one minor unit"),
        TermsRefusal::Stock => ("수량은 1개부터 100만 개까지입니다.", "a deal has 1 to 1000000 units"),
        TermsRefusal::PerShopper => ("1인 한도는 1개부터 100개까지입니다.", "a shopper gets 1 to 100 units"),
        TermsRefusal::HoursNotWhole => ("딜은 정시에 시작하고 끝납니다.", "a deal begins and ends on the hour, from 00:00 to 24:00"),
        TermsRefusal::HoursOutOfOrder => ("끝나는 시간이 시작하는 시간보다 늦어야 합니다.", "a deal ends after it begins"),
        TermsRefusal::HoursTooFew => ("더 긴 시간을 골라 주세요.", "the hours are fewer than the platform's minimum"),
        TermsRefusal::HoursTooMany => ("딜은 24시간까지 열 수 있습니다.", "a deal lasts 24 hours at most"),
        TermsRefusal::Media => ("사진은 서로 다른 것으로 20장까지 넣을 수 있습니다.", "a deal has 20 pictures at most, each once"),
    };
    Fault::new(refusal.field(), refusal.code(), ko, en)
}
