//! Consents: what a user has allowed a client, so that they are asked once.

use diesel::{ExpressionMethods, OptionalExtension, QueryDsl};
use diesel_async::RunQueryDsl;

use super::{StorageError, TenantStore, connection::on_conn, schema::consents};
use crate::{
    domain::{Timestamp, UserId},
    protocol::Scope,
};

impl TenantStore<'_> {
    /// What the user has allowed the client so far.
    pub async fn find_consent(&mut self, user: UserId, client_id: &str) -> Result<Scope, StorageError> {
        let query = consents::table
            .filter(consents::tenant_id.eq(self.key()))
            .filter(consents::user_id.eq(user.to_string()))
            .filter(consents::client_id.eq(client_id.to_owned()))
            .select(consents::scope);
        let scope: Option<String> = on_conn!(self.unit, conn => query.first(conn).await.optional())?;
        scope.unwrap_or_default().parse().map_err(StorageError::corrupt)
    }

    /// Every consent of a user: client and scope.
    pub async fn list_consents(&mut self, user: UserId) -> Result<Vec<(String, Scope)>, StorageError> {
        let query = consents::table
            .filter(consents::tenant_id.eq(self.key()))
            .filter(consents::user_id.eq(user.to_string()))
            .order(consents::client_id)
            .select((consents::client_id, consents::scope));
        let rows: Vec<(String, String)> = on_conn!(self.unit, conn => query.load(conn).await)?;
        rows.into_iter().map(|(client, scope)| Ok((client, scope.parse().map_err(StorageError::corrupt)?))).collect()
    }

    /// Stores what the user allows the client from now on.
    pub async fn put_consent(
        &mut self,
        user: UserId,
        client_id: &str,
        scope: &Scope,
        now: Timestamp,
    ) -> Result<(), StorageError> {
        let row = (
            consents::tenant_id.eq(self.key()),
            consents::user_id.eq(user.to_string()),
            consents::client_id.eq(client_id.to_owned()),
            consents::scope.eq(scope.to_string()),
            consents::granted_at.eq(now.millis()),
        );
        let change = (consents::scope.eq(scope.to_string()), consents::granted_at.eq(now.millis()));
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
