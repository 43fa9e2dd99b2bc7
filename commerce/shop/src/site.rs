//! The pages of the shop: what a browser asks for, and the forms that it posts.
//!
//! A form that was done is answered by a redirect, with a word about it on the next page. One that was
//! refused comes back with what was typed and a code at each field; the words are the pages'. Whoever is
//! not signed in where that is needed is sent to sign in, and back afterwards.

mod around;
mod business;
mod desk;
mod entry;
mod forms;
mod lost;
mod me;
mod news;
mod recovery;

use axum::http::Method;
use pages::shop::to;
use web::respond;

pub(crate) use self::lost::lost;
use crate::{answer::Answer, authority::Guest, routes::Routes, visit::Visit};

/// All of them.
pub(crate) fn routes(routes: Routes) -> Routes {
    routes
        .page(Method::GET, to::HOME, home)
        .with(entry::routes)
        .with(recovery::routes)
        .with(me::routes)
        .with(news::routes)
        .with(business::routes)
        .with(desk::routes)
}

/// The first page: of one's own, as long as there are no deals.
async fn home(_visit: Visit, guest: Guest, (): ()) -> Answer {
    Ok(respond::see_other(if guest.session.is_some() { to::ME } else { to::SIGN_IN }))
}
