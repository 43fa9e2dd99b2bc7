//! Invitations to a sale: made when an operator asks, kept nowhere.

use std::sync::Arc;

use engine::{record::Author, spec::IdentityMode};
use hyper::{Response, StatusCode};
use web::respond::{self, Cache};

use crate::{
    app::{App, Head},
    archiving::Asker,
    error::{ApiError, FieldProblem},
    found::Found,
    server::{Body, RequestBody},
    token::{CreatedSale, Keyring},
    wire::{InvitesObject, read_invites},
};

/// `POST /v1/admin/sales/{sale}/invites`. A repeat makes others; those of the first call stay good, and
/// who never sends them out has lost nothing.
pub(super) async fn make(
    app: Arc<App>,
    sale: Found,
    author: Author,
    head: Head,
    body: RequestBody,
) -> Result<Response<Body>, ApiError> {
    let request = read_invites(&body.read(&head.headers).await?)?;
    let sale = sale.view(&app, Asker::Key).await?;
    if sale.settings().spec.identity != IdentityMode::Invite {
        let problem = FieldProblem::new("identity", "invite only, and this sale has another");
        return Err(ApiError::InvalidRequest(vec![problem]));
    }
    let created = CreatedSale::new(sale.tag(), sale.epoch(), sale.created_at());
    let seal = |_| {
        let invite = Keyring::invite_at_random(created, request.expires_at);
        invite.map(|invite| app.keyring.seal_invite(&invite))
    };
    let invites: Result<Vec<String>, _> = (0..request.count).map(seal).collect();
    let (name, expires_at) = (sale.name().as_str().to_owned(), request.expires_at);
    let invites = invites.map_err(|_| ApiError::Internal)?;
    // No change of the sale, so not in its audit.
    tracing::info!(sale = %name, author = %author.name, count = request.count, "invitations were made");
    let made = InvitesObject { sale: name, expires_at, invites };
    Ok(respond::json(StatusCode::CREATED, Cache::NoStore, &made))
}
