//! Brings the schema to this version.
//!
//! Everything happens in one transaction under a lock: a killed migration leaves nothing
//! behind, and of two nodes that migrate at once the second finds nothing left to do.

use diesel::define_sql_function;
use diesel_async::{AsyncMigrationHarness, RunQueryDsl};
use diesel_migrations::{EmbeddedMigrations, MigrationHarness, embed_migrations};

use super::{
    Storage, StorageError,
    connection::{Backend, Connection, PgLease},
    unit::{begin, commit},
};

const SQLITE: EmbeddedMigrations = embed_migrations!("migrations/sqlite");
const POSTGRES: EmbeddedMigrations = embed_migrations!("migrations/postgres");

/// Any number, the same on every node: "portcull" in ASCII.
const LOCK: i64 = 0x706f_7274_6375_6c6c;

define_sql_function!(fn pg_advisory_xact_lock(key: diesel::sql_types::BigInt));

impl Storage {
    /// Runs the migrations that have not run; answers their names.
    ///
    /// # Errors
    /// [`StorageError::Migration`]: the schema is as it was.
    pub async fn migrate(&self) -> Result<Vec<String>, StorageError> {
        let mut conn = self.connection().await?;
        begin(&mut conn).await?;
        let (mut conn, ran) = match conn.0 {
            Backend::Sqlite(mut lease) => {
                let ran = lease.spawn_blocking(|conn| Ok(run(conn, SQLITE))).await?;
                (Connection(Backend::Sqlite(lease)), ran)
            }
            Backend::Postgres(mut lease) => {
                diesel::select(pg_advisory_xact_lock(LOCK)).execute(&mut **lease).await?;
                let object = lease.into_object().ok_or_else(|| failed("the connection is gone"))?;
                let mut harness = AsyncMigrationHarness::new(object);
                let ran = run(&mut harness, POSTGRES);
                (Connection(Backend::Postgres(Box::new(PgLease::new(harness.into_inner(), true)))), ran)
            }
        };
        // Where it failed, the connection is dropped with its transaction, which is undone.
        let ran = ran?;
        commit(&mut conn).await?;
        Ok(ran)
    }

    /// The migrations that have not run, by name.
    ///
    /// # Errors
    /// [`StorageError`] where the database cannot be asked.
    pub async fn pending_migrations(&self) -> Result<Vec<String>, StorageError> {
        match self.connection().await?.0 {
            Backend::Sqlite(mut lease) => lease.spawn_blocking(|conn| Ok(pending(conn, SQLITE))).await?,
            Backend::Postgres(lease) => {
                let object = lease.into_object().ok_or_else(|| failed("the connection is gone"))?;
                pending(&mut AsyncMigrationHarness::new(object), POSTGRES)
            }
        }
    }
}

fn failed(why: impl std::fmt::Display) -> StorageError {
    StorageError::Migration(why.to_string())
}

fn run<DB: diesel::backend::Backend>(
    harness: &mut impl MigrationHarness<DB>,
    source: EmbeddedMigrations,
) -> Result<Vec<String>, StorageError> {
    let ran = harness.run_pending_migrations(source).map_err(failed)?;
    Ok(ran.iter().map(ToString::to_string).collect())
}

fn pending<DB: diesel::backend::Backend>(
    harness: &mut impl MigrationHarness<DB>,
    source: EmbeddedMigrations,
) -> Result<Vec<String>, StorageError> {
    let left = harness.pending_migrations(source).map_err(failed)?;
    Ok(left.iter().map(|migration| migration.name().to_string()).collect())
}
