//! Statements of our own text, with a question mark for each value.

use store::sea_orm::{ConnectionTrait, Statement, Value};

/// A statement whose values are numbered, as both databases read them.
pub(super) fn statement(
    on: &impl ConnectionTrait,
    text: &str,
    values: impl IntoIterator<Item = Value>,
) -> Statement {
    let mut pieces = text.split('?');
    let mut numbered = pieces.next().unwrap_or_default().to_owned();
    for (number, piece) in (1..).zip(pieces) {
        let number: u32 = number;
        numbered.push('$');
        numbered.push_str(&number.to_string());
        numbered.push_str(piece);
    }
    Statement::from_sql_and_values(on.get_database_backend(), numbered, values)
}
