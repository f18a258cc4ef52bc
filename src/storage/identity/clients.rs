//! Clients, their secrets, and the assertions they have used.

use diesel::{
    ExpressionMethods, Insertable, OptionalExtension, QueryDsl, Queryable, Selectable,
    SelectableHelper,
};
use diesel_async::RunQueryDsl;

use crate::domain::{
    Change, Client, ClientMetadata, ClientSecret, Ending, EventNumber, GrantType, SecretId,
    TenantId, Timestamp,
};
use crate::storage::{
    Key, Page, Place, StorageError, TenantStore, Unit, engine::connection::on_conn,
    engine::repeated::Repeated,
};

diesel::table! {
    use diesel::sql_types::*;
    use crate::storage::engine::columns::Id16;

    client_assertions (tenant_id, client_id, jti_digest) {
        tenant_id -> Id16,
        client_id -> Text,
        jti_digest -> Binary,
        expires_at -> BigInt,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::storage::engine::columns::Id16;

    client_secrets (tenant_id, client_id, id) {
        tenant_id -> Id16,
        client_id -> Text,
        id -> Id16,
        digest -> Binary,
        created_at -> BigInt,
        expires_at -> Nullable<BigInt>,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::storage::engine::columns::Id16;

    clients (tenant_id, client_id) {
        tenant_id -> Id16,
        client_id -> Text,
        metadata -> Text,
        version -> BigInt,
        born_seq -> BigInt,
        ended_seq -> BigInt,
        created_at -> BigInt,
        updated_at -> BigInt,
    }
}

#[derive(Queryable, Selectable, Insertable)]
#[diesel(table_name = clients)]
struct Row {
    tenant_id: Key,
    client_id: String,
    metadata: String,
    version: i64,
    born_seq: i64,
    ended_seq: i64,
    created_at: i64,
    updated_at: i64,
}

#[derive(Queryable, Selectable, Insertable, Clone)]
#[diesel(table_name = client_secrets)]
struct SecretRow {
    tenant_id: Key,
    client_id: String,
    id: Key,
    digest: Vec<u8>,
    created_at: i64,
    expires_at: Option<i64>,
}

impl From<SecretRow> for ClientSecret {
    fn from(row: SecretRow) -> Self {
        Self {
            id: row.id.into(),
            digest: row.digest,
            created_at: Timestamp::from_millis(row.created_at),
            expires_at: row.expires_at.map(Timestamp::from_millis),
        }
    }
}

fn client_of(
    tenant_id: TenantId,
    row: Row,
    secrets: Vec<SecretRow>,
) -> Result<Client, StorageError> {
    Ok(Client {
        tenant_id,
        metadata: serde_json::from_str(&row.metadata).map_err(StorageError::broken)?,
        client_id: row.client_id,
        secrets: secrets.into_iter().map(ClientSecret::from).collect(),
        version: row.version,
        ended_seq: EventNumber(row.ended_seq),
        created_at: Timestamp::from_millis(row.created_at),
        updated_at: Timestamp::from_millis(row.updated_at),
    })
}

impl TenantStore<'_> {
    /// The client with this identifier, and its secrets.
    pub async fn find_client(&mut self, client_id: &str) -> Result<Option<Client>, StorageError> {
        let query = clients::table
            .filter(clients::tenant_id.eq(self.key()))
            .filter(clients::client_id.eq(client_id.to_owned()));
        let row: Option<Row> = on_conn!(self.unit, conn => query.select(Row::as_select()).first(conn).await.optional())?;
        match row {
            Some(row) => self.with_secrets(row).await.map(Some),
            None => Ok(None),
        }
    }

    /// Takes a client for changing: nobody else changes it until this unit ends, and its version
    /// is raised. Undone where the unit is dropped.
    pub async fn take_client(&mut self, client_id: &str) -> Result<Option<Client>, StorageError> {
        let target = clients::table
            .filter(clients::tenant_id.eq(self.key()))
            .filter(clients::client_id.eq(client_id.to_owned()));
        let raised = diesel::update(target).set(clients::version.eq(clients::version + 1));
        let row: Option<Row> = on_conn!(self.unit, conn => Repeated(raised.returning(Row::as_returning())).get_result(conn).await.optional())?;
        match row {
            Some(row) => self.with_secrets(row).await.map(Some),
            None => Ok(None),
        }
    }

    async fn with_secrets(&mut self, row: Row) -> Result<Client, StorageError> {
        let query = client_secrets::table
            .filter(client_secrets::tenant_id.eq(self.key()))
            .filter(client_secrets::client_id.eq(row.client_id.clone()))
            .order(client_secrets::created_at);
        let secrets: Vec<SecretRow> =
            on_conn!(self.unit, conn => query.select(SecretRow::as_select()).load(conn).await)?;
        client_of(self.tenant_id, row, secrets)
    }

    /// Clients in the order of their identifiers, without their secrets.
    pub async fn list_clients(
        &mut self,
        after: &str,
        limit: i64,
    ) -> Result<Page<Client>, StorageError> {
        let query = clients::table
            .filter(clients::tenant_id.eq(self.key()))
            .filter(clients::client_id.gt(after.to_owned()))
            .order(clients::client_id)
            .limit(limit + 1);
        let rows: Vec<Row> =
            on_conn!(self.unit, conn => query.select(Row::as_select()).load(conn).await)?;
        let items = rows
            .into_iter()
            .map(|row| client_of(self.tenant_id, row, Vec::new()))
            .collect::<Result<_, _>>()?;
        Ok(Page::cut(items, limit, |client: &Client| client.client_id.clone()))
    }

    /// The grant types that some client of the tenant may use.
    pub async fn grants_in_use(&mut self) -> Result<Vec<GrantType>, StorageError> {
        let mut grants = Vec::new();
        let mut after = String::new();
        loop {
            let page = self.list_clients(&after, 500).await?;
            for client in &page.items {
                grants.extend(GrantType::ALL.iter().filter(|grant| client.allows(**grant)));
            }
            match page.next {
                Some(next) => after = next,
                None => break,
            }
        }
        Ok(GrantType::ALL.iter().filter(|grant| grants.contains(grant)).copied().collect())
    }

    /// Adds a client, without secrets. It is born now: what one of the same name had before is
    /// none of its own.
    pub async fn insert_client(&mut self, client: &Client) -> Result<(), StorageError> {
        let row = Row {
            tenant_id: self.key(),
            client_id: client.client_id.clone(),
            metadata: serde_json::to_string(&client.metadata).map_err(StorageError::broken)?,
            version: client.version,
            born_seq: 0,
            ended_seq: 0,
            created_at: client.created_at.millis(),
            updated_at: client.updated_at.millis(),
        };
        on_conn!(self.unit, conn => diesel::insert_into(clients::table).values(&row).execute(conn).await)?;
        // The number is read once the row is in: putting it in may have waited for another's
        // commit, the one that deletes the client of this name.
        let born = self.unit.head().await?;
        let target = clients::table
            .filter(clients::tenant_id.eq(self.key()))
            .filter(clients::client_id.eq(client.client_id.clone()));
        let change = (clients::born_seq.eq(born.0), clients::ended_seq.eq(born.0));
        on_conn!(self.unit, conn => diesel::update(target).set(change).execute(conn).await)?;
        self.client_changed(&client.client_id);
        Ok(())
    }

    /// Stores a changed registration; secrets have calls of their own.
    pub async fn set_client_metadata(
        &mut self,
        client_id: &str,
        metadata: &ClientMetadata,
        now: Timestamp,
    ) -> Result<(), StorageError> {
        let metadata = serde_json::to_string(metadata).map_err(StorageError::broken)?;
        let target = clients::table
            .filter(clients::tenant_id.eq(self.key()))
            .filter(clients::client_id.eq(client_id.to_owned()));
        let change = (clients::metadata.eq(metadata), clients::updated_at.eq(now.millis()));
        on_conn!(self.unit, conn => diesel::update(target).set(change).execute(conn).await)?;
        self.client_changed(client_id);
        Ok(())
    }

    /// Removes a client with its secrets, and ends everything it had; what is left of that is
    /// removed afterwards. The event stays as long as a token of it might.
    pub async fn delete_client(&mut self, client_id: &str) -> Result<Place, StorageError> {
        let target = clients::table
            .filter(clients::tenant_id.eq(self.key()))
            .filter(clients::client_id.eq(client_id.to_owned()));
        on_conn!(self.unit, conn => diesel::delete(target).execute(conn).await)?;
        Ok(self.end_deleted(Ending::Client(client_id.to_owned())))
    }

    /// Adds a secret.
    pub async fn insert_secret(
        &mut self,
        client_id: &str,
        secret: &ClientSecret,
    ) -> Result<(), StorageError> {
        let row = SecretRow {
            tenant_id: self.key(),
            client_id: client_id.to_owned(),
            id: secret.id.into(),
            digest: secret.digest.clone(),
            created_at: secret.created_at.millis(),
            expires_at: secret.expires_at.map(Timestamp::millis),
        };
        on_conn!(self.unit, conn => diesel::insert_into(client_secrets::table).values(&row).execute(conn).await)?;
        self.client_changed(client_id);
        Ok(())
    }

    /// Makes the client's secrets other than `keep` expire at `at`, unless they do so before.
    pub async fn expire_secrets(
        &mut self,
        client_id: &str,
        keep: SecretId,
        at: Timestamp,
    ) -> Result<(), StorageError> {
        let target = client_secrets::table
            .filter(client_secrets::tenant_id.eq(self.key()))
            .filter(client_secrets::client_id.eq(client_id.to_owned()))
            .filter(client_secrets::id.ne(Key::from(keep)))
            .filter(client_secrets::expires_at.is_null());
        let change = client_secrets::expires_at.eq(Some(at.millis()));
        on_conn!(self.unit, conn => diesel::update(target).set(change).execute(conn).await)?;
        self.client_changed(client_id);
        Ok(())
    }

    /// Removes a secret; answers whether there was one.
    pub async fn delete_secret(
        &mut self,
        client_id: &str,
        id: SecretId,
    ) -> Result<bool, StorageError> {
        let target = client_secrets::table
            .filter(client_secrets::tenant_id.eq(self.key()))
            .filter(client_secrets::client_id.eq(client_id.to_owned()))
            .filter(client_secrets::id.eq(Key::from(id)));
        let gone = on_conn!(self.unit, conn => diesel::delete(target).execute(conn).await)?;
        self.client_changed(client_id);
        Ok(gone > 0)
    }

    /// Removes every secret of a client, which authenticates in another way from now on.
    pub async fn delete_secrets(&mut self, client_id: &str) -> Result<(), StorageError> {
        let target = client_secrets::table
            .filter(client_secrets::tenant_id.eq(self.key()))
            .filter(client_secrets::client_id.eq(client_id.to_owned()));
        on_conn!(self.unit, conn => diesel::delete(target).execute(conn).await)?;
        self.client_changed(client_id);
        Ok(())
    }

    /// Notes that a client assertion was used; answers `false` where it had been before
    /// (RFC 7523 §3, `jti`).
    pub async fn spend_assertion(
        &mut self,
        client_id: &str,
        jti_digest: &[u8],
        expires_at: Timestamp,
    ) -> Result<bool, StorageError> {
        let row = (
            client_assertions::tenant_id.eq(self.key()),
            client_assertions::client_id.eq(client_id.to_owned()),
            client_assertions::jti_digest.eq(jti_digest.to_vec()),
            client_assertions::expires_at.eq(expires_at.millis()),
        );
        let new = on_conn!(self.unit, conn => diesel::insert_into(client_assertions::table)
            .values(row)
            .on_conflict_do_nothing()
            .execute(conn)
            .await)?;
        Ok(new == 1)
    }

    fn client_changed(&mut self, client_id: &str) {
        let change = Change::Client(self.tenant_id, client_id.to_owned());
        self.unit.record(change);
    }
}

impl Unit {
    /// Removes assertions that expired before `now`, `limit` at most; answers how many.
    pub(in crate::storage) async fn sweep_assertions(
        &mut self,
        now: Timestamp,
        limit: i64,
    ) -> Result<usize, StorageError> {
        let expired = client_assertions::table
            .filter(client_assertions::expires_at.lt(now.millis()))
            .order(client_assertions::expires_at)
            .limit(limit)
            .select((
                client_assertions::tenant_id,
                client_assertions::client_id,
                client_assertions::jti_digest,
            ));
        let expired: Vec<(Key, String, Vec<u8>)> =
            on_conn!(self, conn => expired.load(conn).await)?;
        for (tenant, client, digest) in &expired {
            let row = client_assertions::table
                .filter(client_assertions::tenant_id.eq(*tenant))
                .filter(client_assertions::client_id.eq(client.clone()))
                .filter(client_assertions::jti_digest.eq(digest.clone()));
            on_conn!(self, conn => diesel::delete(row).execute(conn).await)?;
        }
        Ok(expired.len())
    }
}
