//! What the two databases, or the library in front of them, would let each caller find out alone.

use sea_orm::{
    ColumnTrait as _, ConnectionTrait, DbErr, EntityTrait, ExprTrait as _, QueryFilter as _,
    QuerySelect as _, QueryTrait as _, Select, Statement, Value,
    sea_query::{IntoColumnRef, OnConflict, SimpleExpr},
};

/// A statement of our own text, with `$1`, `$2` … in it, which both databases read.
pub(crate) fn statement(
    on: &impl ConnectionTrait,
    text: &str,
    values: impl IntoIterator<Item = Value>,
) -> Statement {
    Statement::from_sql_and_values(on.get_database_backend(), text, values)
}

/// Runs one and says how many rows it changed.
pub(crate) async fn execute(
    on: &impl ConnectionTrait,
    text: &str,
    values: impl IntoIterator<Item = Value>,
) -> Result<u64, DbErr> {
    Ok(on.execute_raw(statement(on, text, values)).await?.rows_affected())
}

/// Inserts a row unless another has the same values in `unique`, and says whether it did. What else is
/// unique about it is an error.
pub async fn insert_if_absent<E: EntityTrait>(
    on: &impl ConnectionTrait,
    row: E::ActiveModel,
    unique: impl IntoIterator<Item = E::Column>,
) -> Result<bool, DbErr>
where
    E::ActiveModel: sea_orm::ActiveModelTrait<Entity = E>,
{
    // The library's own ways to execute it answer a conflict in three different manners.
    let insert = E::insert(row).on_conflict(OnConflict::columns(unique).do_nothing().to_owned());
    Ok(on.execute(&insert.into_query()).await?.rows_affected() > 0)
}

/// Deletes at most `max` of some rows, which `key` tells apart, and says how many. What is removed on a
/// schedule goes in such pieces, so that no write lasts long.
pub async fn delete_some<E: EntityTrait>(
    on: &impl ConnectionTrait,
    those: Select<E>,
    key: E::Column,
    max: u64,
) -> Result<u64, DbErr> {
    let keys = those.select_only().column(key).limit(max).into_query();
    Ok(E::delete_many().filter(key.in_subquery(keys)).exec(on).await?.rows_affected)
}

/// A sum that is an `i64` on both: PostgreSQL would make a `NUMERIC` of it. `NULL` over no rows.
pub fn sum_i64(column: impl IntoColumnRef) -> SimpleExpr {
    SimpleExpr::from(column.into_column_ref()).sum().cast_as("BIGINT")
}
