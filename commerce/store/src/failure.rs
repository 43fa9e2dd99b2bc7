//! Why a write or a read came to nothing.

use std::{error::Error, fmt};

use sea_orm::{DbErr, RuntimeErr};
use sqlx::error::DatabaseError;

/// Refused by the rules, or failed in the database. Either way nothing was changed.
pub enum Failure<R> {
    /// The rules refuse it; asking again changes nothing.
    Refused(R),
    /// The database did not answer or did not agree. Asking again may help.
    Store(DbErr),
}

/// A refusal, to be returned.
pub const fn refused<T, R>(refusal: R) -> Result<T, Failure<R>> {
    Err(Failure::Refused(refusal))
}

impl<R> From<DbErr> for Failure<R> {
    fn from(error: DbErr) -> Self {
        Self::Store(error)
    }
}

impl<R> Failure<R> {
    fn map<S>(self, f: impl FnOnce(R) -> S) -> Failure<S> {
        match self {
            Self::Refused(refusal) => Failure::Refused(f(refusal)),
            Self::Store(error) => Failure::Store(error),
        }
    }
}

impl<R: fmt::Debug> fmt::Debug for Failure<R> {
    /// The debug output of PostgreSQL's errors has whole rows in it, and ends up in logs. Their message
    /// says which constraint it was.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Refused(refusal) => f.debug_tuple("Refused").field(refusal).finish(),
            Self::Store(error) => f.debug_tuple("Store").field(&format_args!("{error}")).finish(),
        }
    }
}

impl<R: fmt::Display> fmt::Display for Failure<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Refused(refusal) => refusal.fmt(f),
            Self::Store(_) => f.write_str("the database failed"),
        }
    }
}

impl<R: fmt::Display + fmt::Debug> Error for Failure<R> {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Refused(_) => None,
            Self::Store(error) => Some(error),
        }
    }
}

/// What the steps of a verb refuse, as the verb's own refusals.
pub trait Refusing<T, R> {
    /// The same with another refusal.
    fn refusing<S>(self, f: impl FnOnce(R) -> S) -> Result<T, Failure<S>>;
}

impl<T, R> Refusing<T, R> for Result<T, Failure<R>> {
    fn refusing<S>(self, f: impl FnOnce(R) -> S) -> Result<T, Failure<S>> {
        self.map_err(|failure| failure.map(f))
    }
}

/// Makes the refusals of a verb: an enum whose values have a code for programs and words for logs.
///
/// ```
/// store::refusals! {
///     /// Why nobody was signed up.
///     pub SignUpRefusal {
///         /// The address has an account.
///         EmailTaken = "email_taken": "the address has an account",
///     }
/// }
/// assert_eq!(SignUpRefusal::EmailTaken.code(), "email_taken");
/// assert_eq!(SignUpRefusal::EmailTaken.to_string(), "the address has an account");
/// ```
#[macro_export]
macro_rules! refusals {
    ($(#[$doc:meta])* $vis:vis $name:ident {
        $($(#[$value_doc:meta])* $value:ident = $code:literal: $words:literal,)+
    }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        $vis enum $name {
            $($(#[$value_doc])* $value,)+
        }

        impl $name {
            /// What programs know it by. It never changes.
            $vis const fn code(self) -> &'static str {
                match self {
                    $(Self::$value => $code,)+
                }
            }
        }

        impl ::std::fmt::Display for $name {
            fn fmt(&self, f: &mut ::std::fmt::Formatter<'_>) -> ::std::fmt::Result {
                f.write_str(match self {
                    $(Self::$value => $words,)+
                })
            }
        }

        impl ::std::error::Error for $name {}
    };
}

/// What a write can end with: an error of the database, or one that can be made of it.
pub trait WriteError: From<DbErr> {
    /// Whether the same write may well succeed at once, because it met another one.
    fn is_collision(&self) -> bool;
}

impl<R> WriteError for Failure<R> {
    fn is_collision(&self) -> bool {
        matches!(self, Self::Store(error) if error.is_collision())
    }
}

impl WriteError for DbErr {
    fn is_collision(&self) -> bool {
        let (Self::Exec(cause) | Self::Query(cause) | Self::Conn(cause)) = self else {
            return false;
        };
        let RuntimeErr::SqlxError(cause) = cause else { return false };
        let code = cause.as_database_error().and_then(DatabaseError::code);
        code.is_some_and(|code| is_collision(&code))
    }
}

/// Whether an error is the database's being away or too busy, and nothing that the statement is to blame
/// for: asking again later may help.
pub fn is_away(error: &DbErr) -> bool {
    let (DbErr::Exec(cause) | DbErr::Query(cause) | DbErr::Conn(cause)) = error else {
        return matches!(error, DbErr::ConnectionAcquire(_));
    };
    let RuntimeErr::SqlxError(cause) = cause else { return false };
    let code = cause.as_database_error().and_then(DatabaseError::code);
    if let Some(code) = code {
        return is_collision(&code) || is_outage(&code);
    }
    matches!(
        **cause,
        sqlx::Error::Io(_)
            | sqlx::Error::Tls(_)
            | sqlx::Error::PoolTimedOut
            | sqlx::Error::PoolClosed
            | sqlx::Error::WorkerCrashed
    )
}

/// The classes of PostgreSQL for a connection, resources and an operator's intervention, a statement that
/// took too long included.
fn is_outage(code: &str) -> bool {
    code.len() == 5 && ["08", "53", "57"].iter().any(|class| code.starts_with(class))
}

/// `serialization_failure` and `deadlock_detected` of PostgreSQL, whose codes have five characters; and
/// SQLite's `SQLITE_BUSY`, which only another process can cause, with whatever is in its higher bits.
fn is_collision(code: &str) -> bool {
    const SQLITE_BUSY: u32 = 5;
    match code.len() {
        5 => matches!(code, "40001" | "40P01"),
        _ => code.parse::<u32>().is_ok_and(|code| code & 0xff == SQLITE_BUSY),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_outage_is_no_fault_of_the_statement() {
        for code in ["08006", "53300", "57P01", "57014"] {
            assert!(is_outage(code), "{code}");
        }
        for code in ["23505", "42601", "5", "787"] {
            assert!(!is_outage(code), "{code}");
        }
        assert!(!is_away(&DbErr::RecordNotInserted));
    }

    #[test]
    fn only_collisions_are_tried_again() {
        for code in ["40001", "40P01", "5", "261", "517", "773"] {
            assert!(is_collision(code), "{code}");
        }
        for code in ["23505", "57014", "6", "2067", "13", ""] {
            assert!(!is_collision(code), "{code}");
        }
    }
}
