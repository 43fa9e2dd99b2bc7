//! Deals by a day, a category or a word; and those one has saved.

use askama::Template;

use super::{
    DealCard, cards,
    home::{Day, DayBar, week},
};
use crate::{
    format::{Html, Moment},
    shop::{frame::ShopFrame, pages, text, to, value::Category, words::StoreWords},
};

/// What a list is narrowed down to.
#[derive(Clone, Copy, Debug, Default)]
pub struct Showing<'a> {
    /// The words that were searched for; empty if none.
    pub q: &'a str,
    /// The category.
    pub category: Option<Category>,
    /// The day.
    pub day: Option<Moment>,
    /// Whether what is over is in it too.
    pub with_ended: bool,
}

/// Deals by a day, a category or a word.
#[derive(Clone, Debug, Template)]
#[template(path = "shop/store/list.html", whitespace = "minimize")]
pub struct DealListPage<'a> {
    /// What is around it.
    pub frame: ShopFrame<'a>,
    /// What it is narrowed down to.
    pub showing: Showing<'a>,
    /// Today and the six days after it.
    pub week: Vec<DayBar>,
    /// The deals.
    pub deals: Vec<DealCard<'a>>,
    /// The address of the next page, if there are more.
    pub next: Option<&'a str>,
}

/// The deals that one has saved.
#[derive(Clone, Debug, Template)]
#[template(path = "shop/store/likes.html", whitespace = "minimize")]
pub struct LikesPage<'a> {
    /// What is around it.
    pub frame: ShopFrame<'a>,
    /// The deals, the one saved last first.
    pub deals: Vec<DealCard<'a>>,
    /// The address of the next page, if there are more.
    pub next: Option<&'a str>,
}

pages! {
    DealListPage: Deals;
    LikesPage: Likes;
}

impl Showing<'_> {
    /// The address of the list.
    fn address(&self) -> String {
        let mut parts = Vec::new();
        if !self.q.is_empty() {
            parts.push(format!("q={}", to::encoded(self.q)));
        }
        parts.extend(self.category.map(|category| format!("category={}", category.word())));
        parts.extend(self.day.map(|day| format!("day={}", text::iso_day(day))));
        if self.with_ended {
            parts.push("ended=true".to_owned());
        }
        if parts.is_empty() {
            to::DEALS.to_owned()
        } else {
            format!("{}?{}", to::DEALS, parts.join("&"))
        }
    }

    fn is_narrow(&self) -> bool {
        !self.q.is_empty() || self.category.is_some() || self.day.is_some()
    }
}

impl DealListPage<'_> {
    const fn w(&self) -> &'static StoreWords {
        StoreWords::of(self.frame.page.language)
    }

    fn heading(&self) -> String {
        let (words, language) = (self.w(), self.frame.page.language);
        match self.showing {
            Showing { q, .. } if !q.is_empty() => words.results_of.with(q),
            Showing { day: Some(day), .. } => {
                words.deals_of_day.with(text::short_day(day, self.frame.now, language))
            }
            Showing { category: Some(category), .. } => category.name(language).to_string(),
            _ => self.frame.w().deals.to_string(),
        }
    }

    fn days(&self) -> Vec<Day> {
        week(&self.frame, &self.week, self.showing.day)
    }

    /// The list of a day: the other conditions stay, but the words searched for do not.
    fn of_day(&self, iso: &str) -> String {
        let without = Showing { day: None, q: "", ..self.showing }.address();
        let join = if without.contains('?') { '&' } else { '?' };
        format!("{without}{join}day={iso}")
    }

    fn of_category(&self, category: Category) -> String {
        Showing { category: Some(category), ..self.showing }.address()
    }

    fn of_all(&self) -> String {
        Showing { category: None, ..self.showing }.address()
    }

    fn is_category(&self, category: Category) -> bool {
        self.showing.category == Some(category)
    }

    fn other_ended(&self) -> String {
        Showing { with_ended: !self.showing.with_ended, ..self.showing }.address()
    }

    fn cards(&self) -> Html {
        cards(&self.frame, &self.deals)
    }
}

impl LikesPage<'_> {
    const fn w(&self) -> &'static StoreWords {
        StoreWords::of(self.frame.page.language)
    }

    fn cards(&self) -> Html {
        cards(&self.frame, &self.deals)
    }
}
