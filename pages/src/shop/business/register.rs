//! Registering a deal: goods, price, and hours that are free.

use askama::Template;

use crate::{
    format::{Moment, Money},
    shop::{
        form::{Choice, Faults, Field},
        frame::ShopFrame,
        pages, text, to,
        value::Category,
        words::BusinessWords,
    },
};

/// A deal as it is typed.
#[derive(Clone, Copy, Debug, Default)]
pub struct DealForm<'a> {
    /// What is sold.
    pub title: Field<'a>,
    /// What is told of it.
    pub description: Field<'a>,
    /// The category's word.
    pub category: Field<'a>,
    /// What it costs else, in won.
    pub price: Field<'a>,
    /// How much less it costs, in percent.
    pub percent: Field<'a>,
    /// How many units.
    pub stock: Field<'a>,
    /// How many one person can buy.
    pub per_person: Field<'a>,
    /// The code by which the pictures were refused.
    pub pictures_error: Option<&'a str>,
    /// The code by which the hours were refused.
    pub hours_error: Option<&'a str>,
}

/// A picture that is there already.
#[derive(Clone, Copy, Debug)]
pub struct Upload<'a> {
    /// Its id.
    pub media: &'a str,
    /// Its address.
    pub src: &'a str,
}

/// An hour of the day that is shown.
#[derive(Clone, Copy, Debug)]
pub struct Hour {
    /// From 0 to 23.
    pub hour: u8,
    /// Whether nobody can have it: another deal has, or it is past.
    pub is_taken: bool,
    /// Whether it is chosen.
    pub is_chosen: bool,
}

/// Register a deal, or change one. Posts, as `multipart/form-data`, the
/// fields of [`DealForm`], `picture` for each new picture, `media` for each that stays, `day` and
/// `hour` for each hour. With `draft` it is only written down. With `show_day` nothing is registered: the page comes back with the hours of
/// that day, and all that was typed.
#[derive(Clone, Debug, Template)]
#[template(path = "shop/business/register.html", whitespace = "minimize")]
pub struct DealFormPage<'a> {
    /// What is around it.
    pub frame: ShopFrame<'a>,
    /// Its id; a new one if `None`.
    pub deal: Option<&'a str>,
    /// Whether it was published, so that its hours stay as they are.
    pub is_published: bool,
    /// What is typed.
    pub form: DealForm<'a>,
    /// Pictures that are there already.
    pub uploads: Vec<Upload<'a>>,
    /// What it costs in the deal, if price and discount make sense.
    pub sold_at: Option<Money<'a>>,
    /// The days to choose from, with the number of hours that are taken.
    pub days: Vec<(Moment, u64)>,
    /// The day that is shown.
    pub day: Moment,
    /// Its 24 hours.
    pub hours: Vec<Hour>,
    /// What an hour costs.
    pub rent: Money<'a>,
    /// The code by which the form was refused as a whole.
    pub refusal: Option<&'a str>,
    /// The key of this form: sending it twice registers once.
    pub key: &'a str,
}

pages! { DealFormPage: Elsewhere, "new"; }

/// A day of the picker.
struct Day {
    name: String,
    number: String,
    iso: String,
    taken: u64,
    is_shown: bool,
}

impl DealFormPage<'_> {
    const fn w(&self) -> &'static BusinessWords {
        BusinessWords::of(self.frame.page.language)
    }

    fn faults(&self) -> Faults<'_> {
        Faults::of(self.refusal)
            .and("title", self.form.title.error)
            .and("description", self.form.description.error)
            .and("category", self.form.category.error)
            .and("picture", self.form.pictures_error)
            .and("price", self.form.price.error)
            .and("percent", self.form.percent.error)
            .and("stock", self.form.stock.error)
            .and("per_person", self.form.per_person.error)
            .and("hours", self.form.hours_error)
    }

    fn action(&self) -> String {
        format!("{}/deals/{}", to::BUSINESS, self.deal.unwrap_or("new"))
    }

    fn categories(&self) -> Vec<Choice> {
        let choice = |category: Category| Choice {
            value: category.word().to_owned(),
            label: category.name(self.frame.page.language).to_string(),
        };
        Category::ALL.into_iter().map(choice).collect()
    }

    fn week(&self) -> Vec<Day> {
        let language = self.frame.page.language;
        let day = |(day, taken): &(Moment, u64)| Day {
            name: text::weekday_name(*day, language),
            number: text::day_of_month(*day),
            iso: text::iso_day(*day),
            taken: *taken,
            is_shown: text::same_day(*day, self.day),
        };
        self.days.iter().map(day).collect()
    }

    fn iso(&self) -> String {
        text::iso_day(self.day)
    }

    fn hours_heading(&self) -> String {
        self.w().hours_day.with(text::day(self.day, self.frame.page.language))
    }

    fn hour_label(&self, hour: Hour) -> String {
        let label = self.w().hour_label.with_both(hour.hour, hour.hour + 1);
        if hour.is_taken { format!("{label}{}", self.w().hour_taken) } else { label }
    }

    fn chosen(&self) -> u64 {
        let chosen = self.hours.iter().filter(|hour| hour.is_chosen).count();
        u64::try_from(chosen).unwrap_or_default()
    }

    fn picked(&self) -> String {
        let mut chosen = self.hours.iter().filter(|hour| hour.is_chosen).map(|hour| hour.hour);
        let Some(first) = chosen.next() else { return self.w().picked_none.to_string() };
        let end = chosen.next_back().unwrap_or(first) + 1;
        format!("{} · {first:02}:00–{end:02}:00", self.w().picked.counted(self.chosen()))
    }

    /// What the chosen hours cost.
    fn due(&self) -> String {
        let hours = i64::try_from(self.chosen()).unwrap_or_default();
        let minor = self.rent.minor.saturating_mul(hours);
        self.frame.money(&Money { minor, ..self.rent })
    }

    fn nothing(&self) -> String {
        self.frame.money(&Money { minor: 0, ..self.rent })
    }

    fn say(&self) -> String {
        self.w().register_say.with(self.frame.money(&self.rent))
    }
}
