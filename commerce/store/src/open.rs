//! Opening a database: which one, how it is set up, and its schema brought up to date.

use std::{fmt, path::Path, str::FromStr as _, sync::Arc, time::Duration};

use base::moment::Clock;
use sea_orm::{DatabaseConnection, SqlxPostgresConnector, SqlxSqliteConnector};
use sqlx::{
    ConnectOptions as _, Connection as _,
    postgres::{PgConnectOptions, PgPoolOptions},
    sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous},
};

use crate::{
    db::Db,
    fact::Listeners,
    kind::Kind,
    migrate::{Step, migrator},
    setting::Setting,
};

/// How long a caller waits for a connection before it is told that the database is busy.
const ACQUIRE_WITHIN: Duration = Duration::from_secs(5);
/// How long SQLite waits for another process, such as one that makes a copy.
const BUSY_WITHIN: Duration = Duration::from_secs(5);
/// How long one statement may take on PostgreSQL, and how long a transaction may stand still.
const STATEMENT_MS: &str = "10000";
const IDLE_IN_TRANSACTION_MS: &str = "30000";

/// Which database, and how many connections to it.
#[derive(Clone)]
pub struct Options {
    /// `sqlite:FILE` or `postgres://…`.
    pub url: String,
    /// Connections for reading, and on PostgreSQL as many for writing.
    pub connections: u32,
}

impl fmt::Debug for Options {
    /// The URL may hold a password.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Options").field("connections", &self.connections).finish_non_exhaustive()
    }
}

/// Why a database could not be opened.
#[derive(Debug)]
pub enum OpenError {
    /// The URL names neither of the two.
    Url,
    /// It cannot be reached, or refuses us.
    Connect(sqlx::Error),
    /// Its schema is not what this program made, or could not be made.
    Migrate(sqlx::migrate::MigrateError),
}

impl fmt::Display for OpenError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Url => f.write_str(
                "not a database: allowed are sqlite: with the path of a file, and postgres://…",
            ),
            Self::Connect(_) => f.write_str("cannot open the database"),
            Self::Migrate(_) => f.write_str("cannot bring the database's schema up to date"),
        }
    }
}

impl std::error::Error for OpenError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Url => None,
            Self::Connect(error) => Some(error),
            Self::Migrate(error) => Some(error),
        }
    }
}

impl OpenError {
    /// Whether another try would end like this one, as somebody has to change something first.
    pub const fn is_lasting(&self) -> bool {
        match self {
            Self::Url => true,
            Self::Connect(_) => false,
            Self::Migrate(error) => !matches!(
                error,
                sqlx::migrate::MigrateError::Execute(_)
                    | sqlx::migrate::MigrateError::ExecuteMigration(..)
            ),
        }
    }
}

/// Whether a text is a URL of a database that can be opened.
pub fn is_url(url: &str) -> bool {
    match url.strip_prefix("sqlite:") {
        // Other programs read more into such a URL; here it would be a strange name of a file.
        Some(file) => !file.is_empty() && !file.starts_with("//") && !file.contains([':', '?']),
        None => url.starts_with("postgres:") || url.starts_with("postgresql:"),
    }
}

impl Db {
    /// Opens a database and brings its schema up to date with the steps of all crates.
    ///
    /// # Errors
    ///
    /// If it cannot be reached, or its schema is not one that these steps lead to.
    pub async fn open(
        options: &Options,
        steps: &[Step],
        listeners: Listeners,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, OpenError> {
        if !is_url(&options.url) {
            return Err(OpenError::Url);
        }
        let (reader, writer) = match options.url.strip_prefix("sqlite:") {
            Some(file) => sqlite(Path::new(file), options.connections, steps).await?,
            None => postgres(options, steps).await?,
        };
        Ok(Self::of(reader, writer, Setting::new(clock, listeners)))
    }
}

type Doors = (DatabaseConnection, DatabaseConnection);

async fn sqlite(file: &Path, connections: u32, steps: &[Step]) -> Result<Doors, OpenError> {
    let common = SqliteConnectOptions::new()
        .filename(file)
        .busy_timeout(BUSY_WITHIN)
        .foreign_keys(true)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Full);
    // A step may replace a table that others refer to, which would empty them.
    let migrating = common.clone().create_if_missing(true).foreign_keys(false);
    let mut migrating = migrating.connect().await.map_err(OpenError::Connect)?;
    let migrator = migrator(Kind::Sqlite, steps);
    migrator.run_direct(None, &mut migrating, false).await.map_err(OpenError::Migrate)?;
    migrating.close().await.map_err(OpenError::Connect)?;

    let pool = || {
        SqlitePoolOptions::new()
            .acquire_timeout(ACQUIRE_WITHIN)
            .idle_timeout(None)
            .max_lifetime(None)
            .test_before_acquire(false)
    };
    // One connection, so that writes wait in the pool's fair line and never find the file locked. After
    // a commit that failed, SQLite has rolled back and its client still counts a transaction: such a
    // connection would acknowledge what it never commits, and is closed.
    let writer = pool().max_connections(1).after_release(|connection, _| {
        Box::pin(async move {
            connection.ping().await?;
            Ok(!connection.is_in_transaction())
        })
    });
    let writer = writer.connect_with(common.clone()).await.map_err(OpenError::Connect)?;
    let reader = common.pragma("query_only", "ON");
    let reader = pool().max_connections(connections).connect_with(reader);
    let reader = reader.await.map_err(OpenError::Connect)?;
    Ok((
        SqlxSqliteConnector::from_sqlx_sqlite_pool(reader),
        SqlxSqliteConnector::from_sqlx_sqlite_pool(writer),
    ))
}

async fn postgres(options: &Options, steps: &[Step]) -> Result<Doors, OpenError> {
    let common = PgConnectOptions::from_str(&options.url).map_err(OpenError::Connect)?;
    let common = common.application_name("rushgate");
    // A step takes as long as it takes, and other nodes wait for it.
    let mut migrating = common.connect().await.map_err(OpenError::Connect)?;
    let migrator = migrator(Kind::Postgres, steps);
    migrator.run_direct(None, &mut migrating, false).await.map_err(OpenError::Migrate)?;
    migrating.close().await.map_err(OpenError::Connect)?;

    let common = common.options([
        ("statement_timeout", STATEMENT_MS),
        ("idle_in_transaction_session_timeout", IDLE_IN_TRANSACTION_MS),
        // Kept answers and conditional updates count on seeing what was committed meanwhile.
        ("default_transaction_isolation", "read committed"),
    ]);
    let pool = || {
        PgPoolOptions::new().acquire_timeout(ACQUIRE_WITHIN).max_connections(options.connections)
    };
    let writer = pool().connect_with(common.clone()).await.map_err(OpenError::Connect)?;
    let reader = common.options([("default_transaction_read_only", "on")]);
    let reader = pool().connect_with(reader).await.map_err(OpenError::Connect)?;
    Ok((
        SqlxPostgresConnector::from_sqlx_postgres_pool(reader),
        SqlxPostgresConnector::from_sqlx_postgres_pool(writer),
    ))
}
