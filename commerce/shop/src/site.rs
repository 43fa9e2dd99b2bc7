//! The pages of the shop: what a browser asks for, and the forms that it posts.
//!
//! A form that was done is answered by a redirect, with a word about it on the next page. One that was
//! refused comes back with what was typed and a code at each field; the words are the pages'. Whoever is
//! not signed in where that is needed is sent to sign in, and back afterwards.

mod around;
mod business;
mod cards;
mod checkout;
mod desk;
mod entry;
mod forms;
mod goods;
mod lost;
mod me;
mod news;
mod orders;
mod own_deals;
mod recovery;
mod register;
mod sales;
mod store;

pub(crate) use self::lost::lost;
use crate::routes::Routes;

/// All of them.
pub(crate) fn routes(routes: Routes) -> Routes {
    routes
        .with(store::routes)
        .with(entry::routes)
        .with(recovery::routes)
        .with(me::routes)
        .with(news::routes)
        .with(business::routes)
        .with(own_deals::routes)
        .with(register::routes)
        .with(sales::routes)
        .with(checkout::routes)
        .with(orders::routes)
        .with(desk::routes)
}
