//! Sessions of the shop that are over before their tokens: the shop says so, and their tokens name
//! nobody any more.

use std::sync::Arc;

use hyper::Response;
use web::respond;

use super::authority;
use crate::{
    app::{App, Head},
    error::ApiError,
    server::{Body, RequestBody},
    wire::read_revoked,
};

/// `POST /v1/revoked-sessions`: by the shop's backend or an operator; a repeat changes nothing.
pub async fn add(app: Arc<App>, head: Head, body: RequestBody) -> Result<Response<Body>, ApiError> {
    authority::key(&app, &head.headers)?;
    let revoked = read_revoked(&body.read(&head.headers).await?)?;
    let accounts = app.accounts.as_ref().ok_or(ApiError::NotFound)?;
    let wall = app.engine.now().shifted(app.engine.registry().clock_offset_ms());
    accounts.revoke(&revoked.sids, wall).map_err(|_full| ApiError::Overloaded)?;
    tracing::info!(sessions = revoked.sids.len(), "sessions were revoked by a call");
    Ok(respond::no_content())
}
