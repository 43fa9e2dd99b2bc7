//! What a deal offers: read from what somebody typed, field by field.

use base::{
    moment::Moment,
    money::{Currency, Discount, Money},
};
use commons::audit::Detail;
use identity::line::line;
use store::Id;

use super::category::Category;
use crate::{
    limits::{
        DEAL_DESCRIPTION_CHARS_MAX, DEAL_MEDIA_MAX, DEAL_PER_SHOPPER_MAX, DEAL_PRICE_MAX,
        DEAL_STOCK_MAX, DEAL_TITLE_CHARS_MAX,
    },
    slot::{Hours, HoursRefusal, Policy},
};

/// What is sold, when, and for how much.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Terms {
    /// What it is called.
    pub title: String,
    /// What its business says of it.
    pub description: String,
    /// What kind of thing it is.
    pub category: Category,
    /// What a unit costs elsewhere.
    pub price: Money,
    /// How much less it costs here.
    pub discount: Discount,
    /// Units that the deal has in all.
    pub stock: u32,
    /// Units that one shopper gets.
    pub per_shopper_max: u32,
    /// When it sells.
    pub hours: Hours,
    /// Its pictures; the first stands for it in lists.
    pub media: Vec<Id>,
}

/// Terms as somebody typed them.
#[derive(Clone, Copy, Debug)]
pub struct Typed<'a> {
    /// What it is called.
    pub title: &'a str,
    /// What its business says of it.
    pub description: &'a str,
    /// What kind of thing it is.
    pub category: &'a str,
    /// What a unit costs elsewhere, in minor units.
    pub price: i64,
    /// How much less it costs here, in percent.
    pub discount_percent: i64,
    /// Units that the deal has in all.
    pub stock: i64,
    /// Units that one shopper gets.
    pub per_shopper_max: i64,
    /// When it opens.
    pub opens_at: Moment,
    /// When it closes.
    pub closes_at: Moment,
    /// The ids of its pictures in order.
    pub media: &'a [&'a str],
}

store::refusals! {
    /// Why a field of a deal is not taken.
    pub TermsRefusal {
        /// What it is called.
        Title = "title_invalid": "a deal has a title of 1 to 100 characters on one line",
        /// What its business says of it.
        Description = "description_invalid": "a description has 5000 characters at most",
        /// What kind of thing it is.
        Category = "category_invalid":
            "allowed are fashion, beauty, food, appliance, sports, living, pet and travel",
        /// Its price.
        Price = "price_invalid": "a price is 1 to 1000000000 minor units",
        /// How much less it costs here.
        Discount = "discount_invalid": "a discount is 0 to 100 percent",
        /// It would cost nothing.
        DiscountWhole = "discount_too_much": "the price less the discount is at least one minor unit",
        /// How many there are.
        Stock = "stock_invalid": "a deal has 1 to 1000000 units",
        /// How many one shopper gets.
        PerShopper = "per_shopper_max_invalid": "a shopper gets 1 to 100 units",
        /// Its hours are not on the hour.
        HoursNotWhole = "hours_not_whole": "a deal begins and ends on the hour, from 00:00 to 24:00",
        /// Its end is not after its beginning.
        HoursOutOfOrder = "hours_out_of_order": "a deal ends after it begins",
        /// Its hours are fewer than the platform gives.
        HoursTooFew = "hours_too_few": "the hours are fewer than the platform's minimum",
        /// Its hours are more than a day.
        HoursTooMany = "hours_too_many": "a deal lasts 24 hours at most",
        /// Its pictures.
        Media = "media_invalid": "a deal has 20 pictures at most, each once",
    }
}

impl TermsRefusal {
    /// The field that it is about, as [`Typed`] and requests call it.
    pub const fn field(self) -> &'static str {
        match self {
            Self::Title => "title",
            Self::Description => "description",
            Self::Category => "category",
            Self::Price => "price",
            Self::Discount | Self::DiscountWhole => "discount_percent",
            Self::Stock => "stock",
            Self::PerShopper => "per_shopper_max",
            Self::HoursNotWhole => "opens_at",
            Self::HoursOutOfOrder | Self::HoursTooFew | Self::HoursTooMany => "closes_at",
            Self::Media => "media",
        }
    }
}

impl From<HoursRefusal> for TermsRefusal {
    fn from(refusal: HoursRefusal) -> Self {
        match refusal {
            HoursRefusal::NotWhole => Self::HoursNotWhole,
            HoursRefusal::OutOfOrder => Self::HoursOutOfOrder,
            HoursRefusal::TooFew => Self::HoursTooFew,
            HoursRefusal::TooMany => Self::HoursTooMany,
        }
    }
}

impl Terms {
    /// Takes terms, or says what is wrong with each field.
    ///
    /// # Errors
    ///
    /// As [`TermsRefusal`] says, one for each field that is wrong.
    pub fn parse(policy: &Policy, typed: &Typed<'_>) -> Result<Self, Vec<TermsRefusal>> {
        let mut faults = Faults::default();
        let title = line(typed.title, DEAL_TITLE_CHARS_MAX).filter(|title| !title.is_empty());
        let title = faults.taken(title.ok_or(TermsRefusal::Title));
        let description = faults.taken(description(typed.description));
        let category = faults.taken(Category::parse(typed.category).ok_or(TermsRefusal::Category));
        let price = faults.taken(price(typed.price));
        let discount = faults.taken(discount(typed.discount_percent));
        let stock = within(typed.stock, DEAL_STOCK_MAX);
        let stock = faults.taken(stock.ok_or(TermsRefusal::Stock));
        let per_shopper_max = within(typed.per_shopper_max, DEAL_PER_SHOPPER_MAX);
        let per_shopper_max = faults.taken(per_shopper_max.ok_or(TermsRefusal::PerShopper));
        let unit = price.zip(discount).map(|(price, discount)| price.discounted(discount));
        if unit.is_some_and(|unit| unit.minor < 1) {
            faults.add(TermsRefusal::DiscountWhole);
        }
        let hours = Hours::between(policy, typed.opens_at, typed.closes_at);
        let hours = faults.taken(hours.map_err(TermsRefusal::from));
        let media = faults.taken(media(typed.media));
        let (Some(title), Some(description), Some(category)) = (title, description, category)
        else {
            return Err(faults.0);
        };
        let (Some(price), Some(discount), Some(stock)) = (price, discount, stock) else {
            return Err(faults.0);
        };
        let (Some(per_shopper_max), Some(hours), Some(media)) = (per_shopper_max, hours, media)
        else {
            return Err(faults.0);
        };
        if !faults.0.is_empty() {
            return Err(faults.0);
        }
        Ok(Self {
            title,
            description,
            category,
            price,
            discount,
            stock,
            per_shopper_max,
            hours,
            media,
        })
    }

    /// What a unit costs here, rounded down to a whole minor unit.
    pub fn unit_price(&self) -> Money {
        self.price.discounted(self.discount)
    }

    /// What differs in others, by field, with what it is here: figures as they are, texts by name alone.
    pub(super) fn changes(&self, to: &Self) -> Detail {
        let mut changes = Detail::new();
        let mut figure = |field: &str, here: i64, there: i64| {
            if here != there {
                changes.insert(field.to_owned(), here.to_string());
            }
        };
        figure("price", self.price.minor, to.price.minor);
        figure("stock", self.stock.into(), to.stock.into());
        figure("per_shopper_max", self.per_shopper_max.into(), to.per_shopper_max.into());
        let discount = |terms: &Self| i64::from(terms.discount.basis_points());
        figure("discount", discount(self), discount(to));
        for (field, differs) in [
            ("title", self.title != to.title),
            ("description", self.description != to.description),
            ("category", self.category != to.category),
            ("media", self.media != to.media),
        ] {
            if differs {
                changes.insert(field.to_owned(), String::new());
            }
        }
        changes
    }

    /// Whether others promise shoppers the same: all but the description, the pictures and the stock.
    pub(super) fn has_same_promises(&self, other: &Self) -> bool {
        let promised = |terms: &Self| Self {
            description: String::new(),
            stock: 0,
            media: Vec::new(),
            ..terms.clone()
        };
        promised(self) == promised(other)
    }
}

/// What is wrong so far.
#[derive(Debug, Default)]
struct Faults(Vec<TermsRefusal>);

impl Faults {
    fn add(&mut self, fault: TermsRefusal) {
        self.0.push(fault);
    }

    fn taken<T>(&mut self, field: Result<T, TermsRefusal>) -> Option<T> {
        field.map_err(|fault| self.add(fault)).ok()
    }
}

/// Lines of text that can be seen. How many there are is bounded by the characters.
fn description(text: &str) -> Result<String, TermsRefusal> {
    let lines = text.trim().lines().map(|one| line(one, DEAL_DESCRIPTION_CHARS_MAX));
    let lines: Option<Vec<String>> = lines.collect();
    let text = lines.map(|lines| lines.join("\n"));
    let text = text.filter(|text| text.chars().count() <= DEAL_DESCRIPTION_CHARS_MAX);
    text.ok_or(TermsRefusal::Description)
}

fn price(minor: i64) -> Result<Money, TermsRefusal> {
    let fits = (1..=DEAL_PRICE_MAX).contains(&minor);
    if fits { Ok(Money::new(minor, Currency::KRW)) } else { Err(TermsRefusal::Price) }
}

fn discount(percent: i64) -> Result<Discount, TermsRefusal> {
    let points = percent.checked_mul(100).and_then(|points| u16::try_from(points).ok());
    points.and_then(Discount::of_basis_points).ok_or(TermsRefusal::Discount)
}

fn within(number: i64, max: u32) -> Option<u32> {
    u32::try_from(number).ok().filter(|number| (1..=max).contains(number))
}

fn media(ids: &[&str]) -> Result<Vec<Id>, TermsRefusal> {
    let read: Option<Vec<Id>> = ids.iter().map(|id| id.parse().ok()).collect();
    let read = read.filter(|read| read.len() <= DEAL_MEDIA_MAX);
    let once = |read: &Vec<Id>| (1..read.len()).all(|at| !read[..at].contains(&read[at]));
    read.filter(once).ok_or(TermsRefusal::Media)
}

#[cfg(test)]
pub(crate) mod tests {
    use base::calendar::Calendar;

    use super::*;
    use crate::rental::Plan;

    /// 2024-05-24 12:00 in Seoul.
    const NOON: Moment = Moment(1_716_519_600_000);
    const HOUR_MS: i64 = 3_600_000;

    fn policy() -> Policy {
        let plan = Plan::free(Currency::KRW);
        Policy { calendar: Calendar::default(), capacity: 1, hours_min: 2, plan }
    }

    const PICTURE: &str = "01hykpqsvm0000000000000001";

    fn parse<'a>(change: impl FnOnce(&mut Typed<'a>)) -> Result<Terms, Vec<TermsRefusal>> {
        let mut typed = Typed {
            title: "수분 미스트 100 ml",
            description: "봄의 미스트\r\n\r\n두 병",
            category: "Beauty",
            price: 17_900,
            discount_percent: 19,
            stock: 500,
            per_shopper_max: 2,
            opens_at: NOON,
            closes_at: Moment(NOON.0 + 3 * HOUR_MS),
            media: &[PICTURE],
        };
        change(&mut typed);
        Terms::parse(&policy(), &typed)
    }

    /// Good terms.
    pub(crate) fn terms() -> Terms {
        parse(|_| {}).unwrap()
    }

    #[test]
    fn a_unit_costs_the_price_less_the_discount_rounded_down() {
        assert_eq!(terms().unit_price(), Money::new(14_499, Currency::KRW));
        assert_eq!(terms().description, "봄의 미스트\n\n두 병");
        assert_eq!(terms().category, Category::Beauty);
        let half = parse(|typed| (typed.price, typed.discount_percent) = (62_000, 50)).unwrap();
        assert_eq!(half.unit_price().minor, 31_000);
    }

    #[test]
    fn each_field_that_is_wrong_is_named_once() {
        let long = "가".repeat(DEAL_TITLE_CHARS_MAX + 1);
        let many = "가\n".repeat(DEAL_DESCRIPTION_CHARS_MAX);
        let pictures = ["x"];
        let faults = parse(|typed| {
            *typed = Typed {
                title: &long,
                description: &many,
                category: "none",
                price: 0,
                discount_percent: 101,
                stock: -1,
                per_shopper_max: 0,
                opens_at: Moment(NOON.0 + 1),
                closes_at: NOON,
                media: &pictures,
            };
        });
        let faults = faults.unwrap_err();
        let fields: Vec<_> = faults.iter().map(|fault| fault.field()).collect();
        let all = [
            "title",
            "description",
            "category",
            "price",
            "discount_percent",
            "stock",
            "per_shopper_max",
            "opens_at",
            "media",
        ];
        assert_eq!(fields, all);
    }

    #[test]
    fn a_field_has_bounds() {
        use TermsRefusal as Refusal;
        let fault = |change: fn(&mut Typed<'static>)| parse(change).err();
        let one = |fault: Refusal| Some(vec![fault]);
        assert_eq!(fault(|typed| typed.title = " "), one(Refusal::Title));
        assert_eq!(fault(|typed| typed.title = "a\nb"), one(Refusal::Title));
        assert_eq!(fault(|typed| typed.description = ""), None);
        assert_eq!(fault(|typed| typed.description = "a\u{202e}b"), one(Refusal::Description));
        assert_eq!(fault(|typed| typed.price = DEAL_PRICE_MAX), None);
        assert_eq!(fault(|typed| typed.price = DEAL_PRICE_MAX + 1), one(Refusal::Price));
        assert_eq!(fault(|typed| typed.discount_percent = 0), None);
        assert_eq!(fault(|typed| typed.discount_percent = -1), one(Refusal::Discount));
        assert_eq!(fault(|typed| typed.discount_percent = i64::MAX), one(Refusal::Discount));
        assert_eq!(fault(|typed| typed.discount_percent = 100), one(Refusal::DiscountWhole));
        assert_eq!(fault(|typed| typed.stock = 1_000_000), None);
        assert_eq!(fault(|typed| typed.stock = 1_000_001), one(Refusal::Stock));
        assert_eq!(fault(|typed| typed.per_shopper_max = 101), one(Refusal::PerShopper));
        assert_eq!(fault(|typed| typed.media = &["x"]), one(Refusal::Media));
        assert_eq!(fault(|typed| typed.media = &[]), None);
        assert_eq!(fault(|typed| typed.media = &[PICTURE, PICTURE]), one(Refusal::Media));
        assert_eq!(fault(|typed| typed.closes_at.0 += 1), one(Refusal::HoursNotWhole));
        assert_eq!(fault(|typed| typed.closes_at = NOON), one(Refusal::HoursOutOfOrder));
        assert_eq!(fault(|typed| typed.closes_at.0 -= 2 * HOUR_MS), one(Refusal::HoursTooFew));
        assert_eq!(fault(|typed| typed.closes_at.0 += 22 * HOUR_MS), one(Refusal::HoursTooMany));
    }
}
