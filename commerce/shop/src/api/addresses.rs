//! Where a person has things sent.

use axum::http::Method;
use identity::{
    address::{self, AddressRefusal},
    ids::AddressId,
};
use store::{Failure, Refusing as _};
use web::respond;

use crate::{
    acting::live,
    answer::{Answer, json},
    authority::Shopper,
    input::Json,
    once,
    refusal::Refusal,
    routes::Routes,
    visit::Visit,
    wire::{
        List,
        address::{AddressObject, AddressRequest},
    },
};

const ALL: &str = "/v1/me/addresses";
const ONE: &str = "/v1/me/addresses/{address}";

pub(crate) fn routes(routes: Routes) -> Routes {
    routes
        .on(Method::GET, ALL, list)
        .on(Method::POST, ALL, add)
        .on(Method::PUT, ONE, change)
        .on(Method::DELETE, ONE, remove)
        .on(Method::POST, "/v1/me/addresses/{address}/default", set_default)
}

async fn list(visit: Visit, by: Shopper, (): ()) -> Answer {
    let all = address::list(&visit.db()?.read(), by.account()).await?;
    Ok(json(&List::whole(all.iter().map(AddressObject::of).collect())))
}

async fn add(visit: Visit, by: Shopper, input: Json<AddressRequest>) -> Answer {
    let postal = input.value.postal()?;
    once::write(&visit, &by.account(), ALL, &input, async |tx| {
        let live = live(tx, by.account()).await?;
        let id = address::add(tx, &live, &postal).await.refusing(Refusal::from)?;
        let made = address::find(tx, by.account(), id).await?;
        let made = made.ok_or(Failure::Refused(Refusal::Internal))?;
        Ok(once::made(format!("{ALL}/{id}"), &AddressObject::of(&made)))
    })
    .await
}

async fn change(visit: Visit, by: Shopper, input: Json<AddressRequest>) -> Answer {
    let postal = input.value.postal()?;
    let id: AddressId = visit.captured("address")?;
    visit
        .db()?
        .write(async |tx| {
            let live = live(tx, by.account()).await?;
            address::change(tx, &live, id, &postal).await.refusing(Refusal::from)
        })
        .await?;
    shown(&visit, &by, id).await
}

async fn remove(visit: Visit, by: Shopper, (): ()) -> Answer {
    let id: AddressId = visit.captured("address")?;
    visit
        .db()?
        .write(async |tx| {
            let live = live(tx, by.account()).await?;
            address::remove(tx, &live, id).await.refusing(Refusal::from)
        })
        .await?;
    Ok(respond::no_content())
}

async fn set_default(visit: Visit, by: Shopper, (): ()) -> Answer {
    let id: AddressId = visit.captured("address")?;
    visit
        .db()?
        .write(async |tx| {
            let live = live(tx, by.account()).await?;
            address::set_default(tx, &live, id).await.refusing(Refusal::from)
        })
        .await?;
    shown(&visit, &by, id).await
}

async fn shown(visit: &Visit, by: &Shopper, id: AddressId) -> Answer {
    let found = address::find(&visit.db()?.read(), by.account(), id).await?;
    Ok(json(&AddressObject::of(&found.ok_or(AddressRefusal::Unknown)?)))
}
