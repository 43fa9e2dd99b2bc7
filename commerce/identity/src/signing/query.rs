//! What is read of the keys.

use base::moment::Moment;
use store::sea_orm::{ConnectionTrait, DbErr};

use super::{model::PublicKeys, rows::holding};

/// The keys whose tokens may hold now, those of all nodes.
pub async fn public_keys(on: &impl ConnectionTrait, now: Moment) -> Result<PublicKeys, DbErr> {
    let rows = holding(now).all(on).await?;
    Ok(PublicKeys(rows.into_iter().map(|row| (row.id, row.public_key)).collect()))
}
