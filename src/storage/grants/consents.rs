//! Consents: what a user has allowed a client, so that they are asked once.

use diesel::{BoolExpressionMethods, ExpressionMethods, JoinOnDsl, OptionalExtension, QueryDsl};
use diesel_async::RunQueryDsl;

use crate::storage::{
    Key, StorageError, TenantStore, engine::connection::on_conn, schema::clients,
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

impl TenantStore<'_> {
    /// What the user has allowed the client so far. What was allowed to a client of the same name
    /// that was deleted does not count.
    pub async fn find_consent(
        &mut self,
        user: UserId,
        client_id: &str,
    ) -> Result<Scope, StorageError> {
        let of_client = clients::tenant_id
            .eq(consents::tenant_id)
            .and(clients::client_id.eq(consents::client_id));
        let query = consents::table
            .inner_join(clients::table.on(of_client))
            .filter(consents::tenant_id.eq(self.key()))
            .filter(consents::user_id.eq(Key::from(user)))
            .filter(consents::client_id.eq(client_id.to_owned()))
            .filter(consents::born_seq.ge(clients::born_seq))
            .select(consents::scope);
        let scope: Option<String> =
            on_conn!(self.unit, conn => query.first(conn).await.optional())?;
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
