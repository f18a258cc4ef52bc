//! Authorization codes: each is good once (RFC 6749 §4.1.2).

use diesel::{
    ExpressionMethods, Insertable, OptionalExtension, QueryDsl, Queryable, Selectable,
    SelectableHelper,
};
use diesel_async::RunQueryDsl;

use crate::domain::{Authentication, AuthorizationCode, EventNumber, Timestamp};
use crate::storage::{
    Key, StorageError, TenantStore, Unit, engine::connection::on_conn, engine::repeated::Repeated,
};

diesel::table! {
    use diesel::sql_types::*;
    use crate::storage::engine::columns::Id16;

    authorization_codes (tenant_id, digest) {
        tenant_id -> Id16,
        digest -> Binary,
        client_id -> Text,
        user_id -> Id16,
        session_id -> Id16,
        family_id -> Id16,
        redirect_uri -> Text,
        redirect_uri_given -> Bool,
        scope -> Text,
        resource -> Text,
        code_challenge -> Text,
        nonce -> Nullable<Text>,
        born_seq -> BigInt,
        auth_time -> BigInt,
        amr -> Text,
        created_at -> BigInt,
        expires_at -> BigInt,
        used_at -> Nullable<BigInt>,
    }
}

#[derive(Queryable, Selectable, Insertable)]
#[diesel(table_name = authorization_codes)]
pub(in crate::storage) struct Row {
    tenant_id: Key,
    digest: Vec<u8>,
    client_id: String,
    user_id: Key,
    session_id: Key,
    family_id: Key,
    redirect_uri: String,
    redirect_uri_given: bool,
    scope: String,
    resource: String,
    code_challenge: String,
    nonce: Option<String>,
    born_seq: i64,
    auth_time: i64,
    amr: String,
    created_at: i64,
    expires_at: i64,
    used_at: Option<i64>,
}

impl TryFrom<Row> for AuthorizationCode {
    type Error = StorageError;

    fn try_from(row: Row) -> Result<Self, StorageError> {
        Ok(Self {
            tenant_id: row.tenant_id.into(),
            digest: row.digest,
            client_id: row.client_id,
            user_id: row.user_id.into(),
            session_id: row.session_id.into(),
            family_id: row.family_id.into(),
            redirect_uri: row.redirect_uri,
            redirect_uri_given: row.redirect_uri_given,
            scope: row.scope.parse().map_err(StorageError::broken)?,
            resource: serde_json::from_str(&row.resource).map_err(StorageError::broken)?,
            code_challenge: row.code_challenge,
            nonce: row.nonce,
            born_seq: EventNumber(row.born_seq),
            authentication: Authentication {
                at: Timestamp::from_millis(row.auth_time),
                amr: serde_json::from_str(&row.amr).map_err(StorageError::broken)?,
            },
            created_at: Timestamp::from_millis(row.created_at),
            expires_at: Timestamp::from_millis(row.expires_at),
            used_at: row.used_at.map(Timestamp::from_millis),
        })
    }
}

impl TenantStore<'_> {
    /// Adds a code.
    pub async fn insert_code(&mut self, code: &AuthorizationCode) -> Result<(), StorageError> {
        let row = Row {
            tenant_id: self.key(),
            digest: code.digest.clone(),
            client_id: code.client_id.clone(),
            user_id: code.user_id.into(),
            session_id: code.session_id.into(),
            family_id: code.family_id.into(),
            redirect_uri: code.redirect_uri.clone(),
            redirect_uri_given: code.redirect_uri_given,
            scope: code.scope.to_string(),
            resource: serde_json::to_string(&code.resource).map_err(StorageError::broken)?,
            code_challenge: code.code_challenge.clone(),
            nonce: code.nonce.clone(),
            born_seq: code.born_seq.0,
            auth_time: code.authentication.at.millis(),
            amr: serde_json::to_string(&code.authentication.amr).map_err(StorageError::broken)?,
            created_at: code.created_at.millis(),
            expires_at: code.expires_at.millis(),
            used_at: code.used_at.map(Timestamp::millis),
        };
        on_conn!(self.unit, conn => diesel::insert_into(authorization_codes::table)
            .values(&row)
            .execute(conn)
            .await)?;
        Ok(())
    }

    /// The code with this SHA-256.
    pub async fn find_code(
        &mut self,
        digest: &[u8],
    ) -> Result<Option<AuthorizationCode>, StorageError> {
        let query = authorization_codes::table
            .filter(authorization_codes::tenant_id.eq(self.key()))
            .filter(authorization_codes::digest.eq(digest.to_vec()));
        let row: Option<Row> = on_conn!(self.unit, conn => query.select(Row::as_select()).first(conn).await.optional())?;
        row.map(AuthorizationCode::try_from).transpose()
    }

    /// Uses a code up; of any number that try at once, one is told `true`.
    pub async fn spend_code(
        &mut self,
        digest: &[u8],
        now: Timestamp,
    ) -> Result<bool, StorageError> {
        let target = authorization_codes::table
            .filter(authorization_codes::tenant_id.eq(self.key()))
            .filter(authorization_codes::digest.eq(digest.to_vec()))
            .filter(authorization_codes::used_at.is_null());
        let change = authorization_codes::used_at.eq(Some(now.millis()));
        let spend = Repeated(diesel::update(target).set(change));
        let spent = on_conn!(self.unit, conn => spend.execute(conn).await)?;
        Ok(spent == 1)
    }
}

impl Unit {
    /// Removes codes that expired before `old`, `limit` at most; answers how many.
    pub(in crate::storage) async fn sweep_codes(
        &mut self,
        old: Timestamp,
        limit: i64,
    ) -> Result<usize, StorageError> {
        let expired = authorization_codes::table
            .filter(authorization_codes::expires_at.lt(old.millis()))
            .order(authorization_codes::expires_at)
            .limit(limit)
            .select((authorization_codes::tenant_id, authorization_codes::digest));
        let expired: Vec<(Key, Vec<u8>)> = on_conn!(self, conn => expired.load(conn).await)?;
        for (tenant, digest) in &expired {
            let row = authorization_codes::table
                .filter(authorization_codes::tenant_id.eq(*tenant))
                .filter(authorization_codes::digest.eq(digest.clone()));
            on_conn!(self, conn => diesel::delete(row).execute(conn).await)?;
        }
        Ok(expired.len())
    }
}
