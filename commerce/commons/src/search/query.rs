//! What is found: one statement, the same on both databases.

use std::collections::BTreeSet;

use base::{
    cursor::{Cursor, Page, Wanted},
    moment::Moment,
};
use store::sea_orm::{ConnectionTrait, DbErr, QueryResult, Value};

use super::{
    analysis::{Term, terms, terms_so_far},
    model::{Hit, Over, Query},
    sql::statement,
};
use crate::{label::Label, limits::SUGGESTIONS_MAX};

/// A rank is what a document counts, and then its moment: the moment has the lowest 44 bits, in which it
/// fits for five hundred years.
const MOMENTS: i64 = 1 << 44;

/// Of each document, which parts it has, by what it counts for each.
const TOKEN: &str =
    "SELECT subject, weight, 1 AS need FROM search_token WHERE kind = ? AND token = ?";
const BEGINNING: &str = "SELECT subject, MAX(weight) AS weight, 1 AS need FROM search_token \
    WHERE kind = ? AND token >= ? AND token < ? GROUP BY subject";
const BETTER: &str =
    "SELECT subject, weight, 0 AS need FROM search_token WHERE kind = ? AND token = ?";
const ALL: &str = "SELECT subject, 0 AS weight, 0 AS need FROM search_document WHERE kind = ?";

/// The documents that have all that is searched for, the best first and then the latest.
pub async fn find(
    on: &impl ConnectionTrait,
    query: &Query<'_>,
    wanted: Wanted,
) -> Result<Page<Hit>, DbErr> {
    let hits = match terms(query.text, query.tags) {
        Some(terms) => ranked(on, query.kind, &terms, query.over, wanted).await?,
        None => Vec::new(),
    };
    Ok(Page::of(hits, wanted, |hit| Cursor { by: hit.rank, id: hit.subject.0 }))
}

/// Titles for what somebody has typed so far: those in which a word begins like the last one typed.
pub async fn suggest(
    on: &impl ConnectionTrait,
    kind: &Label,
    text: &str,
) -> Result<Vec<String>, DbErr> {
    let Some(terms) = terms_so_far(text) else { return Ok(Vec::new()) };
    let hits = ranked(on, kind, &terms, None, Wanted::default()).await?;
    let mut seen = BTreeSet::new();
    let titles = hits.into_iter().map(|hit| hit.title);
    Ok(titles.filter(|title| seen.insert(title.clone())).take(SUGGESTIONS_MAX).collect())
}

async fn ranked(
    on: &impl ConnectionTrait,
    kind: &Label,
    terms: &[Term],
    over: Option<Over>,
    wanted: Wanted,
) -> Result<Vec<Hit>, DbErr> {
    let kind = || Value::from(kind.as_str());
    let mut values: Vec<Value> = Vec::new();
    let mut parts: Vec<&str> = Vec::new();
    let mut needed = 0_i64;
    for term in terms {
        values.push(kind());
        match term {
            Term::Token(token) => {
                parts.push(TOKEN);
                values.push(token.as_str().into());
                needed += 1;
            }
            Term::Beginning(beginning) => {
                parts.push(BEGINNING);
                // Compared byte by byte, the last character is after all that begin so.
                values.extend([beginning.as_str().into(), format!("{beginning}\u{10ffff}").into()]);
                needed += 1;
            }
            Term::Better(token) => {
                parts.push(BETTER);
                values.push(token.as_str().into());
            }
        }
    }
    if needed == 0 {
        (parts, values) = (vec![ALL], vec![kind()]);
    }
    let parts = parts.join(" UNION ALL ");
    let mut text = format!(
        "SELECT subject, title, at, place FROM (SELECT document.subject, document.title, document.at, \
         CAST(found.weight AS BIGINT) * {MOMENTS} + document.at AS place \
         FROM (SELECT subject, SUM(weight) AS weight FROM ({parts}) AS parts \
         GROUP BY subject HAVING SUM(need) = ?) AS found JOIN search_document AS document \
         ON document.kind = ? AND document.subject = found.subject{}) AS ranked",
        over.map_or("", is_so),
    );
    values.extend([needed.into(), kind()]);
    if let Some(Over::At(at) | Over::NotAt(at)) = over {
        values.push(at.0.into());
    }
    if let Some(after) = wanted.after() {
        text.push_str(" WHERE place < ? OR (place = ? AND subject < ?)");
        values.extend([after.by.into(), after.by.into(), after.id.to_string().into()]);
    }
    text.push_str(" ORDER BY place DESC, subject DESC LIMIT ?");
    values.push(i64::try_from(wanted.rows()).unwrap_or(i64::MAX).into());
    on.query_all_raw(statement(on, &text, values)).await?.iter().map(hit).collect()
}

/// The condition on when a document is over.
const fn is_so(over: Over) -> &'static str {
    match over {
        Over::At(_) => " AND document.over_at <= ?",
        Over::NotAt(_) => " AND COALESCE(document.over_at > ?, TRUE)",
    }
}

fn hit(row: &QueryResult) -> Result<Hit, DbErr> {
    Ok(Hit {
        subject: row.try_get("", "subject")?,
        title: row.try_get("", "title")?,
        at: Moment(row.try_get("", "at")?),
        rank: row.try_get("", "place")?,
    })
}
