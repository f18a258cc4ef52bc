//! Authorization codes: each is good once (RFC 6749 §4.1.2).

use std::str::FromStr;

use diesel::{ExpressionMethods, Insertable, OptionalExtension, QueryDsl, Queryable, Selectable, SelectableHelper};
use diesel_async::RunQueryDsl;

use super::{StorageError, TenantStore, connection::on_conn, schema::authorization_codes};
use crate::domain::{AuthorizationCode, FamilyId, SessionId, TenantId, Timestamp, UserId};

#[derive(Queryable, Selectable, Insertable)]
#[diesel(table_name = authorization_codes)]
struct Row {
    tenant_id: String,
    digest: Vec<u8>,
    client_id: String,
    user_id: String,
    session_id: String,
    family_id: String,
    redirect_uri: String,
    redirect_uri_given: bool,
    scope: String,
    resource: String,
    code_challenge: String,
    nonce: Option<String>,
    created_at: i64,
    expires_at: i64,
    used_at: Option<i64>,
}

impl TryFrom<Row> for AuthorizationCode {
    type Error = StorageError;

    fn try_from(row: Row) -> Result<Self, StorageError> {
        Ok(Self {
            tenant_id: TenantId::from_str(&row.tenant_id).map_err(StorageError::corrupt)?,
            digest: row.digest,
            client_id: row.client_id,
            user_id: UserId::from_str(&row.user_id).map_err(StorageError::corrupt)?,
            session_id: SessionId::from_str(&row.session_id).map_err(StorageError::corrupt)?,
            family_id: FamilyId::from_str(&row.family_id).map_err(StorageError::corrupt)?,
            redirect_uri: row.redirect_uri,
            redirect_uri_given: row.redirect_uri_given,
            scope: row.scope.parse().map_err(StorageError::corrupt)?,
            resource: serde_json::from_str(&row.resource).map_err(StorageError::corrupt)?,
            code_challenge: row.code_challenge,
            nonce: row.nonce,
            created_at: Timestamp::from_millis(row.created_at),
            expires_at: Timestamp::from_millis(row.expires_at),
            used_at: row.used_at.map(Timestamp::from_millis),
        })
    }
}

/// How an attempt to use a code was met.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Redemption {
    /// It was unused and is used now.
    Fresh,
    /// It had been used.
    Replayed,
}

impl TenantStore<'_> {
    /// Adds a code.
    pub async fn insert_code(&mut self, code: &AuthorizationCode) -> Result<(), StorageError> {
        let row = Row {
            tenant_id: self.key(),
            digest: code.digest.clone(),
            client_id: code.client_id.clone(),
            user_id: code.user_id.to_string(),
            session_id: code.session_id.to_string(),
            family_id: code.family_id.to_string(),
            redirect_uri: code.redirect_uri.clone(),
            redirect_uri_given: code.redirect_uri_given,
            scope: code.scope.to_string(),
            resource: serde_json::to_string(&code.resource).map_err(StorageError::corrupt)?,
            code_challenge: code.code_challenge.clone(),
            nonce: code.nonce.clone(),
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
    pub async fn find_code(&mut self, digest: &[u8]) -> Result<Option<AuthorizationCode>, StorageError> {
        let query = authorization_codes::table
            .filter(authorization_codes::tenant_id.eq(self.key()))
            .filter(authorization_codes::digest.eq(digest.to_vec()));
        let row: Option<Row> =
            on_conn!(self.unit, conn => query.select(Row::as_select()).first(conn).await.optional())?;
        row.map(AuthorizationCode::try_from).transpose()
    }

    /// Uses a code up: of any number that try at once, one is told [`Redemption::Fresh`].
    pub async fn spend_code(&mut self, digest: &[u8], now: Timestamp) -> Result<Redemption, StorageError> {
        let target = authorization_codes::table
            .filter(authorization_codes::tenant_id.eq(self.key()))
            .filter(authorization_codes::digest.eq(digest.to_vec()))
            .filter(authorization_codes::used_at.is_null());
        let change = authorization_codes::used_at.eq(Some(now.millis()));
        let spent = on_conn!(self.unit, conn => diesel::update(target).set(change).execute(conn).await)?;
        Ok(if spent == 1 { Redemption::Fresh } else { Redemption::Replayed })
    }
}
