//! Consents: what a user has allowed a client, so that they are asked once.

use diesel::{BoolExpressionMethods, ExpressionMethods, JoinOnDsl, OptionalExtension, QueryDsl};
use diesel_async::RunQueryDsl;

use crate::storage::{
    Key, Page, StorageError, TenantStore,
    engine::connection::{on_backend, on_conn},
    schema::clients,
};
use crate::{
    domain::{EventNumber, Timestamp, UserId},
    protocol::Scope,
};

diesel::table! {
    use diesel::sql_types::*;
    use crate::storage::engine::columns::Id16;

    consents (tenant_id, user_id, client_id) {
        tenant_id -> Id16,
        user_id -> Id16,
        client_id -> Text,
        scope -> Text,
        born_seq -> BigInt,
        granted_at -> BigInt,
    }
}

/// What a user has allowed clients that are there. What was allowed to a client of the same name that was deleted does
/// not count.
macro_rules! consents_that_count {
    ($tenant:expr, $user:expr) => {{
        let of_client = clients::tenant_id
            .eq(consents::tenant_id)
            .and(clients::client_id.eq(consents::client_id));
        consents::table
            .inner_join(clients::table.on(of_client))
            .filter(consents::tenant_id.eq($tenant))
            .filter(consents::user_id.eq(Key::from($user)))
            .filter(consents::born_seq.ge(clients::born_seq))
    }};
}

/// What a user has allowed a client.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Consent {
    /// The client.
    pub client_id: String,
    /// What it was allowed.
    pub scope: Scope,
    /// When it was last asked for.
    pub granted_at: Timestamp,
}

impl TenantStore<'_> {
    /// What the user has allowed clients that are still there, by their names, after the client `after`.
    pub async fn list_consents(
        &mut self,
        user: UserId,
        after: &str,
        limit: i64,
    ) -> Result<Page<Consent>, StorageError> {
        let query = consents_that_count!(self.key(), user)
            .filter(consents::client_id.gt(after.to_owned()))
            .order(consents::client_id)
            .limit(limit + 1)
            .select((consents::client_id, consents::scope, consents::granted_at));
        let rows: Vec<(String, String, i64)> = on_conn!(self.unit, conn => query.load(conn).await)?;
        let consent = |(client_id, scope, granted_at): (String, String, i64)| {
            let scope = scope.parse().map_err(StorageError::broken)?;
            Ok(Consent { client_id, scope, granted_at: Timestamp::from_millis(granted_at) })
        };
        let items = rows.into_iter().map(consent).collect::<Result<Vec<_>, StorageError>>()?;
        Ok(Page::cut(items, limit, |consent| consent.client_id.clone()))
    }

    /// Takes back what the user has allowed the client; answers whether there was anything.
    pub async fn delete_consent(
        &mut self,
        user: UserId,
        client_id: &str,
    ) -> Result<bool, StorageError> {
        let target = consents::table
            .filter(consents::tenant_id.eq(self.key()))
            .filter(consents::user_id.eq(Key::from(user)))
            .filter(consents::client_id.eq(client_id.to_owned()));
        let gone = on_conn!(self.unit, conn => diesel::delete(target).execute(conn).await)?;
        Ok(gone > 0)
    }

    /// What the user has allowed the client so far.
    pub async fn find_consent(
        &mut self,
        user: UserId,
        client_id: &str,
    ) -> Result<Scope, StorageError> {
        let query = consents_that_count!(self.key(), user)
            .filter(consents::client_id.eq(client_id.to_owned()))
            .select(consents::scope);
        let scope: Option<String> =
            on_conn!(self.unit, conn => query.first(conn).await.optional())?;
        scope.unwrap_or_default().parse().map_err(StorageError::broken)
    }

    /// What the user has allowed the client, which nobody takes back before this unit ends.
    pub async fn hold_consent(
        &mut self,
        user: UserId,
        client_id: &str,
    ) -> Result<Scope, StorageError> {
        let query = consents::table
            .filter(consents::tenant_id.eq(self.key()))
            .filter(consents::user_id.eq(Key::from(user)))
            .filter(consents::client_id.eq(client_id.to_owned()))
            .select(consents::scope);
        // On SQLite nobody else writes while a unit does.
        let scope: Option<String> = on_backend!(self.unit,
            sqlite conn => query.first(conn).await.optional(),
            postgres conn => query.for_share().first(conn).await.optional()
        )?;
        scope.unwrap_or_default().parse().map_err(StorageError::broken)
    }

    /// Stores what the user allows the client from now on, `known` being the last event.
    pub async fn put_consent(
        &mut self,
        user: UserId,
        client_id: &str,
        scope: &Scope,
        known: EventNumber,
        now: Timestamp,
    ) -> Result<(), StorageError> {
        let change = (
            consents::scope.eq(scope.to_string()),
            consents::born_seq.eq(known.0),
            consents::granted_at.eq(now.millis()),
        );
        let row = (
            consents::tenant_id.eq(self.key()),
            consents::user_id.eq(Key::from(user)),
            consents::client_id.eq(client_id.to_owned()),
            change.clone(),
        );
        on_conn!(self.unit, conn => diesel::insert_into(consents::table)
            .values(row)
            .on_conflict((consents::tenant_id, consents::user_id, consents::client_id))
            .do_update()
            .set(change)
            .execute(conn)
            .await)?;
        Ok(())
    }
}
