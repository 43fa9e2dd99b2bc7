//! The schema: steps in order, one text for both databases.
//!
//! Every crate keeps its steps as `.sql` files, numbered in a range of its own, and never changes one
//! that was released: the database remembers the hash of what it was given and refuses another. What
//! differs between the databases is a word in braces, or a line that begins with `--sqlite:` or
//! `--postgres:`. A column that rows are found or sorted by is a `{KEY}`, which both compare by its bytes.

use sqlx::{
    AssertSqlSafe, SqlSafeStr as _,
    migrate::{Migration, MigrationType, Migrator},
};

use crate::kind::Kind;

/// One step of the schema.
#[derive(Clone, Copy, Debug)]
pub struct Step {
    /// Its place among all steps.
    pub number: i64,
    /// What it makes, as people read it in the database.
    pub name: &'static str,
    /// Its text.
    pub text: &'static str,
}

const OWN: Step = Step { number: 1, name: "tasks", text: include_str!("../schema/0001_tasks.sql") };

/// What brings a database of a kind up to date. Steps of several crates are put in order here.
///
/// # Panics
///
/// Panics if two steps have one number, or a line for one of the databases is indented.
pub(crate) fn migrator(kind: Kind, steps: &[Step]) -> Migrator {
    let mut all: Vec<Step> = steps.iter().copied().chain([OWN]).collect();
    all.sort_by_key(|step| step.number);
    for pair in all.windows(2) {
        assert!(pair[0].number < pair[1].number, "two steps of the schema are {}", pair[0].number);
    }
    let migrations = all.iter().map(|step| {
        let text = AssertSqlSafe(text_for(kind, step.text)).into_sql_str();
        Migration::new(step.number, step.name.into(), MigrationType::Simple, text, false)
    });
    Migrator::with_migrations(migrations.collect())
}

fn text_for(kind: Kind, text: &str) -> String {
    let (ours, other, words) = match kind {
        Kind::Sqlite => ("--sqlite:", "--postgres:", ["BLOB", "TEXT", "TEXT"]),
        Kind::Postgres => ("--postgres:", "--sqlite:", ["BYTEA", "JSONB", "TEXT COLLATE \"C\""]),
    };
    let mut out = String::with_capacity(text.len());
    for line in text.lines().filter(|line| !line.starts_with(other)) {
        let line = line.strip_prefix(ours).unwrap_or(line);
        let inner = line.trim_start();
        assert!(!inner.starts_with(ours) && !inner.starts_with(other), "indented: {line}");
        out.push_str(line);
        out.push('\n');
    }
    let placeholders = ["{BYTES}", "{JSON}", "{KEY}"];
    placeholders
        .iter()
        .zip(words)
        .fold(out, |text, (placeholder, word)| text.replace(placeholder, word))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_database_gets_its_words_and_its_lines() {
        let text = "a {BYTES} {JSON} {KEY}\n--sqlite: s\n--postgres: p\nb";
        assert_eq!(text_for(Kind::Sqlite, text), "a BLOB TEXT TEXT\n s\nb\n");
        assert_eq!(text_for(Kind::Postgres, text), "a BYTEA JSONB TEXT COLLATE \"C\"\n p\nb\n");
    }

    #[test]
    #[should_panic(expected = "two steps of the schema are 1")]
    fn two_steps_cannot_have_one_number() {
        migrator(Kind::Sqlite, &[Step { number: 1, name: "x", text: "" }]);
    }

    #[test]
    #[should_panic(expected = "indented")]
    fn a_line_for_one_database_begins_at_the_margin() {
        text_for(Kind::Sqlite, "  --postgres: x");
    }
}
