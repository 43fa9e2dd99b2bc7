//! What is read of proofs.

use store::sea_orm::{ConnectionTrait, DbErr, EntityTrait as _, QuerySelect as _};

use super::rows::{Column, Entity};
use crate::ids::{AccountId, ProofId};

/// Whose a proof is, as far as it is one, and the key of the address that it is for.
pub(crate) async fn target(
    on: &impl ConnectionTrait,
    proof: ProofId,
) -> Result<Option<(AccountId, String)>, DbErr> {
    let found =
        Entity::find_by_id(proof).select_only().column(Column::Account).column(Column::EmailKey);
    found.into_tuple().one(on).await
}
