//! Deals as pages have them.

use pages::{
    Money,
    shop::{Category, DealCard, DealState, Picture, Price},
};
use trade::deal::{self, State};

pub(super) use super::business::moment;
use crate::shown::Shown;

/// A deal in a list.
pub(super) fn card(shown: &Shown) -> DealCard<'_> {
    let terms = &shown.deal.terms;
    DealCard {
        deal: &shown.id,
        title: &terms.title,
        picture: pictures(shown).next(),
        category: category(terms.category),
        state: state(shown.state),
        opens_at: moment(terms.hours.starts_at()),
        closes_at: moment(terms.hours.ends_at()),
        price: Price {
            now: money(terms.unit_price().minor, &terms.price),
            list: money(terms.price.minor, &terms.price),
            percent: u32::from(terms.discount.basis_points() / 100),
        },
        left: shown.available(),
        total: terms.stock.into(),
        in_line: 0,
        likes: shown.likes,
    }
}

/// The pictures of a deal, the one that stands for it first. Its title says what they show.
pub(super) fn pictures(shown: &Shown) -> impl Iterator<Item = Picture<'_>> {
    shown.pictures.iter().enumerate().map(|(place, picture)| Picture {
        src: if place == 0 { &picture.small } else { &picture.large },
        alt: "",
    })
}

/// So many minor units of the currency of another amount.
pub(super) fn money(minor: i64, of: &base::money::Money) -> Money<'_> {
    Money { minor, currency: of.currency.code(), digits: of.currency.digits() }
}

pub(super) const fn category(category: deal::Category) -> Category {
    match category {
        deal::Category::Fashion => Category::Fashion,
        deal::Category::Beauty => Category::Beauty,
        deal::Category::Food => Category::Food,
        deal::Category::Appliance => Category::Appliance,
        deal::Category::Sports => Category::Sports,
        deal::Category::Living => Category::Living,
        deal::Category::Pet => Category::Pet,
        deal::Category::Travel => Category::Travel,
    }
}

/// How a deal stands. A draft is shown as what nobody else sees yet.
pub(super) const fn state(state: State) -> DealState {
    match state {
        State::Draft => DealState::Pending,
        State::Scheduled => DealState::Scheduled,
        State::Open => DealState::Open,
        State::SoldOut => DealState::SoldOut,
        State::Paused => DealState::Paused,
        State::Ended => DealState::Ended,
        State::Cancelled => DealState::Cancelled,
    }
}
