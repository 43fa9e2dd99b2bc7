//! The operators' pages: one file per page, each beside the forms that it has.
//!
//! What is decided stands in `api::desk`, which programs call too. A form that was refused comes back as its page,
//! which shows what the form was about.

mod businesses;
mod deals;
mod doubts;
mod order;
mod orders;
mod returns;
mod tasks;

use axum::http::Method;
use pages::shop::{Field, Typed, to};
use web::respond;

use super::forms::Wrong;
use crate::{
    answer::Answer,
    authority::Operator,
    input::{Form, Pairs},
    routes::Routes,
    visit::Visit,
};

pub(super) fn routes(routes: Routes) -> Routes {
    routes
        .page(Method::GET, to::DESK, home)
        .with(deals::routes)
        .with(orders::routes)
        .with(order::routes)
        .with(doubts::routes)
        .with(returns::routes)
        .with(tasks::routes)
        .with(businesses::routes)
}

/// What goes on now stands first.
async fn home(_visit: Visit, _: Operator, _: Pairs) -> Answer {
    Ok(respond::see_other(deals::LIST))
}

/// A form of a list that was refused: which one, about what, and what was typed.
#[derive(Debug)]
struct Sent<'a> {
    form: &'a str,
    of: String,
    typed: &'a Form,
    wrong: Wrong,
}

impl Sent<'_> {
    fn typed(&self) -> Typed<'_> {
        let reason = Field { value: self.typed.get("reason"), error: self.wrong.at("reason") };
        Typed { form: self.form, of: &self.of, reason }
    }
}

/// What a page shows that shows no refused form.
const NOTHING_WRONG: Wrong = Wrong::NONE;

/// What is wrong with the form that a page shows.
fn wrong_of<'a>(sent: Option<&'a Sent<'_>>) -> &'a Wrong {
    sent.map_or(&NOTHING_WRONG, |sent| &sent.wrong)
}
