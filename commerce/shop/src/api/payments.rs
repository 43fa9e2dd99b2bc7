//! Where providers send browsers back to.
//!
//! What a browser brings proves nothing, and may come twice, late, or in another order than it happened: it
//! is noted, the provider is asked, and the answer is the same redirect each time.

use axum::http::Method;
use pages::shop::to;
use store::Refusing as _;
use trade::{
    ids::PaymentId,
    till::{self, Came},
};
use web::respond;

use crate::{
    answer::Answer, authority::Anyone, input::Pairs, refusal::Refusal, routes::Routes, visit::Visit,
};

pub(crate) fn routes(routes: Routes) -> Routes {
    routes
        .page(Method::GET, "/v1/payments/{payment}/return", paid)
        .page(Method::GET, "/v1/payments/{payment}/cancel", given_up)
        .page(Method::GET, "/v1/payments/{payment}/fail", failed)
}

async fn paid(visit: Visit, _: Anyone, _: Pairs) -> Answer {
    came(&visit, Came::Paid { query: visit.query() }).await
}

async fn given_up(visit: Visit, _: Anyone, _: Pairs) -> Answer {
    came(&visit, Came::GaveUp).await
}

async fn failed(visit: Visit, _: Anyone, _: Pairs) -> Answer {
    came(&visit, Came::Failed).await
}

async fn came(visit: &Visit, came: Came<'_>) -> Answer {
    let payment: PaymentId = visit.captured("payment").map_err(|_| Refusal::NotFound)?;
    let till = &visit.shop().selling()?.till;
    let returned = visit
        .db()?
        .write(async |tx| till::returned(tx, till, payment, came).await.refusing(Refusal::from));
    let order = returned.await?;
    Ok(respond::see_other(&to::result(&order.to_string())))
}
