//! Uploading pictures: what may be put where, and making a picture of what was put.

use axum::http::{Method, StatusCode};
use commons::{
    ids::{MediaId, Person},
    media::{self, Asked},
    upload::UploadRefusal,
};
use store::{Failure, Refusing as _};
use web::respond::{self, Cache};

use crate::{
    acting::live,
    answer::{Answer, json},
    authority::Shopper,
    input::Json,
    refusal::Refusal,
    routes::Routes,
    visit::Visit,
    wire::media::{GrantObject, MediaObject, MediaRequest},
};

const ALL: &str = "/v1/media";
const ONE: &str = "/v1/media/{media}";

pub(crate) fn routes(routes: Routes) -> Routes {
    routes.on(Method::POST, ALL, grant).on(Method::GET, ONE, show).on(
        Method::POST,
        "/v1/media/{media}/complete",
        complete,
    )
}

/// No answer is kept for an `Idempotency-Key`: whoever has the URL can put the file.
async fn grant(visit: Visit, by: Shopper, input: Json<MediaRequest>) -> Answer {
    let MediaRequest { kind, bytes, visibility } = input.value;
    let (db, selling) = (visit.db()?, visit.shop().selling()?);
    let asked = Asked { person: Person(by.account().0), kind, bytes, visibility };
    let granted = db.write(async |tx| {
        live(tx, by.account()).await?;
        media::grant(tx, &asked).await.refusing(Refusal::from)
    });
    let media = granted.await?;
    let granted = GrantObject::of(&media, selling.uploads.sign(&media, db));
    Ok(respond::json(StatusCode::CREATED, Cache::NoStore, &granted))
}

/// Of one's own only: whoever else sees a picture sees it where it is shown.
async fn show(visit: Visit, by: Shopper, (): ()) -> Answer {
    let id: MediaId = visit.captured("media")?;
    let (db, selling) = (visit.db()?, visit.shop().selling()?);
    let found = media::find(&db.read(), id).await?;
    let found = found.filter(|media| media.person == Person(by.account().0));
    let found = found.ok_or(UploadRefusal::Unknown)?;
    Ok(json(&MediaObject::of(&found, &selling.uploads, db)))
}

async fn complete(visit: Visit, by: Shopper, (): ()) -> Answer {
    let id: MediaId = visit.captured("media")?;
    let (db, selling) = (visit.db()?, visit.shop().selling()?);
    // Drawing it takes a while, in which no account is locked: an upload is of use to nobody who leaves.
    let live = db.write(async |tx| live(tx, by.account()).await.map(drop)).await;
    live.map_err(|failure: Failure<Refusal>| Refusal::from(failure))?;
    let media = selling.uploads.complete(db, Person(by.account().0), id).await?;
    Ok(json(&MediaObject::of(&media, &selling.uploads, db)))
}
