//! Search: documents, found by what stands in them.
//!
//! Owns the index. Refuses to know what is worth finding: whoever owns a subject puts a document of it, and
//! removes it. Always true: both databases find the same documents in the same order; a document's place
//! depends on itself and on what is searched for, and on no other document.
//!
//! The index is a table of tokens ([`analysis`]), not the full-text search of either database: those cut
//! Korean at its spaces, and rank each in its own way.

mod analysis;
mod index;
mod model;
mod query;
mod rows;
mod sql;

use store::{Tx, sea_orm::DbErr};

pub use self::{
    model::{Document, Hit, Over, Query},
    query::{find, suggest},
};
use crate::subject::Subject;

/// Has a document found as it is now. Putting it again without a change costs next to nothing.
pub async fn put(tx: &Tx, document: &Document<'_>) -> Result<(), DbErr> {
    let tokens = analysis::tokens(document.title, document.text, document.tags);
    if rows::put(tx, document, &tokens).await? {
        index::put(tx, document.subject, &tokens).await?;
    }
    Ok(())
}

/// Has a subject not found any more, and says whether it was.
pub async fn remove(tx: &Tx, subject: &Subject) -> Result<bool, DbErr> {
    let was_there = rows::remove(tx, subject).await?;
    index::remove(tx, subject).await?;
    Ok(was_there)
}
