//! Brings the schema to this version.
//!
//! Everything happens in one transaction under a lock: a killed migration leaves nothing
//! behind, and of two nodes that migrate at once the second finds nothing left to do.

use diesel::{define_sql_function, migration::MigrationSource};
use diesel_async::{
    AsyncConnection, AsyncMigrationHarness, AsyncPgConnection, RunQueryDsl, TransactionManager as _,
};
use diesel_migrations::{EmbeddedMigrations, MigrationHarness, embed_migrations};

use crate::storage::{Storage, StorageError, engine::connection::Backend, engine::unit::in_turn};

const SQLITE: EmbeddedMigrations = embed_migrations!("migrations/sqlite");
const POSTGRES: EmbeddedMigrations = embed_migrations!("migrations/postgres");

/// Any number, the same on every node: "portcull" in ASCII.
const LOCK: i64 = 0x706f_7274_6375_6c6c;

define_sql_function!(fn pg_advisory_xact_lock(key: diesel::sql_types::BigInt));
define_sql_function!(fn row_security_active(table: diesel::sql_types::Text) -> diesel::sql_types::Bool);

impl Storage {
    /// Runs the migrations that have not run; answers their names.
    ///
    /// # Errors
    /// [`StorageError::Migration`]: the schema is as it was.
    pub async fn migrate(&self) -> Result<Vec<String>, StorageError> {
        match self.unlimited_postgres().await? {
            Some(conn) => migrate_postgres(conn).await,
            None => in_turn(|| self.migrate_sqlite()).await,
        }
    }

    async fn migrate_sqlite(&self) -> Result<Vec<String>, StorageError> {
        let mut conn = self.writer().await?;
        let Backend::Sqlite(lease) = &mut conn.0 else {
            return Err(failed("no SQLite connection"));
        };
        lease.begin_immediate()?;
        // Where it fails, the lease is dropped with its transaction, which is undone.
        let ran = lease.in_place(|conn| run(conn, SQLITE))?;
        lease.commit()?;
        Ok(ran)
    }

    /// The migrations that have not run, by name.
    ///
    /// # Errors
    /// [`StorageError`] where the database cannot be asked.
    pub async fn pending_migrations(&self) -> Result<Vec<String>, StorageError> {
        match self.unlimited_postgres().await? {
            Some(conn) => pending(&mut AsyncMigrationHarness::new(conn), POSTGRES),
            None => match self.writer().await?.0 {
                Backend::Sqlite(mut lease) => lease.in_place(|conn| pending(conn, SQLITE)),
                Backend::Postgres(_) => Err(failed("no SQLite connection")),
            },
        }
    }

    /// Whether row-level security holds the role that this server connects as; `None` for SQLite,
    /// which has none.
    ///
    /// # Errors
    /// [`StorageError`] where the database cannot be asked.
    pub async fn policies_hold(&self) -> Result<Option<bool>, StorageError> {
        let Some(mut conn) = self.unlimited_postgres().await? else { return Ok(None) };
        let holds = diesel::select(row_security_active("sessions")).get_result(&mut conn).await?;
        Ok(Some(holds))
    }

    async fn unlimited_postgres(&self) -> Result<Option<AsyncPgConnection>, StorageError> {
        self.pool.unlimited_postgres().await.map_err(StorageError::away)
    }
}

/// On a connection that is closed afterwards: where it fails, the server undoes all of it.
async fn migrate_postgres(mut conn: AsyncPgConnection) -> Result<Vec<String>, StorageError> {
    <AsyncPgConnection as AsyncConnection>::TransactionManager::begin_transaction(&mut conn)
        .await?;
    diesel::select(pg_advisory_xact_lock(LOCK)).execute(&mut conn).await?;
    let mut harness = AsyncMigrationHarness::new(conn);
    let ran = run(&mut harness, POSTGRES)?;
    let mut conn = harness.into_inner();
    <AsyncPgConnection as AsyncConnection>::TransactionManager::commit_transaction(&mut conn)
        .await?;
    Ok(ran)
}

/// Refuses a database that holds migrations of a version that came after this one.
fn refuse_newer<DB: diesel::backend::Backend>(
    harness: &mut impl MigrationHarness<DB>,
    source: &EmbeddedMigrations,
) -> Result<(), StorageError> {
    let known = MigrationSource::<DB>::migrations(source).map_err(failed)?;
    let known: Vec<String> =
        known.iter().map(|migration| migration.name().version().to_string()).collect();
    let applied = harness.applied_migrations().map_err(failed)?;
    match applied.iter().map(ToString::to_string).find(|version| !known.contains(version)) {
        Some(newer) => Err(failed(format!(
            "it was made by a newer version ({newer}): run that version or a later one"
        ))),
        None => Ok(()),
    }
}

fn failed(why: impl std::fmt::Display) -> StorageError {
    StorageError::Migration(why.to_string())
}

fn run<DB: diesel::backend::Backend>(
    harness: &mut impl MigrationHarness<DB>,
    source: EmbeddedMigrations,
) -> Result<Vec<String>, StorageError> {
    refuse_newer(harness, &source)?;
    let ran = harness.run_pending_migrations(source).map_err(failed)?;
    Ok(ran.iter().map(ToString::to_string).collect())
}

fn pending<DB: diesel::backend::Backend>(
    harness: &mut impl MigrationHarness<DB>,
    source: EmbeddedMigrations,
) -> Result<Vec<String>, StorageError> {
    refuse_newer(harness, &source)?;
    let left = harness.pending_migrations(source).map_err(failed)?;
    Ok(left.iter().map(|migration| migration.name().to_string()).collect())
}
