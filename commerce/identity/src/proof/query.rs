//! What is read of proofs.

use base::moment::Moment;
use store::{
    At,
    sea_orm::{
        ColumnTrait as _, ConnectionTrait, DbErr, EntityTrait as _, QueryFilter as _,
        QuerySelect as _,
    },
};

use super::rows::{COLUMN, Column, Entity};
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

/// The same of a proof that still holds.
pub(crate) async fn target_now(
    on: &impl ConnectionTrait,
    proof: ProofId,
    now: Moment,
) -> Result<Option<(AccountId, String)>, DbErr> {
    let found = Entity::find_by_id(proof)
        .select_only()
        .column(Column::Account)
        .column(Column::EmailKey)
        .filter(COLUMN.expires_at.gt(At::from(now)));
    found.into_tuple().one(on).await
}
