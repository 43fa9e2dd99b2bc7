//! The storefront: what is sold, when, and to whom it matters.

mod card;
mod deal;
mod home;
mod inbox;
mod list;

pub(crate) use self::card::cards;
pub use self::{
    card::DealCard,
    deal::{DealPage, Entry, Seller},
    home::{DayBar, HomePage},
    inbox::{InboxPage, News, NoticeKind, NoticeRow},
    list::{DealListPage, LikesPage, Showing},
};
