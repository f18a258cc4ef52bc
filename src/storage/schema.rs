//! Every table: where it stands, whether it has its columns, and in which order what is old goes.
//! They are alike on both databases, and `migrations/` is the truth.

use diesel::{ExpressionMethods, QueryDsl, allow_tables_to_appear_in_same_query};
use diesel_async::RunQueryDsl;

use super::{EveryTenant, Storage, StorageError, Unit, engine::connection::on_conn, fills};
use crate::domain::Timestamp;

macro_rules! tables {
    ($(super::$room:ident::$file:ident::$table:ident),+ $(,)?) => {
        $(pub(super) use super::$room::$file::$table;)+

        impl Unit {
            /// Whether each table has its columns.
            ///
            /// # Errors
            /// [`StorageError::Migration`] in the database's own words.
            async fn check_columns(&mut self) -> Result<(), StorageError> {
                $(
                    let query = $table::table.select($table::all_columns).limit(0);
                    let found = on_conn!(self, conn => query.execute(conn).await);
                    found.map_err(|why| {
                        let table = stringify!($table);
                        StorageError::Migration(format!("table {table}: {}", why.cause()))
                    })?;
                )+
                Ok(())
            }
        }
    };
}

tables! {
    super::identity::tenants::tenants,
    super::identity::clients::clients,
    super::identity::clients::client_secrets,
    super::identity::clients::client_assertions,
    super::identity::users::users,
    super::sessions::rows::sessions,
    super::grants::families::token_families,
    super::grants::codes::authorization_codes,
    super::grants::consents::consents,
    super::keys::signing_keys::signing_keys,
    super::keys::installation::installation,
    super::events::revocation_events::revocation_head,
    super::events::revocation_events::revocation_events,
    super::events::nodes::nodes,
    super::events::audit::audit_events,
    super::jobs::queue::jobs,
}

allow_tables_to_appear_in_same_query!(
    sessions,
    token_families,
    authorization_codes,
    consents,
    users,
    clients,
    tenants,
    revocation_head,
);

impl Storage {
    /// Whether the database is what this version works with: each table has its columns, and a write
    /// is taken.
    ///
    /// # Errors
    /// [`StorageError::Migration`] in the database's own words. A full disk is none: reading goes on.
    pub async fn check(&self) -> Result<(), StorageError> {
        let mut unit = self.write(EveryTenant::Installation).await?;
        unit.check_columns().await?;
        let nothing = diesel::update(revocation_head::table)
            .set(revocation_head::seq.eq(revocation_head::seq));
        match on_conn!(unit, conn => nothing.execute(conn).await) {
            Err(why) if why.cause().contains("read-only") || why.cause().contains("readonly") => {
                Err(StorageError::Migration(why.cause().to_owned()))
            }
            // Whoever is away, or full, may be back by the time that somebody asks.
            _ => Ok(()),
        }
    }
}

/// How long ended and expired rows stay, so that a replay is still told from garbage and an
/// admin still sees what was.
const KEPT_S: i64 = 7 * 86_400;

/// Rows of one transaction: a few milliseconds of SQLite's writer.
pub(super) const SOME: i64 = 200;

/// What is swept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sweep {
    /// Sessions whose time is over are marked so.
    ExpiredSessions,
    /// Sessions that were over long ago go, with their families.
    OldSessions,
    /// Authorization codes.
    Codes,
    /// Client assertions.
    Assertions,
    /// Events.
    Events,
    /// Retired keys, silent nodes, finished jobs: few, and all at once.
    Rest,
}

impl Sweep {
    /// All of it, in this order.
    pub const ALL: [Self; 6] = [
        Self::ExpiredSessions,
        Self::OldSessions,
        Self::Codes,
        Self::Assertions,
        Self::Events,
        Self::Rest,
    ];

    /// Sweeps some rows; answers how many, and whether more may be left.
    pub(super) async fn some(
        self,
        unit: &mut Unit,
        now: Timestamp,
    ) -> Result<(usize, bool), StorageError> {
        let old = now.plus(-KEPT_S);
        let rows = match self {
            Self::ExpiredSessions => unit.mark_expired(old, now, SOME).await?,
            Self::OldSessions => unit.sweep_sessions(old, SOME).await?,
            Self::Codes => unit.sweep_codes(old, SOME).await?,
            Self::Assertions => unit.sweep_assertions(now, SOME).await?,
            Self::Events => unit.sweep_events(SOME).await?,
            Self::Rest => {
                let keys = unit.sweep_keys(now).await?;
                let rest = unit.sweep_nodes().await? + unit.sweep_jobs().await?;
                return Ok((keys + rest, false));
            }
        };
        Ok((rows, fills(rows, SOME)))
    }
}
